"""The carrier's imports: a file in, its columns, what would come of it, repairs in place, the import itself, and the way back.

Every step is a form that works without scripts and may be sent twice. Cells that were typed anew are kept with the draft.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms, security
from app.errors import kind_of
from app.ground import ground
from app.i18n import listed, translate
from app.imports import field_label, reason, report
from app.resolving import type_of
from app.security import csp_nonce
from core.errors import N_, Invalid, Refused
from geodata.crs import SYSTEMS
from geodata.imports import drafts, undoing
from geodata.imports.bringing import Checked
from geodata.imports.checking import Row
from geodata.imports.columns import FIELDS, IGNORE
from geodata.imports.corrected import corrected
from geodata.imports.entities import ImportBatch
from geodata.imports.placing import SUSPECTED, located
from geodata.imports.source import KINDS, read_bytes
from geodata.imports.table import UNCOMPUTED
from maps import layers
from maps.page import Page, View, draw

bp = Blueprint("uploads", __name__)

PER_PAGE: Final = 25
LONGEST: Final = 2_000
STATES: Final = {"draft": N_("还没导入"), "imported": N_("已导入"), "undone": N_("已撤销")}
TWINS: Final = {"serial": N_("出厂编号相同"), "model_place": N_("同一地点、同一型号")}
_BESIDE: Final = {"lon": ("lon", "lat"), "geometry": ("geometry",)}
_REQUEST: Final = re.compile(r"[0-9A-Za-z-]{8,100}")


@dataclass(frozen=True)
class Repair:
    """One refused row: its number, what it is called, and each fault with the cells that may be typed anew."""

    number: int
    name: str
    faults: Sequence[Mapping[str, Any]]


@bp.get("/carrier/imports")
def overview() -> ResponseReturnValue:
    """Show the form for a file and the carrier's imports."""
    return _overview()


@bp.post("/carrier/imports")
def upload() -> ResponseReturnValue:
    """Take a file in and keep it as a draft; a file that cannot be read is refused with a way out."""
    security.check_form()
    key = request.form.get("request_id", "")
    try:
        name, content = _given()
        table = read_bytes(content, most=_most())
    except Invalid as wrong:
        return _overview(translate(wrong)), 422
    key = key if _REQUEST.fullmatch(key) else forms.new_request_id()
    batch = drafts.start(g.session, g.actor, table, name, request_id=key)
    return redirect(url_for("uploads.one", batch_id=batch.id), 303)


@bp.get("/carrier/imports/<int:batch_id>")
def one(batch_id: int) -> ResponseReturnValue:
    """Show one import: a draft with all that can be said and repaired, or what came of it."""
    batch = drafts.batch_of(g.session, g.actor, batch_id)
    return _draft(batch) if batch.state == "draft" else _done(batch)


@bp.post("/carrier/imports/<int:batch_id>")
def step(batch_id: int) -> ResponseReturnValue:
    """Do one step of an import: columns, cells, import, discard or undo."""
    batch = drafts.batch_of(g.session, g.actor, batch_id)
    act = STEPS.get(request.form.get("step", ""))
    if act is None:
        raise Invalid("step", N_("没有这一步。请刷新页面再试。"))
    try:
        return act(batch)
    except (Invalid, Refused) as no:
        g.session.rollback()
        batch = drafts.batch_of(g.session, g.actor, batch_id)
        page = _draft(batch, translate(no)) if batch.state == "draft" else _done(batch, translate(no))
        return page, kind_of(no).status


@bp.get("/carrier/imports/<int:batch_id>/marked.xlsx")
def marked(batch_id: int) -> ResponseReturnValue:
    """Answer the file of a draft with its bad cells marked and the reasons beside them."""
    checked = drafts.look(g.session, drafts.batch_of(g.session, g.actor, batch_id), resolve=type_of)
    reasons = {row.number: [(wrong.field, reason(wrong)) for wrong in row.faults] for row in checked.refused}
    body = corrected(checked.table, checked.columns.fields, reasons, heading=gettext("问题（导入时不读这一列）"))
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Response(body, mimetype=kind, headers={"Content-Disposition": f'attachment; filename="import-{batch_id}.xlsx"'})


def _given() -> tuple[str, bytes]:
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid("file", N_("请先选一个文件。"))
    with closing(file):
        return file.filename, file.stream.read()


