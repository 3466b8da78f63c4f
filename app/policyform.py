"""The form of a policy's draft: text that a person typed ↔ the text of the policy. Nothing that was typed is lost, every fault stands at its field.

A field is named by the dotted path of its clause, a row of a table by its number in it, so that a fault of the rules finds its field by its path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from core.errors import N_, Invalid
from core.money import parse_yuan
from vouchers.contradictions import Fault
from vouchers.diff import CLAUSES
from vouchers.terms import Policy

Read = Callable[[str, str], Any]
"""Text and path → the plain value, or `Invalid` at the path."""

MAX_ROWS: Final = 100
"""Rows that one table of the form may have."""

_LONG: Final = 600
_INDEX: Final = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True)
class Sheet:
    """The form as filled in: single fields, ticked boxes and tables of rows, all as text."""

    text: dict[str, str]
    ticked: dict[str, tuple[str, ...]]
    rows: dict[str, tuple[dict[str, str], ...]]

    def with_row(self, table: str) -> Sheet:
        """Return the sheet with one more, empty row in a table."""
        have = self.rows.get(table, ())
        if table not in TABLES or len(have) >= MAX_ROWS:
            return self
        empty = dict.fromkeys(TABLES[table], "")
        last_is_open = table == "tiers" and bool(have) and not have[-1].get("upto")
        rows = (*have[:-1], empty, have[-1]) if last_is_open else (*have, empty)
        return Sheet(self.text, self.ticked, {**self.rows, table: rows})

    def without_row(self, table: str, number: int) -> Sheet:
        """Return the sheet without the row `number` of a table."""
        rows = self.rows.get(table, ())
        return Sheet(self.text, self.ticked, {**self.rows, table: rows[:number] + rows[number + 1 :]})


@dataclass
class Taken:
    """What was read so far: the policy's text and the faults by path."""

    body: dict[str, Any]
    faults: list[Fault] = field(default_factory=list)

    def put(self, path: str, text: str, read: Read) -> None:
        """Read `text` as the value of `path`; what cannot be read is a fault and leaves the old value."""
        with suppress(_Faulty):
            _set(self.body, path, self.read(path, text, read))

    def read(self, path: str, text: str, read: Read) -> Any:
        """Return the value, or note the fault and raise `_Faulty`."""
        try:
            return read(text, path)
        except Invalid as wrong:
            self.faults.append(Fault(path, wrong.text, wrong.params))
            raise _Faulty from wrong


class _Faulty(Exception):
    """A field could not be read."""


def typed(form: MultiDict[str, str]) -> Sheet:
    """Take the posted form as it was filled in; rows that are empty throughout are left out."""
    text = {name: form.get(name, "")[:_LONG] for name in (*TEXTS, "reason", *(f"src.{path}" for path in SOURCED))}
    ticked = {name: tuple(one[:60] for one in form.getlist(name)[:MAX_ROWS]) for name in TICKS}
    return Sheet(text, ticked, {table: _rows(form, table) for table in TABLES})


def shown(terms: Policy, body: Mapping[str, Any], reason: str = "") -> Sheet:
    """Write a policy's text into the form."""
    text = {name: write(_get(body, name)) for name, (_, write) in TEXTS.items()}
    sources = {path: "" if terms.source(path) == "assumed" else terms.source(path) for path in SOURCED}
    text |= {f"src.{path}": source for path, source in sources.items()} | {"reason": reason}
    ticked = {name: tuple(_get(body, name) or ()) for name in TICKS}
    return Sheet(text, ticked, {table: tuple(_written(table, body)) for table in TABLES})


