"""The money path: hold + capture through the domain in two processes beside pgbench with the very same statements, a hot budget, and sealing.

Real commits; each figure is the median of paired rounds in one run, because a machine that does other things would make any single one a lie.
"""

import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import Engine, make_url, text
from sqlalchemy.orm import Session

from benchmarks import recorded
from benchmarks.scratch import database, line
from core.actor import SYSTEM
from core.db import make_engine
from tests import factories as make
from tests.vouchers import model
from vouchers import applications, budgets, lifecycle, policy, seal

NOW = "2026-11-24T10:12+08:00"
PROCESSES, THREADS, SECONDS, ROUNDS = 2, 4, 3.0, 3
VOUCHERS, STRIPES = 64, 16
VOUCHER, HOLDER = 4_000_000, 5_000_000


def run() -> Iterator[str]:
    """Give the lines of every figure."""
    with database() as url:
        _world(url)
        yield from _paying(url)
        yield from _budgets(url)
        yield from _sealing(url)


def _world(url: str) -> None:
    """Make vouchers whose ids, and whose holders' ids, are known by their value."""
    engine = make_engine(url, role=None)
    with Session(engine) as session:
        make.at(session, NOW)
        for table, start in (("voucher", VOUCHER), ("organisation", HOLDER)):
            session.execute(text(f"ALTER SEQUENCE {table}_id_seq RESTART {start}"))
        for _ in range(VOUCHERS):
            make.voucher(session)
        session.commit()
    engine.dispose()


def _holders(url: str) -> list[tuple[int, int]]:
    engine = make_engine(url, role=None)
    with Session(engine) as session:
        found = [(row.id, row.holder_id) for row in session.execute(text("SELECT id, holder_id FROM voucher ORDER BY id"))]
    engine.dispose()
    return found


def pay(engine: Engine, voucher: tuple[int, int], name: str) -> None:
    """Hold one fen and capture it: two requests, two transactions."""
    actor = make.Actor("enterprise", 1, voucher[1])
    with Session(engine, expire_on_commit=False) as session:
        make.at(session, NOW)
        hold = lifecycle.hold(session, actor, voucher_id=voucher[0], amount=1, reference=f"order:{name}", request_id=f"h-{name}")
        session.commit()
    with Session(engine, expire_on_commit=False) as session:
        make.at(session, NOW)
        lifecycle.use(session, actor, hold_id=hold, amount=1, request_id=f"u-{name}")
        session.commit()


def _paying(url: str) -> Iterator[str]:
    vouchers = _holders(url)
    script = _script(url, vouchers)
    ours, peer = [], []
    for turn in range(ROUNDS):
        ours.append(_together(url, vouchers, f"{turn}"))
        peer.append(_pgbench(url, script, clients=PROCESSES * THREADS))
    yield line("hold + capture, 2 processes, 8 clients, against pgbench with the same statements", median(ours), median(peer))


def _script(url: str, vouchers: list[tuple[int, int]]) -> str:
    """Record one hold and capture and write it as a script over all vouchers."""
    engine, owner = make_engine(url), make_engine(url, role=None)
    pay(engine, vouchers[0], "warm")
    with Session(owner) as session:
        for table, start in recorded.STARTS.items():
            session.execute(text(f"ALTER SEQUENCE {table}_id_seq RESTART {start}"))
        session.commit()
    said = recorded.record(engine, lambda: pay(engine, vouchers[1], recorded.MARK))
    engine.dispose()
    owner.dispose()
    holders = sorted(holder for _, holder in vouchers)
    step = holders[1] - holders[0]
    assert [holder for _, holder in vouchers] == [holders[0] + step * n for n in range(len(vouchers))], "holders stand in equal steps"  # noqa: S101
    drawn = {
        "k": f"random(0, {len(vouchers) - 1})",
        "voucher": f"{VOUCHER} + :k",
        "holder": f"{holders[0]} + {step} * :k",
        "number_drawn": "random(1, 4000000000000000)",
    }
    head = "\n".join(f"\\set {name} {value}" for name, value in drawn.items())
    return recorded.script(said, {vouchers[1][0]: "voucher", vouchers[1][1]: "holder"}, head)


def _pgbench(url: str, script: str, *, clients: int) -> float:
    """Return how often pgbench runs the script a second, from as many clients, its statements prepared."""
    where = make_url(url)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pay.sql"
        file.write_text(script)
        options = ["-n", "-M", "prepared", "-c", str(clients), "-j", str(PROCESSES), "-T", str(round(SECONDS)), "-f", str(file)]
        address = ["-h", str(where.query.get("host", where.host)), "-p", str(where.query.get("port", where.port or 5432)), "-U", str(where.username)]
        done = subprocess.run([_tool(), *options, *address, str(where.database)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-800:])
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    return float(found[1]) if found else float("nan")


def _tool() -> str:
    """Return pgbench of the newest PostgreSQL that is installed, or that of PATH."""
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return str(there[-1]) if there else "pgbench"


def _together(url: str, subjects: Sequence[tuple[Any, int]], name: str, *, act: Callable[[Engine, tuple[Any, int], str], None] = pay) -> float:
    """Do `act` from `THREADS` threads in each of `PROCESSES` processes until the time is over; return how often a second."""
    start = time.time() + 6
    with get_context("spawn").Pool(PROCESSES) as pool:
        jobs = [(url, subjects[n::PROCESSES], f"{name}.{n}", start, act) for n in range(PROCESSES)]
        return sum(pool.starmap(worker, jobs)) / SECONDS


