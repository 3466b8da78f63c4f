"""The ledger: money is neither made nor lost, a request counts once, a refusal leaves no trace, and every view of the books can complain."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from core.errors import Invalid, Refused, RequestReused
from core.money import MAX_FEN
from tests.vouchers import model
from vouchers import chart, ledger, lifecycle, queries
from vouchers.ledger import Move

TREASURY, BUDGET = chart.treasury("331083"), chart.budget("331083", "p", 2026)
RESERVED, AVAILABLE, HELD = chart.reserved(10**9), chart.available(10**9), chart.held(10**9)
ADOPT = Move(TREASURY, BUDGET, 1000)
BOOKS = {"invariant_balance", "invariant_zero_sum", "invariant_transfer", "invariant_history"}
bare = pytest.mark.breaks_invariants
"""These postings have no papers behind them, so the views of papers rightly complain; those of the books must not."""


def broken(session: Session) -> list[dict[str, Any]]:
    """Return what the views of the books themselves complain of."""
    return [row for row in ledger.violations(session) if row["invariant"] in BOOKS]


def balances(session: Session) -> dict[str, int]:
    return {code: amount for code, amount in session.execute(text("SELECT code, balance FROM account")).all() if amount}


@bare
def test_a_posting_moves_its_amount_and_the_whole_sums_to_zero(session: Session) -> None:
    model.post(session, ADOPT)
    model.post(session, Move(BUDGET, RESERVED, 300), Move(BUDGET, chart.reserved(10**9 + 1), 700))
    found = balances(session)
    assert found == {TREASURY: -1000, RESERVED: 300, chart.reserved(10**9 + 1): 700}
    assert sum(found.values()) == 0
    assert broken(session) == []


@bare
def test_a_transfer_whose_second_line_overdraws_moves_nothing_at_all(session: Session) -> None:
    model.post(session, ADOPT)
    before = model.fingerprint(session)
    with session.begin_nested() as savepoint:
        with pytest.raises(Refused) as refused:
            model.post(session, Move(BUDGET, RESERVED, 600), Move(BUDGET, chart.reserved(10**9 + 1), 401))
        savepoint.rollback()
    assert refused.value.clause == "overdraft"
    assert model.fingerprint(session) == before


@bare
def test_an_overdraft_by_one_fen_is_refused_and_the_last_fen_is_not(session: Session) -> None:
    model.post(session, ADOPT)
    with pytest.raises(Refused):
        model.post(session, Move(BUDGET, RESERVED, 1001))
    model.post(session, Move(BUDGET, RESERVED, 1000))
    assert ledger.balance(session, BUDGET) == 0


@bare
def test_the_same_request_again_is_the_same_transfer_and_another_content_is_refused(session: Session) -> None:
    first = model.post(session, ADOPT, request_id="once")
    assert model.post(session, ADOPT, request_id="once") == first
    for other in (Move(TREASURY, BUDGET, 1001), Move(TREASURY, chart.budget("331083", "p", 2027), 1000), Move(BUDGET, RESERVED, 1000)):
        with pytest.raises(RequestReused):
            model.post(session, other, request_id="once")
    with pytest.raises(RequestReused):
        model.post(session, ADOPT, ADOPT, request_id="once")
    assert ledger.balance(session, BUDGET) == 1000


@bare
@pytest.mark.parametrize("amount", [0, -1, -(10**18), MAX_FEN + 1, 2**63, 10**30, 0.5, 1.0, "1", True, None])
def test_an_amount_that_is_no_whole_number_of_fen_within_bounds_is_refused(session: Session, amount: Any) -> None:
    model.post(session, ADOPT)
    with pytest.raises(Invalid) as invalid:
        model.post(session, Move(BUDGET, RESERVED, amount))
    assert invalid.value.field == "amount"
    assert ledger.balance(session, BUDGET) == 1000


@bare
@pytest.mark.parametrize("amount", [0, -1, -500_000, MAX_FEN + 1, 2**63, 0.5])
def test_no_verb_takes_an_amount_that_is_none(session: Session, amount: Any) -> None:
    deal = model.deal(session)
    before = model.fingerprint(session)
    with pytest.raises(Invalid):
        model.applied(session, deal.holder, amount=amount)
    with pytest.raises(Invalid):
        model.held(session, deal.holder, deal.voucher, amount=amount)
    with pytest.raises(Invalid):
        model.fund(session, model.version(session), amount)
    assert model.fingerprint(session) == before


@bare
@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (dict(sources=[TREASURY], destinations=[BUDGET], amounts=[-5]), "no such way"),
        (dict(sources=[TREASURY], destinations=[BUDGET], amounts=[0]), "no such way"),
        (dict(sources=[TREASURY], destinations=[BUDGET], amounts=[None]), "no such way"),
        (dict(sources=[TREASURY], destinations=[TREASURY], amounts=[5]), "no such way"),
        (dict(sources=[TREASURY], destinations=["bonus:331083"], amounts=[5]), "no such way"),
        (dict(sources=["Treasury:331083"], destinations=[BUDGET], amounts=[5]), "no such way"),
        (dict(sources=["treasury"], destinations=["budget"], amounts=[5]), "no such way"),
        (dict(sources=[""], destinations=[BUDGET], amounts=[5]), "no such way"),
        (dict(sources=[None], destinations=[BUDGET], amounts=[5]), "no such way"),
        (dict(sources=[TREASURY, TREASURY], destinations=[BUDGET], amounts=[5]), "needs postings"),
        (dict(sources=[TREASURY], destinations=[BUDGET], amounts=[5, 5]), "needs postings"),
        (dict(sources=[], destinations=[], amounts=[]), "needs postings"),
        (dict(sources=[TREASURY] * 2, destinations=[BUDGET] * 2, amounts=[2**63 - 1] * 2), "out of range"),
    ],
)
def test_the_sql_function_itself_refuses_what_no_caller_should_send(session: Session, arguments: dict[str, Any], why: str) -> None:
    audit = model.record(session, model.SYSTEM, "test", 0, "post")
    before = model.fingerprint(session)
    values = dict(request_id=model.key(), kind="test", at=model.clock.now(session), date=model.clock.today(session), audit_id=audit, **arguments)
    query = text(
        "SELECT ledger_post(:request_id, :kind, :at, :date, :audit_id, CAST(:sources AS text[]), CAST(:destinations AS text[]), CAST(:amounts AS bigint[]))"
    )
    with session.begin_nested() as savepoint:
        with pytest.raises(DBAPIError, match=why):
            session.execute(query, values)
        savepoint.rollback()
    assert model.fingerprint(session) == before


@bare
@pytest.mark.parametrize(
    "move",
    [
        Move(TREASURY, AVAILABLE, 1),
        Move(TREASURY, chart.budget("330500", "p", 2026), 1),
        Move(TREASURY, chart.paid(10**9), 1),
        Move(TREASURY, chart.pool("331083", "p", 2026), 1),
        Move(BUDGET, AVAILABLE, 1),
        Move(BUDGET, chart.paid(10**9), 1),
        Move(AVAILABLE, chart.paid(10**9), 1),
        Move(HELD, chart.paid(10**9), 1),
        Move(AVAILABLE, chart.available(10**9 + 1), 1),
        Move(AVAILABLE, chart.held(10**9 + 1), 1),
        Move(chart.used(10**9), HELD, 1),
        Move(chart.paid(10**9), AVAILABLE, 1),
    ],
    ids=lambda m: f"{m.source} → {m.destination}",
)
def test_money_takes_no_way_that_the_chart_does_not_show(session: Session, move: Move) -> None:
    """A bug or an injected account code may ask for it; the ledger function knows the ways."""
    with pytest.raises(DBAPIError, match="no such way"):
        model.post(session, move)


CODES = [TREASURY, BUDGET, chart.reserved(10**9), AVAILABLE, HELD, chart.used(10**9)]
WAYS = [(0, 1), (1, 2), (2, 1), (2, 3), (3, 4), (4, 3), (4, 5)]
MOVES = st.lists(
    st.builds(lambda way, amount: Move(CODES[way[0]], CODES[way[1]], amount), st.sampled_from(WAYS), st.integers(1, 60)), min_size=1, max_size=3
)


@bare
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(MOVES, max_size=12))
def test_the_ledger_agrees_with_a_model_in_plain_python(session: Session, transfers: list[list[Move]]) -> None:
    books = model.Books()
    with session.begin_nested() as savepoint:
        for moves in transfers:
            fine = books.post(moves)
            try:
                model.post(session, *moves)
                assert fine, f"the ledger posted {moves}, the model refuses"
            except Refused:
                assert not fine, f"the ledger refused {moves}, the model posts"
        assert balances(session) == {code: amount for code, amount in books.balances.items() if amount}
        assert broken(session) == []
        savepoint.rollback()


def test_the_statement_of_a_voucher_adds_up_to_its_face(session: Session) -> None:
    deal = model.deal(session)
    model.pay(session, model.approve(session, model.check(session, model.claimed(session, deal))))
    released = model.held(session, deal.holder, deal.voucher, amount=300_000)
    lifecycle.release(session, model.person(deal.holder), hold_id=released, reason="示例", request_id=model.key())
    partly = model.held(session, deal.holder, deal.voucher, amount=400_000)
    lifecycle.use(session, model.person(deal.holder), hold_id=partly, amount=250_000, request_id=model.key())
    lines = queries.statement(session, deal.voucher.id)
    own = {f"{kind}:{deal.voucher.id}" for kind in ("available", "held", "used")}
    came = sum(line.amount for line in lines if line.source not in own)
    left = sum(line.amount for line in lines if line.destination not in own)
    row = next(v for v in queries.vouchers_of(session, deal.holder.id) if v.id == deal.voucher.id)
    assert came == row.face == 2_000_000
    assert left == row.redeemed + row.returned == 500_000
    assert (row.available, row.held, row.used) == (1_250_000, 0, 250_000)
    assert row.face == row.available + row.held + row.used + row.redeemed + row.returned
    assert [line.kind for line in lines] == ["issue", "hold", "use", "redeem", "hold", "release", "hold", "use", "use"]


@pytest.mark.parametrize("table", ["audit", "transfer", "posting", "evidence", "payout", "policy_version"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_not_even_the_owner_changes_a_row_of_the_money_path(owner_session: Session, table: str, verb: str) -> None:
    with owner_session.begin_nested() as savepoint:
        with pytest.raises(DBAPIError) as refused:
            owner_session.execute(text(verb.format(table)))
        savepoint.rollback()
    assert refused.value.orig.sqlstate == "IR002"


def _sql(view: str, *statements: str) -> tuple[str, tuple[str, ...]]:
    return view, statements


SHARE = (
    "INSERT INTO share (hold_id, budget_id, funder, policy, clause, amount, used, state, row_version) "
    "SELECT h.id, b.id, b.funder, b.policy, '', 1, 0, 'held', 0 FROM hold h, budget b LIMIT 1"
)
PLANTED = [
    _sql("invariant_balance", "UPDATE account SET balance = balance + 1 WHERE code = 'available:{v}'"),
    _sql("invariant_balance", "UPDATE account SET version = version + 1 WHERE code = 'available:{v}'"),
    _sql("invariant_balance", "UPDATE posting SET amount = amount + 1 WHERE id = (SELECT max(id) FROM posting)"),
    _sql("invariant_balance", "DELETE FROM posting WHERE id = (SELECT max(id) FROM posting)"),
    _sql("invariant_zero_sum", "UPDATE account SET balance = balance + 1 WHERE code = 'available:{v}'"),
    _sql("invariant_transfer", "DELETE FROM posting WHERE transfer_id = (SELECT max(id) FROM transfer)"),
    _sql("invariant_voucher", "UPDATE voucher SET face = face + 1 WHERE id = {v}"),
    _sql("invariant_voucher", "UPDATE posting SET destination_id = {budget}, destination_version = 99 WHERE destination_id = {paid}"),
    _sql("invariant_budget", "UPDATE account SET balance = balance - 1 WHERE code LIKE 'budget:%'"),
    _sql("invariant_budget", "UPDATE posting SET amount = amount + 1 WHERE id = (SELECT min(id) FROM posting)"),
    _sql("invariant_budget_account", "UPDATE account SET code = 'budget:331083:yuhuan-2023:2025' WHERE kind = 'budget'"),
    _sql("invariant_budget_account", "UPDATE account SET code = concat(code, chr(58), 1) WHERE kind = 'budget'"),
    _sql("invariant_budget_state", "UPDATE budget SET state = 'closed'"),
    _sql("invariant_budget_state", "UPDATE budget SET state = 'planned'"),
    _sql("invariant_hold", "UPDATE hold SET amount = amount + 1, used = used + 1 WHERE voucher_id = {v}"),
    _sql("invariant_hold", "UPDATE hold SET state = 'released', used = 0 WHERE voucher_id = {v}"),
    _sql("invariant_hold_end", "UPDATE hold SET created_at = created_at + interval '9 years' WHERE voucher_id = {v}"),
    _sql("invariant_hold_end", "UPDATE hold SET ends_on = ends_on + 4000 WHERE voucher_id = {v}"),
    _sql("invariant_voucher_over", "UPDATE voucher SET state = 'expired' WHERE id = {v}"),
    _sql("invariant_voucher_over", "UPDATE voucher SET state = 'frozen', frozen_from = 'closed' WHERE id = {v}"),
    _sql("invariant_share", SHARE),
    _sql("invariant_share_audit", SHARE),
    _sql("invariant_year_cap", "UPDATE hold SET amount = 10000001, used = 10000001 WHERE voucher_id = {v}"),
    _sql("invariant_audit", "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit WHERE subject = 'claim')"),
    _sql("invariant_audit", "UPDATE audit SET after = 'refused' WHERE id = (SELECT max(id) FROM audit WHERE subject = 'claim')"),
    _sql("invariant_audit", "UPDATE voucher SET state = 'frozen', frozen_from = 'active' WHERE id = {v}"),
    _sql("invariant_payout", "UPDATE payout SET amount = amount + 1"),
    _sql("invariant_payout", "UPDATE claim SET state = 'approved', payout_id = NULL"),
    _sql("invariant_payout", "UPDATE payout SET payee_id = {carrier}"),
    _sql("invariant_payout", "UPDATE posting SET amount = 1 WHERE destination_id = {paid}", "UPDATE account SET balance = 1 WHERE id = {paid}"),
    _sql("invariant_payout", "UPDATE account SET code = 'paid:999999' WHERE id = {paid}"),
    _sql("invariant_funder", "UPDATE claim SET funder = '330500'"),
    _sql("invariant_claim", "UPDATE claim SET amount = amount + 1"),
    _sql("invariant_batch", "UPDATE batch_line SET amount = amount + 1"),
    _sql("invariant_batch", "UPDATE batch_line SET state = 'listed', payout_id = NULL"),
    _sql("invariant_batch_claim", "UPDATE batch_line SET payee_id = {carrier}"),
    _sql("invariant_batch_claim", "UPDATE batch_line SET state = 'failed', payout_id = NULL"),
    _sql("invariant_batch_duties", "UPDATE claim SET payer_id = 1"),
    _sql("invariant_batch_duties", "UPDATE claim SET approver_id = 1, reviewer_id = payer_id, payer_id = 2"),
    _sql("invariant_batch_audit", "DELETE FROM audit WHERE id = (SELECT max(id) FROM audit WHERE subject = 'settlement_batch')"),
    _sql("invariant_batch_audit", "UPDATE batch_line SET row_version = 7"),
    _sql("invariant_recovery", "UPDATE claim SET state = 'recovering'"),
    _sql("invariant_application", "UPDATE application SET state = 'refused'"),
    _sql("invariant_application", "UPDATE application SET amount = amount + 1"),
    _sql("invariant_application", "UPDATE application SET queued_at = now()"),
    _sql("invariant_application", "UPDATE application SET bound_reference = 'order:1'"),
    _sql("invariant_application", "UPDATE voucher SET holder_id = {carrier} WHERE id = {v}"),
    _sql("invariant_duties", "UPDATE claim SET reviewer_id = NULL"),
    _sql("invariant_duties", "UPDATE claim SET created_by = approver_id"),
    _sql("invariant_duties", "UPDATE application SET reviewer_id = created_by"),
    _sql("invariant_duties", "UPDATE application SET city_reviewer_id = created_by"),
    _sql(
        "invariant_history",
        "UPDATE posting SET source_balance = source_balance + 1 WHERE id = (SELECT max(id) FROM posting)",
    ),
]


@pytest.mark.breaks_invariants
@pytest.mark.parametrize(("view", "statements"), PLANTED, ids=lambda part: part if isinstance(part, str) else part[0][:60])
def test_each_view_of_the_books_finds_the_fault_that_it_is_for(owner_session: Session, view: str, statements: tuple[str, ...]) -> None:
    deal = model.deal(owner_session)
    model.region(owner_session, "330500")
    model.pay(owner_session, model.approve(owner_session, model.check(owner_session, model.claimed(owner_session, deal))))
    assert ledger.violations(owner_session) == []
    paid = owner_session.execute(text("SELECT id FROM account WHERE kind = 'paid'")).scalar_one()
    budget = owner_session.execute(text("SELECT id FROM account WHERE kind = 'budget'")).scalar_one()
    names = dict(budget=budget, v=deal.voucher.id, paid=paid, carrier=deal.carrier.id, holder=deal.holder.id)
    _tamper(owner_session, [statement.format(**names) for statement in statements])
    assert view in {row["invariant"] for row in ledger.violations(owner_session)}


@pytest.mark.breaks_invariants
def test_the_group_view_finds_two_holders_who_spent_more_than_their_controller_may(owner_session: Session) -> None:
    model.at(owner_session, model.NOW)
    of = model.version(owner_session, "huzhou-2017", caps={"per_year": 500_000, "group_per_year": 700_000})
    model.fund(owner_session, of)
    for _ in range(2):
        holder = model.organisation(owner_session, controller="示例集团", adcode="330500")
        model.held(owner_session, holder, model.issued(owner_session, holder, code="huzhou-2017"), amount=400_000)
    assert {row["invariant"] for row in ledger.violations(owner_session)} == {"invariant_group_cap"}


def _tamper(session: Session, statements: list[str]) -> None:
    """Run `statements` as a thief with the owner's rights would: triggers off, single-table checks dropped."""
    session.flush()
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for statement in statements:
        session.execute(text(statement))
    session.execute(text("SET LOCAL session_replication_role = origin"))