def read(sheet: Sheet, before: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Fault, ...]]:
    """Return the policy's text that a sheet says and what could not be read; clauses without a field stay as `before` has them."""
    taken = Taken(_copy(before))
    for name, (reader, _) in TEXTS.items():
        taken.put(name, sheet.text.get(name, "").strip(), reader)
    for name in TICKS:
        _set(taken.body, name, list(dict.fromkeys(sheet.ticked.get(name, ()))))
    taken.body["tiers"] = _table(taken, "tiers", sheet)
    taken.body["ratio_by_region"] = {row["region"]: row["ratio"] for row in _table(taken, "ratio_by_region", sheet)}
    for table in ("stack", "cofunding", "funds"):
        taken.body[table] = _table(taken, table, sheet)
    check = taken.body.get("spot_check") or {}
    if check.get("min_random_share") is None:
        taken.body["spot_check"] = None
    taken.body["src"] = _sources(sheet, taken.body, before)
    return taken.body, tuple(taken.faults)


def _sources(sheet: Sheet, body: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, str]:
    """Return the source of each value: what was typed, else "assumed"; those of clauses without a field stay."""
    tops = {path.split(".")[0] for path in CLAUSES}
    was = before.get("src", {})
    old = {path: source for path, source in was.items() if path != "*" and path.split(".")[0] not in tops and _has(body, path)}
    old |= {path: source for path in CLAUSES if path not in SOURCED and _has(body, path) and (source := _source(was, path)) != "assumed"}
    given = {path: told for path in SOURCED if (told := sheet.text.get(f"src.{path}", "").strip()) and _has(body, path)}
    return {"*": "assumed", **old, **given}


def _source(sources: Mapping[str, str], path: str) -> str:
    """Return the source that holds for a path: its own, its nearest parent's, that of all."""
    parts = path.split(".")
    names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next((sources[name] for name in (*names, "*") if name in sources), "assumed")


def _rows(form: MultiDict[str, str], table: str) -> tuple[dict[str, str], ...]:
    columns = TABLES[table]
    numbers = {int(part[1]) for name in form if (part := name.split("."))[0] == table and len(part) == 3 and _INDEX.fullmatch(part[1])}
    rows = [{column: form.get(f"{table}.{n}.{column}", "")[:_LONG] for column in columns} for n in sorted(numbers)[:MAX_ROWS]]
    return tuple(row for row in rows if any(value.strip() for value in row.values()))


def _table(taken: Taken, table: str, sheet: Sheet) -> list[dict[str, Any]]:
    found = []
    for n, row in enumerate(sheet.rows.get(table, ())):
        values: dict[str, Any] = {}
        for column, (name, reader, _) in _COLUMNS[table].items():
            with suppress(_Faulty):
                values[name] = taken.read(f"{table}.{n}.{column}", row.get(column, "").strip(), reader)
        if len(values) == len(_COLUMNS[table]):
            found.append(values)
    return found


def _written(table: str, body: Mapping[str, Any]) -> list[dict[str, str]]:
    rows = body.get(table) or []
    if isinstance(rows, Mapping):
        rows = [{"region": region, "ratio": ratio} for region, ratio in rows.items()]
    return [{column: write(row.get(name)) for column, (name, _, write) in _COLUMNS[table].items()} for row in rows]


def _words(text: str, path: str) -> str:
    if not text:
        raise Invalid(path, N_("这一项没有填。请填上。"))
    return text


def _maybe(text: str, _path: str) -> str | None:
    return text or None


def _kept(text: str, _path: str) -> str:
    return text


def _yuan(text: str, path: str) -> int | None:
    return parse_yuan(text, path) if text else None


def _percent(text: str, path: str) -> str:
    try:
        number = Decimal(text.rstrip("%％ "))
        ratio = number / 100
    except InvalidOperation:
        ratio = number = Decimal("NaN")
    if not (ratio.is_finite() and 0 <= ratio <= 1 and int(number.as_tuple().exponent) >= -4):
        raise Invalid(path, N_("“%(text)s”不是可用的比例。请写 0 到 100 的百分数，例如 50，最多四位小数。"), text=text[:40])
    return f"{ratio.normalize():f}"


def _maybe_percent(text: str, path: str) -> str | None:
    return _percent(text, path) if text else None


