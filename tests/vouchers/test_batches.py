"""Settlement batches: every state with every event, two persons, what is frozen stays, the bank's statement pays what fits and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.actor import Actor
from core.errors import Forbidden, Invalid, NotFound, Refused
from parties import notices
from tests.vouchers import model
from tests.vouchers.model import actor, passes, refused
from vouchers import bankfile, batches, chart, claims, finance, ledger, payees, recovery, statements
from vouchers.entities import Claim
from vouchers.reconciling import sums
from vouchers.settlement import ACCOUNT, BATCH, LINE, RECOVERY, BankAccount, BatchLine, Recovery, SettlementBatch
from vouchers.statement_file import read

STATES = ("open", "frozen", "noticed", "signed", "authorised", "sent", "confirmed", "partly_failed", "closed", "reconciled", "cancelled")


def approved(session: Session, deal: model.Deal | None = None) -> int:
    return model.approve(session, model.check(session, model.claimed(session, deal or model.deal(session))))


def line_of(session: Session, claim: int) -> BatchLine:
    return session.query(BatchLine).filter_by(claim_id=claim).order_by(BatchLine.id.desc()).first()  # type: ignore[return-value]


def one(session: Session, batch: int, outcome: str = "成功", **changes: str) -> bytes:
    """Write a statement on the one line of a batch, with cells changed."""
    line = session.query(BatchLine).filter_by(batch_id=batch).one()
    row = {"reference": line.reference, "amount": "5000.00", "outcome": outcome, "bank": f"B-{line.id}", **changes}
    return model.statement(session, batch, (row["reference"], row["amount"], row["outcome"], row["bank"]))


def brought_to(session: Session, state: str) -> int:
    claim = approved(session)
    if state in model.STEPS:
        return model.batch(session, claim, state)
    if state == "cancelled":
        found = model.batch(session, claim, "open")
        return batches.cancel(session, model.officer("finance"), batch_id=found, reason="示例", request_id=model.key())
    found = model.batch(session, claim)
    model.take(session, found, one(session, found, "失败" if state == "partly_failed" else "成功"))
    if state in ("closed", "reconciled"):
        batches.close(session, model.officer("finance"), batch_id=found, request_id=model.key())
    if state == "reconciled":
        batches.reconcile(session, model.officer("finance"), batch_id=found, request_id=model.key())
    assert session.get_one(SettlementBatch, found).state == state
    return found


def acts(session: Session, batch: int, who: Actor) -> dict[str, Callable[[], Any]]:
    """Give every verb that a batch has, done by `who`."""
    line, key = session.query(BatchLine).filter_by(batch_id=batch).first(), model.key
    assert line is not None
    plain = ("add", "freeze", "notice", "sign", "authorise", "send", "close", "reconcile")
    return {event: partial(getattr(batches, event), session, who, batch_id=batch, request_id=key()) for event in plain} | {
        "cancel": lambda: batches.cancel(session, who, batch_id=batch, reason="示例", request_id=key()),
        "take_out": lambda: batches.take_out(session, who, line_id=line.id, reason="示例", request_id=key()),
        "fail_line": lambda: batches.fail_line(session, who, line_id=line.id, reason="示例", request_id=key()),
        "statement": lambda: model.take(session, batch, one(session, batch), by=who),
    }


@pytest.mark.parametrize("state", STATES)
def test_a_batch_takes_no_event_but_those_of_its_table(session: Session, state: str) -> None:
    batch = brought_to(session, state)
    if state == "open":
        approved(session)  # something to add
        model.account(session, session.query(Claim).order_by(Claim.id.desc()).first().payee_id)  # type: ignore[union-attr]
    if state == "noticed":
        model.at(session, "2026-04-10T10:00:00+08:00")
    before = model.fingerprint(session)
    holder = model.organisation(session)
    before = model.fingerprint(session)
    for role in model.ROLES:
        for event, act in acts(session, batch, actor(role, holder)).items():
            known = {"fail_line": "confirm", "statement": "confirm"}.get(event, event)
            allowed = any((a.state, a.event) == (state, known) and role in a.roles for a in BATCH)
            assert passes(session, act, before) == allowed, (state, role, event)


@pytest.mark.parametrize("state", STATES)
def test_nobody_of_another_region_finds_a_batch(session: Session, state: str) -> None:
    batch = brought_to(session, state)
    for region in ("330500", "331000", "330000", None):
        for act in acts(session, batch, Actor("finance", 5, None, region)).values():
            with refused(session, NotFound):
                act()


def test_the_lines_of_a_batch_follow_their_table(session: Session) -> None:
    """A line leaves `listed` once: taken out while open, paid or failed once sent; its claim goes with it."""
    assert {(a.state, a.next) for a in LINE} == {("listed", "taken_out"), ("listed", "paid"), ("listed", "failed")}
    for state, act, after in (
        ("open", "take_out", ("taken_out", "approved")),
        ("sent", "fail_line", ("failed", "approved")),
        ("sent", "statement", ("paid", "paid")),
    ):
        with session.begin_nested() as savepoint:
            batch = brought_to(session, state)
            line = session.query(BatchLine).filter_by(batch_id=batch).one()
            acts(session, batch, model.officer("finance"))[act]()
            assert (line.state, session.get_one(Claim, line.claim_id).state) == after
            for again in ("take_out", "fail_line", "statement"):
                with refused(session):
                    acts(session, batch, model.officer("finance"))[again]()
            savepoint.rollback()
        session.expire_all()


# Persons ------------------------------------------------------------------------------------------------------------------------------------


def test_two_persons_release_a_batch_and_the_second_approved_nothing_in_it(session: Session) -> None:
    claim = approved(session)
    row = session.get_one(Claim, claim)
    batch = model.batch(session, claim, "noticed")
    model.at(session, "2026-04-10T10:00:00+08:00")
    approver, other = Actor("finance", row.approver_id, None, model.YUHUAN), model.officer("finance")
    batches.sign(session, approver, batch_id=batch, request_id=model.key())
    for who in (approver, Actor("finance", row.reviewer_id, None, model.YUHUAN), Actor("finance", row.created_by, None, model.YUHUAN)):
        with refused(session, Forbidden):
            batches.authorise(session, who, batch_id=batch, request_id=model.key())
    batches.authorise(session, other, batch_id=batch, request_id=model.key())
    batches.send(session, approver, batch_id=batch, request_id=model.key())
    model.take(session, batch, by=approver)
    assert (row.payer_id, row.state) == (other.user_id, "paid")


def test_an_approver_cannot_be_the_releasing_person_even_when_another_signed_first(session: Session) -> None:
    claim = approved(session)
    batch = model.batch(session, claim, "signed")
    with refused(session, Forbidden):
        batches.authorise(
            session, Actor("finance", session.get_one(Claim, claim).approver_id, None, model.YUHUAN), batch_id=batch, request_id=model.key()
        )


@pytest.mark.parametrize("side", ["holder", "carrier"])
def test_who_belongs_to_a_payee_takes_no_step(session: Session, side: str) -> None:
    deal = model.deal(session)
    claim = approved(session, deal)
    insider = model.member(session, deal.holder)
    with refused(session, Refused, "claims"):
        batches.open_batch(session, Actor("finance", insider, None, model.YUHUAN), request_id=model.key())
    batch = model.batch(session, claim, "frozen")
    for act in acts(session, batch, Actor("finance", insider, None, model.YUHUAN)).values():
        with refused(session, Forbidden):
            act()


def test_a_batch_is_released_only_after_its_notice(session: Session) -> None:
    batch = model.batch(session, approved(session), "noticed")
    for instant, fine in (("2026-03-15T23:59:59+08:00", False), ("2026-03-16T00:00:00+08:00", True)):
        model.at(session, instant)
        assert passes(session, lambda: batches.sign(session, model.officer("finance"), batch_id=batch, request_id=model.key())) == fine, instant


def test_an_objection_holds_a_batch_and_an_upheld_one_ends_it(session: Session) -> None:
    batch = model.batch(session, approved(session), "noticed")
    notice = session.get_one(SettlementBatch, batch).notice_id or 0
    objection = notices.object_to(session, Actor("public", None, None), notice_id=notice, text="示例：这家没有做过", name="示例甲")
    model.at(session, "2026-04-10T10:00:00+08:00")
    with refused(session, Refused, "notice"):
        batches.sign(session, model.officer("finance"), batch_id=batch, request_id=model.key())
    notices.answer(session, model.officer("reviewer"), objection_id=objection, upheld=True, reason="示例：属实")
    with refused(session, Refused, "notice"):
        batches.sign(session, model.officer("finance"), batch_id=batch, request_id=model.key())
    batches.cancel(session, model.officer("finance"), batch_id=batch, reason="示例：异议成立", request_id=model.key())
    assert session.query(Claim).one().state == "approved"


# What is frozen -----------------------------------------------------------------------------------------------------------------------------


def test_what_was_frozen_cannot_be_changed_even_with_the_rights_of_the_owner(owner_session: Session) -> None:
    batch = model.batch(owner_session, approved(owner_session), "frozen")
    for change in ("total = total + 1", "sha256 = repeat('0', 64)", "lines = 7"):
        with pytest.raises(DBAPIError, match="stays as it was"), owner_session.begin_nested():
            owner_session.execute(text(f"UPDATE settlement_batch SET {change} WHERE id = :id"), {"id": batch})


@pytest.mark.breaks_invariants
def test_a_line_that_was_tampered_with_is_not_sent(owner_session: Session) -> None:
    batch = model.batch(owner_session, approved(owner_session), "authorised")
    for change in ("amount = amount - 1", "payee_id = (SELECT max(id) FROM organisation)"):
        with owner_session.begin_nested() as savepoint:
            owner_session.execute(text(f"UPDATE batch_line SET {change}"))
            owner_session.expire_all()
            with pytest.raises(Refused) as caught:
                batches.send(owner_session, model.officer("finance"), batch_id=batch, request_id=model.key())
            assert caught.value.clause == "hash"
            savepoint.rollback()
        owner_session.expire_all()


def test_a_frozen_voucher_is_neither_added_nor_sent(session: Session) -> None:
    deal = model.deal(session)
    claim = approved(session, deal)
    batch = model.batch(session, claim, "authorised")
    model.freeze(session, deal.voucher)
    with refused(session, Refused, "line"):
        batches.send(session, model.officer("finance"), batch_id=batch, request_id=model.key())
    batches.cancel(session, model.officer("finance"), batch_id=batch, reason="示例", request_id=model.key())
    with refused(session, Refused, "claims"):
        batches.open_batch(session, model.officer("finance"), request_id=model.key())
    assert [one.reason for one in batches.waiting(session, model.YUHUAN)] == ["券在核查中，暂时冻结"]


def test_one_batch_of_a_funder_is_open_and_takes_what_comes_later(session: Session) -> None:
    batch = model.batch(session, approved(session), "open")
    later = approved(session)
    model.account(session, session.get_one(Claim, later).payee_id)
    with refused(session, Refused, "open"):
        batches.open_batch(session, model.officer("finance"), request_id=model.key())
    batches.add(session, model.officer("finance"), batch_id=batch, request_id=model.key())
    assert [row.amount for row in batches.lines_of(session, batch)] == [500_000, 500_000]


def test_a_voucher_is_not_voided_under_a_batch(session: Session) -> None:
    deal = model.deal(session)
    claim = approved(session, deal)
    model.batch(session, claim, "open")
    with refused(session, Refused, "claim"):
        claims.drop_for_void(session, model.officer("reviewer"), hold_id=deal.hold_id, reason="示例", request_id=model.key())


# Accounts -----------------------------------------------------------------------------------------------------------------------------------


def test_a_payee_without_a_confirmed_account_stays_out_with_the_reason(session: Session) -> None:
    deal = model.deal(session)
    approved(session, deal)
    who = Actor("enterprise", 5, deal.holder.id)
    with refused(session, Refused, "claims"):
        batches.open_batch(session, model.officer("finance"), request_id=model.key())
    found = payees.enter(session, who, bank="示例银行", name="示例", number="9999 0000 1111 2222", request_id=model.key())
    assert [one.reason for one in batches.waiting(session, model.YUHUAN)] == ["收款单位还没有确认收款账户"]
    payees.confirm(session, who, account_id=found, number="９９９９-" and "9999000011112222", request_id=model.key())
    assert [one.reason for one in batches.waiting(session, model.YUHUAN)] == [""]


def test_an_account_follows_its_table_and_belongs_to_its_own_people(session: Session) -> None:
    holder, other = model.organisation(session), model.organisation(session)
    who = Actor("enterprise", 5, holder.id)
    first = payees.enter(session, who, bank="示例银行", name="示例", number="99990001", request_id=model.key())
    for error, by, number in (
        (Invalid, who, "99990002"),
        (NotFound, Actor("enterprise", 5, other.id), "99990001"),
        (NotFound, Actor("finance", 5, None, model.YUHUAN), "99990001"),
    ):
        with refused(session, error):
            payees.confirm(session, by, account_id=first, number=number, request_id=model.key())
    payees.confirm(session, who, account_id=first, number=" 9999 0001 ", request_id=model.key())
    with refused(session, Refused, "state"):
        payees.confirm(session, who, account_id=first, number="99990001", request_id=model.key())
    second = payees.enter(session, who, bank="示例银行", name="示例", number="99990002", request_id=model.key())
    third = payees.enter(session, who, bank="示例银行", name="示例", number="99990003", request_id=model.key())
    payees.confirm(session, who, account_id=third, number="99990003", request_id=model.key())
    states = {row.id: row.state for row in session.query(BankAccount)}
    assert states == {first: "retired", second: "discarded", third: "active"}
    assert {state for arrow in ACCOUNT for state in (arrow.state, arrow.next)} >= set(states.values())
    with refused(session, Forbidden):
        payees.enter(session, Actor("finance", 5, None, model.YUHUAN), bank="示例", name="示例", number="99990001", request_id=model.key())


@pytest.mark.parametrize("number", ["", "1234", "9" * 41, "=1+1+1", "99990001;DROP", "账号一二三四五", "9999\u0000001"])
def test_what_is_no_account_number_is_refused(session: Session, number: str) -> None:
    holder = model.organisation(session)
    with refused(session, Invalid):
        payees.enter(session, Actor("enterprise", 5, holder.id), bank="示例", name="示例", number=number, request_id=model.key())


def test_the_whole_number_stands_in_the_bank_file_alone(session: Session) -> None:
    batch = model.batch(session, approved(session))
    who = model.officer("finance")
    name, content = bankfile.bank_file(session, who, batch_id=batch)
    assert name == f"{session.get_one(SettlementBatch, batch).code}.csv"
    assert "9999000011112222" in content
    page = finance.batch_page(session, who, batch)
    assert [line.account for line in page.lines] == ["**** 2222"]
    assert session.scalar(text("SELECT count(*) FROM audit WHERE subject = 'bank_file' AND subject_id = :id"), {"id": batch}) == 1
    for by, error in ((Actor("auditor", 5, None, model.YUHUAN), Forbidden), (Actor("finance", 5, None, "330500"), NotFound)):
        with refused(session, error):
            bankfile.bank_file(session, by, batch_id=batch)


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1+1", "@SUM(A1)", "\t=1", "　=1", "|x", "%x"])
def test_no_cell_of_a_file_is_a_formula(session: Session, name: str) -> None:
    assert bankfile.safe(name).startswith("'")
    deal = model.deal(session)
    session.execute(text("UPDATE organisation SET name_zh = :name WHERE id = :id"), {"name": name.strip(), "id": deal.holder.id})
    batch = model.batch(session, approved(session, deal))
    _, content = bankfile.bank_file(session, model.officer("finance"), batch_id=batch)
    assert f",{name.strip()}," not in content


# The statement ------------------------------------------------------------------------------------------------------------------------------


def two_lines(session: Session) -> tuple[int, list[BatchLine]]:
    first, second = approved(session), approved(session)
    for claim in (first, second):
        model.account(session, session.get_one(Claim, claim).payee_id)
    batch = model.batch(session, first)
    return batch, list(batches.lines_of(session, batch))


def findings(session: Session, batch: int) -> list[str]:
    rows = session.scalars(
        text("SELECT t.finding FROM statement_line t JOIN bank_statement s ON s.id = t.statement_id WHERE s.batch_id = :b ORDER BY t.id"),
        {"b": batch},
    )
    return list(rows)


def test_missing_doubled_changed_and_unknown_lines_are_each_named_and_move_nothing(session: Session) -> None:
    batch, (one_, two) = two_lines(session)
    rows = [
        (one_.reference, "5000.01", "成功", "B-1"),
        ("JS-331083-20260310-9-0001", "5000.00", "成功", "B-2"),
        (two.reference, "5000.00", "成功", "B-3"),
        (two.reference, "5000.00", "成功", "B-4"),
        (two.reference.lower(), "5000.00", "成功", "B-3"),
    ]
    model.take(session, batch, model.statement(session, batch, *rows))
    assert findings(session, batch) == ["changed", "unknown", "matched", "doubled", "doubled"]
    assert (one_.state, two.state) == ("listed", "paid")
    assert session.get_one(SettlementBatch, batch).state == "sent"
    assert [line.id for line in statements.missing(session, batch)] == [one_.id]
    assert session.scalar(text("SELECT sum(balance) FROM account WHERE kind = 'paid'")) == 500_000
    model.take(session, batch, model.statement(session, batch, (one_.reference, "5000.00", "成功", "B-5")))
    assert session.get_one(SettlementBatch, batch).state == "confirmed"
    batches.close(session, model.officer("finance"), batch_id=batch, request_id=model.key())
    with refused(session, Refused, "differs"):  # the bank paid one line twice
        batches.reconcile(session, model.officer("finance"), batch_id=batch, request_id=model.key())


def test_rows_that_contradict_each_other_move_nothing(session: Session) -> None:
    batch, (one_, _) = two_lines(session)
    rows = ((one_.reference, "5000.00", "成功", "B-1"), (one_.reference, "5000.00", "失败", ""))
    model.take(session, batch, model.statement(session, batch, *rows))
    assert findings(session, batch) == ["doubled", "doubled"]
    assert one_.state == "listed"
    with refused(session, Refused, "paid"):
        batches.fail_line(session, model.officer("finance"), line_id=one_.id, reason="示例", request_id=model.key())


def test_a_failed_line_comes_back_and_is_paid_by_the_next_batch(session: Session) -> None:
    claim = approved(session)
    batch = model.batch(session, claim)
    model.take(session, batch, one(session, batch, "退汇"))
    row = session.get_one(Claim, claim)
    assert (session.get_one(SettlementBatch, batch).state, row.state, line_of(session, claim).state) == ("partly_failed", "approved", "failed")
    for step in (batches.close, batches.reconcile):
        step(session, model.officer("finance"), batch_id=batch, request_id=model.key())
    model.at(session, "2026-04-10T10:00:00+08:00")
    payout = model.pay(session, claim)
    assert ledger.balance(session, chart.paid(payout)) == 500_000
    assert [(line.state) for line in session.query(BatchLine).filter_by(claim_id=claim).order_by(BatchLine.id)] == ["failed", "paid"]


def test_the_same_file_is_taken_once(session: Session) -> None:
    batch, (one_, two) = two_lines(session)
    content = model.statement(session, batch, (one_.reference, "5000.00", "成功", "B-1"))
    model.take(session, batch, content)
    with refused(session, Refused, "statement"):
        model.take(session, batch, content)
    model.take(session, batch, model.statement(session, batch, (one_.reference, "5000.00", "成功", "B-1"), (two.reference, "5000.00", "成功", "B-2")))
    assert findings(session, batch) == ["matched", "settled", "matched"]
    assert sums(session, batch).agree


def test_a_bank_reference_pays_one_claim(session: Session) -> None:
    batch, (one_, two) = two_lines(session)
    rows = ((one_.reference, "5000.00", "成功", "B-1"), (two.reference, "5000.00", "成功", "B-1"))
    model.take(session, batch, model.statement(session, batch, *rows))
    assert findings(session, batch) == ["matched", "bank_reference_used"]
    assert two.state == "listed"


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"bank": ""}, "no_bank_reference"),
        ({"bank": "9" * 90}, "no_bank_reference"),
        ({"amount": "0"}, "unreadable"),
        ({"amount": "-5000.00"}, "unreadable"),
        ({"amount": "5000.001"}, "unreadable"),
        ({"amount": "0.5万"}, "unreadable"),
        ({"amount": "99999999999999999999"}, "unreadable"),
        ({"amount": "￥5 000"}, "unreadable"),
        ({"outcome": "处理中"}, "unreadable"),
        ({"amount": "¥5000元"}, "matched"),
        ({"outcome": "SUCCESS"}, "matched"),
    ],
)
def test_a_row_is_read_exactly_or_not_at_all(session: Session, changes: dict[str, str], finding: str) -> None:
    batch = model.batch(session, approved(session))
    model.take(session, batch, one(session, batch, **changes))
    assert findings(session, batch) == [finding]


@pytest.mark.parametrize("day", ["2026-03-09", "2026-03-17", "2027-02-29"])
def test_a_day_before_the_batch_or_after_today_is_named(session: Session, day: str) -> None:
    batch = model.batch(session, approved(session))
    line = batches.lines_of(session, batch)[0]
    content = f"参考号,金额,日期,银行流水号\n{line.reference},5000.00,{day},B-1\n".encode()
    model.take(session, batch, content)
    assert findings(session, batch) == ["matched" if day == "2027-02-29" else "wrong_date"]  # no such day: not read, today counts


HEADERS = [
    ("utf-8-sig", ",", ("参考号", "金额", "结果", "银行流水号")),
    ("gb18030", ",", ("业务参考号", "付款金额", "处理结果", "交易流水号")),
    ("utf-16", "\t", ("客户参考号", "交易金额", "状态", "流水号")),
    ("utf-8", ";", ("Reference", "Amount", "Status", "Transaction ID")),
]


@pytest.mark.parametrize(("encoding", "delimiter", "names"), HEADERS)
def test_a_statement_is_read_in_any_usual_encoding_and_form(session: Session, encoding: str, delimiter: str, names: tuple[str, ...]) -> None:
    batch = model.batch(session, approved(session))
    line = batches.lines_of(session, batch)[0]
    rows = [("示例银行对账单",), names, (f'="{line.reference}"', '"5,000.00"', "成功" if names[0] != "Reference" else "paid", "B-1")]
    content = "\r\n".join(delimiter.join(row) for row in rows).encode(encoding)
    model.take(session, batch, content)
    assert (findings(session, batch), line.state) == (["matched"], "paid")


NO_STATEMENT = [
    b"",
    b"\x00\x01\x02\x03" * 50,
    b"PK\x03\x04 a workbook",
    b"%PDF-1.7 a paper",
    b"\x89PNG\r\n\x1a\n",
    "参考号,金额\n".encode(),
    "户名,账号\n示例,123\n".encode(),
    b"\xff\xfe\x00",
    ("参考号,金额\n" + "x" * 1_000_000).encode(),
    ("参考号,金额\n" + "R-1,1.00\n" * 20_001).encode(),
    '参考号,金额\n"R-1,1.00\n'.encode() + b"\x80\x81\xff",
    "浙江省科技创新券".encode()[:-1] * 40,
]


@pytest.mark.parametrize("content", NO_STATEMENT, ids=range(len(NO_STATEMENT)))
def test_what_is_no_statement_is_refused_with_a_reason(session: Session, content: bytes) -> None:
    batch = model.batch(session, approved(session))
    with refused(session, Invalid):
        model.take(session, batch, content)


def test_text_of_a_bank_that_begins_like_a_formula_stays_text() -> None:
    found = read("参考号,金额,失败原因\n=HYPERLINK(1),1.00,=1+1\n".encode())
    assert (found.rows[0].reference, found.rows[0].reason) == ("=HYPERLINK(1)", "=1+1")


def test_taking_a_statement_twice_with_one_request_is_once_and_another_content_is_refused(session: Session) -> None:
    batch = model.batch(session, approved(session))
    who, key, content = model.officer("finance"), model.key(), one(session, batch)
    taken = dict(batch_id=batch, filename="a.csv", request_id=key)
    answers = {statements.take(session, who, content=content, **taken) for _ in range(3)}  # type: ignore[arg-type]
    assert len(answers) == 1
    with refused(session):
        statements.take(session, who, content=content + b"\n", **taken)  # type: ignore[arg-type]


# Recovery -----------------------------------------------------------------------------------------------------------------------------------


def recovering(session: Session) -> tuple[model.Deal, int]:
    deal = model.deal(session)
    claim = approved(session, deal)
    model.pay(session, claim)
    return deal, recovery.open_case(session, model.officer("finance", user_id=71), claim_id=claim, reason="示例：虚假发票", request_id=model.key())


def test_money_that_comes_back_goes_to_the_pool_by_another_person(session: Session) -> None:
    deal, case = recovering(session)
    with refused(session, Forbidden):
        model.money_back(session, case, by=model.officer("finance", user_id=71))
    model.money_back(session, case)
    row = session.get_one(Recovery, case)
    assert row.state == RECOVERY[0].next
    assert session.get_one(Claim, row.claim_id).state == "recovered"
    assert ledger.balance(session, chart.pool(model.YUHUAN, "yuhuan-2023", 2026)) == 500_000
    assert session.scalar(text("SELECT coalesce(sum(balance), 0) FROM account WHERE kind IN ('paid', 'recovered')")) == 0
    for event in (
        lambda: model.money_back(session, case),
        lambda: recovery.open_case(session, model.officer("finance"), claim_id=row.claim_id, reason="示例", request_id=model.key()),
    ):
        with refused(session, Refused, "state"):
            event()
    assert deal.voucher.state == "active"


@pytest.mark.parametrize("role", model.ROLES)
def test_only_finance_of_the_funder_handles_a_recovery(session: Session, role: Any) -> None:
    deal, case = recovering(session)
    before = model.fingerprint(session)
    assert passes(session, lambda: model.money_back(session, case, by=actor(role, deal.holder)), before) == (role == "finance")
    with refused(session, NotFound):
        model.money_back(session, case, by=Actor("finance", 5, None, "330500"))


@pytest.mark.parametrize(("bank", "day", "error"), [("", "2026-03-10", Invalid), ("9" * 81, "2026-03-10", Invalid), ("R-1", "2026-03-11", Invalid)])
def test_what_came_back_needs_a_reference_and_a_day_not_after_today(session: Session, bank: str, day: str, error: Any) -> None:
    _, case = recovering(session)
    with refused(session, error):
        recovery.money_back(
            session, model.officer("finance"), recovery_id=case, bank_reference=bank, received_on=date.fromisoformat(day), request_id=model.key()
        )


def test_one_bank_reference_brings_one_sum_back(session: Session) -> None:
    (_, first), (_, second) = recovering(session), recovering(session)
    model.money_back(session, first, bank="R-7")
    with refused(session, Refused, "bank_reference"):
        model.money_back(session, second, bank=" R-7 ")
