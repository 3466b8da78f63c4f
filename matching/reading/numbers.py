"""Numbers as people write them in a need: figures, Chinese numerals, English words, with the scales 千, 万, k, w behind them."""

import re
from typing import Final

DIGITS: Final = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
TENS: Final = {"十": 10, "百": 100, "千": 1_000, "万": 10_000}
SCALES: Final = {"": 1, "百": 100, "千": 1_000, "k": 1_000, "万": 10_000, "w": 10_000}
ENGLISH: Final = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12,
}  # fmt: skip
ABOUT: Final = re.compile(r"[一二两三四五六七八九](?=[二两三四五六七八九][十百千万])")
"""The lower of two numerals side by side: 一两百 is up to two hundred, 三五千 up to five thousand."""

HAN_NUMBER: Final = "[零〇一二两三四五六七八九十百千万]{1,9}"
NUMBER: Final = rf"(?:\d{{1,3}}(?:,\d{{3}}){{1,3}}(?!\d)(?:\.\d{{1,2}})?|\d{{1,9}}(?:\.\d{{1,2}})?|{HAN_NUMBER})"
AMOUNT: Final = rf"({NUMBER})\s?(千|万|百|k(?![a-z])|w(?![a-z]))?"
COUNT: Final = rf"(\d{{1,6}}|{HAN_NUMBER})"


def read_number(word: str) -> float:
    """Return the value of a number in figures or Chinese numerals; a last digit without a unit counts in the next lower one.

    >>> read_number("3,000"), read_number("三千五"), read_number("两万"), read_number("十二"), read_number("一两百")
    (3000.0, 3500.0, 20000.0, 12.0, 200.0)
    """
    if word[0].isdigit():
        return float(word.replace(",", ""))
    total, section, digit, unit = 0, 0, 0, 1
    for char in ABOUT.sub("", word):
        if char == "万":
            total, section, digit, unit = total + max(section + digit, 1) * 10_000, 0, 0, 10_000
        elif char in TENS:
            unit = TENS[char]
            section, digit = section + max(digit, 1) * unit, 0
        else:
            unit = 1 if char in "零〇" else unit
            digit = digit * 10 + DIGITS[char] if digit and unit == 1 else DIGITS[char]
    return float(total + section + digit * (unit // 10 if unit > 10 else 1))


def read_count(word: str) -> int:
    """Return a count in figures, Chinese numerals or an English word.

    >>> read_count("3"), read_count("三"), read_count("three")
    (3, 3, 3)
    """
    return ENGLISH.get(word) or int(read_number(word))
