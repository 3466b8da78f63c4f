"""Power out under load: PostgreSQL is killed with all its processes, three times. What was acknowledged is there once; what was not, is paid once."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from time import monotonic, sleep

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.db import make_engine
from core.errors import Refused
from tests.vouchers import model
from vouchers import ledger, lifecycle

ROOT = Path(__file__).resolve().parents[2]
THREADS, KILLS, AMOUNT = 4, 3, 7

pytestmark = pytest.mark.crash


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL of this test's own in `home`, reached by a socket there and by nothing else."""

    home: Path
    binaries: Path
    user: tuple[str, ...]

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://irm@/postgres?host={self.home}&port=5432"

    def run(self, name: str, *arguments: str) -> None:
        subprocess.run([*self.user, self.binaries / name, *arguments], check=True, capture_output=True, cwd="/", timeout=120)

    def create(self) -> None:
        self.run("initdb", "-D", str(self.data), "-U", "irm", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions")
        settings = (
            "listen_addresses = ''",
            f"unix_socket_directories = '{self.home}'",
            "fsync = on",
            "synchronous_commit = on",
            "shared_buffers = 32MB",
        )
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(f"{line}\n" for line in settings)

    def start(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "-t", "60", "-l", str(self.home / "server.log"), "start")

    def kill(self) -> None:
        """End the postmaster and all its children at once, as a power cut would, and wait until they are gone."""
        postmaster = int((self.data / "postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)
        family = [*_children(postmaster), postmaster]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in family:
            while alive(pid):
                sleep(0.02)
        # Where nobody reaps the dead, the postmaster's number still answers: PostgreSQL would take it for a running one.
        for lock in (self.data / "postmaster.pid", self.home / ".s.PGSQL.5432.lock"):
            lock.unlink(missing_ok=True)


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rsplit(") ", 1)[1].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "ZX"
    return False


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with new_cluster() as made:
        yield made


@contextmanager
def new_cluster() -> Iterator[Cluster]:
    """Make and start a PostgreSQL of one's own, and leave nothing of it."""
    home = Path(tempfile.mkdtemp(prefix="irm-crash-"))
    user: tuple[str, ...] = ()
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
        user = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--")
    asked = subprocess.run(["bash", "-c", ". bin/common.sh; postgres_bin"], cwd=ROOT, check=True, capture_output=True, text=True)
    made = Cluster(home, Path(asked.stdout.strip()), user)
    try:
        made.create()
        made.start()
        yield made
    finally:
        with suppress(OSError, ValueError):
            made.kill()
        shutil.rmtree(home)


@dataclass
class Log:
    """What the payers know: requests that were acknowledged with their answer, that got no answer, and whose answer was lost after the commit."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)


def _pay(engine: Engine, voucher: tuple[model.Actor, int], request: str) -> int:
    with Session(engine, expire_on_commit=False) as session:
        model.at(session, model.NOW)
        answer = lifecycle.hold(session, voucher[0], voucher_id=voucher[1], amount=AMOUNT, reference=f"order:{request}", request_id=request)
        session.commit()
        return answer


def _payer(engine: Engine, vouchers: list[tuple[model.Actor, int]], n: int, log: Log, stop: Event) -> None:
    """Pay without pause from voucher `n`, two times in three from the common one, until told to stop; every twentieth answer gets lost."""
    count = 0
    while not stop.is_set():
        count += 1
        number = 0 if count % 3 else n
        request = f"{number}/{n}-{count}"
        log.unanswered.add(request)
        try:
            answer = _pay(engine, vouchers[number], f"{n}-{count}")
        except DBAPIError:
            sleep(0.05)
            continue
        if count % 20 == 0:
            log.dropped.add(request)
            continue
        log.acknowledged[request] = answer
        log.unanswered.discard(request)


def _world(cluster: Cluster) -> list[tuple[model.Actor, int]]:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = cluster.url
    command.upgrade(config, "head")
    engine = make_engine(cluster.url)
    with Session(engine, expire_on_commit=False) as session:
        model.at(session, model.NOW)
        model.fund(session, model.version(session))
        holders = [model.organisation(session) for _ in range(THREADS)]
        made = [(model.person(holder), model.issued(session, holder).id) for holder in holders]
        session.commit()
    engine.dispose()
    return made


def test_a_killed_database_loses_nothing_that_was_acknowledged_and_pays_nothing_twice(
    cluster: Cluster, record_testsuite_property: Callable[[str, object], None]
) -> None:
    vouchers = _world(cluster)
    engine = make_engine(cluster.url, pool_size=THREADS, max_overflow=0)
    log, stop, began = Log(), Event(), monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        payers = [pool.submit(_payer, engine, vouchers, n, log, stop) for n in range(THREADS)]
        try:
            for _ in range(KILLS):
                sleep(2)
                cluster.kill()
                cluster.start()
            sleep(1)
        finally:
            stop.set()
        for payer in payers:
            payer.result(30)
    committed = _holds(cluster)
    lost = {request: answer for request, answer in log.acknowledged.items() if committed.get(request) != [answer]}
    assert not lost, "acknowledged requests that are gone or there twice"
    assert len(log.acknowledged) > 20
    assert all(len(holds) == 1 for holds in committed.values())
    silent = {request for request in log.unanswered if request in committed}
    assert log.dropped <= silent
    assert set(committed) == set(log.acknowledged) | silent
    for request in sorted(log.unanswered):
        answers = {_retried(engine, vouchers, request) for _ in range(2)}
        assert len(answers) == 1
        assert request not in silent or answers == set(committed[request])
    everything = _holds(cluster)
    assert set(everything) == set(log.acknowledged) | log.unanswered
    assert all(len(holds) == 1 for holds in everything.values())
    with Session(engine) as session:
        assert ledger.violations(session) == []
        assert session.scalar(text("SELECT sum(balance) FROM account WHERE kind = 'held'")) == AMOUNT * len(everything)
    engine.dispose()
    killed = log.unanswered - log.dropped
    found = f"{len(log.acknowledged)} acknowledged, {len(killed)} cut off, {len(killed & silent)} of them committed, {len(log.dropped)} answers lost"
    record_testsuite_property("crash", f"{KILLS} kills in {monotonic() - began:.0f} s: {found}")


def _retried(engine: Engine, vouchers: list[tuple[model.Actor, int]], request: str) -> int:
    number, name = request.split("/")
    with suppress(Refused):
        return _pay(engine, vouchers[int(number)], name)
    pytest.fail("a retry was refused")


def _holds(cluster: Cluster) -> dict[str, list[int]]:
    """Return the holds by `voucher number/request`, read by a plain connection."""
    found: dict[str, list[int]] = {}
    with psycopg.connect(cluster.url.replace("+psycopg", "")) as opened:
        order = {row[0]: n for n, row in enumerate(opened.execute("SELECT id FROM voucher ORDER BY id"))}
        for voucher, name, hold in opened.execute("SELECT voucher_id, substr(reference, 7), id FROM hold"):
            found.setdefault(f"{order[voucher]}/{name}", []).append(hold)
    return found
