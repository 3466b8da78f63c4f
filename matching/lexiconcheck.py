"""What a correction to the lexicon may say: words that can be found in a need, point somewhere, and are not so general that they answer all.

Whether a correction is true is left to the two persons who propose and adopt it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod
from typing import Final

from core.errors import N_, Invalid
from matching.lexicon import BRACES, Phrase, expand, phrases, type_names
from matching.lexicon.chatter import says_something
from matching.lexicon.text import normalise, squeeze

LONGEST: Final = 200
MOST_WORDINGS: Final = 50
MOST_TYPES: Final = 8
PLAIN_KINDS: Final = ("measurand", "phenomenon", "method", "standard", "sample")
KINDS: Final = (*PLAIN_KINDS, "vague", "offscope")

MOST_SHARED: Final = {"offscope": 3} | dict.fromkeys(PLAIN_KINDS, 30)
"""Types whose own wordings may hold a new wording: one that more of them hold names none of them. An invented example, fitted to the lexicon."""

_CHARACTERS: Final = re.compile(r"[^\w +{}/;.,()（）·\-%°℃μµ#&'’:：α-ωΑ-Ω]")
_BRACES: Final = re.compile(r"\{[^}]*\{|\}[^{]*\}")


@dataclass(frozen=True)
class Proposal:
    """What is to be corrected, and how one knows."""

    words: str
    kind: str
    types: tuple[tuple[str, int], ...]
    note: str
    gone: bool = False


def check(given: Proposal) -> None:
    """Raise `Invalid` for a correction that the lexicon could not hold, naming what to write instead."""
    wordings = _wordings(given.words)
    if given.kind not in KINDS:
        raise Invalid("kind", N_("请选一类。"))
    _check_types(given)
    if not 0 < len(given.note.strip()) <= 300:
        raise Invalid("note", N_("请写依据（标准号、方法或经验），最多 300 字。"))
    if not given.gone:
        _check_telling(wordings, given.kind)


def _wordings(words: str) -> list[str]:
    """Return the wordings that `words` stand for; they are counted before they are written out."""
    if not 0 < len(words.strip()) <= LONGEST or words != words.strip():
        raise Invalid("words", N_("请写 1 到 200 个字的说法，前后没有空格。"))
    strange = _CHARACTERS.search(words)
    if strange:
        raise Invalid("words", N_("“%(char)s”不能写在说法里。"), char=strange.group())
    if words.count("{") != words.count("}") or _BRACES.search(words):
        raise Invalid("words", N_("花括号要成对：{甲/乙} 表示两个都可以。"))
    count = sum(prod(len(choice.split("/")) for choice in BRACES.findall(pattern)) for pattern in words.split(";"))
    if count > MOST_WORDINGS:
        raise Invalid("words", N_("一条最多 %(most)s 种说法，现在是 %(count)s 种。请分成几条。"), most=MOST_WORDINGS, count=count)
    found = [wording for pattern in words.split(";") for wording in expand(pattern)]
    short = next((part for wording in found for part in wording.split("+") if sum(map(str.isalnum, _plain(part))) < 2), None)
    if short is not None:
        raise Invalid("words", N_("每一部分至少两个字符，“%(part)s”太短，会到处对上。"), part=short)
    return found


def _check_types(given: Proposal) -> None:
    names = [name for name, _ in given.types]
    unknown = next((name for name in names if name not in type_names()), None)
    if unknown is not None:
        raise Invalid("types", N_("没有“%(name)s”这一类仪器。请从列表里选。"), name=unknown[:40])
    if len(set(names)) < len(names) or len(names) > MOST_TYPES or any(weight not in (1, 2, 3) for _, weight in given.types):
        raise Invalid("types", N_("每类仪器只写一次，最多 %(most)s 类，分量 1 到 3。"), most=MOST_TYPES)
    if given.kind in PLAIN_KINDS and not names and not given.gone:
        raise Invalid("types", N_("请至少选一类仪器。"))


def _check_telling(wordings: list[str], kind: str) -> None:
    """Raise `Invalid` for a wording that is nothing but chatter, or that wordings of too many types hold."""
    most = MOST_SHARED.get(kind)
    if most is None:  # a vague wording only asks back where nothing else is clear
        return
    plain = [("\n".join(map(_plain, one.parts)), one) for one in phrases() if one.types]
    for wording in wordings:
        parts = wording.split("+")
        if not says_something(_plain(" ".join(parts))) or min(_shared(plain, _plain(part)) for part in parts) > most:
            raise Invalid("words", N_("“%(words)s”太泛：光凭它看不出要做什么，会到处对上。请写得具体些，或者用“+”再加一部分。"), words=wording[:40])


def _shared(plain: list[tuple[str, Phrase]], words: str) -> int:
    return len({name for said, one in plain if words in said for name, _ in one.types})


def _plain(words: str) -> str:
    return squeeze(normalise(words)).chars
