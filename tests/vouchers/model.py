"""A small world for the tests of money, made by the money packages alone, and a pure model of the ledger to compare with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from core.actor import SYSTEM, Actor
from core.audit import move, record
from core.errors import MapError
from geodata.organisations import Organisation
from geodata.regions import Region
from vouchers import applications, batches, budgets, claims, ledger, lifecycle, payees, policy, recovery, statements
from vouchers.claims import Document
from vouchers.entities import VOUCHER, Application, Claim, Voucher
from vouchers.ledger import Move
from vouchers.policy import Policy, PolicyVersion, seed_policies
from vouchers.settlement import BatchLine, SettlementBatch

YUHUAN = "331083"
NOW = "2026-03-10T10:00:00+08:00"
MONEY = (
    "account",
    "transfer",
    "posting",
    "audit",
    "evidence",
    "payout",
    "policy_version",
    "budget",
    "application",
    "voucher",
    "hold",
    "claim",
    "request",
    "bank_account",
    "settlement_batch",
    "batch_line",
    "bank_statement",
    "statement_line",
    "recovery",
    "notice",
)
ROLES = ("public", "enterprise", "carrier", "reviewer", "finance", "auditor", "planner", "system")
_number = count(1)


def at(session: Session, instant: str) -> None:
    """Stop the clock of `session`."""
    session.info["now"] = datetime.fromisoformat(instant)


def key() -> str:
    return f"k-{next(_number)}"


def terms(code: str = "yuhuan-2023", **changes: Any) -> Policy:
    found = next(p for p in seed_policies() if p.id == code)
    return Policy.model_validate({**found.model_dump(), **changes})


def region(session: Session, adcode: str) -> None:
    if session.get(Region, adcode) is None:
        session.add(Region(adcode=adcode, level="county", name_zh=f"示例{adcode}", name_en=adcode, source="示例"))
        session.flush()


def version(session: Session, code: str = "yuhuan-2023", **changes: Any) -> PolicyVersion:
    wanted = terms(code, **changes)
    region(session, wanted.region)
    return policy.publish(session, wanted)


def fund(session: Session, of: PolicyVersion, amount: int = 10**9) -> int:
    return budgets.adopt(session, SYSTEM, version=of, year=clock.today(session).year, amount=amount, request_id=key())


def organisation(session: Session, **columns: Any) -> Organisation:
    n = next(_number)
    adcode = columns.pop("adcode", YUHUAN)
    region(session, adcode)
    facts = {"code": f"M-{n}", "name_zh": f"示例企业{n}", "kind": "enterprise", "adcode": adcode, "is_sample": True, "source": "示例"}
    made = Organisation(**{**facts, **columns})
    session.add(made)
    session.flush()
    return made


def organisation_of(session: Session, key_: int) -> Organisation:
    return session.get_one(Organisation, key_)


def carrier(session: Session) -> Organisation:
    return organisation(session, kind="carrier", carrier_kind="platform", name_zh=f"示例载体{next(_number)}")


def person(of: Organisation, role: Any = None) -> Actor:
    return Actor(role or ("carrier" if of.kind == "carrier" else "enterprise"), 1000 + of.id, of.id)


def officer(role: Any, adcode: str = YUHUAN, user_id: int | None = None) -> Actor:
    return Actor(role, user_id or 900_000 + next(_number), None, adcode)


def applied(session: Session, holder: Organisation, *, amount: int = 2_000_000, code: str = "yuhuan-2023") -> Application:
    found = applications.apply(session, person(holder), policy_code=code, amount=amount, purpose="示例", request_id=key())
    return session.get_one(Application, found)


def decided(session: Session, row: Application, event: str) -> None:
    funder = session.get_one(PolicyVersion, row.policy_version_id).funder
    applications.decide(session, officer("reviewer", funder), application_id=row.id, event=event, reason="示例理由", request_id=key())


def issued(session: Session, holder: Organisation, *, face: int = 2_000_000, code: str = "yuhuan-2023") -> Voucher:
    """Apply and pass: the voucher."""
    row = applied(session, holder, amount=face, code=code)
    decided(session, row, "pass")
    return session.query(Voucher).filter_by(application_id=row.id).one()


def held(session: Session, holder: Organisation, voucher: Voucher, *, amount: int, reference: str = "") -> int:
    reference = reference or f"order:{next(_number) + 10**6}"
    return lifecycle.hold(session, person(holder), voucher_id=voucher.id, amount=amount, reference=reference, request_id=key())


@dataclass(frozen=True)
class Deal:
    """A holder with a voucher, a carrier, and a hold of 500,000 fen that is already used."""

    holder: Organisation
    carrier: Organisation
    voucher: Voucher
    hold_id: int
    reference: str

    @property
    def parties(self) -> tuple[int, ...]:
        return (self.holder.id, self.carrier.id)


def deal(session: Session, *, used: int = 500_000, now: str = NOW, code: str = "yuhuan-2023") -> Deal:
    at(session, now)
    of = version(session, code)
    fund(session, of)
    holder, other = organisation(session, adcode=of.region), carrier(session)
    voucher = issued(session, holder, code=code)
    reference = f"order:{next(_number) + 10**6}"
    hold_id = held(session, holder, voucher, amount=used, reference=reference)
    lifecycle.use(session, person(holder), hold_id=hold_id, amount=used, request_id=key())
    return Deal(holder, other, voucher, hold_id, reference)


def prove(session: Session, of: Deal, *, but: str = "") -> None:
    """Hand in every kind of evidence that a claim may need, each with a number of its own."""
    for kind in {"service_result", "invoice", "payment_proof"} - {but}:
        document = Document(kind, f"{kind}-{next(_number)}", date(2026, 3, 1))
        claims.add_evidence(session, person(of.holder), reference=of.reference, document=document)


def claimed(session: Session, of: Deal) -> int:
    prove(session, of)
    return claims.submit(session, person(of.holder), hold_id=of.hold_id, payee_id=of.holder.id, parties=of.parties, request_id=key())


def check(session: Session, claim_id: int, event: str = "check_ok", by: Actor | None = None) -> int:
    return claims.review(session, by or officer("reviewer"), claim_id=claim_id, event=event, reason="示例理由", request_id=key())


def approve(session: Session, claim_id: int, by: Actor | None = None) -> int:
    return claims.approve(session, by or officer("finance"), claim_id=claim_id, request_id=key())


def account(session: Session, organisation_id: int, number: str = "9999000011112222") -> int:
    """Let an organisation have a confirmed bank account."""
    who = Actor("enterprise", 1000 + organisation_id, organisation_id)
    found = payees.enter(session, who, bank="示例银行", name="示例户名", number=number, request_id=key())
    return payees.confirm(session, who, account_id=found, number=number, request_id=key())


STEPS = ("open", "frozen", "noticed", "signed", "authorised", "sent")
FIRST, SECOND = 930_001, 930_002
"""Users of finance who sign and release batches, and approve nothing here."""


def batch(session: Session, claim_id: int, until: str = "sent") -> int:
    """Bring the approved claim into a batch of its funder and that to the state `until`; return the batch id. The clock goes on by the notice."""
    row = session.get_one(Claim, claim_id)
    if row.payee_id not in payees.active(session, [row.payee_id]):
        account(session, row.payee_id)
    one, two = (officer("finance", row.funder, user) for user in (FIRST, SECOND))
    found = batches.open_batch(session, one, request_id=key())
    for state, verb, who in zip(
        STEPS[1:], (batches.freeze, batches.notice, batches.sign, batches.authorise, batches.send), (one, one, one, two, one), strict=True
    ):
        if STEPS.index(state) > STEPS.index(until):
            break
        if state == "signed":
            session.info["now"] = clock.now(session) + timedelta(days=batches.NOTICE_DAYS + 1)
        verb(session, who, batch_id=found, request_id=key())
    return found


def statement(session: Session, batch_id: int, *rows: tuple[str, str, str, str]) -> bytes:
    """Write a statement: rows of reference, yuan, outcome and bank reference; without rows one that pays every line."""
    if not rows:
        lines = session.query(BatchLine).filter_by(batch_id=batch_id, state="listed").order_by(BatchLine.id)
        rows = tuple((line.reference, f"{line.amount / 100:.2f}", "成功", f"B-{line.reference}") for line in lines)
    return "\n".join(["参考号,金额,结果,银行流水号", *(",".join(row) for row in rows)]).encode()


def take(session: Session, batch_id: int, content: bytes | None = None, by: Actor | None = None) -> int:
    """Take a statement in, by default one that pays every line."""
    funder = session.get_one(SettlementBatch, batch_id).funder
    given = content if content is not None else statement(session, batch_id)
    return statements.take(session, by or officer("finance", funder), batch_id=batch_id, content=given, filename="示例.csv", request_id=key())


def pay(session: Session, claim_id: int, bank: str = "") -> int:
    """Pay an approved claim by a batch and the bank's statement on it; return the payout id. The clock stands where it stood."""
    now = session.info.get("now")
    found = batch(session, claim_id)
    line = session.query(BatchLine).filter_by(batch_id=found, claim_id=claim_id).one()
    take(session, found, statement(session, found, (line.reference, f"{line.amount / 100:.2f}", "成功", bank or f"B-{next(_number)}")))
    session.info["now"] = now or clock.now(session)
    payout = session.get_one(Claim, claim_id).payout_id
    assert payout is not None
    return payout


