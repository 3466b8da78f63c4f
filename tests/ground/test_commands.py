"""The commands of the Makefile: all there, and careful with processes and data that are not theirs."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.cli.serve import born
from app.config import ROOT

from .conftest import bare_environment

Lay = Callable[[str], Path]


def run(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [folder / "bin" / script],
        cwd=folder,
        env=bare_environment(**environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_command_of_the_makefile_is_in_its_help():
    made = (ROOT / "Makefile").read_text()
    told = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = re.findall(r"^make (\w+)", told, re.MULTILINE)
    assert sorted(named) == sorted(re.search(r"^\.PHONY: (.*)$", made, re.MULTILINE)[1].split())
    assert {"run", "up", "down", "test", "lint", "bench", "soak", "clean", "lock", "help"} <= set(named)


def test_the_scripts_can_be_run():
    for script in [ROOT / ".ci" / "run", *(ROOT / "bin").iterdir()]:
        if script.suffix == "":
            assert os.access(script, os.X_OK), f"{script.name} cannot be run"
            subprocess.run(["bash", "-n", script], check=True)


@pytest.fixture
def sleeper() -> Iterator[Callable[[Path], subprocess.Popen[bytes]]]:
    """Yield a function that starts a process which only sleeps, in a folder."""
    made = []

    def start(folder: Path) -> subprocess.Popen[bytes]:
        made.append(subprocess.Popen(["sleep", "60"], cwd=folder))
        return made[-1]

    yield start
    for process in made:
        process.kill()
        process.wait()


def note(folder: Path, pid: int, since: str) -> Path:
    file = folder / ".local" / "run" / "web-1.pid"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{pid} {since}\n")
    return file


def test_down_ends_what_this_checkout_recorded(clone: Lay, sleeper):
    folder = clone("down")
    web = sleeper(folder)
    file = note(folder, web.pid, born(web.pid))
    ended = subprocess.Popen([folder / "bin" / "down"], cwd=folder, env=bare_environment())
    assert web.wait(timeout=10) == -15
    assert ended.wait(timeout=10) == 0
    assert not file.exists()


def test_down_spares_a_process_that_took_over_the_number(clone: Lay, sleeper):
    folder = clone("reused")
    stranger = sleeper(folder)
    note(folder, stranger.pid, "1")
    assert run(folder, "down").returncode == 0
    assert stranger.poll() is None


def test_down_in_a_copied_checkout_spares_the_service_of_the_first(clone: Lay, sleeper):
    first, copy = clone("first"), clone("copy")
    web = sleeper(first)
    note(copy, web.pid, born(web.pid))
    assert run(copy, "down").returncode == 0
    assert web.poll() is None


def test_clean_removes_nothing_without_a_yes(clone: Lay):
    folder = clone("kept")
    (folder / ".local").mkdir()
    ran = run(folder, "clean")
    assert ran.returncode == 1
    assert "没有删除任何东西" in ran.stderr
    assert (folder / ".local").is_dir()


def test_clean_removes_what_was_made_when_forced(clone: Lay):
    folder = clone("gone")
    for name in (".venv", "node_modules", ".local/log", "core/__pycache__"):
        (folder / name).mkdir(parents=True)
    assert run(folder, "clean", FORCE="1").returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["bin", "core"]
    assert list((folder / "core").iterdir()) == []
