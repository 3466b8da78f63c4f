"""Servers side by side: ours and its peers, each in a Python environment of its own, all on the loopback and on the same database.

A server is started anew for each round, so that nothing it keeps in memory helps it; its two workers are warmed with one request each
that belongs to no round.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import make_url

from benchmarks.scratch import ROOT

LOCAL = ROOT / ".local" / "peers"
PINS = Path(__file__).with_name("peers")
WORKERS = 2


ALONE = "from app.cli.serve import prepare, serve, settings_or_stop; found = settings_or_stop(); prepare(found); serve(found)"
"""Brings the structure up to date and serves, nothing else."""


@contextmanager
def ours(url: str, *, alone: bool = False) -> Iterator[str]:
    """Yield the address of our own server on the database `url`; `alone`: without the worker of what time brings, which a large world keeps busy.

    A world that was laid at once has millions of records to seal, for hours; a service that grew has none waiting.
    """
    port = free_port()
    environ = {"DATABASE_URL": url, "PORT": str(port), "WORKERS": str(WORKERS), "SAMPLE": "none", "LOG_LEVEL": "warning"}
    words = ["-c", ALONE] if alone else ["-m", "app.cli.serve"]
    with running([sys.executable, *words], environ, f"http://127.0.0.1:{port}", "/readyz") as base:
        yield base


@contextmanager
def tipg(url: str) -> Iterator[str]:
    """Yield the address of tipg on the schema `peers` of the database `url`."""
    python, port, where = environment("tipg"), free_port(), make_url(url)
    host = quote(str(where.query.get("host") or where.host), safe="")
    environ = {
        "DATABASE_URL": f"postgresql://{where.username}@{host}:{where.query.get('port') or where.port or 5432}/{where.database}",
        "TIPG_DB_SCHEMAS": '["peers"]',
        "TIPG_MAX_FEATURES_PER_QUERY": "1000000",
        "TIPG_MAX_FEATURES_PER_TILE": "1000000",
        "TIPG_TILE_BUFFER": "64",
    }
    words = [str(python), "-m", "uvicorn", "tipg.main:app", "--port", str(port), "--workers", str(WORKERS), "--log-level", "error"]
    with running(words, environ, f"http://127.0.0.1:{port}", "/healthz") as base:
        yield base


@contextmanager
def pygeoapi(url: str) -> Iterator[str]:
    """Yield the address of pygeoapi on the table `peers.instruments` of the database `url`."""
    python, port, where = environment("pygeoapi"), free_port(), make_url(url)
    config, document = LOCAL / "pygeoapi.yml", LOCAL / "pygeoapi-openapi.yml"
    text = (PINS / "pygeoapi.yml").read_text()
    host = str(where.query.get("host") or where.host)
    config.write_text(
        text.replace("@PORT", str(port)).replace("@HOST", host).replace("@DB", str(where.database)).replace("@USER", str(where.username))
    )
    environ = {"PYGEOAPI_CONFIG": str(config), "PYGEOAPI_OPENAPI": str(document)}
    made = [str(python.with_name("pygeoapi")), "openapi", "generate", str(config), "--output-file", str(document)]
    subprocess.run(made, env={**os.environ, **environ}, check=True, capture_output=True)
    words = [str(python.with_name("gunicorn")), "-w", str(WORKERS), "--threads", "4", "-b", f"127.0.0.1:{port}", "pygeoapi.flask_app:APP"]
    with running(words, environ, f"http://127.0.0.1:{port}", "/conformance?f=json") as base:
        yield base


def environment(name: str) -> Path:
    """Return the Python of the peer `name`, installed from its pins when it is not there."""
    home, pins = LOCAL / name, PINS / f"{name}.txt"
    stamp = home / "stamp"
    if not stamp.exists() or stamp.read_text() != pins.read_text():
        shutil.rmtree(home, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run([str(home / "bin" / "python"), "-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", str(pins)], check=True)
        stamp.write_text(pins.read_text())
    return home / "bin" / "python"


@contextmanager
def running(words: Sequence[str], environ: Mapping[str, str], base: str, ready: str) -> Iterator[str]:
    """Run a server until the block ends; yield its address once `ready` answers 200."""
    LOCAL.mkdir(parents=True, exist_ok=True)
    with (LOCAL / "server.log").open("w") as log:
        server = subprocess.Popen(words, cwd=ROOT, env={**os.environ, **environ}, stdout=log, stderr=log, start_new_session=True)
        try:
            for _ in range(8):
                await_answer(base + ready, server)
            yield base
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(30)


def await_answer(url: str, server: subprocess.Popen[bytes]) -> None:
    """Return when `url` answers 200; raise RuntimeError when the server ends or a minute passes."""
    for _ in range(240):
        try:
            if urllib.request.urlopen(url, timeout=5).status == 200:
                return
        except OSError:
            time.sleep(0.25)
        if server.poll() is not None:
            break
    raise RuntimeError(f"{url} did not answer; see {LOCAL / 'server.log'}")


def free_port() -> int:
    """Return a free port of the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
