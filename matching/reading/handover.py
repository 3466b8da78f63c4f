"""On site or by post: 「上门」, 「现场检测」, 「寄样」, "on-site", "we can mail the samples"."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

Found = tuple[int, int, str, str, str, str]
_WISH: Final = r"(最好能?|希望|尽量|优先|可以|可|能|prefer(?:ably)?\s|can\s)?"
_ON_SITE: Final = re.compile(
    rf"{_WISH}(?:需要|要|工程师|来)?(?:上门(?:取样|检测|服务|测试|采样)?|(?:来|到)?现场(?=[测检做采试标校]|服务|$|[,，。]))"
    r"|on[- ]site|in situ"
)
_POST: Final = re.compile(
    rf"(?:样品)?{_WISH}(?:寄样|邮寄(?:样品)?|寄送|寄过去|快递(?:送样|样品)?|只寄不跑)"
    rf"|{_WISH}(?:mail|post|ship)\s(?:the |our |you )?samples?|by (?:post|mail|courier)"
)
_WAYS: Final = (("on_site", _ON_SITE), ("post", _POST))
_NOT: Final = re.compile(r"(?:不|没法|无法|不便|不能|不方便|不用|无需|不需要|施工|事故|no need (?:of|for) |not )$")
_STUCK: Final = re.compile(r"搬不(?:动|走)|没法搬|无法拆卸|拆不下来|运不走")


def handovers(chars: str, _today: date) -> Iterator[Found]:
    """Yield how the sample and the instrument come together; a wish is only preferred, what cannot be moved is a guess."""
    taken: set[str] = set()
    for way, words in _WAYS:
        for match in words.finditer(chars):
            wish = next((group for group in match.groups() if group), "")
            if way not in taken and not _NOT.search(chars[max(0, match.start() - 12) : match.start()]):
                taken.add(way)
                yield *match.span(), "handover", way, "said", "preferred" if wish else "required"
    stuck = _STUCK.search(chars)
    if stuck and "on_site" not in taken:
        yield *stuck.span(), "handover", "on_site", "guessed", "preferred"
