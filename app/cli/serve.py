"""`flask serve`: one process that checks, migrates, lays the sample world where there is none, and serves. Every start pays imports once.

Run as `python -m app.cli.serve` it starts before anything of Flask is imported. The server forks its workers after the heavy imports,
so they share that memory. The routes it waits for (/readyz) are made elsewhere; the private cluster is started by bin/cluster.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psycopg

from app.cli import Stop
from app.config import LOCAL, ROOT, Settings
from core.errors import MapError

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.orm import Session

PRELOAD = ("app.wiring", "folium")
"""Imported before the fork: slow to load, needed by every worker."""

THREADS = 12
"""Threads of a worker that run requests, at most one database connection each: 2 workers stay well below the cluster's 60."""

TROUBLE = {
    "53100": ("数据库所在的磁盘满了。请腾出空间再来一次。", "The disk of the database is full. Free some space, then try again."),
    "42501": ("数据库用户的权限不够。请用库的所有者登录。", "The database user lacks rights. Log in as the owner of the database."),
    "0A000": ("数据库里没有 PostGIS。请在数据库服务器上安装它。", "The database has no PostGIS. Install it on the database server."),
    "58P01": ("数据库里没有 PostGIS。请在数据库服务器上安装它。", "The database has no PostGIS. Install it on the database server."),
}
"""SQLSTATE of a start-up failure → what to tell the person who starts the service."""


@click.command("serve")
@click.option("--background", is_flag=True, help="后台运行，就绪后返回 / in the background; return when ready")
def command(*, background: bool) -> None:
    """检查、升级、装入示例数据并提供服务 / check, migrate, lay the sample world, serve."""
    settings = settings_or_stop()
    os.chdir(ROOT)
    (start_behind if background else start)(settings)


def settings_or_stop() -> Settings:
    """Return the settings; one that cannot be used ends the command with its sentence."""
    try:
        return Settings.from_env()
    except MapError as error:
        raise Stop(str(error), "A setting cannot be used; see docs/operations.md.") from error
    except OSError as error:
        raise stop_for_os(error) from error


def start(settings: Settings) -> None:
    """Prepare the database and serve in the foreground until a signal ends it."""
    claim_port(settings)
    os.environ["DATABASE_URL"] = settings.database_url
    with recorded(settings):
        if prepare(settings):
            # whatever migrations and the sample world imported would stay in every forked worker: begin anew with a lean process
            os.execv(sys.executable, [sys.executable, "-m", "app.cli.serve"])  # noqa: S606 (ourselves)
        click.echo(greeting(settings))
        with working(settings):
            serve(settings)


def claim_port(settings: Settings) -> None:
    """Raise `Stop` when the port cannot be listened on. The server itself would share a taken port without a word (SO_REUSEPORT)."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise stop_for_port(settings, error) from error


def stop_for_port(settings: Settings, error: OSError) -> Stop:
    """Return the sentence for a port that cannot be bound."""
    port, other = settings.port, settings.port + 1 if settings.port < 65535 else 8000
    if error.errno == errno.EADDRINUSE:
        return Stop(
            f"端口 {port} 已被占用。请先关掉占用它的程序（本服务用 make down），或换一个端口：PORT={other} make run。",
            f"Port {port} is in use. Stop what uses it (make down, if it is this service), or take another: PORT={other} make run.",
        )
    return Stop(
        f"不能在 {settings.host}:{port} 上监听（{error.strerror}）。请检查 HOST 和 PORT。",
        f"Cannot listen on {settings.host}:{port} ({error.strerror}). Check HOST and PORT.",
    )


def stop_for_os(error: OSError) -> Stop:
    """Return the sentence for a file that cannot be written."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return Stop("磁盘满了。请腾出空间再来一次。", "The disk is full. Free some space, then try again.")
    return Stop(f"文件不能读写：{error.filename}（{error.strerror}）。", f"A file cannot be used: {error.filename} ({error.strerror}).")


