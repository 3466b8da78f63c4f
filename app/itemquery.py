"""What programs write in the address of a list: filters, paging, format. One reader for `/api/v1` and `/ogc`, one name for each filter of the map."""

from __future__ import annotations

import base64
import re
from functools import cache
from math import isfinite
from typing import Annotated, Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from app.freeweek import busy_now
from core.errors import N_, Invalid
from core.money import MAX_FEN
from geodata.basemap import read_box
from geodata.items import Items, Page
from geodata.wanted import Kind, Limit, Near, Wanted

ADCODE = re.compile(r"\d{6}", re.ASCII)
PRICE = re.compile(r"(?:([a-z_]{1,40}):)?(\d{1,18})", re.ASCII)
CARRIER_KINDS = ("university", "institute", "company", "hospital", "platform", "testing_center", "key_lab", "enterprise_lab")
"""Kinds of carrier, which `type` of a list of carriers may also name."""

Word = Annotated[str, Field(max_length=60)]
Words = Annotated[list[Word], Field(max_length=20)]


class Filters(BaseModel):
    """Which items: every filter of the map. A filter that may be given several times takes what fits any of its values."""

    model_config = ConfigDict(extra="ignore")
    bbox: str = Field("", max_length=200, description="west,south,east,north in degrees, WGS84; the edges belong to it")
    q: str = Field("", max_length=100, description="words in the name")
    type: Words = Field([], description="instrument type by name, again for more; of carriers: who has one, or a kind of carrier")
    class_code: str = Field(
        "", alias="class", json_schema_extra={"pattern": r"^(\d{6})?$"}, description="class of the national scheme; 010000 means all of 01"
    )
    kind: Words = Field([], description="kind of carrier, again for more")
    level: Words = Field([], description="level of recognition of the carrier, again for more")
    region: str = Field("", json_schema_extra={"pattern": r"^(\d{6})?$"}, description="six-digit adcode; a province or city means all in it")
    max_price: Words = Field([], description="fen at most, or service:fen, again for more services; others are then left out")
    near: str = Field("", max_length=100, description="lon,lat in degrees, WGS84; with within, or with sort=near")
    within: float | None = Field(None, gt=0, le=20_100_000, description="metres from near; places known only roughly are left out")
    free: Literal["", "week"] = Field("", description="week: in working order, with a free slot within seven days")

    @classmethod
    @cache
    def model_json_schema(cls, *args: Any, **more: Any) -> dict[str, Any]:  # type: ignore[override]  # a cache in front of it
        """Return the schema, which flask-openapi3 asks for at every request, from memory."""
        return super().model_json_schema(*args, **more)


class ItemQuery(Filters):
    """Which items, how many, and how they are written."""

    sort: Literal["", "near"] = Field("", description="near: instruments by metres from near, nearest first; without it by id")
    limit: int = Field(50, ge=1, le=1000)
    cursor: str = Field("", max_length=100, description="`next` of the page before")
    format: Literal["json", "geojson", "csv"] = "json"

    def page(self) -> Page:
        """Return which page is wanted; raise `Invalid` for a cursor that we did not write."""
        return Page(self.limit, after=int(_read_cursor(self.cursor, "id")[0]) if self.cursor else 0)

    def after(self) -> tuple[float, int]:
        """Return metres and id of the last one seen, in the order of distance; raise `Invalid` for a cursor that we did not write."""
        metres, number = _read_cursor(self.cursor, "near") if self.cursor else ("-1", "0")
        return float(metres), int(number)

    def place(self) -> tuple[float, float]:
        """Return the place from which distances are told; raise `Invalid` when there is none."""
        if not self.near:
            raise Invalid("near", N_("按距离排序要给出 near（经度,纬度）。"))
        return read_point("near", self.near)


def wanted(session: Session, kind: Kind, query: Filters) -> Wanted:
    """Return the filters as one value; raise `Invalid` naming the parameter that cannot be meant."""
    kinds = [one for one in query.type if kind == "carriers" and one in CARRIER_KINDS]
    return Wanted(
        box=read_box(query.bbox) if query.bbox else None,
        q=query.q.strip(),
        types=tuple(one for one in query.type if one not in kinds),
        class_code=six_digits("class", query.class_code),
        kinds=(*query.kind, *kinds),
        levels=tuple(query.level),
        region=six_digits("region", query.region),
        max_price=_limit(query.max_price),
        busy=busy_now(session) if query.free else (),
        working=bool(query.free),
        near=_near(query),
    )


def six_digits(field: str, given: str) -> str:
    """Return `given` if it is empty or six digits; raise `Invalid` otherwise."""
    if given and not ADCODE.fullmatch(given):
        said = N_("行政区代码要写成六位数字，例如 330100。") if field == "region" else N_("分类代码要写成六位数字，例如 010000。")
        raise Invalid(field, said)
    return given


def _limit(given: list[str]) -> Limit | None:
    parts = [PRICE.fullmatch(one) for one in given]
    if not all(parts) or any(int(part[2]) > MAX_FEN for part in parts if part):
        raise Invalid("max_price", N_("最高价要写成分为单位的整数，或“服务代码:分”，例如 test_analysis:50000。"))
    found = [(part[1], int(part[2])) for part in parts if part]
    plain = [fen for service, fen in found if service is None]
    return min(plain) if plain else cast("tuple[tuple[str, int], ...]", tuple(found)) or None


def _near(query: Filters) -> Near | None:
    if query.within is None and (not query.near or getattr(query, "sort", "") == "near"):
        return None
    if query.within is None or not query.near:
        raise Invalid("within" if query.near else "near", N_("near（经度,纬度）和 within（米）要一起给。"))
    return Near(*read_point("near", query.near), query.within)


def read_point(field: str, given: str) -> tuple[float, float]:
    """Read "lon,lat" in degrees; raise `Invalid` for anything that is no place on the globe."""
    try:
        lon, lat = (float(part) for part in given.split(","))
    except ValueError as wrong:
        raise Invalid(field, N_("位置要写成两个数：经度,纬度。")) from wrong
    if not (isfinite(lon) and isfinite(lat) and abs(lon) <= 180 and abs(lat) <= 90):
        raise Invalid(field, N_("“%(given)s”不是经纬度：经度在 ±180、纬度在 ±90 以内，单位是度。"), given=given[:40])
    return lon, lat


def cursor_of(found: Items) -> str | None:
    """Return the cursor of the next page, None on the last."""
    if found.next is None:
        return None
    said = f"id:{found.next}" if found.reached is None else f"near:{found.reached!r}:{found.next}"
    return base64.urlsafe_b64encode(said.encode()).decode()


def _read_cursor(cursor: str, kind: str) -> list[str]:
    """Return the numbers of a cursor of that kind; raise `Invalid` for anything that we did not write."""
    try:
        found = _CURSORS[kind].fullmatch(base64.urlsafe_b64decode(cursor.encode()).decode())
    except ValueError:
        found = None
    if found is None or int(found.groups()[-1]) >= 2**63:
        raise Invalid("cursor", N_("这个翻页标记不能用。请从第一页开始。"))
    return list(found.groups())


_CURSORS = {"id": re.compile(r"id:(\d{1,19})", re.ASCII), "near": re.compile(r"near:(\d{1,8}(?:\.\d{1,18})?(?:e-?\d{1,3})?):(\d{1,19})", re.ASCII)}
