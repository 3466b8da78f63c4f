"""How far away it may be: 「20公里以内」, "within 30 km", 「半小时车程」 in metres."""

import re
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Final

from matching.reading.hit import Hit
from matching.reading.numbers import HAN_NUMBER, read_count, read_number

METRES_AN_HOUR: Final = 60_000
"""What an hour at the wheel is taken for, in metres of straight line."""

MOST: Final = 40
"""Figures that are looked at."""

_N = rf"(?P<n>\d{{1,4}}(?:\.\d{{1,2}})?|{HAN_NUMBER})"
_KM = r"\s?(?:公里|千米|km|kilomet(?:er|re)s?|里路)(?![a-z/])"
_FIGURE = re.compile(rf"(?<![\d.零〇一二两三四五六七八九十百千万])(?<!(?<!\d)-){_N}{_KM}(?P<after>\s?(?:以内|之内|以下|范围内?|内|为?半径|左右))?")
_BEFORE = re.compile(
    r"(?:附近|周围)\s?$|(?:距离?|离|相距|方圆|半径|周边|不超过|不超|小于|少于|最远|≤|<"
    r"|within|no (?:farther|further|more) than|at most|less than|up to|radius of)"
    r"[^\d,，。;；]{0,12}$"
)
_CUE_ONLY = re.compile(r"[^\d]*(?:不超过|不超|小于|少于|在|为|than|within|at most|up to|of|方圆|半径|最远|离|距|周边|≤|<)\s?")
_BEHIND = re.compile(r"\s(?:from|of)\s|\s(?:away|radius)")
_M = _N.replace("?P<n>", "")
_DRIVE = re.compile(
    rf"(?:开车|车程|驾车)?\s?(?:在)?(半|一个半|{_M})个?\s?(小时|分钟)(?:以内|之内|内)?(?:的)?(?:车程|路程|能到|可到)(?:以内|之内|内)?"
    rf"|(?:车程|开车)\s?(?:不超过|在)?\s?(半|一个半|{_M})个?\s?(小时|分钟)(?:以内|之内|内|能到)?"
    rf"|within (an|one|half an|\d{{1,3}}) ?(hour|min(?:ute)?s?)(?:'s)? (?:drive|driving|by car)"
)


def distances(chars: str, _today: date) -> Iterator[Hit]:
    """Yield the distance that was said, in metres; one in hours at the wheel is our guess of what it comes to."""
    found = False
    for match in islice(_FIGURE.finditer(chars), MOST):
        cue = _BEFORE.search(chars, max(0, match.start() - 24), match.start())
        metres = round(read_number(match["n"]) * (500 if "里路" in match.group() else 1_000))
        if metres and (cue or match["after"] or _BEHIND.match(chars, match.end())):
            between = cue is not None and _CUE_ONLY.fullmatch(cue.group())
            found = True
            yield Hit(cue.start() if cue and between else match.start(), match.end(), "distance", metres)
    drive = None if found else _DRIVE.search(chars)
    metres = round(_hours(drive) * METRES_AN_HOUR) if drive else 0
    if drive and metres:
        yield Hit(*drive.span(), "distance", metres, "guessed", "preferred")


def _hours(match: re.Match[str]) -> float:
    word = match[1] or match[4] or match[7]
    unit = match[3] or match[6] or match[8]
    special = {"半": 0.5, "一个半": 1.5, "an": 1.0, "half an": 0.5}
    count = special[word] if word in special else float(read_count(word) if not word[0].isdigit() else read_number(word))
    return count if unit.startswith(("小时", "hour")) else count / 60
