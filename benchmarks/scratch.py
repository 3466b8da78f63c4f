"""A migrated database of a benchmark's own in the private cluster (or the server of DATABASE_URL), dropped afterwards."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from app.config import Settings

ROOT = Path(__file__).resolve().parents[1]
PREPARE = "from app.cli.serve import prepare, settings_or_stop; prepare(settings_or_stop())"


@contextmanager
def database() -> Iterator[str]:
    """Yield the address of a fresh migrated database."""
    server = Settings.from_env().database_url
    name = f"irm_bench_{os.getpid()}"
    _run(server, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    try:
        command.upgrade(config, "head")
        yield url
    finally:
        _run(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def kept_world(size: str) -> str:
    """Return the address of a database with the sample world `size`, laid at the first call and kept for the next run (one for each migration)."""
    server = Settings.from_env().database_url
    head = ScriptDirectory.from_config(Config(ROOT / "alembic.ini")).get_current_head()
    name = f"irm_kept_{size}_{head}"
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    if not _run(server, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
        _run(server, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'")
    environ = {**os.environ, "DATABASE_URL": url, "SAMPLE": size}
    subprocess.run([sys.executable, "-c", PREPARE], cwd=ROOT, env=environ, check=True, stdout=sys.stderr)
    return url


def rate(act: Callable[[int], object], *, count: int, rounds: int = 5) -> float:
    """Return the median over `rounds` of how often `act(n)` runs a second, `count` times a round."""
    found = []
    for turn in range(rounds):
        began = time.perf_counter()
        for n in range(count):
            act(turn * count + n)
        found.append(count / (time.perf_counter() - began))
    return median(found)


def line(name: str, ours: float, peer: float, unit: str = "/s") -> str:
    """Write one figure."""
    return f"{name}: ours {ours:,.0f}{unit}, peer {peer:,.0f}{unit}, ratio {ours / peer:.2f}"


def _run(url: str, sql: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as opened:
        found = opened.execute(sql)
        return found.fetchall() if found.description else []
