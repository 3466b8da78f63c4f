"""The best found in two steps are those of completing everybody, whatever the need, the weights and the place; and nobody is completed in vain."""

import random
from dataclasses import dataclass
from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app import search as searching
from app.asking import MapQuery
from app.search import search
from core.actor import Actor
from matching.best import best
from matching.candidates import Near, Place
from matching.counterfactual import waited_for
from matching.diversity import LIKE, POOL, TIE, Above, spread
from matching.needs import parse_need
from matching.rank import ceilings, placed, rank, scored
from matching.records import Record
from matching.signals import SIGNALS
from tests import factories as make
from tests.matching.facts import TODAY, Facts, facts

TYPES = ("扫描电子显微镜", "硬度计", "金相显微镜")
NEEDS = [parse_need(words, today=TODAY) for words in ("断口形貌", "断口形貌，预算800元以内，7月9日前", "拉伸，300kN以上")]
weights = st.dictionaries(st.sampled_from([one.name for one in SIGNALS]), st.sampled_from([0.0, 0.5, 3.0, 10.0]), max_size=3).filter(
    lambda moved: len(moved) < 3 or any(moved.values())
)
RECORDS = st.builds(Record, st.just(40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 30), st.none() | st.floats(0, 24))
rows = st.lists(st.tuples(facts, RECORDS, st.sampled_from([(), ("CMA",), ("CMA", "CNAS")])), min_size=1, max_size=40, unique_by=lambda row: row[0].id)


@dataclass(frozen=True)
class Whole(Facts):
    """Facts with the name that a sentence below the list tells."""

    carrier_name: str = "示例载体"


def near(one):
    """Return what is known of a candidate before it is completed."""
    known = (
        one.type_id,
        one.type_name,
        one.carrier_id,
        "330106",
        "test_analysis",
        one.net_price_fen,
        one.precision,
        one.lon,
        one.lat,
        one.distance_m,
    )
    return Near(one.id, *known, type_fit=one.type_fit, net_price_fen=one.net_price_fen, voucher_part_fen=one.voucher_part_fen)


@settings(deadline=None, max_examples=80)
@given(st.sampled_from(NEEDS), rows, weights, st.integers(1, 25))
def test_the_best_are_those_of_completing_everybody(need, drawn, moved, top):
    whole = [Whole(**{**vars(one), "record": record, "accreditations": papers}) for one, record, papers in drawn]
    by_id, filled = {one.id: one for one in whole}, []

    def fill(some):
        filled.append([one.id for one in some])
        return [by_id[one.id] for one in some]

    found = best(need, [near(one) for one in whole], top=top, fill=fill, weights=moved)
    everybody = rank(need, whole, weights=moved)
    assert found.matches[:top] == everybody[:top]
    assert len(filled) <= 2
    assert sorted([*chain(*filled), *(one.id for one in found.rest)]) == sorted(by_id)
    others = placed(scored(need, [by_id[one.id] for one in waited_for(found, found.matches)], weights=moved))
    first, known = everybody[0].candidate, {one.candidate.id for one in [*found.matches, *others]}
    late = [one for one in whole if first.report_on and one.report_on and 0 < (one.report_on - first.report_on).days <= 14]
    cheapest = min((one.net_price_fen for one in late if first.net_price_fen - one.net_price_fen >= 10_000), default=None)
    assert {one.id for one in late if one.net_price_fen == cheapest} <= known


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(NEEDS), rows, weights, st.sets(st.sampled_from([one.name for one in SIGNALS])))
def test_no_score_lies_above_its_ceiling(need, drawn, moved, known):
    whole = [one for one, _, _ in drawn]
    for most, match in zip(ceilings(need, whole, weights=moved, known=frozenset(known)), scored(need, whole, weights=moved), strict=True):
        assert match.score <= most


def plainly(pool):
    """Put a pool in order by looking at everybody at every step."""
    sizes = {one.candidate.carrier_id: sum(other.candidate.carrier_id == one.candidate.carrier_id for other in pool) for one in pool}
    above, left, taken = Above(set(), set(), set(), set()), list(pool), []
    while left:
        chosen = max(left, key=lambda one: (one.score + TIE / sizes[one.candidate.carrier_id] - LIKE * above.likeness(one.candidate), -one.rank))
        left.remove(chosen)
        above.add(chosen.candidate)
        taken.append(chosen.candidate.id)
    return taken


@settings(deadline=None, max_examples=40)
@given(rows)
def test_carriers_are_spread_as_by_looking_at_everybody_at_every_step(drawn):
    matches = rank(NEEDS[0], [one for one, _, _ in drawn])
    assert [one.candidate.id for one in spread(matches)[:POOL]] == plainly(matches[:POOL])


@pytest.fixture
def market(session):
    """Lay 150 instruments of three types with prices, hours and places at random, some of carriers with papers."""
    dice = random.Random(11)
    carriers = [make.carrier(session) for _ in range(15)]
    for owner in carriers[::3]:
        session.execute(text(PAPER), {"owner": owner.id, "number": f"示例-{owner.id}"})
    for n in range(150):
        hours = {str(day): [["09:00", "12:00"]] for day in dice.sample(range(1, 8), dice.randint(1, 5))}
        spot = f"SRID=4326;POINT({dice.uniform(119, 122)} {dice.uniform(28, 30.5)})"
        one = make.instrument(session, dice.choice(carriers), type_id=make.instrument_type(session, TYPES[n % 3]).id, geom=spot, hours=hours)
        make.listing(session, one, price=dice.randrange(10_000, 400_000, 5_000), report_days=dice.choice([0, 2, 5, 10]))
    session.flush()
    return session


def test_a_search_for_the_first_ones_answers_as_one_for_all(market, monkeypatch):
    dice, fetched = random.Random(12), []
    plain = searching.filled
    monkeypatch.setattr(
        searching, "filled", lambda session, prices, some, **more: (fetched.append(len(some)), plain(session, prices, some, **more))[1]
    )
    for n in range(24):
        moved = tuple((name, dice.choice([0.0, 2.0, 10.0])) for name in dice.sample(["distance", "own_part", "slot", "quality"], n % 3))
        place = None if n % 6 == 5 else Place(dice.uniform(119, 122), dice.uniform(28, 30.5))
        query = MapQuery(need="断口形貌", types=tuple(dice.sample(TYPES, 1 + n % 3)), place=place, weights=moved)
        one, every = (search(market, Actor("public"), query, top=top) for top in (20, None))
        assert [(m.rank, m.candidate.id, m.score, m.parts, m.moved) for m in one.matches[:POOL]] == [
            (m.rank, m.candidate.id, m.score, m.parts, m.moved) for m in every.matches[:POOL]
        ]
        assert one.counterfactual == every.counterfactual
        assert (one.need, one.types, one.wanted) == (every.need, every.types, every.wanted)
    assert sum(fetched) < 0.95 * sum(120 if 1 + n % 3 == 3 else 40 * (1 + n % 3) for n in range(24))


PAPER = """
INSERT INTO accreditation (organisation_id, kind, number, expires_on, state, row_version, is_sample)
VALUES (:owner, 'cma', :number, '2030-01-01', 'checked', 1, true)
"""
