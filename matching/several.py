"""Split a sentence that holds several needs; what is said of all of them (a budget, a day, a place) stays with each.

A need begins where a clause says that more is wanted (「另外」, "also", 「2.」), behind a semicolon that parts two tests, and where 和 or 、
joins two different tests: 「拉伸和弯曲」 are two, 「抗拉强度和屈服强度」 are read from one curve, 「铜和铅含量」 are one analysis.
`lexicon/trials.csv` says which words are one test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Final

from matching.lexicon import read_table
from matching.needs import parse_need

MOST: Final = 9
CLAUSES: Final = 40
"""Clauses that are looked at: what stands behind them belongs to the last need."""

CLAUSE: Final = re.compile(r"([，,；;。\n]+|\.\s(?=[A-Z\u4e00-\u9fff])|\s(?=[1-9][、.)）]\s?[^\d\s]))")
NEXT: Final = re.compile(
    r"^\s*(?:另外|此外|另|还要|还想|还需要?|还有|再(?:测|做|帮|来)|顺便|同时(?:还)?|以及|加上|外加|第[二三四五六](?:个|项|样)?|[2-9][、.)）](?!\d)"
    r"|also\b|besides\b|as well as\b|and also\b|plus\b|then\b)",
    re.IGNORECASE,
)
JOINT: Final = re.compile(r"(\s?(?:、|以及|还有|和|与|及|并且?|\band\b|&|\+|(?<=[A-Za-z])/(?=[A-Za-z]))\s?)", re.IGNORECASE)
LISTED: Final = re.compile(r"\b([A-Za-z]{2,14}), (?=(?:[A-Za-z]{2,14}, ){0,8}[A-Za-z]{2,14},? and )")
"""The commas of "SEM, XRD and TGA"."""

EITHER: Final = re.compile(r"(?:都行|都可以|均可|任一|二选一|哪个都)")
EMPTY: Final = " ,，。.;；!！?？、的要和各都在做是"
_NO_DAY: Final = date(2000, 1, 1)


@lru_cache(maxsize=1)
def _trials() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return the pattern of the words that name a test, the longest first, and which test each is."""
    families = {word.replace("-", " "): row["family"] for row in read_table("trials") for word in row["words"].split()}
    longest = sorted(families, key=len, reverse=True)
    return re.compile("|".join(rf"(?<![a-z]){re.escape(word)}(?![a-z])" if word.isascii() else word for word in longest), re.IGNORECASE), families


@lru_cache(maxsize=1024)
def parts(text: str) -> tuple[str, ...]:
    """Return the needs in `text`, each with the conditions that stand for all; a single need is returned as it is."""
    bundles: list[list[str]] = []
    shared: list[str] = []
    lead: list[str] = []
    pieces = CLAUSE.split(LISTED.sub(r"\1 and ", text), maxsplit=CLAUSES)
    for at in range(0, len(pieces), 2):
        clause, mark = pieces[at].strip(), pieces[at - 1] if at else ""
        if not NEXT.sub("", clause).strip(EMPTY):
            continue
        if _is_condition(clause):
            shared.append(clause)
        elif not bundles and not _trial(clause) and not NEXT.match(clause):
            lead.append(clause)
        elif not bundles or (_begins(clause, mark, bundles[-1]) and sum(map(len, bundles)) < MOST):
            bundles.append(["，".join((*lead, one)) for one in _split(clause)])
            lead = []
        else:
            bundles[-1] = [f"{one}，{clause}" for one in bundles[-1]]
    if lead:
        bundles.append(["，".join(lead)])
    found = [one for bundle in bundles for one in bundle][:MOST]
    return tuple("，".join((one, *shared)) for one in found) if len(found) > 1 else (text,)


def _begins(clause: str, mark: str, before: list[str]) -> bool:
    """Say whether a clause begins a need: it says so, or it names a test behind a full stop, or it is nothing but the name of another test."""
    if NEXT.match(clause):
        return True
    trial = _trials()[0].search(clause)
    if trial is None:
        return False
    if any(sign in mark for sign in "；;。\n."):
        return True
    bare = not clause.replace(trial.group(), "", 1).strip(EMPTY + "试验检测测试分析")
    return bare and all(_trial(one) not in ("", _trial(clause)) for one in before)


def _split(clause: str) -> list[str]:
    """Return the needs that one clause joins by 和 or 、, each with the sample that the first or the last of them names."""
    pieces = JOINT.split(clause)
    if len(pieces) == 1 or EITHER.search(clause):
        return [clause]
    groups: list[str] = [pieces[0]]
    named = _trial(pieces[0])
    families = {named} if named else set()
    for joint, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        family = _trial(piece)
        if family and families and family not in families:
            groups.append(piece)
            families = {family}
        else:
            groups[-1] += joint + piece
            families |= {family} if family else set()
    return list(_with_sample(groups)) if len(groups) > 1 else [clause]


def _with_sample(groups: list[str]) -> Iterator[str]:
    """Give each need the words before the first one's test (「钢材」 of 钢材拉伸和弯曲), and in English those behind the last one's ("of bolts")."""
    first = _trials()[0].search(groups[0])
    before = groups[0][: first.start()] if first else ""
    of = re.search(r"\s(?:of|on|for|in)\s.+$", groups[-1])
    for nth, one in enumerate(groups):
        trial = _trials()[0].search(one)
        bare = nth and trial is not None and trial.start() <= 1 and not before.isascii()
        behind = of.group() if of and nth < len(groups) - 1 and not re.search(r"\s(?:of|on|for|in)\s", one) else ""
        yield f"{before if bare else ''}{one}{behind}".strip()


def _trial(words: str) -> str:
    """Return which test the words name, the first one; "" for none."""
    pattern, families = _trials()
    found = pattern.search(words)
    return families[found.group().lower()] if found else ""


def _is_condition(clause: str) -> bool:
    need = parse_need(clause[:200], today=_NO_DAY)
    return bool(need.constraints) and not NEXT.sub("", need.topic).strip(EMPTY + "预算-负")
