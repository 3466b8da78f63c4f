"""A migrated database of a benchmark's own in the private cluster (or the server of DATABASE_URL), dropped afterwards."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import make_url

from app.config import Settings

ROOT = Path(__file__).resolve().parents[1]


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


def _run(url: str, sql: str) -> None:
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as opened:
        opened.execute(sql)
