"""The address of the map says everything that can be chosen, reads back what it says, and names what cannot be meant."""

from __future__ import annotations

from datetime import date
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict
from werkzeug.urls import iri_to_uri

from app.asking import LEVELS, SORTS, Filters, MapQuery
from app.mapquery import FILTERS, LONG, SHORT, read, read_zoom, with_pairs
from core.errors import Invalid
from geodata.basemap import Box
from matching.candidates import Place

WORDS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20)
DEGREES = st.floats(-89, 89, allow_subnormal=False)
SOME = {
    "need": WORDS,
    "sort": st.sampled_from(SORTS),
    "place": WORDS,
    "class": st.from_regex(r"[0-9]{6}", fullmatch=True),
    "own_max": st.one_of(st.just("0"), st.integers(1, 10**9).map(lambda fen: f"{fen / 100:.2f}")),
    "free": st.just("week"),
    "within": st.integers(1, 2000).map(str),
    "q": WORDS,
    "cursor": WORDS,
    "limit": st.sampled_from((str(SHORT), str(LONG))),
}
MANY = {
    "type": WORDS,
    "kind": st.sampled_from(("university", "institute", "key_lab")),
    "level": st.sampled_from(LEVELS),
    "region": st.sampled_from(("330000", "330500", "331083")),
    "fix": st.sampled_from(("budget:-", "budget:300000", "deadline:2026-12-02", "region:-", "type:扫描电子显微镜")),
}


@st.composite
def states(draw):
    """Give the pairs of any state of the page."""
    pairs = [(name, draw(value)) for name, value in SOME.items() if draw(st.booleans())]
    for name, value in MANY.items():
        pairs += [(name, one) for one in draw(st.lists(value, unique=True, max_size=3))]
    if draw(st.booleans()):
        pairs += [("lon", repr(draw(DEGREES))), ("lat", repr(draw(DEGREES)))]
    if draw(st.booleans()):
        west, south, east, north = sorted(draw(st.lists(DEGREES, min_size=4, max_size=4, unique=True)))
        pairs.append(("area", f"{west!r},{south!r},{east!r},{north!r}"))
    return draw(st.permutations(pairs))


@given(states())
def test_every_state_reads_back_from_the_address_that_says_it(pairs):
    first = read(MultiDict(pairs))
    said = [*first.pairs, *([("cursor", first.query.cursor)] if first.query.cursor else [])]
    again = read(MultiDict(said))
    assert again == first
    assert read(MultiDict(again.pairs)).pairs == first.pairs


@given(states(), st.sampled_from(FILTERS))
def test_a_link_that_takes_a_filter_off_changes_nothing_else(pairs, name):
    address = read(MultiDict(pairs))
    kept = read(_args(address.link("/", (name, None))))
    assert [pair for pair in address.pairs if pair[0] != name] == list(kept.pairs)
    assert kept.query.cursor == ""


@given(states())
def test_one_value_of_a_filter_comes_off_without_the_others(pairs):
    address = read(MultiDict(pairs))
    for pair in address.filters:
        kept = read(_args(address.without("/", *pair)))
        assert list(kept.pairs) == [one for one in address.pairs if one != pair]


def _args(link):
    return MultiDict(parse_qsl(urlsplit(iri_to_uri(link)).query))


def test_the_pairs_mean_what_the_filters_are():
    pairs = "type=A&type=B&class=010000&kind=university&level=province&region=330500&own_max=3000&free=week&within=12.5&q=%E7%94%B5%E9%95%9C"
    found = read(_args(f"/?{pairs}&lon=120&lat=30&area=119,29,121,31&cursor=id~7&place=%E9%95%BF%E5%85%B4&fix=deadline:2026-12-02"))
    assert found.query == MapQuery(
        place=Place(120.0, 30.0),
        spot="长兴",
        area=Box(119.0, 29.0, 121.0, 31.0),
        filters=Filters(("A", "B"), "010000", ("university",), ("province",), ("330500",), 300_000, True, 12_500, "电镜"),
        cursor="id~7",
        due=date(2026, 12, 2),
    )


def test_what_is_empty_says_nothing():
    empty = dict.fromkeys(("need", "sort", "lon", "lat", "place", "area", "limit", *FILTERS), " ")
    assert read(MultiDict({**empty, "lon": "", "lat": "", "area": "", "sort": "", "limit": ""})) == read(MultiDict())
    assert with_pairs("/", read(MultiDict()).pairs) == "/"


BAD = {
    "sort": ("fastest", "BEST"),
    "lon": ("200", "east", "nan"),
    "lat": ("91", "inf", "30"),
    "area": ("1,2,3", "1,2,3,x", "3,1,1,3", "nan,1,2,3", "120,95,121,96", "inf,1,2,3"),
    "limit": ("0", "50", "-20", "all"),
    "type": ("x" * 101, "a\x00b"),
    "class": ("01", "0101001", "电镜", "٠١٠٠٠٠"),
    "kind": ("University", "a", "大学", "x" * 41),
    "level": ("world", "省"),
    "region": ("33", "3305001", "浙江"),
    "own_max": ("-1", "cheap", "1e3", "1" * 40),
    "free": ("today", "1"),
    "within": ("0", "-5", "2001", "near", "1e2", "nan"),
    "q": ("x" * 101, "\x07"),
    "place": ("x" * 101,),
    "cursor": ("x" * 101,),
    "fix": ("colour:red", "deadline:soon", "budget:free"),
    "budget": ("free",),
    "deadline": ("soon",),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_what_cannot_be_meant_is_named(name, value):
    with pytest.raises(Invalid) as told:
        read(MultiDict({name: value}))
    known = {"fix": {"fix", "deadline", "budget"}, "lon": {"lon", "lat"}, "lat": {"lon", "lat"}}
    assert told.value.field in known.get(name, {name})


@pytest.mark.parametrize("name", ["type", "kind", "region"])
def test_nobody_sends_a_thousand_values_of_a_filter(name):
    value = {"type": "t{}", "kind": "k_{}", "region": "33{:04}"}[name]
    with pytest.raises(Invalid) as told:
        read(MultiDict([(name, value.format(n) if name != "kind" else "k" + "_" * n + "k") for n in range(1, 31)]))
    assert told.value.field == name


@pytest.mark.parametrize("given_view", ["x", "1,2", "-1,120,30", "99,120,30", "nan,120,30", "7,120,30,4"])
def test_a_view_that_is_none_is_named(given_view):
    with pytest.raises(Invalid) as told:
        read_zoom(given_view, None)
    assert told.value.field == "view"


def test_the_zoom_follows_the_view_and_without_it_the_box():
    assert read_zoom("7.25,120,29", None) == 7.25
    assert read_zoom("", Box(120.0, 30.0, 120.1, 30.1)) > read_zoom("", Box(118.0, 28.0, 122.0, 31.0)) > 0
