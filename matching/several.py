"""Split a sentence that holds several needs; what is said of all of them (a budget, a day, a place) stays with each."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

from matching.needs import parse_need

MOST: Final = 9
CLAUSE: Final = re.compile(r"[，,；;。\n]+")
NEXT: Final = re.compile(
    r"^\s*(?:另外|此外|另|还要|还想|还需要?|再(?:测|做|帮|来)|顺便|同时(?:还)?|以及|第[二三四五]|[2-5][.、)]"
    r"|also\b|besides\b|as well as\b|and also\b|plus\b|then\b)",
    re.IGNORECASE,
)
EMPTY: Final = " ,，。.;；!！?？、的要和"
_NO_DAY: Final = date(2000, 1, 1)


@lru_cache(maxsize=1024)
def parts(text: str) -> tuple[str, ...]:
    """Return the needs in `text`, each with the conditions that stand for all; a single need is returned as it is.

    A need begins where a clause says that more is wanted ("另外", "还要", "also"). A clause that holds nothing but conditions belongs to all.
    """
    groups: list[list[str]] = [[]]
    shared: list[str] = []
    for clause in (one.strip() for one in CLAUSE.split(text) if one.strip()):
        if NEXT.match(clause) and groups[-1] and len(groups) < MOST:
            groups.append([])
        (shared if _is_condition(clause) else groups[-1]).append(clause)
    found = [group for group in groups if group]
    return tuple("，".join((*group, *shared)) for group in found) if len(found) > 1 else (text,)


def _is_condition(clause: str) -> bool:
    need = parse_need(clause[:500], today=_NO_DAY)
    return bool(need.constraints) and not NEXT.sub("", need.topic).strip(EMPTY)
