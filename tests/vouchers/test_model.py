"""Two thousand random steps of the money path against a model in plain Python; and the naive ledgers, which the same kind of test must kill.

After every step each account, each paper's state and every invariant view is compared. Time is the session's instant, moved by a rule; ids are
the database's; chance is Hypothesis's, from MODEL_SEED where it is set. A failure prints the seed and the shortest way to it.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from threading import Barrier, BrokenBarrierError
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from core import clock
from core.actor import SYSTEM
from core.audit import record
from core.db import make_engine
from core.errors import Invalid, MapError, Refused
from tests.conftest import copied
from tests.vouchers import model, naive, worlds
from vouchers import applications, batches, budgets, chart, claims, freezing, ledger, lifecycle, recovery, statements
from vouchers.entities import Voucher
from vouchers.ledger import Move
from vouchers.policy import PolicyVersion
from vouchers.requests import Request

EXAMPLES, STEPS, ENOUGH = 10, 60, int(os.environ.get("MODEL_STEPS", "2000"))
SEED = int(os.environ.get("MODEL_SEED") or secrets.randbelow(2**32))
PHASES = (Phase.generate, Phase.shrink) if os.environ.get("MODEL_SHRINK", "1") == "1" else (Phase.generate,)
BEGIN = date(2027, 11, 20)
"""Near the end of a year whose next is a leap year: the rule that moves time meets New Year and 29 February."""

AMOUNTS = st.one_of(st.integers(1, 1_000), st.sampled_from([1, 899, 900, 901]))
WRONG = st.sampled_from([0, -1, 10**13 + 1, 2**70, 1.5, True])
PICK = st.integers(0, 1_000)


@pytest.fixture(scope="module")
def engine(server_url: str, template_url: str) -> Iterator[Engine]:
    with copied(server_url, template_url) as url:
        found = make_engine(url, role=None)
        yield found
        found.dispose()


class Money(RuleBasedStateMachine):
    """The verbs of the money path, one rule each; `World` says beforehand what they must answer."""

    engine: Engine
    steps = 0
    seen: frozenset[str] = frozenset()

    def __init__(self) -> None:
        super().__init__()
        self.connection = self.engine.connect()
        self.outer = self.connection.begin()
        self.session = Session(self.connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        self.world = worlds.World(BEGIN)
        self.sent: dict[int, list[int]] = {}
        self.done: list[tuple[Callable[..., int], dict[str, Any], Any, int]] = []

    def teardown(self) -> None:
        self.session.close()
        self.outer.rollback()
        self.connection.close()

    @initialize(far=st.integers(0, 3))
    def open(self, far: int) -> None:
        """Begin with two vouchers and a claim; `far` says how far that claim already is: submitted, approved, at the bank, paid."""
        self.now()
        changes = {"caps": {"per_application": worlds.PER_APPLICATION, "holding": worlds.HOLDING}}
        self.version: PolicyVersion = model.version(self.session, worlds.POLICY, **changes)
        self.holders = [model.organisation(self.session) for _ in range(2)]
        self.ids = [one.id for one in self.holders]
        for one in self.ids:
            model.account(self.session, one, f"99990000{one:08d}")
        self.adopt(4_000)
        for who in (0, 1):
            self.apply(who, 700)
            self.decide(who, "pass")
            self.hold(who, None, 300)
        self.use(0, None, 300, whole=False)
        self.claim(0, None)
        for event in ("check_ok", "approve") if far else ():
            self.step(0, event)
        if far > 1:
            self.send_a_batch()
        if far > 2:
            self.bank_answers(0, 0)

    def now(self) -> None:
        self.session.info["now"] = datetime.combine(self.world.today, time(10), clock.SHANGHAI).astimezone(UTC)

    def act(self, wanted: str, verb: Callable[..., int], *actor: Any, **values: Any) -> int | None:
        """Run a verb that must answer `wanted`; return its answer when it is "ok"."""
        key = model.key()
        try:
            with self.session.begin_nested():
                answer = verb(self.session, *actor, **values, request_id=key)
        except MapError as refused:
            said, answer = getattr(refused, "clause", None) or type(refused).__name__, None
        else:
            said = "ok"
            self.done.append((verb, values, actor, key))
        assert said == wanted, f"{verb.__name__}{values}: {said} and not {wanted}"
        self.session.expire_all()
        return answer

    def check(self) -> None:
        type(self).steps += 1
        type(self).seen |= {f"{kind}:{row[0]}" for kind, rows in self.world.picture().items() if kind != "account" for row in rows.values()}
        assert _picture(self.session) == self.world.picture()
        assert _broken(self.session) == []

    def some(self, papers: dict[int, Any], pick: int) -> int:
        return sorted(papers)[pick % len(papers)]

    @rule(amount=st.integers(1, 2_000))
    def adopt(self, amount: int) -> None:
        self.act(self.world.adopt(amount), budgets.adopt, SYSTEM, version=self.version, year=self.world.today.year, amount=amount)
        self.check()

    @rule(days=st.one_of(st.integers(1, 40), st.sampled_from([1, 90, 92, 366])))
    def time_passes(self, days: int) -> None:
        self.world.today += timedelta(days)
        self.now()
        if not self.session.scalar(text("SELECT count(*) FROM budget WHERE year = :y"), {"y": self.world.today.year}):
            self.adopt(500)

    @rule(who=st.integers(0, 1), amount=AMOUNTS)
    def apply(self, who: int, amount: int) -> None:
        wanted = self.world.can_apply(self.ids[who], amount)
        made = self.act(wanted, applications.apply, model.person(self.holders[who]), policy_code=worlds.POLICY, amount=amount, purpose="示例")
        if made:
            self.world.apply(made, self.ids[who], amount)
        self.check()

    @rule(who=st.integers(0, 1), amount=WRONG)
    def apply_for_what_is_no_amount(self, who: int, amount: Any) -> None:
        with pytest.raises(Invalid):
            applications.apply(
                self.session, model.person(self.holders[who]), policy_code=worlds.POLICY, amount=amount, purpose="示例", request_id=model.key()
            )
        self.check()

    @precondition(lambda self: self.world.applications)
    @rule(pick=PICK, event=st.sampled_from(["pass", "pass", "pass", "refuse", "return"]))
    def decide(self, pick: int, event: str) -> None:
        key = self.some(self.world.applications, pick)
        wanted = self.world.can_decide(key)
        if self.act(wanted, applications.decide, model.officer("reviewer"), application_id=key, event=event, reason="示例"):
            self.world.decide(key, event)
            if event == "pass":
                made = self.session.query(Voucher).filter_by(application_id=key).one()
                self.world.issue(made.id, key)
                assert made.expires_use == self.world.vouchers[made.id].expires_use
        self.check()

    @precondition(lambda self: self.world.applications)
    @rule(pick=PICK, who=st.integers(0, 1), event=st.sampled_from(["submit", "withdraw"]))
    def resume(self, pick: int, who: int, event: str) -> None:
        key = self.some(self.world.applications, pick)
        wanted = self.world.can_resume(key, event, self.ids[who])
        if self.act(wanted, applications.resume, model.person(self.holders[who]), application_id=key, event=event):
            self.world.resume(key, event)
        self.check()

    @precondition(lambda self: self.world.vouchers)
    @rule(pick=PICK, who=st.sampled_from([None, None, None, 0, 1]), amount=st.integers(1, 600))
    def hold(self, pick: int, who: int | None, amount: int) -> None:
        key = self.some(self.world.vouchers, pick)
        holder = self._who(self.world.vouchers[key].holder, who)
        wanted = self.world.can_hold(key, amount, holder.id)
        reference = f"order:{secrets.randbelow(2**60)}"
        made = self.act(wanted, lifecycle.hold, model.person(holder), voucher_id=key, amount=amount, reference=reference)
        if made:
            self.world.hold(made, key, amount)
        self.check()

    @precondition(lambda self: self.world.holds)
    @rule(pick=PICK, who=st.sampled_from([None, None, None, 0, 1]))
    def release(self, pick: int, who: int | None) -> None:
        key = self.some(self.world.holds, pick)
        holder = self._who(self.world.vouchers[self.world.holds[key].voucher].holder, who)
        if self.act(self.world.can_release(key, holder.id), lifecycle.release, model.person(holder), hold_id=key, reason="示例"):
            self.world.release(key)
        self.check()

    @precondition(lambda self: self.world.holds)
    @rule(pick=PICK, who=st.sampled_from([None, None, None, 0, 1]), amount=st.integers(0, 601), whole=st.booleans())
    def use(self, pick: int, who: int | None, amount: int, whole: bool) -> None:
        key = self.some(self.world.holds, pick)
        amount = self.world.holds[key].amount if whole else amount
        holder = self._who(self.world.vouchers[self.world.holds[key].voucher].holder, who)
        if self.act(self.world.can_use(key, amount, holder.id), lifecycle.use, model.person(holder), hold_id=key, amount=amount):
            self.world.use(key, amount)
        self.check()

    @precondition(lambda self: self.world.vouchers)
    @rule(pick=PICK)
    def expire(self, pick: int) -> None:
        key = self.some(self.world.vouchers, pick)
        wanted = self.world.can_expire(key)
        with self.session.begin_nested():
            assert _said(lambda: lifecycle.expire(self.session, voucher_id=key)) == wanted
        if wanted == "ok":
            self.world.expire(key)
        self.session.expire_all()
        self.check()

    @precondition(lambda self: self.world.holds)
    @rule(pick=PICK, who=st.sampled_from([None, None, None, 0, 1]))
    def claim(self, pick: int, who: int | None) -> None:
        key = self.some(self.world.holds, pick)
        mine = self.world.vouchers[self.world.holds[key].voucher].holder
        holder, wanted = self._who(mine, who), self.world.can_claim(key, self._who(mine, who).id)
        reference = self.session.scalar(text("SELECT reference FROM hold WHERE id = :id"), {"id": key})
        for kind in ("service_result", "invoice", "payment_proof"):
            document = claims.Document(kind, f"{kind}-{reference}", self.world.today)
            if not self.session.scalar(text("SELECT count(*) FROM evidence WHERE reference = :r AND kind = :k"), {"r": reference, "k": kind}):
                claims.add_evidence(self.session, model.person(holder), reference=reference, document=document)
        values = {"hold_id": key, "payee_id": holder.id, "parties": (mine, 0) if holder.id == mine else (holder.id, 0)}
        made = self.act("payee" if wanted == "NotFound" else wanted, claims.submit, model.person(holder), **values)
        if made:
            self.world.claim(made, key)
        self.check()

    @precondition(lambda self: self.world.claims)
    @rule(pick=PICK, event=st.sampled_from(["check_ok", "check_ok", "return", "refuse", "approve", "approve", "submit"]))
    def step(self, pick: int, event: str) -> None:
        key = self.some(self.world.claims, pick)
        holder = self.holders[self.ids.index(self.world.voucher_of(key).holder)]
        wanted = self.world.can_step(key, event, holder.id)
        if event == "approve":
            made = self.act(wanted, claims.approve, model.officer("finance"), claim_id=key)
        elif event == "submit":
            made = self.act(wanted, claims.resubmit, model.person(holder), claim_id=key)
        else:
            made = self.act(wanted, claims.review, model.officer("reviewer"), claim_id=key, event=event, reason="示例")
        if made:
            self.world.step(key, event)
        self.check()

    @precondition(lambda self: any(a.state == "waitlisted" for a in self.world.applications.values()))
    @rule()
    def serve(self) -> None:
        """Give the money that is there to those who wait, in every year."""
        for key, year in self.session.execute(text("SELECT id, year FROM budget ORDER BY id")).all():
            assert applications.serve_waiting(self.session, budget_id=key) == self.world.serve(year)
        self.session.expire_all()
        self.check()

    @precondition(lambda self: self.world.vouchers)
    @rule(pick=PICK, event=st.sampled_from(["freeze", "unfreeze", "unfreeze", "void"]))
    def under_check(self, pick: int, event: str) -> None:
        key = self.some(self.world.vouchers, pick)
        wanted = getattr(self.world, f"can_{event}")(key)
        officer = model.officer("reviewer" if event == "void" else "auditor")
        if self.act(wanted, getattr(freezing, event), officer, voucher_id=key, reason="示例"):
            getattr(self.world, event)(key)
        self.check()

    @precondition(lambda self: self.world.vouchers)
    @rule(pick=PICK)
    def close(self, pick: int) -> None:
        key = self.some(self.world.vouchers, pick)
        wanted = self.world.can_close(key)
        with self.session.begin_nested():
            assert _said(lambda: lifecycle.expire_redeem(self.session, voucher_id=key)) == wanted
        if wanted == "ok":
            self.world.close(key)
        self.session.expire_all()
        self.check()

    @precondition(lambda self: self.world.payable() or len(self.done) % 5 == 0)
    @rule()
    def send_a_batch(self) -> None:
        """Bring every claim that can be paid to the bank: open, freeze, notice, its days, two signatures, send."""
        ready = self.world.payable()
        one, two = model.officer("finance", user_id=model.FIRST), model.officer("finance", user_id=model.SECOND)
        made = self.act("ok" if ready else "claims", batches.open_batch, one)
        if made:
            for verb, who in ((batches.freeze, one), (batches.notice, one)):
                self.act("ok", verb, who, batch_id=made)
            self.act("notice", batches.sign, one, batch_id=made)
            self.world.today += timedelta(batches.NOTICE_DAYS + 1)
            self.now()
            for verb, who in ((batches.sign, one), (batches.authorise, two), (batches.send, one)):
                self.act("ok", verb, who, batch_id=made)
            self.sent[made] = ready
            for key in ready:
                self.world.claims[key].state = "batched"
        self.check()

    @precondition(lambda self: self.sent)
    @rule(pick=PICK, failed=st.integers(0, 255))
    def bank_answers(self, pick: int, failed: int) -> None:
        """Take the bank's statement in: every line paid, but for those whose bit in `failed` is set."""
        key = self.some(self.sent, pick)
        lines = self.session.execute(text("SELECT claim_id, reference, amount FROM batch_line WHERE batch_id = :b ORDER BY id"), {"b": key}).all()
        lost = {claim for n, claim in enumerate(self.sent[key]) if failed >> n & 1}
        rows = [(ref, f"{amount / 100:.2f}", "失败" if claim in lost else "成功", f"B-{ref}-{model.key()}") for claim, ref, amount in lines]
        content = model.statement(self.session, key, *rows)
        self.act("ok", statements.take, model.officer("finance"), batch_id=key, content=content, filename="示例.csv")
        for claim in self.sent.pop(key):
            payout = self.session.scalar(text("SELECT payout_id FROM claim WHERE id = :c"), {"c": claim})
            if claim in lost:
                self.world.claims[claim].state = "approved"
            else:
                self.world.pay(claim, payout or 0)
        self.check()

    @precondition(lambda self: any(c.payout for c in self.world.claims.values()))
    @rule(pick=PICK, back=st.booleans())
    def recover(self, pick: int, back: bool) -> None:
        paid = {key: claim for key, claim in self.world.claims.items() if claim.payout}
        key = self.some(paid, pick)
        case = self.session.scalar(text("SELECT id FROM recovery WHERE claim_id = :c AND state = 'open'"), {"c": key})
        if back and case:
            values = {"recovery_id": case, "bank_reference": f"R-{model.key()}", "received_on": self.world.today}
            self.act("ok", recovery.money_back, model.officer("finance"), **values)
            self.world.money_back(key)
        elif self.act(self.world.can_recover(key), recovery.open_case, model.officer("finance"), claim_id=key, reason="示例"):
            self.world.claims[key].state = "recovering"
        self.check()

    @precondition(lambda self: self.done)
    @rule(pick=PICK)
    def a_retry_changes_nothing(self, pick: int) -> None:
        verb, values, actor, key = self.done[pick % len(self.done)]
        first = self.session.query(Request.answer).filter_by(key=key).scalar()
        assert verb(self.session, *actor, **values, request_id=key) == first
        self.check()

    @precondition(lambda self: len(self.done) > 1)
    @rule(pick=PICK, other=PICK)
    def another_content_under_a_known_id_is_refused(self, pick: int, other: int) -> None:
        verb, values, actor, _ = self.done[pick % len(self.done)]
        _, _, its, key = self.done[other % len(self.done)]
        if its == actor and self.done[pick % len(self.done)] != self.done[other % len(self.done)]:
            with pytest.raises(Refused) as refused:
                verb(self.session, *actor, **values, request_id=key)
            assert refused.value.clause == "request_id"
        self.check()

    def _who(self, holder: int, who: int | None) -> Any:
        return self.holders[self.ids.index(holder) if who is None else who]


