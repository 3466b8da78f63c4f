"""A long run under mixed load: pages, matches and bookings from eight clients. Looks for failures, memory that grows, and books that do not add up.

`SOAK_SECONDS` (600) says how long. Exit 1 when anything is wrong. Traffic goes to the loopback only.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.orm import Session

from app.sample import load
from benchmarks.scratch import ROOT, database
from core.clock import business_date
from core.db import make_engine
from tests.journeys.wandering import KEPT, wandered
from vouchers.ledger import violations

NEEDS = ("断口形貌", "电池循环寿命", "废水重金属", "SEM", "涂层厚度", "色牢度")
GROWTH = 1.15
"""Memory at the end over memory after a fifth of the run: above it, something is kept that should go."""


def main() -> int:
    """Serve a sample world of its own, load it, and judge."""
    seconds = float(os.environ.get("SOAK_SECONDS", "600"))
    with database() as url:
        engine = make_engine(url, role=None)
        with Session(engine, expire_on_commit=False) as session:
            load(session, "tiny", business_date(datetime.now(UTC)))
            session.commit()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environ = {**os.environ, "DATABASE_URL": url, "PORT": str(port), "WORKERS": "2"}
        server = subprocess.Popen([sys.executable, "-m", "app.cli.serve"], cwd=ROOT, env=environ, stdout=subprocess.DEVNULL)
        try:
            verdict = _soak(f"http://127.0.0.1:{port}", server.pid, _tokens(environ), seconds)
            verdict |= _wander(f"http://127.0.0.1:{port}")
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
        with Session(engine) as session:
            broken = violations(session)
        engine.dispose()
    print(f"books: {broken or 'sound'}")
    return 1 if verdict or broken else 0


def _wander(site: str) -> bool:
    """Move a browser's map about 500 times, print what it holds before and after, and say whether it kept too much."""
    before, after = wandered(site)
    print(
        f"browser: {before.heap / 1e6:.1f} MB, {before.nodes} elements → {after.heap / 1e6:.1f} MB, {after.nodes} elements after 500 moves of the map"
    )
    return after.heap > KEPT * before.heap


def _tokens(environ: dict[str, str]) -> list[str]:
    flask = [str(Path(sys.executable).with_name("flask")), "demo", "token", "enterprise", "--n", "8", "--json"]
    done = subprocess.run(flask, cwd=ROOT, env=environ, capture_output=True, text=True, check=True)
    return [one["token"] for one in json.loads(done.stdout)]


def _soak(site: str, pid: int, tokens: list[str], seconds: float) -> bool:
    """Load the service and return whether anything went wrong."""
    _await(site)
    seen: Counter[int] = Counter()
    began, stop = time.monotonic(), threading.Event()
    clients = [threading.Thread(target=_client, args=(site, token, seen, stop)) for token in tokens]
    for client in clients:
        client.start()
    time.sleep(seconds / 5)
    early = _memory(pid)
    time.sleep(seconds * 4 / 5)
    late = _memory(pid)
    stop.set()
    for client in clients:
        client.join(30)
    failed = sum(count for status, count in seen.items() if status >= 500 or status == 0)
    print(f"requests: {sum(seen.values())} in {time.monotonic() - began:.0f} s, by status {dict(sorted(seen.items()))}, failed {failed}")
    print(f"memory of all processes: early {early:.0f} MB, late {late:.0f} MB, ratio {late / early:.2f} (limit {GROWTH})")
    return bool(failed) or late / early > GROWTH


def _client(site: str, token: str, seen: Counter[int], stop: threading.Event) -> None:
    dice = random.Random(token)
    headers = {"Authorization": f"Bearer {token}"}
    while not stop.is_set():
        need = quote(dice.choice(NEEDS))
        path = dice.choice(("/", f"/?need={need}", f"/api/v1/match?need={need}&lon=120.5&lat=29.5", "/api/v1/vouchers", "/api/v1/carriers?limit=50"))
        seen[_status(site + path, headers)] += 1


def _status(url: str, headers: dict[str, str]) -> int:
    """Return the status of an answer, 0 for none."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=30) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as no:
        return no.code
    except OSError:
        return 0


def _await(site: str) -> None:
    for _ in range(120):
        if _status(f"{site}/readyz", {}) == 200:
            return
        time.sleep(0.5)
    raise SystemExit("the service did not get ready")


def _memory(pid: int) -> float:
    """Return the proportional memory of a process and its children in megabytes."""
    pids = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    found = [line for one in pids for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines() if line.startswith("Pss:")]
    return sum(int(line.split()[1]) for line in found) / 1024


if __name__ == "__main__":
    sys.exit(main())
