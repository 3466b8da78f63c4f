"""Find the names of places in the text of an address, in Chinese or in Latin letters, and say what each may mean.

Only names are found here; which of the meanings fit together is left to `geodata.places_paths`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Final

from geodata.places_names import Entry, Gazetteer, Strength, fold

LONGEST: Final = 200
"""Characters of an address that are read; nothing after them names a region."""

_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_GAP: Final = re.compile(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])")
_MARKS: Final = re.compile(r"[^\w'’\-]+|_+")
_POSTCODE: Final = re.compile(r"^\s*(?:邮编\W*)?\d{6}(?!\d)")
_SIMPLE: Final = str.maketrans(
    "長興縣區鎮鄉寧紹溫麗臺義烏餘蕭樂龍開蘭縉雲慶東陽鹽諸嶼門嶺環臨莊廬頭順蒼甌灣橋黃巖錢濱國學號園經濟發會雙蓮濮蘆漁嶴關錦倉與業華興車處樓",
    "长兴县区镇乡宁绍温丽台义乌余萧乐龙开兰缙云庆东阳盐诸屿门岭环临庄庐头顺苍瓯湾桥黄岩钱滨国学号园经济发会双莲濮芦渔岙关锦仓与业华兴车处楼",
)
_ROAD: Final = re.compile(
    r"[\u3400-\u9fff]?(?:路|街(?!道)|大道|大街|巷|弄|塘河|桥(?!头)|高速|村|社区|小区|新村|大学|学院|师范|中学|小学|医院|医学|文化广场|银行|商会|驻|籍|人(?!民))"
)
_INSIDE: Final = re.compile(r"$|[^\u3400-\u9fff]|工业|经济|产业|科技|高新|开发|集镇|镇区|园区|政府|人民")
_EDGE: Final = re.compile(r"[省市区县镇乡道号会国旗\W\d]")
_TOKEN: Final = re.compile(r"[\u3400-\u9fff]{1,6}?(?:自治县|街道|[省市区县镇乡])")
_NO_TOKEN: Final = re.compile(
    r"(?:[园小新校厂社街城景矿库片湾辖务能集聚发展]区|门市|超市|上市|城市|股市|[路街巷弄号村店厂])|^(?:开发|高新|经开|保税|市辖)区$"
)


@dataclass(frozen=True, slots=True)
class Mention:
    """A name in the text, from `start` to `end`, with what it may mean; `firm` names contradict, others are dropped when they do not fit."""

    start: int
    end: int
    name: str
    meanings: tuple[tuple[Entry, Strength], ...]
    firm: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """The names of an address in their order, and what looks like the name of a region and is none (with its place in the text)."""

    text: str
    mentions: tuple[Mention, ...]
    unknown: tuple[tuple[int, str], ...] = field(default=())


def tidy(address: str) -> str:
    """Return an address with full-width characters, traditional forms, marks and gaps brought to one form."""
    plain = unicodedata.normalize("NFKC", address[: 2 * LONGEST]).translate(_SIMPLE)
    plain = _POSTCODE.sub("", "".join(sign for sign in plain if unicodedata.category(sign)[0] != "C" or sign in "\t\n"))
    if any(len(part) == 1 and has_han(part) for part in plain.split()):
        plain = _GAP.sub("", plain)
    return _MARKS.sub(" ", plain).strip()[:LONGEST]


def has_han(text: str) -> bool:
    """Say whether a text has a Chinese character."""
    return bool(_HAN.search(text))


def read_han(text: str, names: Gazetteer) -> Reading:
    """Read a tidy Chinese address from left to right, the longest name first."""
    mentions: list[Mention] = []
    at = 0
    while at < len(text) - 1:
        found = _longest(text, at, names, mentions)
        if found is None:
            at += 1
        else:
            mentions.append(found)
            at = found.end
    return Reading(text, tuple(mentions), tuple(_unknown(text, mentions)))


def _longest(text: str, at: int, names: Gazetteer, before: list[Mention]) -> Mention | None:
    joined = at == 0 or text[at - 1] == " " or bool(before and before[-1].end == at)
    for end in range(min(len(text), at + names.longest), at + 1, -1):
        meanings = names.han.get(text[at:end])
        if meanings:
            free = joined and (_ROAD.match(text, end) is None or _begins_region(text, end, names))
            fitting = tuple((entry, how) for entry, how in meanings if _may_stand(text, end, how, free=free, first=not before))
            if fitting:
                return Mention(at, end, text[at:end], fitting, _is_firm(text, at, end, fitting, joined=joined))
    return None


def _is_firm(text: str, at: int, end: int, meanings: tuple[tuple[Entry, Strength], ...], *, joined: bool) -> bool:
    """Say whether a name is meant as a region beyond doubt: written in full, or short at the end of a part; none after a house number."""
    if any(sign.isdigit() for sign in text[:at]):
        return False
    if any(how == "full" for _, how in meanings):
        return joined or bool(_EDGE.match(text[at - 1]))
    return joined and text[end : end + 1] in ("", " ") and any(how == "short" for _, how in meanings)


def _may_stand(text: str, end: int, how: Strength, *, free: bool, first: bool) -> bool:
    """Say whether a name that ends at `end` is one, and not the beginning of the name of a road, a school or a village."""
    if how == "full":
        return True
    if not free:
        return False
    return how == "short" or (not first and bool(_INSIDE.match(text, end))) or (not first and text[end - 1] in "镇乡道区城")


def _begins_region(text: str, at: int, names: Gazetteer) -> bool:
    """Say whether the name of a region begins at `at`, as 路桥 does in 台州路桥."""
    runs = (text[at:end] for end in range(at + 2, min(len(text), at + names.longest) + 1))
    return any(how in ("full", "short") and entry.kind in _REGIONS for run in runs for entry, how in names.han.get(run, ()))


def _unknown(text: str, mentions: list[Mention]) -> list[tuple[int, str]]:
    """Return what has the ending of a region before the first number and was not read: '长星县' in 湖州市长星县."""
    spans, at, found = [(m.start, m.end) for m in mentions], 0, []
    stop = next((place for place, sign in enumerate(text) if sign.isdigit()), len(text))
    for start, end in (*spans, (stop, stop)):
        gap = text[at : min(start, stop)]
        found += [(at + match.start(), match[0]) for match in _TOKEN.finditer(gap) if len(match[0]) > 2 and not _NO_TOKEN.search(match[0])]
        at = end
    return found


_REGIONS: Final = ("province", "city", "county")
_SEGMENT: Final = re.compile(r"[,;，；/|\n]+")
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_ROAD_WORDS: Final = frozenset({"road", "rd", "street", "st", "avenue", "ave", "lane", "boulevard", "blvd", "lu", "jie", "dadao", "building", "room"})
_LEVELS: Final[dict[str, frozenset[str]]] = {
    "province": frozenset({"province"}),
    "sheng": frozenset({"province"}),
    "city": frozenset({"city", "county"}),
    "shi": frozenset({"city", "county"}),
    "county": frozenset({"county"}),
    "xian": frozenset({"county"}),
    "district": frozenset({"county"}),
    "qu": frozenset({"county"}),
    "town": frozenset({"township", "settlement"}),
    "township": frozenset({"township", "settlement"}),
    "zhen": frozenset({"township", "settlement"}),
    "xiang": frozenset({"township", "settlement"}),
    "subdistrict": frozenset({"township", "settlement"}),
    "sub-district": frozenset({"township", "settlement"}),
    "jiedao": frozenset({"township", "settlement"}),
}
_GLUED: Final = re.compile(r"(?<=.{3})(jiedao|zhen|xiang|xian|sheng)$")
_NOISE: Final = frozenset({"china", "pr", "p", "r", "prc", "cn", "the", "of"})
_WINDOW: Final = 4


def read_latin(address: str, names: Gazetteer) -> Reading:
    """Read an address in Latin letters; the largest region comes last, so its names are returned from the end."""
    mentions: list[Mention] = []
    for segment in _SEGMENT.split(unicodedata.normalize("NFKC", address)[:LONGEST]):
        mentions += _segment(segment, names)
    return Reading(address, tuple(reversed(mentions)))


def latin_keys(address: str) -> list[str]:
    """Return the folded names between the commas of an address, without the words for a level."""
    parts = ([word.casefold() for word in _WORD.findall(segment)] for segment in _SEGMENT.split(address[:LONGEST]))
    return [fold("".join(word for word in words if word not in _LEVELS and word not in _NOISE)) for words in parts]


def _segment(segment: str, names: Gazetteer) -> list[Mention]:
    words = _WORD.findall(segment)
    roads = [place for place, word in enumerate(words) if word.casefold() in _ROAD_WORDS]
    words = [word for word in words[roads[-1] + 1 if roads else 0 :] if word.casefold() not in _NOISE]
    found, at = [], 0
    while at < len(words):
        mention, used = _window(words, at, names)
        found += [mention] if mention else []
        at += used
    return found


def _window(words: list[str], at: int, names: Gazetteer) -> tuple[Mention | None, int]:
    """Return what the words from `at` on name, and how many were read: the whole segment, or a name with the word for its level, is firm."""
    for end in range(min(len(words), at + _WINDOW), at, -1):
        run, levels, used = words[at:end], None, end - at
        if end < len(words) and words[end].casefold() in _LEVELS:
            levels, used = _LEVELS[words[end].casefold()], used + 1
        for key, kinds in _spellings("".join(run), levels):
            meanings = tuple(entry for entry in names.latin.get(key, ()) if kinds is None or entry.kind in kinds)
            if meanings:
                firm = kinds is not None or (at == 0 and used == len(words))
                only = kinds is not None or not any(entry.kind in _REGIONS for entry in meanings)
                weighed = tuple((entry, _weight(entry, firm=firm, only=only)) for entry in meanings)
                return Mention(at, at + used, " ".join(words[at : at + used]), weighed, firm), used
    return None, 1


def _spellings(run: str, levels: frozenset[str] | None) -> list[tuple[str, frozenset[str] | None]]:
    key = fold(run)
    glued = _GLUED.search(key)
    return [(key, levels), *([(key[: glued.start()], _LEVELS[glued[1]])] if glued and levels is None else [])]


def _weight(entry: Entry, *, firm: bool, only: bool) -> Strength:
    """Return how much a Latin name says: that of a region more than that of a township spelt alike, unless its level stands beside it."""
    if entry.kind in _REGIONS:
        return "full" if firm else "short"
    return "full" if firm and only else "loose"