def _said(act: Callable[[], object]) -> str:
    """Return "ok", or the clause by which `act` was refused."""
    try:
        act()
    except Refused as refused:
        return refused.clause
    return "ok"


def _picture(session: Session) -> dict[str, Any]:
    """Return the books and papers as `World.picture` does, in one query."""
    found: dict[str, Any] = {"account": {}, "application": {}, "voucher": {}, "hold": {}, "claim": {}}
    for kind, key, *rest in session.execute(text(_PICTURE)):
        found[kind][key if kind == "account" else int(key)] = rest[1] if kind == "account" else tuple(rest)
    return found


_PICTURE = """
SELECT 'account', code, '', balance FROM account WHERE balance <> 0
UNION ALL SELECT 'application', id::text, state, amount FROM application
UNION ALL SELECT 'voucher', id::text, state, face FROM voucher
UNION ALL SELECT 'hold', id::text, state, used FROM hold
UNION ALL SELECT 'claim', id::text, state, amount FROM claim
"""


def _broken(session: Session) -> list[str]:
    """Return the names of the invariant views that are not empty, in one query."""
    if "invariants" not in session.info:
        names = session.scalars(text(r"SELECT viewname FROM pg_views WHERE schemaname = 'public' AND viewname LIKE 'invariant\_%' ORDER BY 1"))
        session.info["invariants"] = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)
    return list(session.scalars(text(session.info["invariants"])))