def stop_for_database(error: DBAPIError) -> Stop | None:
    """Return the sentence for a database failure at start, or None for what is no trouble of the machine but a mistake of ours."""
    known = TROUBLE.get(getattr(error.orig, "sqlstate", None) or "")
    if known:
        return Stop(*known)
    if not isinstance(error.orig, psycopg.OperationalError):
        return None
    reason = str(error.orig).strip().partition("\n")[0]
    return Stop(
        f"数据库不可用（{reason}）。请检查 DATABASE_URL；没有设置时请运行 bin/cluster start。",
        f"The database cannot be used ({reason}). Check DATABASE_URL; where it is not set, run bin/cluster start.",
    )


def prepare(settings: Settings) -> bool:
    """Migrate and lay the sample world where needed, one process at a time; return whether anything was done."""
    from sqlalchemy.exc import DBAPIError

    from core.db import make_engine

    engine = make_engine(settings.database_url, role=None)
    try:
        with locked(engine):
            migrated = migrate_if_behind(engine)
            return lay_world_if_none(engine, settings) or migrated
    except MapError as error:
        raise Stop(f"示例数据没有装入：{error}", "The sample world could not be laid.") from error
    except DBAPIError as error:
        told = stop_for_database(error)
        if told is None:
            raise
        raise told from error
    except OSError as error:
        raise stop_for_os(error) from error
    finally:
        engine.dispose()


@contextmanager
def locked(engine: Engine) -> Iterator[None]:
    """Hold the advisory lock of structure and sample world, so that two starts at once do the work once."""
    from sqlalchemy import text

    from app.cli.database import LOCK

    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": LOCK})
        yield


def migrate_if_behind(engine: Engine) -> bool:
    """Bring the structure to the newest migration; Alembic is imported only when the version differs."""
    from sqlalchemy.orm import Session

    from app.cli.database import upgrade
    from app.health import at_head

    with Session(engine) as session:
        if at_head(session):
            return False
    click.echo("正在升级数据库结构 / upgrading the structure of the database")
    upgrade()
    return True


def lay_world_if_none(engine: Engine, settings: Settings) -> bool:
    """Load the sample world when there is no organisation yet, or go on with one that was broken off."""
    from sqlalchemy.orm import Session

    from app.laying import is_wanted

    with Session(engine) as session:
        if settings.sample == "none" or not is_wanted(session):
            return False
        click.echo(f"正在装入示例数据（{settings.sample}） / loading the sample world ({settings.sample})")
        load_world(session, settings)
        session.commit()
    return True


def load_world(session: Session, settings: Settings) -> None:
    """Lay the sample world of the size and date set (default: today's business date) with its demo log-ins, step by step.

    One that was begun is finished as it was begun, whatever is set now.
    """
    from datetime import UTC, datetime

    from app.laying import lay, unfinished
    from core.clock import business_date

    begun = unfinished(session)
    if begun is not None:
        click.echo(f"上次没有装完（{begun.size}，{begun.day}），接着装 / going on where the last start broke off ({begun.size}, {begun.day})")
    lay(session, settings.sample, settings.sample_date or business_date(datetime.now(UTC)), tell=click.echo)


def greeting(settings: Settings) -> str:
    """Return what a person needs to begin: the address and, in the sample world, the demo log-ins."""
    from sqlalchemy.orm import Session

    from app.demo import DEMO_PASSWORD, demo_people
    from core.db import make_engine

    engine = make_engine(settings.database_url)
    with Session(engine) as session:
        logins = [] if settings.sample == "none" else [person.login for person in demo_people(session)]
    engine.dispose()
    lines = [f"创新资源地图 / innovation resource map: {address(settings)}"]
    if logins:
        lines += [f"示例账号 / demo log-ins: {' '.join(logins)}", f"口令 / password: {DEMO_PASSWORD}"]
    return "\n".join(lines)


def address(settings: Settings) -> str:
    """Return the address to open in a browser; every interface is reached by the loopback."""
    host = near_host(settings)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}/"


