"""`flask geodata geocode | locate`: where an address lies, and in which region a point lies. They join the group of `app.cli.geodata`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from math import isfinite
from typing import Any, Final

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cli.opened import opened
from app.config import Settings
from app.i18n import translate
from core.errors import N_
from geodata.geocoding import geocode_many
from geodata.places import Found, Geocoded
from geodata.places_online import Service, ask_online
from geodata.places_search import town_near
from geodata.regions import region_at

BATCH: Final = 200
"""Addresses that are read, answered and printed together."""

_LEVELS: Final = ("province", "city", "county")


@click.command("geocode")
@click.option("--json", "as_json", is_flag=True, help="one JSON object a line instead of text")
@with_appcontext
def geocode_command(*, as_json: bool) -> None:
    """Say where the addresses lie that come on standard input, one a line."""
    service = service_of(current_app.config["SETTINGS"])
    lines = (line.decode("utf-8-sig", "replace").rstrip("\r\n") for line in sys.stdin.buffer)
    with opened() as session:
        for batch in _batches(lines):
            for found in geocode_many(session, batch):
                answer = ask_online(session, found, service) if service.name != "none" else found
                click.echo(json.dumps(answer_of(answer), ensure_ascii=False) if as_json else _line(answer))
        session.commit()


@click.command("locate", context_settings={"ignore_unknown_options": True})
@click.argument("lon", type=click.FloatRange(-180, 180))
@click.argument("lat", type=click.FloatRange(-90, 90))
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of a line")
@with_appcontext
def locate_command(lon: float, lat: float, *, as_json: bool) -> None:
    """Say in which region the point LON LAT (degrees, WGS84) lies, by point in polygon."""
    if not (isfinite(lon) and isfinite(lat)):
        raise click.BadParameter(translate(N_("经度和纬度要是有限的数字。")))
    with opened() as session:
        found = located(session, lon, lat)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else " ".join(part for part in found.values() if isinstance(part, str)))


def service_of(settings: Settings) -> Service:
    """Return the geocoder on the network that the settings name."""
    pause_s = 60 / settings.geocoder_per_minute
    return Service(settings.geocoder, settings.geocoder_url, settings.geocoder_key, settings.geocoder_timeout, pause_s)


def located(session: Session, lon: float, lat: float) -> dict[str, Any]:
    """Return province, city and county of a point (WGS84 degrees) and the adcode of the smallest, and the town near it; None, and a note, at sea."""
    found = region_at(session, lon, lat)
    if found is None:
        note = translate(N_("这个点不在已载入的行政区之内：可能在海上、境外，或者那个省还没有载入。"))
        return {**dict.fromkeys(_LEVELS), "adcode": None, "note": note}
    names = {row.level: row.name_zh for row in session.execute(text(_UP), {"adcode": found.adcode})}
    near = town_near(session, found.adcode, lon, lat)
    town = {"near": {"name": near[0], "distance_m": round(near[1])}} if near else {}
    return {**{level: names.get(level) for level in _LEVELS}, "adcode": found.adcode, **town}


def answer_of(found: Geocoded) -> dict[str, Any]:
    """Return the answer to an address as JSON shows it: degrees WGS84."""
    return {
        "input": found.text,
        "adcode": found.adcode,
        "lon": found.lon,
        "lat": found.lat,
        "precision": found.precision,
        "candidates": [_candidate(one) for one in found.candidates],
        "name": found.name,
        "note": translate(found.note) if found.note else None,
    }


def _candidate(found: Found) -> dict[str, Any]:
    shown = ("name", "kind", "adcode", "lon", "lat", "precision", "region", "similar", "sample")
    return {name: getattr(found, name) for name in shown}


def _line(found: Geocoded) -> str:
    point = f"{found.lon:.4f} {found.lat:.4f}" if found.lon is not None and found.lat is not None else "-"
    said = [found.text, found.adcode or "-", point, found.precision, found.name or "", *(one.full for one in found.candidates)]
    return "\t".join([*said, translate(found.note) if found.note else ""])


def _batches(lines: Iterable[str]) -> Iterator[list[str]]:
    """Yield lists of lines; the first is short, so that somebody at a terminal is answered at once."""
    rest = iter(lines)
    size = 1
    while batch := list(islice(rest, size)):
        yield batch
        size = BATCH


_UP = """
WITH RECURSIVE up AS (
    SELECT adcode, parent_adcode, level, name_zh FROM region WHERE adcode = :adcode
    UNION ALL SELECT p.adcode, p.parent_adcode, p.level, p.name_zh FROM region p JOIN up ON p.adcode = up.parent_adcode)
SELECT level, name_zh FROM up
"""
