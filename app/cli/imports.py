"""`flask geodata import`: bring a carrier's file in, or say what would come of it; `flask geodata undo` takes an import back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from app.cli.opened import opened
from app.i18n import translate
from app.imports import lines, report
from app.resolving import type_of
from core.actor import Actor
from core.errors import N_
from geodata.imports import bringing, undoing
from geodata.imports.columns import IGNORE
from geodata.imports.placing import home_of
from geodata.imports.source import read_file


def _mapping(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for value in values:
        column, separator, field = value.rpartition("=")
        if not separator or not column.strip():
            raise click.BadParameter(translate(N_("要写成 列名=字段，例如 设备名称=name；不用某一列就写 列名=-。")))
        found[column.strip()] = field.strip() or IGNORE
    return found


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--kind", type=click.Choice(["instruments"]), default="instruments", show_default=True)
@click.option("--carrier", required=True, metavar="CODE", help="code of the carrier whose file it is")
@click.option("--map", "mapping", multiple=True, metavar="COLUMN=FIELD", callback=_mapping, help="what a column means; FIELD - leaves it out")
@click.option("--crs", metavar="SYSTEM", help="WGS84, CGCS2000, GCJ-02, BD-09, or suspected: each row in the system it looks like")
@click.option("--dry-run", is_flag=True, help="say what would come of it, write nothing")
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of lines")
@with_appcontext
def command(file: Path, *, carrier: str, dry_run: bool, as_json: bool, **given: Any) -> None:
    """Bring the instruments in FILE (CSV, XLSX, GeoJSON, GeoPackage) in for a carrier.

    A refused row never stops the others; a second run of the same file adds nothing.
    """
    wishes = bringing.Wishes(file.name, given["mapping"], given["crs"])
    with opened() as session:
        table = read_file(file, most=current_app.config["SETTINGS"].import_mb * 1_000_000)
        home = home_of(session, carrier)
        if not dry_run:
            bringing.lock(session, home.id)
        checked = bringing.check(session, carrier, table, wishes, resolve=type_of)
        batch = None if dry_run else bringing.bring_in(session, Actor("system", None, home.id, name="import"), checked, wishes)
        found: dict[str, Any] = {**report(checked), "dry_run": dry_run, "batch": batch.id if batch else None}
        if not dry_run:
            session.commit()
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else lines(found, found["refused"]))


@click.command("undo")
@click.argument("batch", type=int)
@click.option("--json", "as_json", is_flag=True, help="one JSON object instead of a line")
@with_appcontext
def undo_command(batch: int, *, as_json: bool) -> None:
    """Take the import BATCH back: what it made is removed, what it changed gets its old values again."""
    with opened() as session:
        done = undoing.undo(session, Actor("system", name="import"), batch)
        found = {"batch": done.id, "state": done.state, "created": done.created, "changed": done.changed}
        session.commit()
    click.echo(json.dumps(found) if as_json else f"{done.id}: {done.state}")
