"""Names shared by layers, style sheets and scripts: panes in drawing order and the classes of a choropleth.

Colours are not here: every path carries a class, and `app/static/css/map.css` alone decides how it looks.
"""

from __future__ import annotations

PANES = (("areas", 210), ("waters", 220), ("lines", 230), ("rings", 240), ("spots", 420), ("dots", 445), ("names", 450), ("me", 650))
"""Pane name and z-index, from below. Leaflet's own: tiles 200, overlays 400, markers (our pins) 600, tooltips 650."""

CLASSES = ("s0", "s2", "s3", "s4", "s5")
"""Choropleth classes, named as the colours of the design: zero by itself, then four from little to much."""

NO_DATA = "nodata"
"""Class of a region without data: hatched, never counted as zero."""


def class_of(value: float | None, breaks: tuple[float, ...]) -> str:
    """Return the class of `value`: `nodata`, `s0` for zero, else by `breaks` (inner bounds between s2…s5, ascending).

    >>> [class_of(v, (1, 2, 3)) for v in (None, 0, 0.5, 1, 9)]
    ['nodata', 's0', 's2', 's3', 's5']
    """
    if value is None:
        return NO_DATA
    if value == 0:
        return CLASSES[0]
    return CLASSES[1 + sum(value >= lower for lower in breaks)]
