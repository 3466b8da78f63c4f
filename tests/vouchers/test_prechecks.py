"""What a payee is told before sending a claim: all of it at once, and in which round it will be settled."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from core.actor import Actor
from core.errors import NotFound
from tests.vouchers import model
from vouchers import claims
from vouchers.claims import Document
from vouchers.prechecks import Bought, current_round, precheck

DAY = date(2026, 3, 10)


def bought(deal: model.Deal, **changes: object) -> Bought:
    facts = {"parties": deal.parties, "contract_on": date(2026, 3, 1), "served_on": date(2026, 3, 1), "price": 500_000, **changes}
    return Bought(**facts)  # type: ignore[arg-type]


def found(session: Session, deal: model.Deal, **changes: object) -> list[tuple[str, str, str]]:
    rows = precheck(session, model.person(deal.holder), hold_id=deal.hold_id, bought=bought(deal, **changes))
    return [(one.clause, one.kind, one.level) for one in rows]


def test_a_sound_claim_has_nothing_against_it(session: Session) -> None:
    deal = model.deal(session)
    model.prove(session, deal)
    assert found(session, deal) == []


def test_everything_that_is_wrong_is_told_at_once(session: Session) -> None:
    deal = model.deal(session)
    claims.add_evidence(session, model.person(deal.holder), reference=deal.reference, document=Document("invoice", "F-1", date(2026, 2, 28)))
    claims.add_evidence(session, model.person(deal.holder), reference=deal.reference, document=Document("service_result", "R-1", DAY))
    claims.add_evidence(session, model.person(deal.holder), reference="order:9", document=Document("payment_proof", "F-1", DAY))
    assert found(session, deal, served_on=date(2026, 3, 12)) == [
        ("evidence", "payment_proof", "stop"),
        ("dates", "invoice", "stop"),
        ("evidence_used", "invoice", "warn"),
        ("dates", "service_result", "warn"),
    ]


def test_a_claim_that_was_sent_or_is_too_late_or_whose_voucher_is_frozen_is_told(session: Session) -> None:
    deal = model.deal(session)
    model.claimed(session, deal)
    model.freeze(session, deal.voucher)
    model.at(session, "2027-06-11T00:00:00+08:00")
    assert [one[0] for one in found(session, deal)] == ["claimed", "frozen", "expires_redeem"]


@pytest.mark.parametrize("who", ["stranger", "officer"])
def test_only_a_party_asks(session: Session, who: str) -> None:
    deal = model.deal(session)
    asker = model.person(model.organisation(session)) if who == "stranger" else Actor("reviewer", 5, None, model.YUHUAN)
    with pytest.raises(NotFound):
        precheck(session, asker, hold_id=deal.hold_id, bought=bought(deal))


@pytest.mark.parametrize(
    ("rounds", "day", "number", "closes"),
    [
        (1, date(2026, 1, 1), 1, date(2026, 12, 31)),
        (4, date(2026, 3, 31), 1, date(2026, 3, 31)),
        (4, date(2026, 4, 1), 2, date(2026, 6, 30)),
        (12, date(2028, 2, 29), 2, date(2028, 2, 29)),
        (12, date(2027, 2, 28), 2, date(2027, 2, 28)),
        (5, date(2026, 12, 31), 5, date(2026, 12, 31)),
        (366, date(2028, 12, 31), 366, date(2028, 12, 31)),
    ],
)
def test_the_rounds_of_a_year(rounds: int, day: date, number: int, closes: date) -> None:
    one = current_round(rounds, day)
    assert (one.number, one.closes_on) == (number, closes)


@pytest.mark.parametrize("rounds", [1, 2, 3, 4, 5, 6, 7, 12, 52])
def test_every_day_of_a_year_is_in_one_round_and_rounds_follow_each_other(rounds: int) -> None:
    days = [date(2028, 1, 1) + timedelta(days=n) for n in range(366)]
    numbers = [current_round(rounds, day).number for day in days]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, rounds + 1))
