"""What a bare machine lacks is installed, or named so that an administrator can install it by one line. The real apt is never called here."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import bare_environment

TOOLS = ["bash", "cat", "chmod", "cut", "dirname", "env", "grep", "head", "id", "mkdir", "readlink", "sed", "sort", "tail", "tr"]
LACKING = ("chromium", "gdal-bin", "hledger")


@pytest.fixture
def machine(clone: Callable[[str], Path], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run bin/system on a machine with a few tools only; `user` is the number it runs as, `apt` the script that plays apt-get."""
    folder, tools = clone("bare"), tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name))
    (tools / "python3").symlink_to(sys.executable)

    def run(*, user: int, apt: str) -> subprocess.CompletedProcess[str]:
        for name, body in {"id": f"echo {user}", "apt-get": apt.replace("TOOLS", str(tools)), "apt-cache": ":"}.items():
            (tools / name).unlink(missing_ok=True)
            (tools / name).write_text(f"#!{tools}/bash\n{body}\n")
            (tools / name).chmod(0o755)
        environment = bare_environment(PATH=str(tools), DATABASE_URL="postgresql://elsewhere")
        return subprocess.run([folder / "bin" / "system", "test"], capture_output=True, text=True, env=environment, check=False)

    return run


def test_without_rights_the_one_line_to_run_is_printed(machine):
    ran = machine(user=1000, apt="exit 7")
    assert ran.returncode == 1
    line = next(line for line in ran.stderr.splitlines() if "sudo" in line)
    assert line.strip().startswith("sudo apt-get update && sudo apt-get install -y --no-install-recommends ")
    assert set(LACKING) <= set(line.split())


def test_with_rights_what_is_missing_is_installed_after_the_lists_are_fresh(machine, tmp_path: Path):
    install = "for name in chromium ogrinfo hledger; do echo > TOOLS/$name; chmod +x TOOLS/$name; done"
    ran = machine(user=0, apt=f'echo "$DEBIAN_FRONTEND $*" >> {tmp_path}/said\n[ "$1" = update ] || {{ {install}; }}')
    assert ran.returncode == 0, ran.stderr
    first, second = (tmp_path / "said").read_text().splitlines()
    assert first == "noninteractive update"
    assert second.startswith("noninteractive install -y --no-install-recommends ")
    assert set(LACKING) <= set(second.split())


def test_a_second_look_finds_everything_and_is_silent(machine, tmp_path: Path):
    test_with_rights_what_is_missing_is_installed_after_the_lists_are_fresh(machine, tmp_path)
    ran = machine(user=0, apt="exit 7")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_without_network_one_sentence_says_so(machine):
    ran = machine(user=0, apt="echo 'Temporary failure resolving'; exit 100")
    assert ran.returncode == 1
    zh, en = ran.stderr.strip().splitlines()
    assert "连不上软件源" in zh
    assert "no package source is reachable" in en


def test_an_install_that_says_it_worked_and_did_not_is_not_believed(machine):
    assert machine(user=0, apt=":").returncode == 1
