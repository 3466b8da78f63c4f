"""How far away it may be: 「20公里以内」, "within 30 km", 「半小时车程」 in metres."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from matching.reading.numbers import ENGLISH, HAN_NUMBER, read_number

Found = tuple[int, int, str, int, str, str]
METRES_AN_HOUR: Final = 60_000
"""What an hour at the wheel is taken for, in metres of straight line."""

_N = rf"(\d{{1,4}}(?:\.\d{{1,2}})?|{HAN_NUMBER})"
_KM = r"\s?(公里|千米|km|kilomet(?:er|re)s?|里路)(?![a-z/])"
_WITHIN = re.compile(
    rf"(?:距离?|离|相距|方圆|半径|周边)[^\d,，。;；]{{0,8}}{_N}{_KM}(?:以内|之内|内|以下|范围内?)?"
    rf"|(?:within|no (?:farther|further|more) than|at most|less than|up to)\s{_N}{_KM}(?:\s(?:from|of)\s[^,，。;.]{{0,20}})?"
    rf"|(?:不超过|不超|小于|少于)\s?{_N}{_KM}"
    rf"|{_N}{_KM}\s?(?:以内|之内|内|范围内?)"
)
_DRIVE = re.compile(
    rf"(?:开车|车程|驾车)?\s?(?:在)?(半|一个半|{_N})个?\s?(小时|分钟)(?:以内|之内|内)?(?:的)?(?:车程|路程|能到|可到)(?:以内|之内|内)?"
    rf"|(?:车程|开车)\s?(?:不超过|在)?\s?(半|一个半|{_N})个?\s?(小时|分钟)(?:以内|之内|内|能到)?"
    rf"|within (an|one|half an|\d{{1,3}}) ?(hour|min(?:ute)?s?)(?:'s)? (?:drive|driving|by car)"
)


def distances(chars: str, _today: date) -> Iterator[Found]:
    """Yield the distance that was said, in metres; one in hours at the wheel is our guess of what it comes to."""
    match = _WITHIN.search(chars)
    if match:
        word = next(group for group in match.groups() if group and (group[0].isdigit() or group[0] in "零〇一二两三四五六七八九十百千万"))
        metres = round(read_number(word) * (500 if "里路" in match.group() else 1_000))
        if metres:
            yield *match.span(), "distance", metres, "said", "required"
        return
    match = _DRIVE.search(chars)
    metres = round(_hours(match) * METRES_AN_HOUR) if match else 0
    if match and metres:
        yield *match.span(), "distance", metres, "guessed", "preferred"


def _hours(match: re.Match[str]) -> float:
    word = match[1] or match[4] or match[7]
    unit = match[3] or match[6] or match[8]
    special = {"半": 0.5, "一个半": 1.5, "an": 1.0, "half an": 0.5}
    count = special[word] if word in special else float(ENGLISH.get(word) or read_number(word))
    return count if unit.startswith(("小时", "hour")) else count / 60
