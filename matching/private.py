"""Take out of a text what points to a person: phone and telephone numbers, mail addresses, identity cards, number plates, bank cards."""

import re
import unicodedata
from typing import Final

MASK: Final = "×××"
PRIVATE: Final = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"
    r"|(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])"
    r"|(?<![0-9])\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?![0-9])"
    r"|(?<![0-9])(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![0-9])"
    r"|(?<![0-9])(?:\(?0\d{2,3}\)?[ -]?)\d{7,8}(?:[ -]\d{1,5})?(?![0-9])"
    r"|(?<![0-9])400[ -]?\d{3}[ -]?\d{4}(?![0-9])"
    r"|[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Za-hj-np-z][·\s]?[A-HJ-NP-Za-hj-np-z0-9]{5,6}(?![0-9A-Za-z])"
    r"|(?:微信号?|wechat|qq|vx)\s?[:：]?\s?[A-Za-z0-9_-]{5,20}",
    re.IGNORECASE,
)


def scrub(text: str) -> str:
    """Return the text with every number and address that leads to a person replaced by ×××; full-width digits are read as digits.

    >>> scrub("电话13812345678，测拉伸 300 kN")
    '电话×××，测拉伸 300 kN'
    """
    plain = "".join(_plain(char) for char in text)
    pieces, last = [], 0
    for match in PRIVATE.finditer(plain):
        pieces += [text[last : match.start()], MASK]
        last = match.end()
    return "".join([*pieces, text[last:]])


def _plain(char: str) -> str:
    """Return the half-width form of a character where it is one character."""
    form = unicodedata.normalize("NFKC", char)
    return form if len(form) == 1 else char
