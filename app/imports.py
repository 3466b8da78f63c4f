"""What came of a file as plain data in the reader's language: for the command line, the page and the record of the batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from app.i18n import gettext, sign, translate
from core.errors import N_, Invalid
from geodata.imports.bringing import Checked
from geodata.imports.checking import Row
from geodata.imports.columns import NAMES
from geodata.imports.values import Said

SHOWN: Final = 20
"""Rows named beside a note; the count says how many there are."""

WHOLE: Final = {"row": N_("整行")}
QUESTION: Final = N_("坐标没有写坐标系，%(count)s 行像是 %(system)s。它们是哪个坐标系？回答以前这些行不导入。")
MIXED: Final = N_("同一个文件里像是混着几个坐标系：%(systems)s。请加一列“坐标系”，或者答“按行猜测的”；回答以前这些行不导入。")


def report(checked: Checked) -> dict[str, Any]:
    """Return rows, accepted, refused and everything else that a person may want to know of a checked file."""
    refused = [fault for row in checked.refused for fault in faults(row)]
    plan = checked.plan
    return {
        "rows": len(checked.rows),
        "accepted": len(checked.rows) - len(checked.refused),
        "refused": refused,
        "created": len(plan.new),
        "changed": len(plan.changes),
        "unchanged": len(plan.same),
        "format": checked.table.kind,
        "mapping": dict(checked.columns.fields),
        "ignored": [name for name in checked.table.columns if name not in checked.columns.fields],
        "crs": _crs(checked),
        "questions": questions(checked),
        "unclassified": [{"row": row.number, "name": row.facts["name"]} for row in checked.unclassified],
        "duplicates": [{"why": twin.why, "value": twin.value, "rows": list(twin.rows), "instruments": list(twin.instruments)} for twin in plan.twins],
        "notes": notes(checked),
    }


def faults(row: Row) -> list[dict[str, Any]]:
    """Return what keeps a row out: row, field, the value as it stands in the file, and the reason with a way out."""
    return [{"row": row.number, "field": one.field, "value": value_of(row, one.field), "reason": reason(one)} for one in row.faults]


def value_of(row: Row, field: str) -> str:
    """Return what the file says in a field; the point for a coordinate system that was not declared."""
    if field == "crs" and not row.cells.get("crs"):
        return ", ".join(row.cells[name] for name in ("lon", "lat", "geometry") if row.cells.get(name))[:100]
    if field == "lon" and row.cells.get("lat"):
        return f"{row.cells.get('lon', '')}, {row.cells['lat']}"[:100]
    return row.cells.get("geometry" if field == "lon" and "lon" not in row.cells else field, "")[:100]


def reason(wrong: Invalid) -> str:
    """Return a fault as a sentence; labels of fields inside it are translated too."""
    params = {name: gettext(value) if name in ("label", "there") else value for name, value in wrong.params.items()}
    return translate((wrong.text, params))


def field_label(field: str) -> str:
    """Return a field's name for people."""
    return gettext(NAMES[field].label) if field in NAMES else gettext(WHOLE.get(field, field))


def notes(checked: Checked) -> list[dict[str, Any]]:
    """Return what was read into the file: {text, field, rows, count}, each kind once; `field` None for the file as a whole."""
    whole: list[dict[str, Any]] = [{"field": None, "text": translate(said), "rows": [], "count": 1} for said in checked.notes]
    return whole + gathered((row.number, field, said) for row in checked.rows if not row.faults for field, said in row.notes)


def gathered(found: Iterable[tuple[int, str, Said]]) -> list[dict[str, Any]]:
    """Return notes of rows, those of one text together with the rows they stand in."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number, field, said in found:
        groups.setdefault((field, translate(said)), []).append(number)
    return [{"field": field, "text": text, "rows": rows[:SHOWN], "count": len(rows)} for (field, text), rows in groups.items()]


def questions(checked: Checked) -> list[dict[str, Any]]:
    """Return what must be answered: the coordinate system of rows that nobody declared and that look shifted."""
    asked = checked.question
    if asked is None or not asked.waiting:
        return []
    found = asked.suspicion
    count, several = found.systems[found.system or ""], sign("；").join(_span(name, rows) for name, rows in asked.systems.items() if name)
    return [
        {
            "field": "crs",
            "text": gettext(MIXED, systems=several) if len(found.systems) > 1 else gettext(QUESTION, count=count, system=found.system or ""),
            "suspected": found.system,
            "offset_m": round(found.offset_m),
            "fit_m": round(found.fit_m),
            "rows": list(asked.waiting),
            "systems": {name or "unknown": list(rows) for name, rows in asked.systems.items()},
            "answers": [f"--crs {name}" for name in ("WGS84", "CGCS2000", "GCJ-02", "BD-09", "suspected")],
        }
    ]


def _span(system: str, rows: Sequence[int]) -> str:
    return gettext(
        N_("%(system)s %(count)s 行（第 %(rows)s 行）"),
        system=system,
        count=len(rows),
        rows=", ".join(map(str, rows[:8])) + ("…" if len(rows) > 8 else ""),
    )


def _crs(checked: Checked) -> dict[str, Any]:
    used: dict[str, int] = {}
    for row in checked.rows:
        if row.system and row.point:
            used[row.system] = used.get(row.system, 0) + 1
    suspected = checked.question.suspicion.system if checked.question else None
    return {"declared": checked.declared, "suspected": suspected, "used": used}


def lines(found: dict[str, Any], faulty: Sequence[dict[str, Any]]) -> str:
    """Return the report as lines for a terminal."""
    head = gettext(N_("%(rows)s 行，可以导入 %(accepted)s 行"), rows=found["rows"], accepted=found["accepted"])
    return "\n".join([head, *(f"{one['row']}\t{one['field']}\t{one['value']}\t{one['reason']}" for one in faulty)])
