"""The search for programs: corrections, weights, ways out and words for everything; whatever is typed, never a fault of ours."""

import math

import pytest

from tests import factories as make

HERE = {"lon": "121.2", "lat": "28.1"}
BAD = ("，。！？…", "😀🔬🧪", "'; DROP TABLE instrument; --", "<script>alert(1)</script>", "13812345678", "怎么做红烧肉", "300 kN 精度 5 nm", "断口" * 200,
       "断口 fracture излом", "预算0元 断口", "2月30日前 断口", "%s %(x)s {0}", "\u202e断口", "断口，杭州市内，不在杭州")  # fmt: skip


@pytest.fixture
def market(session, clock):
    """Lay a scene and five more microscopes at three carriers."""
    scene = make.scene(session, now=clock.at.isoformat())
    kind = make.instrument_type(session, "扫描电子显微镜")
    for n in range(3):
        owner = make.carrier(session)
        for m in range(2):
            one = make.instrument(session, owner, type_id=kind.id, geom=f"SRID=4326;POINT({121.2 + n / 50} 28.1)")
            make.listing(session, one, price=20_000 + 10_000 * n + 1_000 * m)
    return scene


def ask(web, **query):
    answer = web.get("/api/v1/match", query_string={"need": "断口 扫描电镜", **HERE, **query})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def test_moved_weights_are_those_of_the_sum(web, market):
    answer = ask(web, w="distance:0,own_part:9.5")
    assert (answer["weights"]["distance"], answer["weights"]["own_part"]) == (0, 9.5)
    for one in answer["matches"]:
        assert {part["signal"]: part["weight"] for part in one["parts"]} == answer["weights"]
        assert abs(math.fsum(part["contribution"] for part in one["parts"]) - one["score"]) < 1e-9
    assert answer["matches"][0]["price"] == min(one["price"] for one in answer["matches"])


def test_a_condition_that_nobody_meets_says_what_giving_it_up_brings(web, market):
    answer = ask(web, need="断口 扫描电镜，预算100元以内")
    (way,) = answer["relaxations"]
    assert (way["keys"], way["n"], way["instruments"]) == (["budget"], 3, 6)
    assert all(one["misses"] == ["budget"] for one in answer["matches"])
    assert len(answer["matches"]) == 6
    assert not ask(web, need="断口 扫描电镜，预算100元以内", drop="budget")["relaxations"]


def test_budget_day_types_and_order_can_be_given(web, market):
    answer = ask(web, need="断口", types="扫描电子显微镜", budget="25000", due="2027-01-01", sort="own")
    prices = [one["price"] for one in answer["matches"] if not one["misses"]]
    assert prices == [20_000, 21_000] or prices == sorted(prices)
    assert {one["key"] for one in answer["need"]["constraints"]} == {"budget", "deadline"}


@pytest.mark.parametrize("need", BAD)
def test_whatever_is_typed_is_answered_or_refused_by_name(web, market, need):
    answer = web.get("/api/v1/match", query_string={"need": need, **HERE})
    assert answer.status_code in (200, 400, 422), answer.get_data(as_text=True)
    if answer.status_code != 200:
        assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    ("name", "value"),
    [("need", "断" * 10_001), ("w", "distance:11"), ("w", "nothing:1"), ("sort", "worst"), ("budget", "0"), ("due", "2026-02-30"), ("limit", "0"), ("said", "x"), ("drop", "!")],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_the_name_of_its_field(web, market, name, value):
    answer = web.get("/api/v1/match", query_string={"need": "断口", **HERE, name: value})
    assert answer.status_code in (400, 422)
    assert name in {one["field"] for one in answer.get_json()["errors"]}