def _say(batch: ImportBatch) -> ResponseReturnValue:
    columns = drafts.table_of(batch).columns
    mapping = {name: request.form.get(f"col-{place}", "") or IGNORE for place, name in enumerate(columns) if f"col-{place}" in request.form}
    crs = request.form.get("crs") or None
    if crs not in (None, SUSPECTED, *SYSTEMS):
        raise Invalid("crs", N_("请选列出的一项。"))
    drafts.say(batch, mapping or drafts.wishes_of(batch).mapping, crs)
    return _back(batch, "check")


def _mend(batch: ImportBatch) -> ResponseReturnValue:
    columns = drafts.table_of(batch).columns
    edits: dict[int, dict[str, str]] = {}
    for name, text in request.form.items():
        found = re.fullmatch(r"cell-(\d{1,7})-(\d{1,3})", name, re.ASCII)
        if found and int(found[2]) < len(columns):
            edits.setdefault(int(found[1]), {})[columns[int(found[2])]] = text.strip()[:LONGEST]
    drafts.mend(batch, edits)
    return _back(batch, "check")


def _import(batch: ImportBatch) -> ResponseReturnValue:
    checked = drafts.finish(g.session, g.actor, batch, resolve=type_of)
    if checked is not None:
        drafts.kept(batch, _summary(report(checked)))
        flash(gettext("已导入：新增 %(new)s 台，更新 %(changed)s 台。", new=batch.created, changed=batch.changed), "ok")
    return _back(batch)


def _undo(batch: ImportBatch) -> ResponseReturnValue:
    if request.form.get("sure") != "yes":
        raise Invalid("sure", N_("请先勾选“撤销整批”。"))
    if batch.state != "undone":
        undoing.undo(g.session, g.actor, batch.id)
        flash(gettext("已撤销：这批导入新增和更新的都恢复了原样。"), "ok")
    return _back(batch)


def _discard(batch: ImportBatch) -> ResponseReturnValue:
    drafts.discard(g.session, g.actor, batch)
    flash(gettext("文件已丢弃，什么都没有导入。"), "ok")
    return redirect(url_for("uploads.overview"), 303)


def _back(batch: ImportBatch, anchor: str = "") -> ResponseReturnValue:
    return redirect(url_for("uploads.one", batch_id=batch.id, _anchor=anchor or None), 303)


def _most() -> int:
    return int(current_app.config["SETTINGS"].import_mb) * 1_000_000


def _overview(fault: str = "") -> str:
    return render_template(
        "carrier/import_list.html",
        batches=drafts.batches_of(g.session, g.actor.organisation_id),
        states=STATES,
        kinds=KINDS,
        fault=fault,
        request_id=forms.new_request_id(),
        most=_most() // 1_000_000,
    )


def _done(batch: ImportBatch, refusal: str = "") -> str:
    return render_template("carrier/import_done.html", batch=batch, states=STATES, kinds=KINDS, twins=TWINS, refusal=refusal, label=field_label)


def _draft(batch: ImportBatch, refusal: str = "") -> str:
    try:
        checked = drafts.look(g.session, batch, resolve=type_of)
    except Invalid as wrong:
        checked, refusal = None, refusal or translate(wrong)
    table = checked.table if checked else drafts.table_of(batch)
    wishes = drafts.wishes_of(batch)
    return render_template(
        "carrier/import_draft.html",
        batch=batch,
        kinds=KINDS,
        refusal=refusal,
        columns=[_column(table, place, checked.columns.fields if checked else wishes.mapping) for place in range(len(table.columns))],
        fields=[("", gettext("不导入")), *((field.name, gettext(field.label)) for field in FIELDS)],
        systems=[("", gettext("没有写")), *((name, name) for name in SYSTEMS), (SUSPECTED, gettext("按行猜测的"))],
        crs=wishes.crs or "",
        found=report(checked) if checked else None,
        twins=TWINS,
        label=field_label,
        **(_repairs(batch, checked) if checked else {"repairs": [], "pages": None}),
        **_preview(checked),
    )


