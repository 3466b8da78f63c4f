"""Take telephone numbers, mail and web addresses, numbers of papers and chat names out of a text that others will read.

A rule of thumb, not a proof: what nobody would take for a number stays. Long runs of digits go, figures with a unit or a decimal point stay.
"""

from __future__ import annotations

import re
from typing import Final

BLANK: Final = "×××"

_DIGIT: Final = "[0-9０-９]"
_GAP: Final = r"[ \u3000\-－—.·()（）]?"
PATTERNS: Final = (
    re.compile(r"[\w.+\-]+\s?[@＠]\s?[\w\-]+(?:\s?[.．。]\s?[\w\-]+)+"),
    re.compile(r"(?:https?://|www\.)[^\s，。；、)）]+", re.IGNORECASE),
    re.compile(rf"(?<!{_DIGIT})(?:{_DIGIT}{_GAP}){{17}}[0-9０-９Xx](?![0-9A-Za-z])"),
    re.compile(r"(?<![0-9A-Z])(?=[0-9A-Z]*[0-9]{6})[0-9A-HJ-NPQRTUWXY]{18}(?![0-9A-Z])"),
    re.compile(rf"(?<![0-9０-９.])(?:[+＋]\s?)?(?:86{_GAP})?[1１][3-9３-９](?:{_GAP}{_DIGIT}){{9}}(?!{_DIGIT})"),
    re.compile(rf"(?<![0-9０-９.])[0０]{_DIGIT}{{2,3}}{_GAP}[2-9２-９](?:{_GAP}{_DIGIT}){{6,7}}(?!{_DIGIT})"),
    re.compile(rf"(?<![0-9０-９.])[3-6]{_DIGIT}{{3}}(?:[ \-]?{_DIGIT}{{4}}){{3}}(?:[ \-]?{_DIGIT}{{1,4}})?(?![0-9０-９.])"),
    re.compile(r"(?<=电话)[：: ]{0,2}[2-9]\d{6,7}(?!\d)"),
    re.compile(r"(?:微信|wechat|weixin|vx|v信|QQ)(?:号|群)?\s?[:：是为]?\s?[A-Za-z0-9_\-]{5,20}", re.IGNORECASE),
)
"""Mail, web, identity card, credit code, mobile, landline, card, a short number after 电话, chat names."""


def scrub(text: str) -> str:
    """Return the text with what would lead to a person or an account replaced by ×××.

    >>> scrub("断口形貌，电话 13800138000 或 a.b@c.cn")
    '断口形貌，电话 ××× 或 ×××'
    >>> scrub("300 kN 拉伸，GB/T 228.1-2021，预算 12000 元，0.05 mm")
    '300 kN 拉伸，GB/T 228.1-2021，预算 12000 元，0.05 mm'
    """
    for pattern in PATTERNS:
        text = pattern.sub(BLANK, text)
    return text
