"""The query of `/ogc/` as OGC API - Features - Part 1 (17-069r4) writes it: a function a parameter; what cannot be meant is a 400 with its name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Final

from werkzeug.datastructures import Accept, MultiDict

from app.api.problem import FieldError
from app.errors import Malformed
from app.i18n import translate
from core.errors import N_, Invalid
from geodata.basemap import Box
from geodata.features import Question
from geodata.items import Page
from geodata.properties import COLLECTIONS, Form

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
MOST: Final = 10_000
"""Features of one page; who asks for more gets so many."""
USUAL: Final = 100

EVERYWHERE: Final = ("f", "lang")
"""Parameters of every resource: the format, and the language of a page."""

FORMATS: Final = ("json", "html")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class ItemsAsked:
    """A page of a collection as it was asked for."""

    question: Question
    page: Page


@contextmanager
def _as_400() -> Iterator[None]:
    """Turn what names a field into the 400 that the standard demands."""
    try:
        yield
    except Invalid as wrong:
        raise Malformed(N_("请求里有看不懂的内容，逐项原因见 errors。"), fields=(FieldError(field=wrong.field, reason=translate(wrong)),)) from wrong


def format_of(args: MultiDict[str, str], accept: Accept) -> str:
    """Return "json" or "html": what `f` says, else what is accepted best; JSON for who takes anything."""
    with _as_400():
        given = _once(args, "f")
        if given and given not in FORMATS:
            raise Invalid("f", N_("格式只能是 json 或 html。"))
    best = accept.best_match(("application/json", "application/geo+json", "text/html"), default="application/json")
    return given or ("html" if best == "text/html" else "json")


def only(args: MultiDict[str, str], *known: str) -> None:
    """Raise `Malformed` for a parameter that is not known here or that is given twice (17-069r4, /req/core/query-param-unknown)."""
    with _as_400():
        for name in args:
            if name not in EVERYWHERE and name not in known:
                raise Invalid(name[:60] or "?", N_("这里没有这个参数。可用的参数见 /ogc/api。"))
            _once(args, name)


def read_items(name: str, args: MultiDict[str, str]) -> ItemsAsked:
    """Read the query of the items of collection `name`; raise `Malformed` naming the parameter."""
    properties = {one.name: one.form for one in COLLECTIONS[name].properties if one.equals}
    only(args, *PAGING, *properties)
    with _as_400():
        since, until = read_datetime(args["datetime"]) if "datetime" in args else (None, None)
        equal = tuple((field, READERS[form](field, args[field])) for field, form in properties.items() if field in args)
        if args.get("bbox-crs", CRS84) != CRS84:
            raise Invalid("bbox-crs", N_("范围只认 CRS84（WGS84 经度、纬度）。"))
        box = read_bbox(args["bbox"]) if "bbox" in args else None
        return ItemsAsked(Question(box, equal, since, until), Page(read_limit(args.get("limit")), offset=read_offset(args.get("offset"))))


PAGING: Final = ("bbox", "bbox-crs", "datetime", "limit", "offset")


def _once(args: MultiDict[str, str], name: str) -> str:
    found = args.getlist(name)
    if len(found) > 1:
        raise Invalid(name[:60], N_("这个参数只能给一次。"))
    return found[0] if found else ""


def read_bbox(given: str) -> Box:
    """Read four or six numbers (CRS84, heights are not looked at); west greater than east runs over the 180th meridian."""
    parts = given.split(",")
    if len(parts) not in (4, 6) or not all(_NUMBER.fullmatch(part) for part in parts):
        raise Invalid("bbox", N_("范围要写成四个或六个数：西,南,东,北，或西,南,低,东,北,高（经纬度，米）。"))
    numbers = [float(part) for part in parts]
    low, high = (numbers[2], numbers[5]) if len(numbers) == 6 else (0.0, 0.0)
    west, south, east, north = (numbers[n] for n in ((0, 1, 3, 4) if len(numbers) == 6 else (0, 1, 2, 3)))
    if not (abs(west) <= 180 and abs(east) <= 180 and -90 <= south <= north <= 90 and low <= high and isfinite(low) and isfinite(high)):
        raise Invalid("bbox", N_("范围不对：南不能大于北，低不能大于高，经度在 ±180、纬度在 ±90 以内。"))
    return Box(west, south, east, north)


def read_datetime(given: str) -> tuple[datetime | None, datetime | None]:
    """Read an instant or an interval of RFC 3339, ".." or nothing at an open end; return its two ends, None where it is open."""
    ends = given.split("/")
    if len(ends) == 1:
        at = _instant(ends[0])
        return at, at
    if len(ends) > 2 or all(end in ("", "..") for end in ends):
        raise Invalid("datetime", _NO_TIME)
    since, until = (None if end in ("", "..") else _instant(end) for end in ends)
    if since and until and since > until:
        raise Invalid("datetime", N_("时间段的起点不能晚于终点。"))
    return since, until


def _instant(given: str) -> datetime:
    if _INSTANT.fullmatch(given):
        try:
            return datetime.fromisoformat(given.upper())
        except ValueError:
            pass
    raise Invalid("datetime", _NO_TIME)


_NO_TIME: Final = N_("时间要写成 2026-11-26T09:00:00Z，时间段写成 起/止，一端可以是 ..。")


def read_limit(given: str | None) -> int:
    """Read how many features, at least one."""
    if given is None:
        return USUAL
    if not (given.isascii() and given.isdigit() and int(given[:20]) >= 1):
        raise Invalid("limit", N_("要是大于 0 的整数。"))
    return min(int(given[:20]), MOST)


def read_offset(given: str | None) -> int:
    """Read after how many features the page begins."""
    if given is None:
        return 0
    if not (given.isascii() and given.isdigit() and len(given) <= 12):
        raise Invalid("offset", N_("要是 0 或正整数。"))
    return int(given)


def _read_whole(field: str, given: str) -> int:
    if not _WHOLE.fullmatch(given):
        raise Invalid(field, N_("要是整数。"))
    return int(given)


def _read_number(field: str, given: str) -> float:
    if not _NUMBER.fullmatch(given) or not isfinite(float(given)):
        raise Invalid(field, N_("要是数字。"))
    return float(given)


def _read_truth(field: str, given: str) -> bool:
    if given not in ("true", "false"):
        raise Invalid(field, N_("要写 true 或 false。"))
    return given == "true"


def _read_text(field: str, given: str) -> str:
    if len(given) > 500:
        raise Invalid(field, N_("最多 %(max_length)s 个字。"), max_length=500)
    return given


READERS: Final[Mapping[Form, Callable[[str, str], Any]]] = {
    "integer": _read_whole,
    "fen": _read_whole,
    "number": _read_number,
    "boolean": _read_truth,
    "string": _read_text,
}
