"""Turn an address into a place: region, point and how exact it is; without any service on the network.

Read are: provinces, cities and counties (also by names of before, and without their last word), townships, zones, settlements, and carriers
with their campuses; in Chinese or in Latin letters. Roads, house numbers and buildings are known to none of our sources: they are passed over.
What is not certain is never taken: the answer then holds candidates and a sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from sqlalchemy.orm import Session

from core.errors import N_
from geodata.places import Found, Geocoded
from geodata.places_carriers import Body, Named, Spot, bodies_named, find_body
from geodata.places_names import Gazetteer, gazetteer
from geodata.places_paths import LISTED, Outcome, found_entry, resolve
from geodata.places_text import has_han, read_han, read_latin, tidy

_BATCH: Final = 500


def geocode(session: Session, text: str) -> Geocoded:
    """Return the place that an address means, WGS84 degrees; `Geocoded.candidates` when it may mean several."""
    return geocode_many(session, [text])[0]


def geocode_many(session: Session, texts: Iterable[str]) -> list[Geocoded]:
    """Return the places of many addresses in their order; carriers are looked up once for each batch."""
    names, wanted = gazetteer(session), list(texts)
    found: list[Geocoded] = []
    for start in range(0, len(wanted), _BATCH):
        batch = [(text, tidy(text)) for text in wanted[start : start + _BATCH]]
        bodies = bodies_named(session, [plain for _, plain in batch])
        found += [_geocoded(text, plain, names, bodies) for text, plain in batch]
    return found


def _geocoded(text: str, plain: str, names: Gazetteer, bodies: dict[str, Body]) -> Geocoded:
    named = find_body(plain, bodies)
    rest = named.rest if named else plain
    reading = read_han(rest, names) if has_han(plain) else read_latin(text, names)
    outcome = Outcome() if named and not rest.strip() else resolve(reading, names)
    return _answer(text, outcome, names) if named is None else _at_body(text, named, outcome, names)


def _answer(text: str, outcome: Outcome, names: Gazetteer) -> Geocoded:
    place = outcome.place or outcome.stated
    if place is None:
        return Geocoded(text, candidates=outcome.candidates, note=outcome.note)
    found = found_entry(place, names)
    return Geocoded(text, place.adcode, place.lon, place.lat, place.precision, outcome.candidates, found.full, outcome.note)


def _at_body(text: str, named: Named, outcome: Outcome, names: Gazetteer) -> Geocoded:
    """Return the site of a carrier that fits what else the address says; a county that the address states counts more than the name."""
    place, body = outcome.place or outcome.stated, named.body
    founds = tuple(_found(body, spot, names) for spot in named.sites_in(place))
    called = {"name": body.name + named.campus}
    if outcome.place is not None and outcome.place.precision in ("county", "township") and (named.campus or not founds):
        return replace(_answer(text, outcome, names), note=(N_("不知道“%(name)s”在这里的地点，按地址里的地名理解。"), called))
    if outcome.candidates and not founds:
        return _answer(text, outcome, names)
    stated = _answer(text, Outcome(stated=place), names)
    if not founds:
        known = tuple(_found(body, spot, names) for spot in body.sites)[:LISTED]
        note = (N_("“%(name)s”不在“%(region)s”，请核对。"), {**called, "region": place.name if place else ""})
        return replace(stated, candidates=known, note=note)
    if named.campus:
        return replace(stated, candidates=founds[:LISTED], note=(N_("没有找到“%(name)s”，请核对。"), called))
    if len(founds) > 1:
        return Geocoded(text, _common(founds), candidates=founds[:LISTED], note=(N_("“%(name)s”有几处地方，请写明是哪一处。"), called))
    only = founds[0]
    return Geocoded(text, only.adcode, only.lon, only.lat, only.precision, name=only.full)


def _common(founds: Sequence[Found]) -> str | None:
    """Return the one region of all the sites, if they share it."""
    codes = {found.adcode for found in founds}
    return codes.pop() if len(codes) == 1 else None


def _found(body: Body, spot: Spot, names: Gazetteer) -> Found:
    """Return a site as a place; where it has no point, its region's stands in, as exact as that is."""
    region = names.regions.get(spot.adcode or "")
    lon, lat, precision = spot.lon, spot.lat, spot.precision
    if lon is None and region is not None:
        lon, lat, precision = region.lon, region.lat, region.precision
    return Found(body.name + spot.name, body.name_en, "carrier", spot.adcode, lon, lat, precision, names.above(spot.adcode or ""), sample=body.sample)