def money_back(session: Session, case: int, by: Actor | None = None, bank: str = "") -> int:
    """Record that the money of a recovery came back."""
    who, day = by or officer("finance"), clock.today(session)
    return recovery.money_back(session, who, recovery_id=case, bank_reference=bank or f"R-{next(_number)}", received_on=day, request_id=key())


def post(session: Session, *moves: Move, request_id: str = "") -> int:
    """Post `moves` as one transfer with an audit record of its own."""
    audit = record(session, SYSTEM, "test", 0, "post")
    return ledger.post(session, moves, kind="test", audit_id=audit, request_id=request_id or key())


def fingerprint(session: Session) -> dict[str, str]:
    """Return a hash of all rows of every money table: two equal ones mean that nothing was changed."""
    session.flush()
    return {row.name: row.hash for row in session.execute(text(_FINGERPRINT))}


@contextmanager
def refused(session: Session, error: type[MapError] = MapError, clause: str = "") -> Iterator[None]:
    """Expect a refusal that leaves every money table as it was, with nobody rolling back."""
    before = fingerprint(session)
    with pytest.raises(error) as caught:
        yield
    assert fingerprint(session) == before, "a refused event changed something"
    if clause:
        assert caught.value.clause == clause


def actor(role: Any, of: Any) -> Actor:
    """Give a person of `role` with every right that the role can have here: only the role decides."""
    if role in ("enterprise", "carrier"):
        return Actor(role, 77, of.id)
    return Actor(role, 78, None, YUHUAN)


