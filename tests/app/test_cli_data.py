"""What the commands on places, policies and the ledger answer: shapes that scripts rely on."""

import json

import pytest
from sqlalchemy import text

from app.cli import geodata, ledger, policy
from tests import factories

SQUARE = "SRID=4326;MULTIPOLYGON(((121 28,121.5 28,121.5 28.5,121 28.5,121 28)))"


def run(app, group, *args):
    return app.test_cli_runner().invoke(group.command, [str(arg) for arg in args])


def answer(app, group, *args):
    done = run(app, group, *args, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


@pytest.fixture
def county(session):
    factories.region(session, "331083", name_zh="玉环市")
    session.execute(text("UPDATE region SET geom = :square WHERE adcode = '331083'"), {"square": SQUARE})
    session.commit()


def test_a_point_is_located_by_polygon(app, county):
    found = answer(app, geodata, "locate", 121.2, 28.1)
    assert (found["county"], found["adcode"]) == ("玉环市", "331083")
    assert found["city"] == "示例区划331000"
    assert found["province"] == "示例区划330000"


def test_a_point_outside_of_all_regions_is_in_none(app, county):
    found = answer(app, geodata, "locate", -20.5, -3)
    assert found.pop("note").startswith("这个点不在已载入的行政区之内")
    assert found == {"province": None, "city": None, "county": None, "adcode": None}


def test_a_latitude_beyond_the_pole_is_a_mistake_of_usage(app):
    assert run(app, geodata, "locate", 121, 95).exit_code == 2


def test_a_province_that_is_none_is_refused_in_words(app, session):
    done = run(app, geodata, "regions", "--province", "990000")
    assert done.exit_code == 1
    assert "990000" in done.output


def test_the_regions_of_another_province_are_loaded_once(app, session):
    assert answer(app, geodata, "regions", "--province", "460000")["regions"] > 20
    before = session.execute(text("SELECT count(*) FROM region")).scalar()
    answer(app, geodata, "regions", "--province", "460000")
    assert session.execute(text("SELECT count(*) FROM region")).scalar() == before


@pytest.mark.parametrize(
    ("args", "amount", "clause"),
    [
        (["yuhuan-2023", "--price", 800_000], 800_000, "tiers"),
        (["yuhuan-2023", "--price", 1_000_001], 1_000_000, "tiers"),
        (["yuhuan-2023", "--price", 3_000_000], 2_000_000, "tiers"),
        (["yuhuan-2023", "--price", 9_900_000, "--balance", 5_000_000], 5_000_000, "balance"),
        (["yuhuan-2023", "--price", 3_000_000, "--used-year", 9_000_000], 1_000_000, "per_year"),
        (["yuhuan-2023", "--price", 3_000_000, "--related"], 0, "related_party"),
        (["yuhuan-2023", "--price", 3_000_000, "--statutory"], 0, "statutory_test"),
        (["yuhuan-2023", "--price", 3_000_000, "--funded"], 0, "funded_by_city_project_this_or_last_year"),
        (["yuhuan-2023", "--price", 3_000_000, "--service", "talent"], 0, "service"),
        (["yuhuan-2023", "--price", 3_000_000, "--region", "330522"], 0, "eligibility"),
        (["huzhou-2017", "--price", 3_000_001, "--region", "330522", "--carrier-region", "330106"], 1_500_000, "tiers"),
        (["huzhou-2017", "--price", 3_000_001, "--region", "330522", "--carrier-region", "310000"], 0, "recognition"),
    ],
)
def test_a_policy_says_what_it_grants_and_why(app, session, args, amount, clause):
    found = answer(app, policy, "rule", *args)
    assert found["amount"] == amount
    deciding = [one["code"] for one in found["clauses"] if one["outcome"] == ("refuse" if amount == 0 else "limit")]
    assert clause in deciding


def test_an_unknown_policy_names_those_that_there_are(app, session):
    done = run(app, policy, "rule", "atlantis", "--price", 100)
    assert done.exit_code == 2
    assert "yuhuan-2023" in done.output


def test_sound_books_have_no_violations(app, session):
    factories.voucher(session)
    session.commit()
    assert answer(app, ledger, "check") == {"violations": []}


@pytest.mark.breaks_invariants
def test_broken_books_are_listed_and_end_with_exit_code_one(app, session, as_owner):
    factories.voucher(session)
    with as_owner(session):
        session.execute(text("UPDATE account SET balance = balance + 1 WHERE kind = 'available'"))
    session.commit()
    done = run(app, ledger, "check", "--json")
    assert done.exit_code == 1
    assert "invariant_balance" in {one["invariant"] for one in json.loads(done.output)["violations"]}


def test_the_ledger_is_exported_line_by_line(app, session):
    factories.voucher(session, face=123_456)
    session.commit()
    done = run(app, ledger, "export", "--format", "hledger")
    assert done.exit_code == 0
    assert "CNY 1234.56" in done.output