def worker(url: str, subjects: Sequence[tuple[Any, int]], name: str, start: float, act: Callable[[Engine, tuple[Any, int], str], None]) -> int:
    """Be one process: act from the instant `start` on and return how often it was done."""
    engine = make_engine(url, pool_size=THREADS, max_overflow=0)
    for n, subject in enumerate(subjects[:THREADS]):
        act(engine, subject, f"{name}.warm.{n}")
    time.sleep(max(0, start - time.time()))

    def client(thread: int) -> int:
        mine, count = subjects[thread::THREADS], 0
        while time.time() < start + SECONDS:
            act(engine, mine[count % len(mine)], f"{name}.{thread}.{count}")
            count += 1
        return count

    with ThreadPoolExecutor(THREADS) as pool:
        done = sum(pool.map(client, range(THREADS)))
    engine.dispose()
    return done


def _budgets(url: str) -> Iterator[str]:
    """Give reservations a second on one budget in stripes against budgets of their own for each client, in pairs of rounds."""
    spread = _funded(url, [f"bench-{n}" for n in range(PROCESSES * THREADS)], stripes=1)
    hot = _funded(url, ["bench-hot"], stripes=STRIPES) * (PROCESSES * THREADS)
    holders = [holder for _, holder in _holders(url)]
    figures: dict[str, list[float]] = {"hot": [], "spread": []}
    for turn in range(ROUNDS):
        for name, budgets_ in (("spread", spread), ("hot", hot)):
            jobs = [(budgets_[n], holders[n]) for n in range(PROCESSES * THREADS)]
            figures[name].append(_together(url, jobs, f"{name}{turn}", act=reserve))
    hot_rate, spread_rate = median(figures["hot"]), median(figures["spread"])
    named = f"reservations, 8 clients: one budget in {STRIPES} stripes {hot_rate:,.0f}/s, spread over 8 {spread_rate:,.0f}/s"
    yield f"{named}, ratio {hot_rate / spread_rate:.2f}"


def _funded(url: str, codes: list[str], *, stripes: int) -> list[str]:
    """Publish policies without caps, each with a budget in that many stripes; return their codes."""
    engine = make_engine(url, role=None)
    with Session(engine) as session:
        make.at(session, NOW)
        for code in codes:
            version = policy.publish(session, model.terms("yuhuan-2023", id=code, caps={}))
            made = budgets.adopt(session, SYSTEM, version=version, year=2026, amount=10**9, request_id=f"adopt-{code}")
            if stripes > 1:
                budgets.stripe(session, SYSTEM, budget_id=made, stripes=stripes, request_id=f"stripe-{code}")
        session.commit()
    engine.dispose()
    return codes


def reserve(engine: Engine, wanted: tuple[Any, int], name: str) -> None:
    """Apply for one fen: the money is reserved."""
    with Session(engine, expire_on_commit=False) as session:
        make.at(session, NOW)
        actor = make.Actor("enterprise", 1, wanted[1])
        applications.apply(session, actor, policy_code=wanted[0], amount=1, purpose="示例", request_id=f"a-{name}")
        session.commit()


def _sealing(url: str) -> Iterator[str]:
    """Give the sealer's throughput, and a payment's latency while it runs over that while it does not, in pairs."""
    engine, (voucher, *_) = make_engine(url), _holders(url)
    began, records = time.perf_counter(), 0
    with Session(engine) as session:
        while block := seal.seal(session):
            session.commit()
            records += session.get_one(seal.Block, block).records
    took = time.perf_counter() - began
    yield f"sealing: {records:,} records in {took:.1f} s, {records / took:,.0f} records/s"
    without, beside = [], []
    for turn in range(10):
        without.append(_latency(engine, voucher, f"q{turn}"))
        with _sealer(url):
            beside.append(_latency(engine, voucher, f"s{turn}"))
    ratios = [late / early for early, late in zip(without, beside, strict=True)]
    engine.dispose()
    yield (
        f"hold + capture, median ms in pairs: {1000 * median(without):.2f} without a sealer, {1000 * median(beside):.2f} beside one, "
        f"median ratio {median(ratios):.2f}"
    )


def _latency(engine: Engine, voucher: tuple[int, int], name: str) -> float:
    """Return the median time of a hold and its capture, seconds."""
    taken = []
    for n in range(60):
        began = time.perf_counter()
        pay(engine, voucher, f"{name}.{n}")
        taken.append(time.perf_counter() - began)
    return median(taken)


@contextmanager
def _sealer(url: str) -> Iterator[None]:
    """Run a sealer in a process of its own, as the worker does but without a pause longer than a quarter second."""
    context = get_context("spawn")
    stop, ready = context.Event(), context.Event()
    process = context.Process(target=sealer, args=(url, stop, ready))
    process.start()
    ready.wait(60)
    try:
        yield
    finally:
        stop.set()
        process.join(30)


def sealer(url: str, stop: Any, ready: Any) -> None:
    """Seal what is committed four times a second until told to stop."""
    engine = make_engine(url)
    ready.set()
    while not stop.wait(0.25):
        with Session(engine) as session:
            seal.seal(session)
            session.commit()
    engine.dispose()
