"""`flask geodata …`: the regions of further provinces; the commands on places and on imports join this group."""

from __future__ import annotations

import json

import click
from flask.cli import AppGroup

from app.cli import imports, places
from app.cli.opened import adcode, opened
from geodata.loading import load_regions
from geodata.places_loading import load_places

command = AppGroup("geodata", help="地点和行政区 / places and regions.")


@command.command("regions")
@click.option("--province", required=True, metavar="ADCODE", callback=adcode, help="six digits, e.g. 320000")
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of a line")
def regions(province: str, *, as_json: bool) -> None:
    """Load the cities and counties of one more province; a second run changes nothing."""
    with opened() as session:
        count = load_regions(session, provinces=[province], around=())
        load_places(session)
        session.commit()
    click.echo(json.dumps({"province": province, "regions": count}) if as_json else f"{province}: {count}")


command.add_command(imports.command)
command.add_command(imports.undo_command)
command.add_command(places.geocode_command)
command.add_command(places.locate_command)
