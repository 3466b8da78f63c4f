"""Put the cells of a table together into rows that can be stored, each with its faults and notes; the store is only read here.

A fault keeps one row out and never another. What is only odd (a range, an old code, a type that nobody knows) is a note.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Final

from core.errors import N_, Invalid
from geodata.imports import values
from geodata.imports.columns import NAMES
from geodata.imports.table import UNCOMPUTED, Table
from geodata.imports.values import Said, heading_unit, is_blank, plain
from geodata.listings import MAX_NOTICE_HOURS, MAX_REPORT_DAYS

Resolve = Callable[[tuple[str, ...]], str | None]
"""Names of one instrument, the most telling first → the canonical name of its type, None where nobody can say."""

USUAL: Final = {"service_code": "test_analysis", "report_days": 5, "notice_hours": 24}
_LONGEST: Final = {"name": 200, "model": 200, "maker": 200, "serial": 100, "code": 60, "site": 200}


@dataclass
class Row:
    """One row on its way: `facts` by column of the store, `faults` that keep it out; `number` as the file's program counts it."""

    number: int
    cells: Mapping[str, str]
    facts: dict[str, Any] = field(default_factory=dict)
    offer: dict[str, Any] = field(default_factory=dict)
    faults: list[Invalid] = field(default_factory=list)
    notes: list[tuple[str, Said]] = field(default_factory=list)
    identity: str = ""
    point: tuple[float, float] | None = None
    region: str | None = None
    site: str = ""
    system: str | None = None

    def refuse(self, wrong: Invalid) -> None:
        """Keep the row out because of `wrong`."""
        self.faults.append(wrong)

    def note(self, name: str, notes: Sequence[Said]) -> None:
        """Keep what was read into the field `name`."""
        self.notes += [(name, said) for said in notes]


@dataclass(frozen=True)
class Knowledge:
    """What the store knows that cells are read against: today, type name → id, service names → code, and who tells the type of names."""

    today: date
    types: Mapping[str, int]
    services: Mapping[str, str]
    resolve: Resolve


def read_rows(table: Table, fields: Mapping[str, str], known: Knowledge) -> list[Row]:
    """Return every row of the table with what its own cells say; places, identity and the store are looked at later."""
    columns = [(place, name, fields[name]) for place, name in enumerate(table.columns) if name in fields]
    units = {field: heading_unit(name) for _, name, field in columns}
    reader = _Reader(units, known)
    return [reader.row(table, nth, columns) for nth in range(len(table.rows))]


def identify(rows: Sequence[Row], carrier_code: str) -> None:
    """Give each row the code it is known by: the carrier's own, else its serial number, else a hash of what describes it.

    A code that stands twice keeps the later row out; of rows alike without a code the second is counted as a second instrument.
    """
    first: dict[str, int] = {}
    seen: dict[str, int] = {}
    for row in rows:
        own = row.facts.get("own_code", "")
        if own:
            row.identity = own if own.startswith(f"{carrier_code}-") else f"{carrier_code}-{own}"
            if row.identity in first:
                text = N_("编号 %(code)s 在第 %(row)s 行已经有了。请改成另一个编号，或者删掉其中一行。")
                row.refuse(Invalid("code", text, code=own, row=first[row.identity]))
            first.setdefault(row.identity, row.number)
            continue
        serial = row.facts.get("serial", "")
        key = f"SN-{_short(serial)}" if serial else f"H-{_digest(row)}"
        seen[key] = seen.get(key, 0) + 1
        row.identity = f"{carrier_code}-{key}" + (f"-{seen[key]}" if seen[key] > 1 else "")


def _short(serial: str) -> str:
    return serial if len(serial) <= 40 and serial.isprintable() else sha256(serial.encode()).hexdigest()[:16]


def _digest(row: Row) -> str:
    parts = [
        plain(row.cells.get(name, "")).lower()
        for name in ("name", "type", "model", "maker", "value", "acquired", "site", "address", "region", "lon", "lat", "geometry")
    ]
    return sha256("\x1f".join(parts).encode()).hexdigest()[:16]