def _column(table: Any, place: int, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return a column with what it is taken to mean and two of its values."""
    name = table.columns[place]
    samples = list(dict.fromkeys(row[place] for row in table.rows[:200] if row[place] and row[place] != UNCOMPUTED))[:2]
    field = fields.get(name, "")
    return {"place": place, "name": name, "field": "" if field == IGNORE else field, "samples": listed(text[:30] for text in samples)}


def _repairs(batch: ImportBatch, checked: Checked) -> dict[str, Any]:
    refused, asked = checked.refused, request.args.get("page", "0")
    last = max(0, (len(refused) - 1) // PER_PAGE)
    page = min(int(asked), last) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    shown = refused[page * PER_PAGE : (page + 1) * PER_PAGE]

    def turned(to: int) -> str:
        return url_for("uploads.one", batch_id=batch.id, page=to, _anchor="repairs")

    pages = {
        "first": page * PER_PAGE + 1,
        "last": page * PER_PAGE + len(shown),
        "total": len(refused),
        "previous_url": turned(page - 1) if page else None,
        "next_url": turned(page + 1) if page < last else None,
    }
    by_row = dict(zip(checked.table.numbers, checked.table.rows, strict=True))
    return {"repairs": [_repair(row, checked, by_row[row.number]) for row in shown], "pages": pages if last else None}


def _repair(row: Row, checked: Checked, cells: Sequence[str]) -> Repair:
    columns = {field: place for place, name in enumerate(checked.table.columns) if (field := checked.columns.fields.get(name))}
    used: set[int] = set()
    faults = []
    for wrong in row.faults:
        places = [columns[name] for name in _BESIDE.get(wrong.field, (wrong.field,)) if name in columns and columns[name] not in used]
        used.update(places)
        inputs = [
            {"name": f"cell-{row.number}-{place}", "label": checked.table.columns[place], "value": cells[place].replace(UNCOMPUTED, "")}
            for place in places
        ]
        faults.append({"field": wrong.field, "label": field_label(wrong.field), "reason": reason(wrong), "inputs": inputs})
    return Repair(row.number, row.facts.get("name") or gettext("没有名称"), faults)


def _preview(checked: Checked | None) -> dict[str, Any]:
    """Return the map of what would be imported, one pin for what stands within a hundred metres, and how many of the placed rows it shows."""
    groups: dict[tuple[float, float], list[tuple[Row, tuple[float, float], bool]]] = {}
    for row in checked.rows if checked else ():
        point, exact = (None, False) if row.faults else located(row)
        if point:
            groups.setdefault((round(point[0], 3), round(point[1], 3)), []).append((row, point, exact))
    drawn = list(groups.values())[: layers.MOST_ROWS]
    counts = {"shown": sum(map(len, drawn)), "standing": sum(map(len, groups.values()))}
    return {"map": _map([_pin(group) for group in drawn]) if drawn else None, **counts}


def _pin(group: Sequence[tuple[Row, tuple[float, float], bool]]) -> layers.Dot:
    (row, (lon, lat), exact), count = group[0], len(group)
    label = gettext("第 %(row)s 行 %(name)s", row=row.number, name=row.facts["name"])
    if count > 1:
        label = gettext("第 %(row)s 行 %(name)s，同一地点共 %(count)s 台", row=row.number, name=row.facts["name"], count=count)
    return layers.Dot(lon, lat, label, approximate=not exact)


def _map(pins: Sequence[layers.Dot]) -> Page:
    west, east = min(pin.lon for pin in pins), max(pin.lon for pin in pins)
    south, north = min(pin.lat for pin in pins), max(pin.lat for pin in pins)
    wide = max(east - west, (north - south) * 1.6)
    zoom = next(zoom for zoom, degrees in _ZOOMS if wide <= degrees)
    view = View((west + east) / 2, (south + north) / 2, zoom, wheel=False)
    return draw((*ground(), layers.Would(pins)), view=view, nonce=csp_nonce(), label=gettext("这批仪器在地图上的位置"))


def _summary(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of a report is kept with the batch: its figures, and the beginnings of its long lists."""
    return {name: value[:200] if isinstance(value, list) else value for name, value in found.items()}


_ZOOMS: Final = ((11.0, 0.2), (10.0, 0.45), (9.0, 0.9), (8.0, 1.8), (7.0, 3.6), (6.5, 400.0))
STEPS: Final = {"columns": _say, "cells": _mend, "import": _import, "undo": _undo, "discard": _discard}
"""What a form of the page may ask for."""