def near_host(settings: Settings) -> str:
    """Return the host by which this machine reaches the service."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 (read, not bound)


def read_lexicon() -> None:
    """Build what needs are read by before workers fork: they share its memory, and nobody's first search waits for it."""
    from matching.types import resolve

    resolve("断口形貌")
    resolve("从未有人问过的事")
    gc.freeze()


def serve(settings: Settings) -> None:
    """Run the web server until SIGINT or SIGTERM; requests under way are finished, for at most 15 seconds."""
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    for name in PRELOAD:
        import_module(name)
    read_lexicon()
    os.register_at_fork(after_in_child=end_with_parent)
    Server(
        "app:create_app",
        factory=True,
        interface=Interfaces.WSGI,
        address=settings.host,
        port=settings.port,
        workers=settings.workers,
        blocking_threads=THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=15,
        log_level=LogLevels.debug if settings.log_level == "debug" else LogLevels.error,
    ).serve()


@contextmanager
def working(settings: Settings) -> Iterator[None]:
    """Run the worker (what time brings) in a process of its own while the server serves; it ends with this process in any case."""
    from multiprocessing import get_context

    worker = get_context("fork").Process(target=work, args=(settings.database_url,), name="worker", daemon=True)
    worker.start()
    try:
        yield
    finally:
        worker.terminate()
        worker.join(5)


def work(url: str) -> None:
    """Be the worker: end with the parent, hold at most six connections: three of the queue, one for each job and one to look."""
    from app.worker import run
    from core.db import make_engine

    end_with_parent()
    run(make_engine(url, pool_size=3, max_overflow=0))


def end_with_parent() -> None:
    """Ask the kernel to end this worker when its parent dies, even by SIGKILL: an orphan would hold the port (prctl(2), PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def pid_file(settings: Settings) -> Path:
    """Return where the process that serves on this port is recorded for bin/down."""
    return LOCAL / "run" / f"web-{settings.port}.pid"


@contextmanager
def recorded(settings: Settings) -> Iterator[None]:
    """Keep this process's id and start time in its pid file; the start time tells a reused number from ours."""
    file = pid_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{os.getpid()} {born(os.getpid())}\n")
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def born(pid: int) -> str:
    """Return when process `pid` started, in clock ticks since boot (field 22 of proc(5) stat); "" when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()[19]
    except OSError:
        return ""


def is_ours(settings: Settings) -> bool:
    """Tell whether a process recorded by this checkout serves on the port."""
    try:
        pid, since = pid_file(settings).read_text().split()
    except (OSError, ValueError):
        return False
    return born(int(pid)) == since


def is_ready(settings: Settings) -> bool:
    """Tell whether /readyz answers 200."""
    asked = http.client.HTTPConnection(near_host(settings), settings.port, timeout=5)
    try:
        asked.request("GET", "/readyz")
        return asked.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def start_behind(settings: Settings) -> None:
    """Start the service detached, wait until it is ready and print the address; `Stop` with its own words when it ends before."""
    if is_ours(settings) and is_ready(settings):
        click.echo(greeting(settings))
        return
    claim_port(settings)
    log = LOCAL / "log" / f"web-{settings.port}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "app.cli.serve"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        wait_until_ready(settings, child, log)
    except BaseException:
        child.terminate()
        raise
    click.echo(greeting(settings))


def wait_until_ready(settings: Settings, child: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the service is ready and pass on how far the sample world is; raise `Stop` with the end of its log when it ends before."""
    told = 0
    while not is_ready(settings):
        lines = [line for line in log.read_text(errors="replace").splitlines() if line.startswith("[") and " %] " in line]
        for line in lines[told:]:
            click.echo(line)
        told = len(lines)
        if child.poll() is not None:
            last = log.read_text(errors="replace").strip().splitlines()[-2:]
            raise Stop("\n".join(last), f"The service did not start; see {log.relative_to(ROOT)}.")
        time.sleep(0.2)


if __name__ == "__main__":
    command()
