"""Kills under load: 50 HTTP clients ask for vouchers of one budget while PostgreSQL and the web workers are killed in turn, without a warning.

What was acknowledged must be there once; what got no answer, or whose answer was thrown away unread, is asked again and must be there once too.
No answer is a 500. The budget adds up to the fen and every rule of the books holds. `KILLS` (12) says how often; with `CLOCK` (e.g. "+1d") the
web runs under libfaketime. Exit 1 when anything is wrong. Traffic goes to the loopback only, the database is the run's own.
"""

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.accounts import add_membership, add_user, issue_token
from benchmarks.scratch import ROOT
from core.db import make_engine
from tests.vouchers import model
from tests.vouchers.test_crash import Cluster, alive, new_cluster
from vouchers.ledger import violations

CLIENTS, HOLDERS, AMOUNT, BUDGET = 50, 10, 7, 10**9
POLICY = "yuhuan-2023"


@dataclass
class Told:
    """What the clients know: answers by key, keys that got none, statuses seen."""

    answers: dict[str, int] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)


def main() -> int:
    """Kill, look, judge."""
    kills = int(os.environ.get("KILLS", "12"))
    with new_cluster() as cluster:
        tokens = _world(cluster.url)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        web = subprocess.Popen([sys.executable, "-m", "app.cli.serve"], cwd=ROOT, env=_environ(cluster.url, port), stdout=subprocess.DEVNULL)
        try:
            told, gone = _storm(cluster, web.pid, (port, tokens), kills)
            again = _retry(port, told)
        finally:
            web.send_signal(signal.SIGTERM)
            web.wait(60)
        wrong = [*again, *_judge(cluster.url, told)]
    print(f"{gone}; {len(told.answers)} acknowledged, {len(told.open)} without an answer, by status {dict(sorted(told.statuses.items()))}")
    print("\n".join(wrong) or "nothing acknowledged was lost, every retry counted once, the books are sound")
    return 1 if wrong else 0


def _environ(url: str, port: int) -> dict[str, str]:
    found = {**os.environ, "DATABASE_URL": url, "PORT": str(port), "WORKERS": "2", "SAMPLE": "none"}
    if shift := os.environ.get("CLOCK"):
        library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
        if library is None:
            raise SystemExit("libfaketime is not installed: apt-get install faketime")
        found |= {"LD_PRELOAD": str(library), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return found


def _world(url: str) -> list[str]:
    """Migrate, and make holders with a person each under a policy without caps and one budget; return their tokens."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = url
    command.upgrade(config, "head")
    engine = make_engine(url, role=None)
    with Session(engine, expire_on_commit=False) as session:
        model.fund(session, model.version(session, POLICY, caps={}), BUDGET)
        tokens = []
        for _ in range(HOLDERS):
            holder = model.organisation(session)
            user = add_user(session, f"kills-{holder.id}", name="示例", password=None, is_sample=True)
            seat = add_membership(session, user, organisation_id=holder.id, role="enterprise")
            tokens.append(issue_token(session, seat, life=timedelta(days=30)))
        session.commit()
    engine.dispose()
    return tokens


def _storm(cluster: Cluster, web: int, where: tuple[int, list[str]], kills: int) -> tuple[Told, str]:
    """Let the clients ask while database and web workers are killed in turn; return what they were told."""
    port, tokens = where
    _await(port)
    told, stop = Told(), threading.Event()
    clients = [threading.Thread(target=_client, args=(port, tokens[n % HOLDERS], f"{n}", told, stop)) for n in range(CLIENTS)]
    for one in clients:
        one.start()
    done: Counter[str] = Counter()
    for turn in range(kills):
        time.sleep(3)
        if turn % 2:
            cluster.kill()
            cluster.start()
            done["PostgreSQL"] += 1
        else:
            victims = [int(pid) for pid in Path(f"/proc/{web}/task/{web}/children").read_text().split() if alive(int(pid))]
            os.kill(random.choice(victims), signal.SIGKILL)
            done["a web process"] += 1
        _await(port)
    time.sleep(2)
    stop.set()
    for one in clients:
        one.join(60)
    return told, ", ".join(f"{name} killed {count} times" for name, count in sorted(done.items()))


def _client(port: int, token: str, name: str, told: Told, stop: threading.Event) -> None:
    """Ask without pause, each key until it is answered, as a client does that lost its answer; every twentieth answer is cut off unread."""
    count = 0
    while not stop.is_set():
        count += 1
        whole = f"{token} {name}-{count}"
        told.open.add(whole)
        while whole in told.open and not stop.is_set():
            status, made = _ask(port, token, f"{name}-{count}", cut=count % 20 == 0)
            told.statuses[status] += 1
            if made is not None:
                told.answers[whole] = made
                told.open.discard(whole)
            elif count % 20 == 0:
                break
            else:
                time.sleep(0.2)


def _ask(port: int, token: str, key: str, *, cut: bool = False) -> tuple[int, int | None]:
    """Apply for `AMOUNT` fen; return the status and the id, or 0 and None when there was no answer (or it was not waited for)."""
    body = json.dumps({"policy": POLICY, "amount": AMOUNT, "purpose": "示例"})
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key, "Content-Type": "application/json"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/api/v1/applications", body.encode(), headers)
        if cut:
            time.sleep(random.random() / 5)
            return 0, None
        answer = connection.getresponse()
        told = json.loads(answer.read() or b"{}")
        return answer.status, told["id"] if answer.status == 201 else None
    except (OSError, http.client.HTTPException, ValueError):
        return 0, None
    finally:
        connection.close()


def _retry(port: int, told: Told) -> list[str]:
    """Ask everything again that got no answer, twice, and a part of what did; return what is wrong."""
    _await(port)
    wrong = []
    for whole in sorted(told.open) + random.sample(sorted(told.answers), min(50, len(told.answers))):
        token, key = whole.split(" ")
        found = {_ask(port, token, key) for _ in range(2)}
        if (
            len(found) != 1
            or {status for status, _ in found} != {201}
            or told.answers.get(whole, *[made for _, made in found]) not in {m for _, m in found}
        ):
            wrong.append(f"the retry of {key} was answered {found}, before: {told.answers.get(whole)}")
        else:
            told.answers.setdefault(whole, next(made for _, made in found) or 0)
    return wrong


def _judge(url: str, told: Told) -> list[str]:
    """Compare what was told with what is there."""
    engine = make_engine(url, role=None)
    with Session(engine) as session:
        there = set(session.scalars(text("SELECT id FROM application")))
        held = session.scalar(text("SELECT sum(balance) FROM account WHERE kind = 'reserved'"))
        left = session.scalar(text("SELECT sum(balance) FROM account WHERE kind = 'budget'"))
        wrong = [str(one) for one in violations(session)]
    engine.dispose()
    if set(told.answers.values()) != there or len(told.answers) != len(there):
        wrong.append(f"{len(told.answers)} keys were answered with {len(set(told.answers.values()))} applications, there are {len(there)}")
    if held != AMOUNT * len(there) or left != BUDGET - AMOUNT * len(there):
        wrong.append(f"{held} fen reserved and {left} left for {len(there)} applications of {AMOUNT} out of {BUDGET}")
    if told.statuses[500]:
        wrong.append(f"{told.statuses[500]} answers were a 500")
    return wrong


def _await(port: int) -> None:
    for _ in range(240):
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                connection.close()
                return
        time.sleep(0.5)
    raise SystemExit("the service did not get ready")


if __name__ == "__main__":
    sys.exit(main())
