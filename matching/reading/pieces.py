"""How many pieces are to be tested: 「5件样品」, "3 samples"."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from matching.reading.hit import Hit
from matching.reading.numbers import COUNT, ENGLISH, read_count

PIECES: Final = re.compile(
    rf"(?<![第之.\d]){COUNT}\s?(?:个(?:样品|试样|样件|样|批次|零件|产品)|[件根片支只瓶份袋枚粒](?:样品|试样|样件|样)?(?![机层管])|[块种组批](?:样品|试样|样|次))"
    rf"|(?:样品|试样|试件|试块|样件)\s?{COUNT}\s?[个件块片根只瓶份]"
    rf"|\b(\d{{1,6}}|{'|'.join(ENGLISH)})\s(?:samples?|pieces?|pcs|specimens?|batches|parts|units)\b"
)


def pieces(chars: str, _today: date) -> Iterator[Hit]:
    """Yield the first count of pieces."""
    match = PIECES.search(chars)
    count = read_count(match[1] or match[2] or match[3]) if match else 0
    if match and count:
        yield Hit(*match.span(), "quantity", count)