def test_every_view_of_the_books_has_a_planted_fault_of_its_own(owner_session: Session) -> None:
    views = set(owner_session.scalars(text("SELECT viewname FROM pg_views WHERE viewname LIKE 'invariant\\_%'")))
    elsewhere = {"invariant_group_cap", "invariant_order", "invariant_carrier", "invariant_need"}
    assert views == {view for view, _ in PLANTED} | elsewhere


@pytest.mark.breaks_invariants
@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("cancelled with money held", "UPDATE orders SET state = 'cancelled'"),
        ("part unlike its hold", "UPDATE orders SET voucher_part = voucher_part + 1, own_part = own_part - 1"),
        ("part without a hold", "DELETE FROM hold"),
        ("confirmed with money unused", "UPDATE orders SET state = 'confirmed'"),
    ],
)
def test_the_order_view_finds_an_order_that_its_hold_does_not_bear_out(
    session: Session, as_owner: Callable[[Session], AbstractContextManager[None]], fault: str, change: str
) -> None:
    _held_order(session)
    assert [r for r in ledger.violations(session) if r["invariant"] == "invariant_order"] == []
    with as_owner(session):
        _tamper(session, [change])
        assert "invariant_order" in {row["invariant"] for row in ledger.violations(session)}, fault


def _held_order(session: Session) -> None:
    """Lay an order as the tables see it: 500,000 fen of a voucher held for it."""
    deal = model.deal(session)
    names = dict(holder=deal.holder.id, carrier=deal.carrier.id, voucher=deal.voucher.id)
    session.execute(text("INSERT INTO service (code, name_zh, name_en, source) VALUES ('test_analysis', '示例', 'sample', '示例')"))
    instrument = session.execute(
        text(
            "INSERT INTO instrument (code, organisation_id, name, precision, source_crs, status, is_open, hours, specs, is_sample, source)"
            " VALUES ('示例', :carrier, '示例', 'point', 'WGS84', 'working', true, '{}', '{}', true, '示例') RETURNING id"
        ),
        names,
    ).scalar_one()
    order = session.execute(
        text(
            "INSERT INTO orders (code, enterprise_id, carrier_id, instrument_id, service_code, price, voucher_part, own_part, voucher_id, clauses,"
            " contract_date, answer_by, report_on, need, state, row_version, is_sample)"
            " VALUES ('示例', :holder, :carrier, :instrument, 'test_analysis', 600000, 500000, 100000, :voucher, '[]',"
            " '2026-03-10', '2026-03-12', '2026-03-14', '', 'offered', 0, true) RETURNING id"
        ),
        {**names, "instrument": instrument},
    ).scalar_one()
    model.record(session, model.SYSTEM, "orders", order, "propose", before="", after="offered")
    model.held(session, deal.holder, deal.voucher, amount=500_000, reference=f"order:{order}")
