"""Starting: what stands in the way is said in one sentence in both languages, and nothing is left half done."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psycopg
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from app.cli.serve import address, born, claim_port, is_ours, near_host, pid_file, recorded, stop_for_database, stop_for_os
from app.config import ROOT, Settings

from .conftest import bare_environment

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"


def settings(**more: str) -> Settings:
    return Settings.from_env({"SECRET_KEY": "s" * 32, "DATABASE_URL": NOWHERE} | more)


def attempt(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = bare_environment(**{"DATABASE_URL": NOWHERE, **environment})
    return subprocess.run(
        [sys.executable, "-m", "app.cli.serve", *options], cwd=ROOT, env=given, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture
def taken_port() -> object:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("options", [[], ["--background"]])
def test_a_taken_port_is_said_with_a_way_out(taken_port: int, options: list[str]):
    ran = attempt(*options, PORT=str(taken_port))
    assert ran.returncode == 1
    assert ran.stderr.splitlines() == [
        f"端口 {taken_port} 已被占用。请先关掉占用它的程序（本服务用 make down），或换一个端口：PORT={taken_port + 1} make run。",
        f"Port {taken_port} is in use. Stop what uses it (make down, if it is this service), or take another: PORT={taken_port + 1} make run.",
    ]


def test_a_port_that_another_server_shares_is_taken_all_the_same():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(Exception, match="已被占用"):
            claim_port(settings(PORT=str(other.getsockname()[1])))


def test_a_database_that_does_not_answer_is_said_without_a_traceback(free_port: int):
    ran = attempt(PORT=str(free_port))
    assert ran.returncode == 1
    assert "数据库不可用" in ran.stderr
    assert "The database cannot be used" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not pid_file(settings(PORT=str(free_port))).exists()


def test_a_start_in_the_background_tells_why_it_failed(free_port: int):
    ran = attempt("--background", PORT=str(free_port))
    assert ran.returncode == 1
    assert "数据库不可用" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_setting_that_cannot_be_used_ends_the_start():
    ran = attempt(PORT="http")
    assert ran.returncode == 1
    assert "PORT" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (psycopg.errors.DiskFull(), "磁盘满了"),
        (psycopg.errors.InsufficientPrivilege(), "权限不够"),
        (psycopg.errors.FeatureNotSupported(), "PostGIS"),
        (psycopg.OperationalError("connection refused\nmore"), "connection refused）"),
    ],
)
def test_what_the_database_refuses_at_start_is_told_in_words(cause: Exception, words: str):
    assert words in stop_for_database(OperationalError("SELECT 1", {}, cause)).message


def test_a_mistake_of_ours_is_not_passed_off_as_trouble_of_the_database():
    assert stop_for_database(ProgrammingError("SELECT 1", {}, psycopg.errors.UndefinedTable("no table"))) is None


def test_a_full_disk_is_told_in_words():
    assert "磁盘满了" in stop_for_os(OSError(28, "No space left on device", "secret")).message


def test_a_process_number_that_now_belongs_to_another_is_not_taken_for_ours(free_port: int):
    mine = settings(PORT=str(free_port))
    with recorded(mine):
        assert is_ours(mine)
        pid_file(mine).write_text(f"{os.getpid()} 1\n")
        assert not is_ours(mine)
    assert not is_ours(mine)
    assert born(2**22 + 1) == ""


def test_the_address_can_be_opened_whatever_is_listened_on():
    assert near_host(settings(HOST="0.0.0.0")) == "127.0.0.1"  # noqa: S104 (read, not bound)
    assert address(settings(HOST="::", PORT="9")) == "http://[::1]:9/"


def test_the_start_imports_nothing_heavy_before_it_knows_that_it_may():
    code = "import sys, app.cli.serve; print([n for n in ('flask', 'sqlalchemy', 'folium', 'geopandas', 'alembic') if n in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
