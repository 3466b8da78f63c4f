"""Carriers named in an address, and which of their sites is meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, cast

from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata.places import Precision
from geodata.places_names import Entry
from geodata.regions import shared_digits

_LONG: Final = 40
_SHORT: Final = 4
_ENDS: Final = re.compile(r"(?<=大学)|(?<=学院)|(?<=研究[院所])|(?<=医院)|(?<=中心)|(?<=实验室)|(?<=公司)|(?=[^\u3400-\u9fff])|$|(?=.{1,8}校区)")
_STRANGE: Final = re.compile(r"[\u3400-\u9fff]{1,6}校区")
_CAMPUS: Final = re.compile(r"校区$|（第 \d+ 处）$")


@dataclass(frozen=True, slots=True)
class Spot:
    """A site of a carrier: degrees WGS84 and how exact they are."""

    name: str
    lon: float | None
    lat: float | None
    adcode: str | None
    precision: Precision


@dataclass(frozen=True, slots=True)
class Body:
    """A carrier with its sites in their order."""

    name: str
    name_en: str
    sample: bool
    sites: tuple[Spot, ...]


def bodies_named(session: Session, addresses: Iterable[str]) -> dict[str, Body]:
    """Return the carriers whose name stands in one of the tidy addresses, by that name (Latin ones in small letters)."""
    wanted = {part for address in addresses for part in _parts(address)}
    found: dict[str, Body] = {}
    for row in session.execute(text(_NAMED), {"names": sorted(wanted)}):
        spot = Spot(row.site, row.lon, row.lat, row.adcode, cast("Precision", row.precision)) if row.site is not None else None
        for name in filter(None, (row.name_zh, (row.name_en or "").casefold())):
            if name in wanted:
                body = found.get(name) or Body(row.name_zh, row.name_en or "", row.is_sample, ())
                found[name] = replace(body, sites=(*body.sites, spot)) if spot else body
    return found


@dataclass(frozen=True, slots=True)
class Named:
    """A carrier that a tidy address names, the `rest` of the address, and a `campus` of it that is not among its sites."""

    body: Body
    address: str
    rest: str
    campus: str = ""

    def sites_in(self, place: Entry | None) -> tuple[Spot, ...]:
        """Return the sites that are meant: the one that is named, else the carrier's own point, else all; only those inside `place`."""
        return _chosen(self.body, self.address, place)


def find_body(address: str, bodies: dict[str, Body]) -> Named | None:
    """Return the carrier with the longest name in a tidy address; what stands around the name says where, the name itself does not."""
    best: tuple[int, int, Body] | None = None
    for name, body in bodies.items():
        start = address.casefold().find(name)
        if start >= 0 and _stands(address, start + len(name), body) and (best is None or len(name) > best[1] - best[0]):
            best = (start, start + len(name), body)
    if best is None:
        return None
    start, end, body = best
    campus = max((len(part) for spot in body.sites for part in (spot.name, _stem(spot.name)) if part and address.startswith(part, end)), default=0)
    strange = _STRANGE.match(address, end) if not campus else None
    after = strange.end() if strange else end + campus
    return Named(body, address, f"{address[:start]} {address[after:].removeprefix('校区')}", strange[0] if strange else "")


def _chosen(body: Body, address: str, place: Entry | None) -> tuple[Spot, ...]:
    named = [spot for spot in body.sites if len(_stem(spot.name)) > 1 and _stem(spot.name) in address]
    inside = [spot for spot in named or body.sites if place is None or _lies_in(spot, place)]
    own = [spot for spot in inside if not spot.name]
    return tuple(own if own and not named else inside)


def _lies_in(spot: Spot, place: Entry) -> bool:
    """Say whether a site may lie in a region; one that is only known to its city may lie in any county of it."""
    code = spot.adcode or ""
    if place.kind == "zone":
        return code[:4] == place.adcode[:4]
    return any(code.startswith(shared_digits(span)) or span.startswith(shared_digits(code or "999999")) for span in place.spans)


def _stands(address: str, end: int, body: Body) -> bool:
    """Say whether a name that ends at `end` is the whole name, and not the beginning of that of somebody else."""
    rest = address[end:]
    if not rest or not "\u3400" <= rest[0] <= "\u9fff" or rest.startswith("校区"):
        return not rest or not rest[0].isascii() or not rest[0].isalpha()
    return bool(_STRANGE.match(rest)) or any(stem and rest.startswith(stem) for stem in (_stem(spot.name) for spot in body.sites))


def _stem(campus: str) -> str:
    return _CAMPUS.sub("", _CAMPUS.sub("", campus))


def _parts(address: str) -> Iterator[str]:
    if address.isascii():
        words = address.casefold().split()
        yield from (" ".join(words[start:end]) for start in range(len(words)) for end in range(start + 2, min(len(words), start + 12) + 1))
        return
    for match in _ENDS.finditer(address):
        end = match.start()
        for start in range(max(0, end - _LONG), end - _SHORT + 1):
            if " " not in (part := address[start:end]):
                yield part


_NAMED: Final = """
SELECT o.name_zh, o.name_en, o.is_sample, s.name AS site, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat, s.adcode,
    CASE WHEN s.geom IS NULL THEN 'none' ELSE s.precision END AS precision
FROM organisation o LEFT JOIN site s ON s.organisation_id = o.id
WHERE o.kind = 'carrier' AND (o.name_zh = ANY(:names) OR lower(o.name_en) = ANY(:names))
ORDER BY o.id, s.id
"""
