"""Read the project's own fact tables, one CSV file each in `geodata/seed/`.

Each table states its facts (names, codes, numbers, places) and where each row comes from; `seed/README.md` lists them with their
licences. Turning rows into records of the database is left to the modules that own those records.
"""

import csv
from importlib.resources import files
from typing import Final

from core.errors import N_, Invalid

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "instrument_classes": ("code", "parent", "name_zh", "name_en", "source"),
    "instrument_types": ("name_zh", "name_en", "class_code", "source"),
    "type_names": ("type_name_zh", "text", "lang", "kind", "source"),
    "universities": ("code", "name_zh", "former_name", "authority", "level", "category", "seat", "source"),
    "campuses": ("university_code", "campus", "lon", "lat", "precision", "source_crs", "source"),
    "institutes": ("ror_id", "name_zh", "name_en", "kind", "city_adcode", "lon", "lat", "precision", "website", "source"),
    "region_names": ("adcode", "name_en", "source"),
    "county_population": ("adcode", "name", "city_adcode", "year", "basis", "population", "source"),
    "city_population": ("adcode", "name", "year", "population", "source"),
    "services": ("code", "parent", "name_zh", "name_en", "source"),
    "townships": ("code", "name", "name_en", "adcode", "lon", "lat", "source"),
    "zones": ("name", "other_names", "name_en", "adcode", "note", "source"),
    "adcode_changes": ("old", "old_name", "new", "since", "note", "source"),
    "waters": ("name_zh", "name_en", "kind", "wkt", "source"),
}


def read_seed(name: str) -> list[dict[str, str]]:
    """Return the rows of one fact table as text, in file order; an unknown value is an empty string.

    Raises Invalid for an unknown table, a header other than `COLUMNS[name]`, and a row with a missing or surplus field or no source.
    """
    if name not in COLUMNS:
        raise Invalid("seed", N_("没有名为 %(name)s 的资料表；现有：%(known)s"), name=name, known="、".join(sorted(COLUMNS)))
    text = (files("geodata") / "seed" / f"{name}.csv").read_text(encoding="utf-8")
    return parse_seed(name, text)


def parse_seed(name: str, text: str) -> list[dict[str, str]]:
    """Return the rows of the CSV `text`, checked against the columns of the table `name`.

    Raises Invalid as `read_seed` does, naming the line.
    """
    header, *lines = list(csv.reader(text.splitlines())) or [[]]
    expected = COLUMNS[name]
    if tuple(header) != expected:
        raise Invalid("seed", N_("%(name)s.csv 的表头应为 %(expected)s"), name=name, expected=",".join(expected))
    for number, line in enumerate(lines, start=2):
        if len(line) != len(expected) or not line[-1].strip():
            raise Invalid("seed", N_("%(name)s.csv 第 %(line)s 行应有 %(count)s 列，且来源不能为空"), name=name, line=number, count=len(expected))
    return [dict(zip(expected, line, strict=True)) for line in lines]


def seed_point(row: dict[str, str]) -> tuple[float, float] | None:
    """Return the row's longitude and latitude in degrees WGS84, or None where the table has no point."""
    return (float(row["lon"]), float(row["lat"])) if row["lon"] and row["lat"] else None