def passes(session: Session, act: Callable[[], Any], before: dict[str, str] | None = None) -> bool:
    """Try `act` and take it back; when it is refused, nothing may have changed even before that."""
    before = before or fingerprint(session)
    with session.begin_nested() as savepoint:
        try:
            act()
        except MapError:
            assert fingerprint(session) == before, "a refused event changed something"
            return False
        savepoint.rollback()
    session.expire_all()
    return True


def freeze(session: Session, voucher: Voucher) -> None:
    voucher.frozen_from = voucher.state
    move(session, Actor("auditor", 5, None, YUHUAN), voucher, VOUCHER, "freeze")


def member(session: Session, of: Any) -> int:
    found: int = session.execute(
        text("INSERT INTO app_user (login, name, is_sample, disabled) VALUES ('示例', '示例', true, false) RETURNING id")
    ).scalar_one()
    session.execute(text("INSERT INTO membership (user_id, organisation_id, role) VALUES (:u, :o, 'enterprise')"), {"u": found, "o": of.id})
    return found


_FINGERPRINT = " UNION ALL ".join(
    f"SELECT '{name}' AS name, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS hash FROM {name} t" for name in MONEY
)


@dataclass
class Books:
    """A ledger in ten lines of Python: what `ledger_post` must agree with."""

    balances: dict[str, int] = field(default_factory=dict)

    def post(self, moves: list[Move]) -> bool:
        """Apply `moves` in order unless an account other than a treasury falls below zero on the way; say whether they were applied."""
        after = dict(self.balances)
        for one in moves:
            after[one.source] = after.get(one.source, 0) - one.amount
            after[one.destination] = after.get(one.destination, 0) + one.amount
            if after[one.source] < 0 and not one.source.startswith("treasury:"):
                return False
        self.balances = after
        return True
