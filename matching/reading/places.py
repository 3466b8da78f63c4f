"""Where it should be, or should not: 「宁波优先」, 「舟山或者台州」, 「除了杭州都行」. Words stay words: the caller has the map."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Final

from matching.constraints import Origin, Strength
from matching.lexicon import read_table
from matching.reading.hit import Hit

SCHOOL: Final = r"(?:[\u4e00-\u9fff]{0,4}(?:大学|学院|研究院|银行))"
NEAR: Final = r"离|距|靠近|附近|周边|一带|优先|为佳|最好|就近|near|around|close to|prefer|ideally|or nearby"
AWAY: Final = re.compile(
    r"(?:不要|不考虑|不去|除了?|除开|别(?:给我)?(?:推荐|找|要)?|not (?:in )?|(?:except|but)(?: for)? |excluding |outside (?:of )?)$"
)
EXCEPT: Final = re.compile(r"的?(?:除外|以外的?|之外的?)(?!也|[^,，。;；]{0,4}也)")
LEADS: Final = re.compile(r"[市省]?\s?|\s(?:city\s)?")
ELSEWHERE: Final = re.compile(r"的?(?:以外|之外)(?:的?[^,，。;；]{0,4})?也")
ONLY: Final = r"市内|区内|县内|省内|内|本地|当地|限|只|必须|in |within|only|located"


@lru_cache(maxsize=1)
def _places() -> tuple[dict[str, str], re.Pattern[str]]:
    """Return the place words (Chinese or English, lower case) with their Chinese form, and the pattern that finds a chain of them."""
    rows = read_table("places")
    words = {row[column].lower(): row["word_zh"] for row in rows for column in ("word_zh", "word_en")}
    # 江山, 龙港 mean much else alone: behind their city they can only be the place
    short = [(row["city_zh"], row["word_zh"]) for row in rows if row["word_zh"].endswith(("市", "县", "区"))]
    words |= {f"{city}{mark}{county[:-1]}": county for city, county in short for mark in ("市", "")}
    longest = "|".join(sorted(map(re.escape, words), key=len, reverse=True))
    one = rf"(?:(?<![a-z])(?:{longest})(?![a-z])(?:市(?!场)|区|县|省)?(?!{SCHOOL}))"
    chain = rf"{one}(?:\s?(?:、|/|,|或者?|和|及|or|and)?\s?{one})*"
    before = (
        r"(?:仅限|限于|限|只要|必须在|必须|最好在|优先|就在|在|离|距离?|靠近|"
        r"(?:preferably|ideally|only|located|near|around|within|in|close to|prefer)(?:\sin)?\s)?"
    )
    after = r"(?:\s?(?:市内|区内|县内|省内|内|附近|周边|一带|本地|当地|地区|area|only|or nearby)){0,2}(?:也?(?:优先|为佳|最好)|\s(?:is\s)?preferred)?"
    return words, re.compile(f"({before})({chain})({after})")


@lru_cache(maxsize=1)
def _alone() -> re.Pattern[str]:
    """Return the pattern of the places whose short names mean much else (海盐, 江山): places only where nothing else stands in the clause."""
    names = [row["word_zh"] for row in read_table("places") if row["word_zh"].endswith(("市", "县", "区"))]
    return re.compile(rf"(?:^|(?<=[,，。;；])|(?<=[只不]要))({'|'.join(name[:-1] for name in names)})(?=$|[,，。;；])")


def regions(chars: str, _today: date) -> Iterator[Hit]:
    """Yield each place with how much it binds; a chain of a city and its county is the county, a list gives each of its places."""
    words, pattern = _places()
    full = {name[:-1]: name for name in words.values()}
    for match in _alone().finditer(chars):
        yield Hit(*match.span(), "region", full[match[1]], "guessed", "preferred")
    for match in pattern.finditer(chars):
        around = match[1] + " " + match[3]
        near, only = re.search(NEAR, around), re.search(ONLY + "|^在", around)
        strength: Strength = "required" if only and not near else "preferred"
        if ELSEWHERE.match(chars, match.end()):
            continue
        if AWAY.search(chars[max(0, match.start() - 14) : match.start()]) or EXCEPT.match(chars, match.end()):
            yield from (replace(hit, kind="not_region") for hit in _chain(match, words, origin="said", strength="required"))
            continue
        origin: Origin = "said" if near or only else "guessed"
        yield from _chain(match, words, origin=origin, strength=strength)


def _chain(match: re.Match[str], words: dict[str, str], *, origin: Origin, strength: Strength) -> Iterator[Hit]:
    """Yield one hit a place of a chain; a city right before its county only leads to it."""
    names = sorted(words, key=len, reverse=True)
    places = list(re.finditer("|".join(map(re.escape, names)), match[2]))
    for at, place in enumerate(places):
        following = places[at + 1] if at + 1 < len(places) else None
        if following and LEADS.fullmatch(match[2][place.end() : following.start()]):
            continue
        first = at == 0 or all(LEADS.fullmatch(match[2][a.end() : b.start()]) for a, b in pairwise(places[: at + 1]))
        start = match.start() if first else match.start(2) + place.start()
        end = match.end() if following is None else match.start(2) + place.end()
        yield Hit(start, end, "region", words[place.group()], origin, strength)
