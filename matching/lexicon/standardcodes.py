"""Tell whether a wording is the number of a standard: "GB/T 228.1", "ASTM D638", "USP <467>"; "tensile test" is none."""

import re
from typing import Final

BODY: Final = r"\d?[A-Z][A-Za-z]*(?:[-/ ][A-Z][A-Za-z]*){0,3}"
NUMBER: Final = r"(?:[A-Z]{0,3}[-. ]?<?\d+[A-Za-z]?>?(?:[-./][A-Za-z]?\d+[A-Za-z]*)*(?:[-. ][A-Z]{1,4}\d*)*|[A-Z]\d*[A-Z]?)"
CODE = re.compile(rf"{BODY}[- ]?{NUMBER}(?: {NUMBER}){{0,2}}")


def is_standard(wording: str) -> bool:
    """Say whether the whole of `wording` is the number of a standard.

    >>> [is_standard(one) for one in ("GB/T 228.1", "ASTM E8/E8M", "IPC-TM-650 2.6.25", "拉伸试验")]
    [True, True, True, False]
    """
    return CODE.fullmatch(wording.strip()) is not None
