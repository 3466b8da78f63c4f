"""What a person put right lives in the address: taken off, said in other words, weighed otherwise; forms without scripts say the same."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from app.mapquery import read
from core.errors import Invalid
from matching.signals import SIGNALS

KEYS = st.sampled_from(("budget", "deadline", "region", "qualification", "distance", "spec:力", "spec:分辨率"))
WORDS = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=20)
NAMES = [signal.name for signal in SIGNALS]


@given(st.lists(KEYS, unique=True, max_size=4), st.dictionaries(KEYS, WORDS, max_size=4), st.dictionaries(st.sampled_from(NAMES), st.integers(0, 10)))
def test_corrections_read_back_from_the_address_that_says_them(drops, said, weights):
    pairs = [*(("drop", key) for key in drops), *(("said", f"{key}~{words}") for key, words in said.items())]
    address = read(MultiDict([("need", "拉伸"), *pairs, ("w", ",".join(f"{name}:{weight}" for name, weight in weights.items()))]))
    assert address.query.drop == set(drops) - set(said), "what is said anew holds again"
    assert dict(address.query.said) == said
    assert dict(address.query.weights) == weights
    assert read(MultiDict(address.pairs)) == address


def test_a_chips_form_and_the_sliders_form_say_the_same_as_a_link():
    form = read(MultiDict([("need", "拉伸"), ("drop", "budget"), ("say.budget", "900"), ("w.distance", "8"), ("w.slot", "0")]))
    link = read(MultiDict([("need", "拉伸"), ("said", "budget~900"), ("w", "distance:8,slot:0")]))
    assert form == link


def test_a_new_correction_takes_the_place_of_an_older_one_of_the_same_condition():
    address = read(MultiDict([("need", "拉伸"), ("fix", "budget:300000"), ("said", "budget~800"), ("say.budget", "900")]))
    assert address.query.said == (("budget", "900"),)
    assert address.query.budget is None


def test_dropping_and_undoing_are_links_that_change_nothing_else():
    address = read(MultiDict([("need", "拉伸"), ("said", "budget~900"), ("w", "slot:2"), ("sort", "own")]))
    dropped = _again(address.dropped("/", "budget"))
    assert dropped.query.drop == {"budget"}
    assert dropped.query.said == ()
    assert (dropped.query.weights, dropped.query.sort) == ((("slot", 2.0),), "own")
    assert _again(dropped.undone("/", "budget")).query.drop == frozenset()


@pytest.mark.parametrize("named", ["扫描电镜", "SEM", "sem", "Scanning Electron Microscope", "扫描电子显微镜"])
def test_a_type_may_be_called_as_people_call_it(named):
    assert read(MultiDict([("need", "断口"), ("say.type", named)])).query.types == ("扫描电子显微镜",)


def test_a_type_that_nobody_calls_so_stays_in_words_and_chooses_nothing():
    query = read(MultiDict([("need", "断口"), ("say.type", "量子咖啡机")])).query
    assert query.types == ()
    assert query.said == (("type", "量子咖啡机"),)


@pytest.mark.parametrize(
    ("pair", "field"),
    [
        (("w", "colour:3"), "w"),
        (("w", "slot:11"), "w"),
        (("w", "slot:-1"), "w"),
        (("w.slot", "x"), "w"),
        (("drop", "<script>"), "drop"),
        (("said", "no words"), "said"),
        (("said", "budget~" + "9" * 101), "said"),
        (("part", "x"), "part"),
    ],
)
def test_what_cannot_be_meant_is_named(pair, field):
    with pytest.raises(Invalid) as told:
        read(MultiDict([("need", "拉伸"), pair]))
    assert told.value.field == field


def _again(link):
    return read(MultiDict(parse_qsl(urlsplit(link).query, keep_blank_values=True)))
