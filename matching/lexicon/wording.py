"""What a wording of the lexicon may look like: long enough to mean something, braces that close, nothing that cannot be seen."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.errors import N_
from matching.lexicon import expand

# Single Chinese characters that name a property by themselves; any other would match by chance.
TELLING: Final = frozenset("锈臭毒香晒颠摔烧吵稠嚼潮氡碘砷硒锶钡铯汞铅镉铊铍铀钍铋钴锑钒钼镓锗铟氚萘蒽菲芘镭钚铵嫩帧")
BLANK: Final = frozenset("\t\r\n\u00a0\u3000\ufeff")
HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
ODD_BRACES = re.compile(r"\{[^{}]*\{|\}[^{}]*\}|^[^{}]*\}|\{[^{}]*$|\{\}")


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a row and what to do about it: two message ids and their common parameters."""

    reason: str
    way_out: str
    params: Mapping[str, Any]


def wordings(phrases: str) -> Iterator[str]:
    """Give every wording of a `phrases` field: the patterns parted by ";", their alternatives in braces written out."""
    for pattern in phrases.split(";"):
        yield from expand(pattern)


def flaws(phrases: str) -> Iterator[Flaw]:
    """Give what is wrong with the wordings of a `phrases` field."""
    if any(char in BLANK or unicodedata.category(char) in HIDDEN for char in phrases):
        yield Flaw(N_("词语里有看不见的字符。"), N_("重新键入这一行，不要从网页粘贴。"), {})
    for pattern in phrases.split(";"):
        if ODD_BRACES.search(pattern):
            yield Flaw(N_("“%(pattern)s”的花括号不成对。"), N_("写成“钢材+{成分/牌号}”这样，括号里不再套括号。"), {"pattern": pattern})
            continue
        for wording in expand(pattern):
            yield from _of_wording(wording)


def _of_wording(wording: str) -> Iterator[Flaw]:
    parts = wording.split("+")
    if any(not part.strip() for part in parts):
        yield Flaw(N_("“%(wording)s”里有空的部分。"), N_("删去多余的分号、加号或斜线。"), {"wording": wording})
    elif len(parts) == 1 and _too_short(wording.strip()):
        yield Flaw(N_("“%(wording)s”太短，什么句子都会碰上。"), N_("写得更完整，或者用加号再要求一个词。"), {"wording": wording})


def _too_short(wording: str) -> bool:
    return len(wording) < 2 and wording not in TELLING
