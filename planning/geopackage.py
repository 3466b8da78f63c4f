"""Write counties with their figures as a GeoPackage, which any GIS reads. The library for it takes 40 MB, so a process of its own does it.

`package` is what others call. Run as a program, this module reads one layer as JSON from standard input and writes the file named there.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Layer:
    """A layer by name: columns by name, each with one value a row, outlines as hexadecimal WKB (EPSG:4326), and what the whole is."""

    name: str
    columns: Mapping[str, Sequence[Any]]
    outlines: Sequence[str]
    metadata: Mapping[str, str]


def outlines(session: Session, adcodes: Sequence[str]) -> list[str]:
    """Return the full outlines of regions as hexadecimal WKB, in the order of `adcodes`."""
    query = "SELECT adcode, encode(ST_AsBinary(geom), 'hex') AS shape FROM region WHERE adcode = ANY(:adcodes)"
    found = {row.adcode: row.shape for row in session.execute(text(query), {"adcodes": list(adcodes)})}
    return [found[adcode] for adcode in adcodes]


def package(layer: Layer) -> BinaryIO:
    """Return the layer as an open GeoPackage file that is gone from the disk once it is closed."""
    with TemporaryDirectory(prefix="irm-") as folder:
        path = Path(folder) / f"{layer.name}.gpkg"
        order = json.dumps({"path": str(path), **asdict(layer)})
        subprocess.run([sys.executable, "-m", "planning.geopackage"], input=order, text=True, cwd=ROOT, check=True)
        return path.open("rb")


def write(path: str, layer: Layer) -> None:
    """Write the layer with its coordinate system and its metadata."""
    import geopandas
    import pandas as pd
    from shapely import from_wkb

    columns = {name: pd.array(list(values)) for name, values in layer.columns.items()}  # keeps whole numbers whole beside an unknown one
    frame = geopandas.GeoDataFrame(columns, geometry=list(from_wkb(list(layer.outlines))), crs="EPSG:4326")
    frame.to_file(
        path,
        layer=layer.name,
        driver="GPKG",
        engine="pyogrio",
        geometry_type="MultiPolygon",
        metadata=dict(layer.metadata),
        layer_options={"IDENTIFIER": layer.metadata.get("title", layer.name), "DESCRIPTION": layer.metadata.get("description", "")},
    )


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    write(asked.pop("path"), Layer(**asked))
