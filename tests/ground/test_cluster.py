"""The private database: one for each checkout, started and repaired without help."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from .conftest import bare_environment, cluster

Lay = Callable[[str], Path]
AS_OWNER = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] if os.getuid() == 0 else []


def started(folder: Path) -> psycopg.Connection:
    ran = cluster(folder, "start")
    assert ran.returncode == 0, ran.stderr
    return psycopg.connect(address(folder), autocommit=True)


def address(folder: Path) -> str:
    return cluster(folder, "url").stdout.strip().replace("+psycopg", "", 1)


def data_of(folder: Path) -> Path:
    with psycopg.connect(address(folder)) as opened:
        return Path(opened.execute("SHOW data_directory").fetchone()[0])


def test_two_clones_at_once_never_share_a_database(clone: Lay):
    one, two = clone("one"), clone("two")
    with started(one) as first, started(two) as second:
        first.execute("CREATE TABLE only_here ()")
        assert second.execute("SELECT to_regclass('only_here')").fetchone() == (None,)
        assert first.execute("SHOW unix_socket_directories").fetchone() != second.execute("SHOW unix_socket_directories").fetchone()
    assert cluster(one, "stop").returncode == 0
    assert cluster(two, "status").stdout.strip() == "running"


def test_the_private_database_keeps_what_it_acknowledged_and_opens_no_port(clone: Lay):
    with started(clone("safe")) as opened:
        asked = ("fsync", "synchronous_commit", "listen_addresses", "server_encoding", "jit", "unix_socket_permissions")
        assert [opened.execute(f"SHOW {name}").fetchone()[0] for name in asked] == ["on", "on", "", "UTF8", "off", "0700"]
        run = Path(opened.execute("SHOW unix_socket_directories").fetchone()[0])
    assert stat.S_IMODE(run.stat().st_mode) == 0o700


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder that the database's user can reach, unlike pytest's own."""
    found = Path(tempfile.mkdtemp())
    found.chmod(0o755)
    yield found
    shutil.rmtree(found)


@pytest.mark.parametrize("name", ["d" * 120, "my map 地图"])
def test_a_checkout_with_a_long_or_odd_path_gets_a_socket_that_fits(open_folder: Path, name: str):
    folder = open_folder / name
    folder.mkdir(mode=0o755)
    shutil.copytree(Path(__file__).resolve().parents[2] / "bin", folder / "bin")
    try:
        with started(folder) as opened:
            run = opened.execute("SHOW unix_socket_directories").fetchone()[0]
        assert len(f"{run}/.s.PGSQL.5432".encode()) < 107
        assert data_of(folder).is_relative_to(folder)
    finally:
        cluster(folder, "destroy")
    assert not Path(run).exists()


def test_a_number_of_a_process_that_is_not_ours_does_not_keep_the_database_from_starting(clone: Lay):
    folder = clone("reused")
    started(folder).close()
    data = data_of(folder)
    kept = (data / "postmaster.pid").read_text()
    assert cluster(folder, "stop").returncode == 0
    stranger = subprocess.Popen([*AS_OWNER, "sleep", "60"])
    try:
        (data / "postmaster.pid").write_text("\n".join([str(stranger.pid), *kept.splitlines()[1:]]) + "\n")
        assert cluster(folder, "status").stdout.strip() == "stopped"
        started(folder).close()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_killed_database_starts_again_with_what_was_committed(clone: Lay):
    folder = clone("killed")
    with started(folder) as opened:
        opened.execute("CREATE TABLE paid AS SELECT 1 AS fen")
    os.kill(int((data_of(folder) / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    for _attempt in range(50):
        if cluster(folder, "start").returncode == 0:
            break
    with started(folder) as opened:
        assert opened.execute("SELECT fen FROM paid").fetchone() == (1,)


def test_a_half_made_database_is_made_anew(clone: Lay):
    folder = clone("half")
    started(folder).close()
    data = data_of(folder)
    cluster(folder, "stop")
    half = data.with_name("pg.new")
    shutil.copytree(data / "base", half / "base")
    shutil.rmtree(data)
    with started(folder) as opened:
        assert opened.execute("SELECT current_database()").fetchone() == ("irm",)
    assert not half.exists()


def test_what_is_no_complete_database_is_named_and_left_alone(clone: Lay):
    folder = clone("broken")
    started(folder).close()
    data = data_of(folder)
    cluster(folder, "stop")
    (data / "PG_VERSION").unlink()
    ran = cluster(folder, "start")
    assert ran.returncode == 1
    assert "bin/cluster destroy" in ran.stderr
    assert (data / "base").is_dir()


def test_data_of_a_missing_version_of_postgresql_are_not_touched(clone: Lay):
    folder = clone("newer")
    started(folder).close()
    data = data_of(folder)
    cluster(folder, "stop")
    (data / "PG_VERSION").write_text("99\n")
    ran = cluster(folder, "start")
    assert ran.returncode == 1
    assert "PostgreSQL" in ran.stderr
    assert (data / "PG_VERSION").read_text() == "99\n"


def test_a_new_checkout_at_an_old_path_does_not_inherit_its_database(clone: Lay, tmp_path: Path):
    folder = clone("again")
    with started(folder) as opened:
        opened.execute("CREATE TABLE of_the_old_one ()")
    cluster(folder, "stop")
    shutil.rmtree(folder)
    with started(clone("again")) as opened:
        assert opened.execute("SELECT to_regclass('of_the_old_one')").fetchone() == (None,)


def test_a_full_disk_is_said_in_one_sentence(clone: Lay, tmp_path: Path):
    folder, tools = clone("full"), tmp_path / "tools"
    tools.mkdir()
    (tools / "df").write_text("#!/bin/sh\nprintf 'head\\n/dev/x 9 9 1024 99%% /\\n'\n")
    (tools / "df").chmod(0o755)
    environment = bare_environment(PATH=f"{tools}:{os.environ['PATH']}")
    ran = subprocess.run([folder / "bin" / "cluster", "start"], capture_output=True, text=True, env=environment, check=False)
    assert ran.returncode == 1
    assert "磁盘满了" in ran.stderr
    assert "The disk is full" in ran.stderr
