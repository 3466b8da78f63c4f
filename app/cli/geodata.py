"""`flask geodata …`: where a point lies, and the regions of further provinces. Other commands on places join this group."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.cli.opened import adcode, opened
from app.i18n import translate
from core.errors import N_
from geodata.loading import load_regions
from geodata.regions import region_at

command = AppGroup("geodata", help="地点和行政区 / places and regions.")

_LEVELS = ("province", "city", "county")
_LINE = """
WITH RECURSIVE up AS (
    SELECT adcode, parent_adcode, level, name_zh FROM region WHERE adcode = :adcode
    UNION ALL SELECT p.adcode, p.parent_adcode, p.level, p.name_zh FROM region p JOIN up ON p.adcode = up.parent_adcode)
SELECT level, name_zh FROM up
"""


def located(session: Session, lon: float, lat: float) -> dict[str, Any]:
    """Return the names of province, city and county of a point (WGS84 degrees) and the adcode of the smallest; None where there is none."""
    found = region_at(session, lon, lat)
    rows = session.execute(text(_LINE), {"adcode": found.adcode if found else ""})
    names = {row.level: row.name_zh for row in rows}
    return {**{level: names.get(level) for level in _LEVELS}, "adcode": found.adcode if found else None}


@command.command("locate", context_settings={"ignore_unknown_options": True})
@click.argument("lon", type=click.FloatRange(-180, 180))
@click.argument("lat", type=click.FloatRange(-90, 90))
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of a line")
def locate(lon: float, lat: float, *, as_json: bool) -> None:
    """Say in which region the point LON LAT (degrees, WGS84) lies, by point in polygon."""
    if not (isfinite(lon) and isfinite(lat)):
        raise click.BadParameter(translate(N_("经度和纬度要是有限的数字。")))
    with opened() as session:
        found = located(session, lon, lat)
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else " ".join(str(part) for part in found.values() if part))


@command.command("regions")
@click.option("--province", required=True, metavar="ADCODE", callback=adcode, help="six digits, e.g. 320000")
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of a line")
def regions(province: str, *, as_json: bool) -> None:
    """Load the cities and counties of one more province; a second run changes nothing."""
    with opened() as session:
        count = load_regions(session, provinces=[province], around=())
        session.commit()
    click.echo(json.dumps({"province": province, "regions": count}) if as_json else f"{province}: {count}")