def test_thousands_of_random_steps_leave_the_books_as_the_model_says(
    engine: Engine, record_testsuite_property: Callable[[str, object], None]
) -> None:
    Money.engine, Money.steps = engine, 0
    sys.stdout.write(f"MODEL_SEED={SEED}\n")
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    bounds = settings(max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, database=None, suppress_health_check=checks, phases=PHASES)
    for turn in range(ENOUGH):
        hypothesis.seed(SEED + turn)(lambda: run_state_machine_as_test(Money, settings=bounds))()
        if Money.steps >= ENOUGH:
            break
    record_testsuite_property("model", f"{Money.steps} steps, seed {SEED}, states {' '.join(sorted(Money.seen))}")
    sys.stdout.write(f"{Money.steps} steps; {' '.join(sorted(Money.seen))}\n")


class Race(RuleBasedStateMachine):
    """A ledger with the face of `vouchers.ledger` under two writers at once; the model is ten lines (`model.Books`)."""

    engine: Engine
    kind: Any
    isolation = "READ COMMITTED"

    def __init__(self) -> None:
        super().__init__()
        self.name, self.treasury = model.key(), chart.treasury(worlds.FUNDER)
        self.budget = chart.budget(worlds.FUNDER, f"p{self.name}", 2027)
        self.books = model.Books({self.treasury: -1_000, self.budget: 1_000})
        self.post(Move(self.treasury, self.budget, 1_000))

    def code(self, n: int) -> str:
        return chart.reserved(int(self.name.removeprefix("k-")) * 10 + n)

    def moves(self, n: int, amount: int) -> Move:
        return Move(self.budget, self.code(n), amount)

    def post(self, one: Move, request: str = "") -> Any:
        """Post in a transaction of its own; give the transfer or "refused"."""
        with Session(self.engine.execution_options(isolation_level=self.isolation), expire_on_commit=False) as session:
            model.at(session, model.NOW)
            try:
                audit = record(session, SYSTEM, "test", 0, "post")
                found = self.kind.post(session, [one], kind="test", audit_id=audit, request_id=request or model.key())
                session.commit()
            except Refused:
                return "refused"
        return found

    @rule(n=st.integers(0, 2), amount=st.integers(1, 1_200))
    def alone(self, n: int, amount: int) -> None:
        one = self.moves(n, amount)
        assert (self.post(one) != "refused") == self.books.post([one])
        self.compare([self.books.balances])

    @rule(first=st.integers(1, 1_000), second=st.integers(1, 1_000))
    def two_at_once(self, first: int, second: int) -> None:
        pair = [self.moves(0, first), self.moves(1, second)]
        with at_once(), ThreadPoolExecutor(2) as pool:
            list(pool.map(self.post, pair))
        self.compare([self.outcome(order) for order in permutations(pair)])

    @rule(amount=st.integers(1, 400))
    def one_request_twice_at_once(self, amount: int) -> None:
        one, request = self.moves(2, amount), model.key()
        with at_once(), ThreadPoolExecutor(2) as pool:
            answers = set(pool.map(lambda _: self.post(one, request), range(2)))
        assert len(answers) == 1, "one request, two answers"
        self.compare([self.outcome((one,))])

    def outcome(self, order: tuple[Move, ...]) -> dict[str, int]:
        books = model.Books(dict(self.books.balances))
        for one in order:
            books.post([one])
        return books.balances

    def compare(self, allowed: list[dict[str, int]]) -> None:
        """Fail unless the balances are those of one of the orders in which the posts may have come; go on from there."""
        codes = [self.budget, *(self.code(n) for n in range(3))]
        with Session(self.engine) as session:
            found = {code: self.kind.balance(session, code) for code in codes}
        fits = [books for books in allowed if all(books.get(code, 0) == found[code] for code in codes)]
        assert fits, f"{found} is none of {allowed}"
        self.books.balances = dict(fits[0])


