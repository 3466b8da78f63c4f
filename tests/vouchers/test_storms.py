"""Many at once, with real threads and real commits: the last fen is spent once. The same storms must find the naive ledger overspent."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.actor import SYSTEM
from core.audit import record
from core.errors import Refused, RequestReused
from tests.vouchers import model, naive
from vouchers import applications, batches, chart, claims, ledger, lifecycle, queries
from vouchers.entities import Claim, Voucher
from vouchers.journal import hledger
from vouchers.ledger import Move
from vouchers.rules import rule

pytestmark = pytest.mark.storm
THREADS = 16
ROUNDS = 20
TREASURY, BUDGET = chart.treasury("331083"), chart.budget("331083", "p", 2026)


def storm(db: Any, act: Callable[[Session, int], Any], *, isolation: str = "READ COMMITTED", threads: int = THREADS) -> Counter[Any]:
    """Run `act(session, n)` in `threads` transactions at once; count the answers, and the refusals by clause. Anything else is an error."""
    gate = Barrier(threads)

    def one(n: int) -> Any:
        with Session(db.engine.execution_options(isolation_level=isolation), expire_on_commit=False) as session:
            session.info["now"] = model.datetime.fromisoformat(model.NOW)
            session.connection()
            gate.wait(30)
            try:
                answer = act(session, n)
                session.commit()
            except RequestReused:
                return "request_id"
            except Refused as refused:
                return refused.clause
        return answer

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(one, range(threads)))


@pytest.fixture(params=["real READ COMMITTED", "naive READ COMMITTED", "naive REPEATABLE READ"])
def books(request: pytest.FixtureRequest, committed_db: Any) -> Iterator[tuple[Any, Any, str]]:
    """Yield a ledger, the database where it keeps its postings, and the isolation level of the storm."""
    which, isolation = request.param.split(" ", 1)
    kind: Any = {"real": ledger, "naive": naive}[which]
    with committed_db.owner.begin() as connection:
        for statement in naive.TABLE.split(";"):
            connection.execute(text(statement))
    barrier = Barrier(THREADS)
    naive.between_check_and_insert = lambda: barrier.wait(30) if kind is naive else None
    yield kind, committed_db, isolation
    naive.between_check_and_insert = lambda: None


def _post(kind: Any, session: Session, move: Move, request_id: str) -> int:
    audit = record(session, SYSTEM, "test", 0, "post")
    found: int = kind.post(session, [move], kind="test", audit_id=audit, request_id=request_id)
    return found


def _spending(kind: Any, move: Move, request_id: str = "") -> Callable[[Session, int], Any]:
    """Give what each thread of a storm does: `move` under one id for all, with its number as answer, or each under its own, with True."""

    def spend(session: Session, _: int) -> Any:
        found = _post(kind, session, move, request_id or model.key())
        return found if request_id else True

    return spend


def _fill(kind: Any, db: Any, code: str, amount: int) -> None:
    pause, naive.between_check_and_insert = naive.between_check_and_insert, lambda: None
    with db.session() as session:
        _post(kind, session, Move(TREASURY, BUDGET, amount), model.key())
        _post(kind, session, Move(BUDGET, code, amount), model.key())
        session.commit()
    naive.between_check_and_insert = pause


def _spent(kind: Any, db: Any, code: str) -> int:
    with db.session() as session:
        return int(kind.balance(session, code))


@pytest.mark.breaks_invariants
def test_sixteen_spend_one_account_and_only_the_naive_ledger_overspends_it(books: tuple[Any, Any, str]) -> None:
    kind, db, isolation = books
    overspent = 0
    for n in range(ROUNDS if kind is naive else 3):
        source, destination = chart.reserved(10**9 + n), chart.available(10**9 + n)
        _fill(kind, db, source, 100)
        found = storm(db, _spending(kind, Move(source, destination, 40)), isolation=isolation)
        spent = _spent(kind, db, destination)
        if kind is ledger:
            assert found == {True: 2, "overdraft": THREADS - 2}
            assert (spent, _spent(kind, db, source)) == (80, 20)
        overspent += spent > 100
        if overspent:
            break
    assert (overspent > 0) == (kind is naive), "the storm does not tell a sound ledger from the naive one"


@pytest.mark.breaks_invariants
def test_one_request_sixteen_times_is_one_posting_and_only_the_naive_ledger_pays_twice(books: tuple[Any, Any, str]) -> None:
    kind, db, isolation = books
    twice = 0
    for n in range(ROUNDS if kind is naive else 3):
        source, destination, request = chart.reserved(10**9 + n), chart.available(10**9 + n), model.key()
        _fill(kind, db, source, 10_000)
        found = storm(db, _spending(kind, Move(source, destination, 40), request), isolation=isolation)
        spent = _spent(kind, db, destination)
        if kind is ledger:
            assert list(found.values()) == [THREADS]
            assert spent == 40
        twice += spent > 40
        if twice:
            break
    assert (twice > 0) == (kind is naive), "the storm does not tell a sound ledger from the naive one"


# The verbs ----------------------------------------------------------------------------------------------------------------------------------


def _world(db: Any, build: Callable[[Session], Any]) -> Any:
    with db.session() as session:
        model.at(session, model.NOW)
        made = build(session)
        session.commit()
        return made


def _voucher(session: Session) -> tuple[Any, Voucher]:
    model.fund(session, model.version(session))
    holder = model.organisation(session)
    return holder, model.issued(session, holder)


def test_sixteen_bookings_on_one_voucher_hold_what_is_there_to_the_fen(committed_db: Any) -> None:
    holder, voucher = _world(committed_db, _voucher)
    found = storm(committed_db, lambda session, _: bool(model.held(session, holder, voucher, amount=300_000)))
    assert found == {True: 6, "overdraft": THREADS - 6}
    with committed_db.session() as session:
        row = queries.vouchers_of(session, holder.id)[0]
        assert (row.available, row.held) == (200_000, 1_800_000)


def test_one_booking_sent_sixteen_times_is_one_hold_with_one_answer(committed_db: Any) -> None:
    holder, voucher = _world(committed_db, _voucher)
    hold = dict(voucher_id=voucher.id, amount=300_000, reference="order:1", request_id="same")
    found = storm(committed_db, lambda session, _: lifecycle.hold(session, model.person(holder), **hold))
    assert list(found.values()) == [THREADS]
    with committed_db.session() as session:
        assert ledger.balance(session, chart.held(voucher.id)) == 300_000


def test_sixteen_contents_under_one_request_id_are_one_hold_and_fifteen_refusals(committed_db: Any) -> None:
    holder, voucher = _world(committed_db, _voucher)

    def act(session: Session, n: int) -> bool:
        hold = dict(voucher_id=voucher.id, amount=100_000 + n, reference="order:1", request_id="same")
        return bool(lifecycle.hold(session, model.person(holder), **hold))

    assert storm(committed_db, act) == {True: 1, "request_id": THREADS - 1}


def test_use_and_release_of_one_hold_by_sixteen_at_once_happen_once(committed_db: Any) -> None:
    holder, voucher = _world(committed_db, _voucher)
    hold_id = _world(committed_db, lambda session: model.held(session, holder, voucher, amount=300_000))

    def act(session: Session, n: int) -> bool:
        if n % 2:
            return bool(lifecycle.use(session, model.person(holder), hold_id=hold_id, amount=300_000, request_id=model.key()))
        return bool(lifecycle.release(session, model.person(holder), hold_id=hold_id, reason="示例", request_id=model.key()))

    assert storm(committed_db, act) == {True: 1, "state": THREADS - 1}


def test_holders_of_one_controller_never_exceed_the_cap_of_their_group(committed_db: Any) -> None:
    def build(session: Session) -> list[tuple[Any, Voucher]]:
        model.fund(session, model.version(session, "huzhou-2017", caps={"per_year": 2_000_000, "group_per_year": 2_500_000}))
        holders = [model.organisation(session, controller="示例集团", adcode="330500") for _ in range(2)]
        return [(holder, model.issued(session, holder, face=4_000_000, code="huzhou-2017")) for holder in holders]

    pairs = _world(committed_db, build)

    def act(session: Session, n: int) -> int:
        holder, voucher = pairs[n % 2]
        lifecycle.lock_vouchers_of(session, holder.id)
        row = queries.vouchers_of(session, holder.id)[0]
        terms, deal = queries.deal_for(session, row, price=600_000, service="test_analysis")
        granted = rule(terms, deal).amount
        if granted:
            model.held(session, holder, voucher, amount=granted)
        return granted

    found = storm(committed_db, act)
    # who comes first decides how much each of the two gets of its own 2,000,000; together they get the group's cap to the fen
    assert sum(granted * times for granted, times in found.items()) == 2_500_000
    assert sum(found.values()) == THREADS


def test_sixteen_applicants_share_a_hot_budget_that_never_falls_below_zero(committed_db: Any) -> None:
    def build(session: Session) -> list[Any]:
        model.fund(session, model.version(session), 5_100_000)
        return [model.organisation(session) for _ in range(THREADS)]

    holders = _world(committed_db, build)
    found = storm(committed_db, lambda session, n: model.applied(session, holders[n], amount=1_000_000).state)
    assert found == {"county_review": 5, "waitlisted": THREADS - 5}
    assert _spent(ledger, committed_db, chart.budget(model.YUHUAN, "yuhuan-2023", 2026)) == 100_000


def test_sixteen_applications_of_one_holder_stay_within_its_holding_cap(committed_db: Any) -> None:
    holder, _ = _world(committed_db, _voucher)
    found = storm(committed_db, lambda session, _: bool(model.applied(session, holder, amount=1_000_000)))
    assert found == {True: 3, "holding": THREADS - 3}


def test_sixteen_reviewers_pass_one_application_once(committed_db: Any) -> None:
    def build(session: Session) -> Any:
        model.fund(session, model.version(session))
        return model.applied(session, model.organisation(session))

    row = _world(committed_db, build)

    def act(session: Session, n: int) -> bool:
        event = "pass" if n % 2 else "refuse"
        who = model.officer("reviewer")
        return bool(applications.decide(session, who, application_id=row.id, event=event, reason="示例", request_id=model.key()))

    assert storm(committed_db, act) == {True: 1, "state": THREADS - 1}


def test_sixteen_clerks_take_one_statement_in_once_and_it_pays_once(committed_db: Any) -> None:
    def build(session: Session) -> tuple[int, bytes]:
        claims_ = [model.claimed(session, model.deal(session)) for _ in range(2)]
        for claim in claims_:
            model.approve(session, model.check(session, claim))
            model.account(session, session.get_one(Claim, claim).payee_id)
        batch = model.batch(session, claims_[0])
        return batch, model.statement(session, batch)

    batch, content = _world(committed_db, build)
    assert storm(committed_db, lambda session, _n: bool(model.take(session, batch, content))) == {True: 1, "statement": THREADS - 1}
    with committed_db.session() as session:
        assert session.scalar(text("SELECT count(*) FROM payout")) == 2
        assert session.scalar(text("SELECT sum(balance) FROM account WHERE kind = 'paid'")) == 1_000_000


def test_two_batches_never_hold_one_claim(committed_db: Any) -> None:
    """Sixteen open a batch at once: one opens it, and the claim stands in it once."""

    def build(session: Session) -> int:
        claim = model.approve(session, model.check(session, model.claimed(session, model.deal(session))))
        return model.account(session, session.get_one(Claim, claim).payee_id)

    _world(committed_db, build)

    def act(session: Session, n: int) -> bool:
        return bool(batches.open_batch(session, model.officer("finance", user_id=940_000 + n), request_id=model.key()))

    assert storm(committed_db, act) == {True: 1, "open": THREADS - 1}
    with committed_db.session() as session:
        assert session.scalar(text("SELECT count(*) FROM batch_line")) == 1


def test_expiry_and_booking_in_the_same_instant_do_not_both_take_the_money(committed_db: Any) -> None:
    """Some requests carry the last second of the day and some the first of the next: each fen is on a hold or in the pool."""
    holder, voucher = _world(committed_db, _voucher)

    def act(session: Session, n: int) -> bool:
        if n % 2:
            session.info["now"] = model.datetime.fromisoformat("2026-06-11T00:00:00+08:00")
            return bool(lifecycle.expire(session, voucher_id=voucher.id))
        session.info["now"] = model.datetime.fromisoformat("2026-06-10T23:59:59+08:00")
        return bool(model.held(session, holder, voucher, amount=300_000))

    storm(committed_db, act)
    with committed_db.session() as session:
        row = queries.vouchers_of(session, holder.id)[0]
        assert row.available == 0
        assert row.held + row.returned == row.face
        assert row.state == "expired"
        _accepted(session)


def _accepted(session: Session) -> None:
    """Let hledger, which shares no line with our ledger, add up the export and check each balance in it."""
    journal = "\n".join(hledger(session)) + "\n"
    done = subprocess.run(["hledger", "-f", "-", "check"], input=journal, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_everybody_does_everything_at_once_without_a_deadlock(committed_db: Any) -> None:
    def build(session: Session) -> list[model.Deal]:
        deals = [model.deal(session) for _ in range(4)]
        for deal in deals:
            session.execute(text("UPDATE organisation SET controller = '示例集团' WHERE id = :id"), {"id": deal.holder.id})
            model.prove(session, deal)
        return deals

    deals = _world(committed_db, build)

    def act(session: Session, n: int) -> bool:
        deal = deals[n % 4]
        own = model.person(deal.holder)
        verb = (n // 4) % 4
        if verb == 0:
            model.applied(session, deal.holder, amount=1000)
        elif verb == 1:
            claims.submit(session, own, hold_id=deal.hold_id, payee_id=deal.holder.id, parties=deal.parties, request_id=model.key())
        elif verb == 2:
            model.held(session, deal.holder, deal.voucher, amount=1000)
        else:
            lifecycle.lock_vouchers_of(session, deal.holder.id)
            model.fund(session, model.version(session), 1000)
        return True

    assert storm(committed_db, act) == {True: THREADS}
    with committed_db.session() as session:
        _accepted(session)


def test_a_holder_who_applies_and_claims_at_once_does_not_lock_himself_out(committed_db: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one has locked the holder, the other the voucher: neither may need the other's lock for its foreign key."""
    deal = _world(committed_db, lambda session: (found := model.deal(session), model.prove(session, found))[0])
    holder_locked, voucher_locked = Event(), Event()
    lock, check = applications.lock_vouchers_of, claims._check_claimable

    def after_the_holder(session: Session, holder_id: int) -> Any:
        holder_locked.set()
        assert voucher_locked.wait(10)
        return lock(session, holder_id)

    def after_the_voucher(*facts: Any) -> None:
        check(*facts)
        voucher_locked.set()
        assert holder_locked.wait(10)

    monkeypatch.setattr(applications, "lock_vouchers_of", after_the_holder)
    monkeypatch.setattr(claims, "_check_claimable", after_the_voucher)

    def act(session: Session, n: int) -> bool:
        if n:
            return bool(model.applied(session, deal.holder, amount=1000))
        submit = dict(hold_id=deal.hold_id, payee_id=deal.holder.id, parties=deal.parties, request_id=model.key())
        return bool(claims.submit(session, model.person(deal.holder), **submit))

    assert storm(committed_db, act, threads=2) == {True: 2}


def test_sixteen_first_adoptions_of_one_budget_open_it_once_and_all_count(committed_db: Any) -> None:
    version = _world(committed_db, model.version)
    assert storm(committed_db, lambda session, _: bool(model.fund(session, version, 1000))) == {True: THREADS}
    with committed_db.session() as session:
        assert session.scalar(text("SELECT count(*) FROM budget")) == 1
    assert _spent(ledger, committed_db, chart.budget(model.YUHUAN, "yuhuan-2023", 2026)) == THREADS * 1000


def test_the_export_stands_when_a_request_of_yesterday_posts_after_one_of_today(committed_db: Any) -> None:
    """A request that read the clock before midnight may wait for one that read it after: dates then run backwards, balances must not."""
    with committed_db.session() as session:
        for instant in ("2026-06-11T00:00:01+08:00", "2026-06-10T23:59:59+08:00"):
            model.at(session, instant)
            model.fund(session, model.version(session), 1000)
        session.commit()
        _accepted(session)
