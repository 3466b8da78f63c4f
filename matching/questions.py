"""The question for a need that cannot be answered, with options in words that a firm knows."""

from __future__ import annotations

from typing import Final

from core.errors import N_
from matching.answers import Ask, TypeGuess
from matching.evidence import suited
from matching.lexicon.finder import Found

EXAMPLES: Final = (N_("不锈钢断口形貌"), N_("锂电池循环寿命"), N_("面料起毛起球"), N_("废水重金属含量"))
OPTIONS: Final = 6


def empty() -> Ask:
    """Return the question for a text without words."""
    return Ask(N_("请写出样品和要测的指标，例如："), EXAMPLES, "empty")


def impossible() -> Ask:
    """Return the answer to a need that no instrument serves."""
    return Ask(N_("这里只找检测、试验和加工用的仪器设备。请写出样品和要测的指标，例如："), EXAMPLES, "impossible")


def vague() -> Ask:
    """Return the question for a need that names neither a sample nor a property."""
    return Ask(N_("请说得再具体一点：是什么样品，要测什么，或者出了什么毛病？例如："), EXAMPLES, "vague")


def between(found: list[Found], guesses: list[TypeGuess], like: list[TypeGuess], refused: frozenset[str]) -> Ask:
    """Return the question for weak or vague words: the types they may mean; with none, examples.

    `like` are the types that are most like the need by its characters: they fill the options where words of the lexicon gave too few.
    """
    questioned = [name for one in found if one.phrase.kind == "vague" for name, _ in one.phrase.types]
    weak = [one.name_zh for one in guesses]
    by_sample = [name for name, _ in sorted(suited(found).items(), key=lambda item: -item[1])]
    known = tuple(dict.fromkeys(name for name in (*weak, *by_sample, *questioned) if name not in refused))
    options = tuple(dict.fromkeys((*known, *(one.name_zh for one in like))))[:OPTIONS]
    if known:
        return Ask(N_("还不能确定用哪种仪器。您要测的是什么？可能是："), options, "vague")
    if options:
        return Ask(N_("这些词还没有收录，不能确定用哪种仪器。您要测的是什么？可能是："), options, "unknown")
    return Ask(N_("没有找到能做这件事的仪器。请写出样品和要测的指标，例如："), EXAMPLES, "unknown")