@contextmanager
def at_once() -> Iterator[None]:
    """Let two naive posts both look before either writes; the real ledger needs no such help to be tested."""
    barrier = Barrier(2)

    def meet() -> None:
        try:
            barrier.wait(2)
        except BrokenBarrierError:
            return

    naive.between_check_and_insert = meet
    try:
        yield
    finally:
        naive.between_check_and_insert = lambda: None


def _race(engine: Engine, kind: Any, isolation: str) -> None:
    made = type("Race", (Race,), {"engine": engine, "kind": kind, "isolation": isolation})
    bounds = settings(
        max_examples=15, stateful_step_count=12, deadline=None, database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )
    hypothesis.seed(SEED)(lambda: run_state_machine_as_test(made, settings=bounds))()


@pytest.fixture
def racing(committed_db: Any) -> Engine:
    with committed_db.owner.begin() as connection:
        for statement in naive.TABLE.split(";"):
            connection.execute(text(statement))
    found: Engine = committed_db.engine
    return found


@pytest.mark.breaks_invariants
def test_two_writers_at_once_come_out_as_if_one_had_waited(racing: Engine) -> None:
    """The money moves without papers here, so only the rules of the ledger itself are asked for."""
    _race(racing, ledger, "READ COMMITTED")
    with racing.connect() as connection:
        for rule_ in ("balance", "zero_sum", "history", "transfer"):
            assert connection.execute(text(f"SELECT count(*) FROM invariant_{rule_}")).scalar() == 0


@pytest.mark.breaks_invariants
@pytest.mark.parametrize("isolation", ["READ COMMITTED", "REPEATABLE READ"])
def test_a_ledger_that_checks_and_then_inserts_does_not_survive_this_test(racing: Engine, isolation: str) -> None:
    with pytest.raises(AssertionError, match=r"is none of|two answers"):
        _race(racing, naive, isolation)
