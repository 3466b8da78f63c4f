"""The two ways text may enter a page from here: as an attribute or as JSON inside a script. There is no third."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&'\u2028\u2029"}


def attribute(text: str) -> str:
    """Escape `text` for an attribute in double quotes or for element content."""
    return escape(text, quote=True)


def script_json(value: Any) -> str:
    """Write `value` as JSON that cannot end the script element it stands in."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_IN_SCRIPT)