class _Reader:
    """Reads cells; each distinct text of a field is read once."""

    def __init__(self, units: Mapping[str, str], known: Knowledge) -> None:
        self.units, self.known = units, known
        self.cache: dict[tuple[str, str, str], Any] = {}

    def row(self, table: Table, nth: int, columns: Sequence[tuple[int, str, str]]) -> Row:
        """Return one row with everything that its cells say by themselves."""
        cells = table.rows[nth]
        given: dict[str, str] = {}
        specs: dict[str, str] = {}
        row = Row(table.numbers[nth], given)
        for place, name, field_ in columns:
            text = cells[place]
            if text == UNCOMPUTED:
                row.refuse(Invalid(field_, N_("这一格是公式，没有算出的值。请在电子表格里重新计算并保存，或者粘贴为数值。")))
            elif text and NAMES[field_].many:
                specs[name] = text
                given[field_] = f"{given[field_]}\n{text}" if field_ in given else text
            elif text:
                given[field_] = text
        if row.number in table.surplus:
            text = N_("这一行有 %(cells)s 格，表头只有 %(columns)s 列：多半是没加引号的逗号。")
            row.refuse(Invalid("row", text, cells=table.surplus[row.number], columns=len(table.columns)))
        self._texts(row)
        self._values(row, specs)
        self._type(row)
        self._offer(row)
        return row

    def _read(self, row: Row, name: str, read: Callable[..., Any], more: str = "") -> Any:
        """Return what `read` makes of a cell; a cell that cannot be meant keeps the row out and reads as None."""
        text = row.cells.get(name, "")
        if not text:
            return None
        key = (name, text, more)
        if key not in self.cache:
            try:
                self.cache[key] = read(text)
            except Invalid as wrong:
                self.cache[key] = wrong
        found = self.cache[key]
        if isinstance(found, Invalid):
            row.refuse(found)
            return None
        return found

    def _texts(self, row: Row) -> None:
        for name in ("model", "maker", "serial"):
            text = plain(row.cells.get(name, ""))
            if text and not is_blank(text):
                row.facts[name] = text
        code = plain(row.cells.get("code", "")).removesuffix(".0")
        if code and not is_blank(code):
            row.facts["own_code"] = code
        name = plain(row.cells.get("name", ""))
        words = [name, *(plain(row.cells.get(other, "")) for other in ("type", "other_name"))]
        row.facts["name"] = next((text for text in words if text and not is_blank(text)), "")
        if not row.facts["name"]:
            row.refuse(Invalid("name", N_("没有仪器名称。请填上；如果这一行不是仪器（例如合计），就删掉它。")))
        for name, most in _LONGEST.items():
            if len(row.facts.get("own_code" if name == "code" else name, "")) > most:
                row.refuse(Invalid(name, N_("“%(label)s”最多 %(most)s 个字。"), label=NAMES[name].label, most=most))
        row.site = plain(row.cells.get("site", ""))

    def _values(self, row: Row, specs: dict[str, str]) -> None:
        value = self._read(row, "value", lambda text: values.read_value(text, unit=self.units.get("value", "")))
        if value is not None:
            row.note("value", value[1])
            if value[0] is not None:
                row.facts["value"] = value[0]
        for name, read in (
            ("acquired", lambda text: values.read_date(text, self.known.today)),
            ("status", values.read_status),
            ("open", values.read_yes),
        ):
            found = self._read(row, name, read)
            if found is not None:
                row.facts["is_open" if name == "open" else name] = found
        hours = self._read(row, "hours", values.read_hours)
        if hours is not None:
            row.note("hours", hours.notes)
            if hours.hours:
                row.facts["hours"] = hours.hours
            elif hours.notes:
                specs = {**specs, "开放时间": row.cells["hours"]}
        if specs:
            row.facts["specs"] = {plain(name)[:60]: text[:2000] for name, text in specs.items()}

    def _type(self, row: Row) -> None:
        names = (row.cells.get("type", ""), *row.cells.get("other_name", "").split("\n"), row.cells.get("name", ""))
        texts = tuple(dict.fromkeys(plain(text) for text in names if text and not is_blank(text)))
        key = ("type", "\n".join(texts), "")
        if key not in self.cache:
            self.cache[key] = self.known.types.get(self.known.resolve(texts) or "") if texts else None
        row.facts["type_id"] = self.cache[key]

    def _offer(self, row: Row) -> None:
        unit = row.cells.get("unit", "")
        price = self._read(row, "price", lambda text: values.read_price(text, unit=unit or self.units.get("price", "")), unit)
        service = self._read(row, "service", self._service) or USUAL["service_code"]
        days = self._read(row, "report_days", lambda text: _whole(text, "report_days", MAX_REPORT_DAYS))
        notice = self._read(row, "notice_hours", lambda text: _whole(text, "notice_hours", MAX_NOTICE_HOURS))
        if price is None:
            return
        row.note("price", price.notes)
        if price.fen is not None:
            row.offer = {"service_code": service, "price": price.fen, "unit": price.unit, "report_days": days, "notice_hours": notice}

    def _service(self, text: str) -> str | None:
        if is_blank(text):
            return None
        found = self.known.services.get(plain(text).lower())
        if found is None:
            raise Invalid(
                "service", N_("没有名为“%(text)s”的服务种类。可用的有：%(known)s。"), text=text[:40], known="、".join(list(self.known.services)[:6])
            )
        return found


def _whole(text: str, name: str, most: int) -> int | None:
    said = plain(text).removesuffix(".0")
    for tail in ("个工作日", "工作日", "天", "日", "小时", "days", "hours", "h", "d"):
        said = said.removesuffix(tail).strip()
    if is_blank(text):
        return None
    if not (said.isascii() and said.isdigit() and int(said) <= most):
        raise Invalid(name, N_("“%(text)s”要写成 0 到 %(most)s 的整数。"), text=text[:40], most=most)
    return int(said)
