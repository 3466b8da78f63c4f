"""Find the instruments that a person refuses ("不要 ICP", "除了扫描电镜", "not GC"): their types must not come back."""

from __future__ import annotations

import re

from matching.lexicon.finder import Found
from matching.lexicon.text import Text

REFUSALS = re.compile(
    r"(?:不要|不用|不做|不需要|无需|不想用|不想做|别用|别做|不能用|不能做|不采用|不接受|不考虑|拒绝|除了|除开|除|除去|排除|而不是|而非|不是|非|没用|"
    r"\bnot|\bno|\bwithout|\bexcept(?: for)?|\bexcluding|\bavoid|\binstead of|\bother than|\brather than|\bno need for|\bdon'?t (?:want|need|use))"
    r"(?:再|用|做|使用|采用|测|去|拿|送|\s|\ba\b|\ban\b|\bthe\b|\bany\b|\buse\b|\busing\b|\bby\b|\bneed\b)*$"
)
AFTER = re.compile(r"^\s*(?:这些|这类|之类的?)?(?:以外|之外|除外|就?不要了?|就?不用了?|就?不做了?|不行|做过了)")
ALSO = re.compile(r"^.{0,6}?(?:还|也|另外|再做|再测|以及|\balso\b|as well)")
JOINS = re.compile(r"\s*(?:和|、|或者?|及|与|/|,|\band\b|\bor\b)\s*")
REACH = 24


def refused(text: Text, found: list[Found]) -> tuple[frozenset[str], list[Found]]:
    """Return the types whose name is refused, alone or in a list, and what else was found."""
    names = sorted((one for one in found if one.whole and one.phrase.kind in {"name", "method"}), key=lambda one: one.start)
    types: set[str] = set()
    spans: set[tuple[int, int]] = set()
    ends: set[int] = set()
    for one in names:
        before = text.chars[max(0, one.start - REACH) : one.start]
        listed = any(JOINS.fullmatch(text.chars[end : one.start]) for end in ends if 0 <= one.start - end <= 6)
        said = REFUSALS.search(before) or listed or AFTER.search(text.chars[one.end : one.end + REACH])
        if said and not _adds(text.chars, before, one.end):
            spans.add((one.start, one.end))
            ends.add(one.end)
            types.update(name for name, weight in one.phrase.types if weight >= 3)
    kept = [one for one in found if not any(start < one.end and one.start < end for start, end in spans)]
    return frozenset(types), kept


def _adds(chars: str, before: str, end: int) -> bool:
    """Say whether "除了 X 还要 Y" asks for more rather than refusing X."""
    return ("除" in before or "except" in before) and ALSO.search(chars[end : end + REACH]) is not None
