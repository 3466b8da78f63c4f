"""Planted worlds against a plain oracle over every row: nobody who meets all conditions is missed, nobody who does not is in the list, counts are true."""

import math
import random
from datetime import date, timedelta
from itertools import combinations

import pytest
from sqlalchemy import text

from app.pricing import Prices
from app.search import complete
from bookings import queries
from bookings.checkout import Terms as Purses
from bookings.slots import report_on
from core import clock
from geodata.wanted import Wanted
from matching.candidates import Place
from matching.constraints import Constraint
from matching.diversity import spread
from matching.hard import Grounds, checks
from matching.limits import Limit
from matching.narrowing import Hunt, missing_only, narrow
from matching.needs import Need
from matching.rank import rank
from matching.speclimits import read_all
from tests import factories as make

TYPE = "示例试验机"
HERE = Place(121.0, 28.5)
COUNTIES = ("331083", "331081", "330522")
FORCE = Limit("力", ">=", 300_000.0, None, "N", "≥300 kN")


def plant(session, seed, count):
    """Lay instruments of one type at random: place, price, days, hours, papers, force; return all that is known of them, by id."""
    dice = random.Random(seed)
    kind = make.instrument_type(session, TYPE)
    carriers = [make.carrier(session, adcode=dice.choice(COUNTIES)) for _ in range(12)]
    papers = {one.id for one in carriers if dice.random() < 0.4}
    for one in papers:
        values = {"owner": one, "number": f"示例-{one}", "day": date(2030, 1, 1)}
        session.execute(text(PAPER), values)
    world = {}
    for _ in range(count):
        owner = dice.choice(carriers)
        force = dice.choice([None, 100, 300, 600])
        lon, lat = dice.uniform(119.5, 122.5), dice.uniform(27.5, 30.5)
        hours = {str(dice.randint(1, 7)): [["09:00", "12:00"]]}
        one = make.instrument(
            session,
            owner,
            type_id=kind.id,
            geom=f"SRID=4326;POINT({lon} {lat})",
            hours=hours,
            specs={} if force is None else {"最大试验力": f"{force} kN"},
        )
        price, days = dice.randrange(20_000, 300_000, 10_000), dice.choice([0, 1, 3, 10])
        make.listing(session, one, price=price, report_days=days)
        world[one.id] = {
            "price": price,
            "days": days,
            "hours": hours,
            "force": force,
            "paper": owner.id in papers,
            "adcode": owner.adcode,
            "carrier": owner.id,
        }
    session.flush()
    read_all(session)
    slots = queries.next_slots(session, {one: row["hours"] for one, row in world.items()})
    for one, row in world.items():
        row["report"] = report_on(slots[one].end, row["days"]) if slots[one] else None
    for row in session.execute(text(METRES), {"type": kind.id, "lon": HERE.lon, "lat": HERE.lat}):
        world[row.id]["metres"] = row.metres
    return world


def truths(row, need):
    """Return by key whether a row meets each condition; None where nothing is stated."""
    values = {one.key: one.value for one in need.constraints}
    said = {
        "budget": lambda: row["price"] <= values["budget"],
        "deadline": lambda: row["report"] is not None and row["report"] <= values["deadline"],
        "region": lambda: row["adcode"].startswith("3310"),
        "distance": lambda: row["metres"] <= values["distance"],
        "qualification": lambda: row["paper"],
        "spec:力": lambda: None if row["force"] is None else row["force"] >= 300,
    }
    return {key: said[key]() for key in values}


def hunt(session, need):
    purses = Purses((), frozenset())
    grounds = Grounds(HERE, purses, ("test_analysis",), {"台州": "3310"}, clock.today(session))
    return Hunt({TYPE: 1.0}, HERE, Wanted(), checks(need, grounds), lambda rows: complete(session, Prices(purses), rows))


def asked(session, *kinds):
    today = clock.today(session)
    every = {
        "budget": Constraint("budget", 150_000, "1500元以内", "said"),
        "deadline": Constraint("deadline", today + timedelta(days=6), "6天内", "said"),
        "region": Constraint("region", "台州", "台州市内", "said"),
        "distance": Constraint("distance", 90_000, "90公里内", "said"),
        "qualification": Constraint("qualification", "CMA", "要CMA", "said"),
        "spec": Constraint("spec", FORCE, "300 kN以上", "said"),
    }
    return Need("拉伸", "拉伸", today, tuple(every[kind] for kind in kinds))


