"""A bare copy of what starts the project, in a folder of its own, so that a test may break it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Yield a function that lays a clone of the scripts in a named folder; their clusters are destroyed afterwards."""
    made = []

    def lay(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(ROOT / "bin", folder / "bin")
        made.append(folder)
        return folder

    yield lay
    for folder in made:
        cluster(folder, "destroy")


def cluster(folder: Path, verb: str) -> subprocess.CompletedProcess[str]:
    """Run `bin/cluster verb` of a clone, without any DATABASE_URL."""
    return subprocess.run([folder / "bin" / "cluster", verb], capture_output=True, text=True, env=bare_environment(), check=False)


def bare_environment(**more: str) -> dict[str, str]:
    """Return the environment without this project's settings."""
    from app.config import ROWS

    kept = {name: value for name, value in os.environ.items() if name not in {row.name for row in ROWS}}
    return kept | more


@pytest.fixture
def free_port() -> int:
    """Return a port on which nothing listens now."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]
