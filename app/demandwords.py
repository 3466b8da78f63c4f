"""How unmet demand is asked for in an address, and the words of its columns: shared by page, file and API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from app.mapquery import with_pairs
from bookings.demand import UNMET
from core.errors import N_, Invalid
from planning.demand import WEEKS, Asked, Row

KIND_NAMES: Final = {
    "none": N_("没有结果"),
    "relaxed": N_("放宽才有"),
    "ask": N_("没看懂，只问了一句"),
    "unanswered": N_("发布了没人接"),
    "found": N_("有结果"),
}
UNCLEAR: Final = N_("没说清是哪种仪器")
ANYWHERE: Final = N_("没说地区")
_CODE: Final = re.compile(r"\d{6}", re.ASCII)


def read_asked(args: Mapping[str, str]) -> Asked:
    """Read weeks=4|13|26|52, region=adcode, class=code, kind=…; raise `Invalid` naming the field for what cannot be meant."""
    weeks = args.get("weeks", "") or "13"
    if weeks not in {str(n) for n in WEEKS}:
        raise Invalid("weeks", N_("时间可以看 4、13、26 或 52 周。"))
    kind = args.get("kind", "")
    if kind and kind not in UNMET:
        raise Invalid("kind", N_("没有这一类需求。请从列表里选。"))
    region, class_code = (_code(args, name) for name in ("region", "class"))
    return Asked(int(weeks), region, class_code, kind)


def link(base: str, asked: Asked) -> str:
    """Return the address of `base` that asks for the same."""
    pairs = {"weeks": str(asked.weeks), "region": asked.region, "class": asked.class_code, "kind": asked.kind}
    return with_pairs(base, [(name, value) for name, value in pairs.items() if value])


def plain(row: Row) -> dict[str, Any]:
    """Return a row as plain data, the same in API and file."""
    facts = {"region": row.region, "region_name": row.region_zh, "type": row.type, "unmet": row.unmet, **row.counts}
    return {**facts, "inside": row.inside, "reachable": row.reachable, "is_sample": row.is_sample}


def _code(args: Mapping[str, str], name: str) -> str:
    given = args.get(name, "").strip()
    if given and not _CODE.fullmatch(given):
        raise Invalid(name, N_("代码要写六位数字，例如 330500。"))
    return given
