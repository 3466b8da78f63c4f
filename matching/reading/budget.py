"""The most that may be paid, in fen: 「总价1.2万以内」, 「预算三千五」, "under 2k yuan", 「一两百块」."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from matching.reading.hit import Hit
from matching.reading.numbers import AMOUNT, NUMBER, SCALES, read_number

YUAN: Final = r"(?:元|块钱|块(?!样|试)|人民币|rmb|yuan|cny)"
UPTO: Final = r"(?:人民币)?\s?(?:以内|以下|之内|内|左右|上下|封顶)?"
RANGE: Final = rf"(?:{NUMBER}\s?(?:千|万|百|k|元)?\s?(?:[-~至到]|to)\s?)?"
PRICE: Final = (
    r"(?:总价|价格|价钱|价位|单价|报价|总费用|总共|一共|合计|总计|[测检]试?费用?|[检测]{2}费用?|费用|花费|开销|成本|自付|自费|自己出|"
    r"quote[ds]?|price|cost|fee|pay)"
)
CEILING: Final = (
    r"(?:不超过|不高于|不能超过|别超过|不要超过|不超|低于|少于|小于|最多|至多|最高|控制在|压在|上限|≤|<=?|"
    r"within|under|below|up to|less than|at most|no more than|not exceed(?:ing)?|not over|max(?:imum)?)"
)
END: Final = r"(?=\s?(?:[,，。;；!！?？、)]|的|就|最好|为好|搞定|能|可以|都|吧|or less|$))"
SAID: Final = re.compile(
    rf"(?:预算|经费|budget)(?:[^\d零一二两三四五六七八九十,，。;负-]{{0,12}}?)[¥$]?\s?{RANGE}{AMOUNT}(?![\d.]*\s?[\d个件批样次天])\s?{YUAN}?{UPTO}"
    rf"|{PRICE}[^\d零一二两三四五六七八九十百,，。;负-]{{0,9}}?[¥$]?\s?{RANGE}{AMOUNT}\s?(?:{YUAN}{UPTO}|(?:以内|以下|之内|左右|上下|封顶)|{END})"
    rf"|{CEILING}\s?(?:¥|rmb|cny)?\s?{RANGE}{AMOUNT}\s?{YUAN}{UPTO}"
    rf"|(?:within|under|below|up to|at most|less than|不超过|≤|<)\s?(?:¥|rmb\s?|cny\s?){AMOUNT}"
    rf"|{RANGE}{AMOUNT}\s?{YUAN}\s?(?:以内|以下|之内|内|封顶|max|or less)"
)
BARE: Final = re.compile(
    rf"(?:¥|rmb\s?|cny\s?){RANGE}{AMOUNT}|{RANGE}{AMOUNT}\s?(?:元|块钱|块(?!样|试)(?={END}|左右|上下|一[下次个件样]|/|每|吧)|人民币|rmb|yuan|cny){UPTO}"
    rf"|{AMOUNT}\s?(?:一个?[样件次]|/[样件次个])(?:品)?(?={END})"
    rf"|(?:^|(?<=[,，。;；]))\s?([1-9]\d{{2,5}}|{NUMBER}(?=[百千万]))()\s?(?:以内|以下|封顶){END}"
    rf"|(?:^|(?<=[,，。;；]))\s?(\d(?:\.\d)?|[一二两三四五六七八九])\s?(百|千|万|k)\s?(?:以内|以下|封顶|左右){END}"
)
MONEY: Final = re.compile(
    r"[元块¥价费≤<]|人民币|rmb|cny|yuan|预算|经费|budget|price|cost|fee|pay|quote|报|总|合计|一共|花|开销|成本|自[付费己]|以[内下]|封顶|左右|[样件次个]"
)
EACH: Final = re.compile(r"单价|[每/一]\s?(?:个|件|样|次|项|批|组|点)|per (?:sample|piece|item)|each|/sample")
LEAST_FEN: Final = 2_000
"""What 块 alone must say more than to be money: 试块6块 are six pieces."""


def budgets(chars: str, _today: date) -> Iterator[Hit]:
    """Yield what may be paid at most; without a word of limit it is our guess, and a price for a piece counts only where no total is said."""
    if not MONEY.search(chars):  # spares long texts the many ways in which money is said
        return
    found = [(match, _fen(match)) for match in SAID.finditer(chars)]
    said = [(match, fen) for match, fen in found if fen > 0]
    whole = [one for one in said if not _for_a_piece(chars, one[0])] or said[:1]
    if whole:
        yield from (Hit(*match.span(), "budget", fen) for match, fen in whole)
        return
    bare = BARE.search(chars) if not found else None
    if bare and _fen(bare) > (LEAST_FEN if bare.group().endswith("块") else 0):
        yield Hit(*bare.span(), "budget", _fen(bare), "guessed")


def _for_a_piece(chars: str, match: re.Match[str]) -> bool:
    return EACH.search(chars, max(0, match.start() - 6), min(len(chars), match.end() + 8)) is not None


def _fen(match: re.Match[str]) -> int:
    groups = [group or "" for group in match.groups()]
    number, scale = next((pair for pair in zip(groups[::2], groups[1::2], strict=True) if pair[0]), ("0", ""))
    return round(read_number(number) * SCALES[scale] * 100)
