"""Which accreditation the laboratory must have: 「CMA和CNAS都要」, "ISO 17025 accredited"; what is not needed is none."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final

from matching.reading.hit import Hit

PAPERS: Final = re.compile(
    r"(?<![a-z])(cma|cnas|glp|nadcap|iso\s?/?\s?(?:iec)?\s?17025|计量认证)(?![a-z])(?:资质|认证|认可|资格|盖章|章)?(优先|preferred)?"
)
UNWANTED: Final = re.compile(r"(?:不需要?|不用|无需|不要求?|不必|(?<!有)没有|\bno |without |not need )(?:有|the |a )?$")
UNNEEDED: Final = re.compile(r"\s?(?:也行|也可以?|不需要|不要求|不用|不要|无所谓|is not needed|not (?:needed|required))")
NAMES: Final = {"计量认证": "CMA"}


def papers(chars: str, _today: date) -> Iterator[Hit]:
    """Yield each accreditation that is asked for."""
    for match in PAPERS.finditer(chars):
        if UNWANTED.search(chars[max(0, match.start() - 12) : match.start()]) or UNNEEDED.match(chars, match.end()):
            continue
        name = NAMES.get(match[1]) or ("ISO/IEC 17025" if "17025" in match[1] else match[1].upper())
        yield Hit(*match.span(), "qualification", name, "said", "preferred" if match[2] else "required")
