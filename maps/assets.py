"""Which files of installed browser packages the pages may be served: an allow-list, and nothing beside it.

The web application serves `/assets/<name>` for the names below. Folium's own table of CDN addresses is never used.
"""

from __future__ import annotations

from pathlib import Path

ASSETS = {
    "leaflet/leaflet.js": "leaflet/dist/leaflet.js",
    "leaflet/leaflet.css": "leaflet/dist/leaflet.css",
    "htmx/htmx.js": "htmx.org/dist/htmx.min.js",
    "tiles/pbf.js": "pbf/index.js",
    "tiles/vector-tile.js": "@mapbox/vector-tile/index.js",
    "tiles/point.js": "@mapbox/point-geometry/index.js",
}
"""Logical name → path below `node_modules`."""

ROOT = Path(__file__).resolve().parent.parent / "node_modules"


def asset_path(name: str, root: Path = ROOT) -> Path | None:
    """Return the file of a logical name, or None for a name that is not on the list."""
    inside = ASSETS.get(name)
    return root / inside if inside else None


def missing_assets(root: Path = ROOT) -> list[str]:
    """Return the logical names whose file is not installed, for the readiness check."""
    return [name for name, inside in ASSETS.items() if not (root / inside).is_file()]