def _whole(text: str, path: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise Invalid(path, N_("“%(text)s”不是整数。请写 0 或更大的整数。"), text=text[:40])
    return int(text)


def _levels(text: str, _path: str) -> list[str]:
    return [one for one in text.split(",") if one]


def _yes(text: str, _path: str) -> bool:
    return text == "yes"


def _same_city(text: str, _path: str) -> str | None:
    return "carrier_in_same_city" if text == "yes" else None


def _as_text(value: Any) -> str:
    return "" if value is None else str(value)


def _as_yuan(value: Any) -> str:
    return "" if value is None else f"{Decimal(value) / 100:.2f}".removesuffix(".00")


def _as_percent(value: Any) -> str:
    return "" if value is None else f"{(Decimal(str(value)) * 100).normalize():f}"


def _as_levels(value: Any) -> str:
    return ",".join(value or ())


def _as_yes(value: Any) -> str:
    return "yes" if value else ""


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _copy(inner) for name, inner in value.items()}
    return [_copy(one) for one in value] if isinstance(value, list) else value


def _get(body: Any, path: str) -> Any:
    for part in path.split("."):
        body = body.get(part) if isinstance(body, Mapping) else None
    return body


def _has(body: Any, path: str) -> bool:
    for part in path.split("."):
        if isinstance(body, list):
            body = (
                dict(enumerate(body)).get(int(part))
                if part.isdigit()
                else next((one for one in body if part in (one.get("code"), one.get("region"))), None)
            )
            continue
        if not isinstance(body, Mapping) or part not in body:
            return False
        body = body[part]
    return True


def _set(body: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        if not isinstance(body.get(part), dict):
            body[part] = {}
        body = body[part]
    body[last] = value


Write = Callable[[Any], str]
TEXTS: Final[dict[str, tuple[Read, Write]]] = {
    "title": (_words, _as_text),
    "valid_from": (_words, _as_text),
    "valid_to": (_maybe, _as_text),
    "issuance": (_words, _as_text),
    "settlement_mode": (_words, _as_text),
    "payee": (_words, _as_text),
    "prefix": (_kept, _as_text),
    **{f"caps.{name}": (_yuan, _as_yuan) for name in ("per_application", "holding", "per_year", "group_per_year")},
    "use_window.months": (_whole, _as_text),
    "use_window.redeem_months": (_whole, _as_text),
    "redeem.rounds_per_year": (_whole, _as_text),
    "recognition.carriers_from": (_maybe, _as_text),
    "review": (_levels, _as_levels),
    "notice_days": (_whole, _as_text),
    "spot_check.min_random_share": (_maybe_percent, _as_percent),
}
"""Fields of one line: how each is read and written."""

TICKS: Final = ("eligibility.applicant_types", "services.allow", "services.deny", "services.deny_if", "redeem.evidence")
"""Groups of boxes."""

_COLUMNS: Final[dict[str, dict[str, tuple[str, Read, Write]]]] = {
    "tiers": {"upto": ("upto", _yuan, _as_yuan), "ratio": ("ratio", _percent, _as_percent)},
    "ratio_by_region": {"region": ("region", _words, _as_text), "ratio": ("ratio", _percent, _as_percent)},
    "stack": {
        "region": ("region", _words, _as_text),
        "adds_ratio": ("adds_ratio", _percent, _as_percent),
        "same_city": ("if", _same_city, _as_yes),
        "group_per_year_total": ("group_per_year_total", _yuan, _as_yuan),
    },
    "cofunding": {"funder": ("funder", _words, _as_text), "share": ("share", _percent, _as_percent)},
    "funds": {
        "code": ("code", _words, _as_text),
        "title": ("title", _words, _as_text),
        "source": ("source", _words, _as_text),
        "beneficiaries": ("beneficiaries", _words, _as_text),
        "marked_only": ("marked_only", _yes, _as_yes),
        "cap_per_year": ("cap_per_year", _yuan, _as_yuan),
    },
}
TABLES: Final[dict[str, tuple[str, ...]]] = {name: tuple(columns) for name, columns in _COLUMNS.items()}
"""Tables of the form and their columns."""

SOURCED: Final = tuple(path for path in CLAUSES if path in TEXTS or path in TICKS or path in TABLES)
"""Clauses whose source can be typed."""
