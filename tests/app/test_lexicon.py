"""The lexicon corrected by two hands: proposed, adopted by another, in force in every process within seconds, taken back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from core.errors import Invalid
from matching import lexiconbook, lexiconcheck
from matching.lexicon import live, phrases
from matching.types import resolve
from tests.app.desks import Desks, error_at, notes, said

WORDS = "示例怪词检测;示例怪词{甲/乙}"
SEM = "扫描电子显微镜"


@pytest.fixture
def desks(session, app, clock):
    live.apply(0, ())
    yield Desks(session, app)
    live.apply(0, ())


def propose(desks, *, by="reviewer", **changes):
    given = {"words": WORDS, "kind": "measurand", "type0": SEM, "weight0": "3", "note": "示例依据", **changes}
    return desks.post("/lexicon", given, by=by)


def first_type(need):
    answer = resolve(need)
    return answer.types[0].name_zh if answer.types else None


def refresh(desks):
    lexiconbook.refresh(desks.session, at_once=True)


def test_a_correction_holds_once_another_has_adopted_it_and_not_after_it_was_taken_back(desks):
    assert first_type("示例怪词甲") is None
    assert propose(desks).status_code == 303
    key = desks.one("SELECT id FROM lexicon_entry")
    refresh(desks)
    assert first_type("示例怪词甲") is None, "a proposal changes nothing"
    own = desks.post(f"/lexicon/{key}/adopt", {}, by="reviewer")
    assert own.status_code == 409
    assert "另一个人" in "".join(notes(own))
    assert desks.post(f"/lexicon/{key}/adopt", {}, by="reviewer2").status_code == 303
    refresh(desks)
    assert first_type("示例怪词甲") == SEM
    assert "示例怪词检测" in said(desks.get("/lexicon?q=示例怪词", by="reviewer"))
    assert desks.post(f"/lexicon/{key}/undo", {}, by="reviewer2").status_code == 303
    refresh(desks)
    assert first_type("示例怪词甲") is None


def test_words_can_be_taken_from_a_type(desks):
    before = [one for one in phrases() if one.parts == ("断口形貌",)]
    names = {name for one in before for name, _ in one.types}
    assert SEM in names
    propose(desks, words="断口形貌", kind=before[0].kind, gone="yes")
    desks.post(f"/lexicon/{desks.one('SELECT id FROM lexicon_entry')}/adopt", {}, by="reviewer2")
    refresh(desks)
    after = [one for one in phrases() if one.parts == ("断口形貌",) and one.kind == before[0].kind]
    assert SEM not in {name for one in after for name, _ in one.types}


def test_a_search_reads_by_a_correction_as_soon_as_its_process_looks(desks, monkeypatch):
    propose(desks)
    desks.post(f"/lexicon/{desks.one('SELECT id FROM lexicon_entry')}/adopt", {}, by="reviewer2")
    monkeypatch.setattr(lexiconbook, "LOOK", 0.0)
    found = desks.get("/api/v1/match?need=示例怪词甲").json
    assert SEM in str(found["need"]["types"][0]), found["need"]


def test_what_cannot_be_built_is_not_put_in_force(desks):
    broken = live.Correction("--", "measurand", ((SEM, 3),))
    with pytest.raises(IndexError):
        live.apply(99, (broken,), build=True)
    assert (live.version(), first_type("断口形貌")) == (0, first_type("断口的形貌"))


def test_while_one_thread_builds_the_others_go_on_with_what_stands():
    begun, go, said = Event(), Event(), []

    def build():
        said.append(live.version())
        if len(said) > 1:
            begun.set()
            go.wait(5)
        return f"as of {said[-1]}"

    get = live.cached(build)
    try:
        assert get() == "as of 0"
        with ThreadPoolExecutor(1) as pool:
            live.apply(7, ())
            slow = pool.submit(get)
            assert begun.wait(5)
            assert get() == "as of 0"
            go.set()
            assert (slow.result(), get()) == ("as of 7", "as of 7")
    finally:
        live._held.caches.remove(get)
        live.apply(0, ())


def test_a_correction_to_a_type_that_is_gone_is_left_out(desks):
    row = {"words": WORDS, "kind": "measurand", "gone": False, "note": "示例", "state": "in_force", "row_version": 1}
    desks.session.add(lexiconbook.LexiconEntry(**row, types=[["没有了的仪器", 3]]))
    desks.session.add(lexiconbook.LexiconEntry(**row, types=[["没有了的仪器", 3], [SEM, 2]]))
    desks.session.flush()
    assert [one.types for one in lexiconbook.in_force(desks.session)] == [((SEM, 2),)]


def test_a_process_looks_again_only_after_a_while(desks, monkeypatch):
    asked = []
    lexiconbook.refresh(desks.session, at_once=True)
    monkeypatch.setattr(desks.session, "execute", lambda *_: asked.append(1))
    lexiconbook.refresh(desks.session)
    assert asked == []


def test_the_same_proposal_twice_is_told_and_the_same_request_is_one(desks):
    once = {"request_id": "r-1"}
    assert propose(desks, **once).status_code == propose(desks, **once).status_code == 303
    assert desks.one("SELECT count(*) FROM lexicon_entry") == 1
    assert propose(desks).status_code == 409


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("words", {"words": ""}),
        ("words", {"words": "断"}),
        ("words", {"words": "断口+貌"}),
        ("words", {"words": "{断口"}),
        ("words", {"words": "断口\u200b形貌"}),
        ("words", {"words": "断口<script>"}),
        ("words", {"words": "{" + "/".join(f"词{n}" for n in range(60)) + "}"}),
        ("words", {"words": "{甲/乙}" * 40}),
        ("words", {"words": "--"}),
        ("words", {"words": "断口形貌+（）"}),
        ("words", {"words": "断口形貌;· ·"}),
        ("words", {"words": "断口\n形貌"}),
        ("words", {"words": "检测"}),
        ("words", {"words": "帮我测一下"}),
        ("words", {"words": "材料;断口形貌"}),
        ("words", {"words": "表面"}),
        ("words", {"words": "拉伸", "kind": "offscope"}),
        ("kind", {"kind": "name"}),
        ("types", {"type0": "永动机"}),
        ("types", {"type0": ""}),
        ("types", {"weight0": "9"}),
        ("types", {"type1": SEM}),
        ("note", {"note": ""}),
        ("note", {"note": "长" * 301}),
    ],
)
def test_a_correction_that_cannot_hold_is_told_at_its_field(desks, field, changes):
    answer = propose(desks, **changes)
    assert answer.status_code == 422
    assert error_at(answer, field) or field in answer.get_data(as_text=True)
    assert desks.one("SELECT count(*) FROM lexicon_entry") == 0
    with pytest.raises(Invalid) as wrong:
        lexiconcheck.check(_proposal(changes))
    assert wrong.value.field == field


def _proposal(changes):
    from app.views.lexicon import _proposal as read

    return read({"words": WORDS, "kind": "measurand", "type0": SEM, "weight0": "3", "note": "示例依据", **changes})


def test_who_may_not_is_turned_away(desks):
    assert desks.get("/lexicon", by="enterprise").status_code == 403
    assert propose(desks, by="carrier").status_code == 303
    assert desks.post(f"/lexicon/{desks.one('SELECT id FROM lexicon_entry')}/adopt", {}, by="carrier").status_code == 403
