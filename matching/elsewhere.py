"""Say whether a need is for something no instrument does: a trade in things, a service, a calibration that none of the types can do.

Words of the kind "offscope" say so, alone, or two of them together ("水表+检定", "来图+加工"); the more plainly, the less a product's name counts
beside them. Where something is to be tested, or is wrong with a thing, an instrument serves after all.
"""

from __future__ import annotations

import re

from matching.answers import TypeGuess
from matching.lexicon.finder import Found
from matching.lexicon.text import Text, normalise, squeeze

TESTING = re.compile(r"测|检|分析|化验|试验|鉴定|表征|观察|\btest|\bmeasur|\banaly|\binspect|\bcharacteri|\bdetermin")
DEALS = re.compile(
    r"收购|求购|转让|转手|出售|出租|求租|租赁|二手|招聘|招工|贷款|(?:买|采购|购置)[一两几\d]*[台套]|\bfor sale\b|\bsecond-hand\b|\bto rent\b|\bhire\b"
)
"""Dealings that make a thing's name the object of a trade: they outweigh what the name points to, where nothing is to be tested."""
WRONG = re.compile(
    r"裂|断|怀疑|原因|为什么|为啥|怎么回事|不够|不良|超标|合格|锈|腐蚀|脱落|起泡|变形|磨损|老化|异响|发黑|发黄|盐雾|疲劳|误差|含.?量|硬度|强度|厚度|尺寸|成分|精度|\bcrack|\bfail|\bcontent\b|\bhardness\b|\bthickness\b"
)
"""What is said of a thing that has a fault or a property to be told: then a service is where it comes from, not what is wanted."""

SELF_TOLD = re.compile(r"测|检|校准|标定|计量|年代|\bcalibrat")
"""Parts of phrases that are about a measurement themselves: one that none of the types can do."""


def is_elsewhere(text: Text, found: list[Found], guesses: list[TypeGuess]) -> bool:
    """Say whether the need is for something no instrument does; a short word said in passing ("安装") does not outweigh a guess."""
    spans = [one for one in found if one.phrase.kind == "offscope"]
    named = [one for one in found if one.whole and one.phrase.kind in {"offscope", "name"}]
    rest = "".join(char for at, char in enumerate(text.chars) if not any(one.start <= at < one.end for one in named))
    if DEALS.search(text.chars) and not TESTING.search(rest) and not WRONG.search(rest):
        return True
    if not spans or not guesses:
        return bool(spans)
    return any(_outweighs(text.chars, one, rest) for one in spans)


def _outweighs(chars: str, said: Found, rest: str) -> bool:
    """Say whether an offscope phrase counts more than what else was found: of two parts, or long enough to leave no doubt."""
    words = said.phrase.parts[0]
    if len(said.phrase.parts) > 1:
        for part in said.phrase.parts:
            chars = chars.replace(squeeze(normalise(part)).chars, " ")
        return not WRONG.search(chars) and (SELF_TOLD.search(" ".join(said.phrase.parts)) is not None or not TESTING.search(chars))
    plainly = len(words) > 2 and (" " in words or not words.isascii())
    return plainly and not TESTING.search(rest)
