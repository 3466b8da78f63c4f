"""On site or by post: 「上门」, 「现场检测」, 「到我们厂里来测」, 「寄样」, "on-site", "we can mail the samples"."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from matching.constraints import Origin, Strength
from matching.reading.hit import Hit

_WISH: Final = r"(最好能?|希望|尽量|优先|可以|可|能|prefer(?:ably)?\s|can\s)?"
_ON_SITE: Final = re.compile(
    rf"{_WISH}(?:需要|要|工程师|派人|来)?(?:上门(?:取样|取件|检测|服务|测试|采样)?|(?:来|到|去)?(?:现场|驻厂)(?=[测检做采试标校看取]|服务|实测|$|[,，。;；!！?？]|的(?:[,，。;；]|$))"
    r"|(?:来|到|去|上)(?:我们?|咱们?|我司|本)?(?:公司|工厂|厂里|厂|车间|工地|仓库)(?:里|内)?(?:来|去)?(?=[测检做采试标校看取]))"
    r"|on[- ]site|in situ|(?:come to|at) our (?:site|plant|factory|workshop|premises)"
)
_POST: Final = re.compile(
    rf"(?:样品?)?{_WISH}(?:今天|明天|已经?|会)?(?:寄样|邮寄(?:样品)?|寄送|寄(?:过[去来]|到|出|给|去|来|[你您]|(?=[,，。;；]|$))|邮(?:过去|给)|快递(?:送样|寄样|过去|样品)?|只寄不跑)"
    rf"|{_WISH}(?:mail|post|ship|send|courier)\s(?:in\s)?(?:the |our |you |my )*(?:samples?|parts?|specimens?)"
    r"|samples? (?:can|could|will|to) be (?:mailed|posted|shipped|sent)|by (?:post|mail|courier)|mail-in"
)
_WAYS: Final = (("on_site", _ON_SITE), ("post", _POST))
_NOT: Final = re.compile(r"(?:不|没法|无法|不便|不能|不方便|不用|无需|不需要|不要|不想|别|施工|事故|no need (?:of|for) |not )$")
_NEEDLESS: Final = re.compile(r"(?:就?不用|就?不必|不需要|没必要|免了)")
_ASKED: Final = re.compile(r"[能可会行]不$")
"""能不能, 可不可以: a question, no refusal."""

_STUCK: Final = re.compile(r"搬不(?:动|走)|没法搬|无法拆卸|拆不下来|运不走")
_WAY = r"(?:寄样?|邮寄|快递|上门|现场)[^,，。;；]{0,4}"
_EITHER: Final = re.compile(rf"{_WAY}(?:还是|或者?|和|、|/)[^,，。;；]{{0,4}}{_WAY}(?:都行|都可以?|均可|皆可)")


def handovers(chars: str, _today: date) -> Iterator[Hit]:
    """Yield how the sample and the instrument come together; a wish is only preferred, what cannot be moved is a guess, either way is none."""
    if _EITHER.search(chars):
        return
    taken: set[str] = set()
    for way, words in _WAYS:
        for match in words.finditer(chars):
            wish = next((group for group in match.groups() if group), "")
            if (
                way not in taken
                and not _NEEDLESS.match(chars, match.end())
                and not _NOT.search(_ASKED.sub("", chars[max(0, match.start() - 12) : match.start()]))
            ):
                taken.add(way)
                strength: Strength = "preferred" if wish else "required"
                yield Hit(*match.span(), "handover", way, "said", strength)
    stuck = _STUCK.search(chars)
    if stuck and "on_site" not in taken:
        origin: Origin = "guessed"
        yield Hit(*stuck.span(), "handover", "on_site", origin, "preferred")