KINDS = ("budget", "deadline", "region", "distance", "qualification", "spec")


@pytest.mark.parametrize("seed", [1, 2])
def test_who_meets_every_condition_is_found_wherever_it_stands_and_nobody_else_leads(session, seed):
    world = plant(session, seed, 260)
    for kinds in [*combinations(KINDS, 1), *list(combinations(KINDS, 2))[seed::3], *list(combinations(KINDS, 3))[seed::5], KINDS]:
        need = asked(session, *kinds)
        met = {one for one, row in world.items() if all(truths(row, need).values())}
        unknown = {one for one, row in world.items() if one not in met and all(truth is not False for truth in truths(row, need).values())}
        found = narrow(session, hunt(session, need))
        matches = spread(rank(need, found.rows, stands=found.stands))
        for match in matches:
            said = truths(world[match.candidate.id], need)
            assert set(match.misses) == {key for key, truth in said.items() if truth is False}
            assert set(match.unknown) == {key for key, truth in said.items() if truth is None}
        shown = [match.candidate.id for match in matches if match.tier == 0]
        assert len(met & set(shown)) >= min(len(met), 40)
        assert met >= set(shown)
        assert {one.candidate.id for one in matches[: min(10, len(met))]} <= met
        if len(met) + len(unknown) < 40:
            assert {match.candidate.id for match in matches if not match.misses} == met | unknown
        if len(met | unknown) >= 3:
            assert not found.relaxations
            assert not any(match.misses for match in matches)


@pytest.mark.parametrize("seed", [3, 4])
def test_what_giving_up_a_condition_brings_is_counted_over_every_row(session, seed):
    world = plant(session, seed, 60)
    tried = 0
    for kinds in [*list(combinations(KINDS, 4))[seed::4], *combinations(KINDS, 5), KINDS]:
        need = asked(session, *kinds)
        missed = {one: {key for key, truth in truths(row, need).items() if truth is False} for one, row in world.items()}
        met = [one for one, keys in missed.items() if not keys]
        found = narrow(session, hunt(session, need))
        if len(met) >= 3:
            continue
        tried += 1
        assert found.relaxations
        for one in found.relaxations:
            fitting = [row for row, keys in missed.items() if keys <= set(one.keys)]
            assert one.instruments == len(fitting) > len(met)
            assert one.n == len({world[row]["carrier"] for row in fitting})
        size = len(found.relaxations[0].keys)
        for given_up in (set(keys) for less in range(1, size) for keys in combinations({one.key for one in need.constraints}, less)):
            assert sum(keys <= given_up for keys in missed.values()) == len(met)
        assert len(found.rows) > len(met)
    assert tried


def test_what_misses_one_condition_alone_is_what_the_other_ways_tell_of(session):
    world = plant(session, 5, 80)
    need = asked(session, "budget", "deadline", "spec")
    looked_for = hunt(session, need)
    for check in looked_for.checks:
        for one in missing_only(session, looked_for, check):
            assert {key for key, truth in truths(world[one.id], need).items() if truth is False} == {check.key}


def test_what_is_guessed_or_preferred_does_not_filter(session):
    plant(session, 6, 20)
    guessed = Constraint("budget", 1, "¥0.01", "guessed")
    preferred = Constraint("region", "台州", "台州附近", "said", "preferred")
    need = Need("拉伸", "拉伸", clock.today(session), (guessed, preferred))
    assert hunt(session, need).checks == ()
    assert len(narrow(session, hunt(session, need)).rows) == 20
    assert math.isfinite(rank(need, narrow(session, hunt(session, need)).rows)[0].score)


PAPER = """
INSERT INTO accreditation (organisation_id, kind, number, expires_on, state, row_version, is_sample) VALUES (:owner, 'cma', :number, :day, 'checked', 1, true)
"""
METRES = """
SELECT id, ST_Distance(geom::geography, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)::geography) AS metres FROM instrument WHERE type_id = :type
"""
