"""What lies under every map: our own boundaries and waters, over the operator's base map where there is a key for one."""

from __future__ import annotations

from flask import current_app

from maps import layers
from maps.layer import Layer


def ground(*, cased: bool = False) -> tuple[Layer, ...]:
    """Return the lowest layers of a map; `cased` city lines stand out on a choropleth."""
    key = current_app.config["SETTINGS"].tianditu_key
    ours = (layers.BaseRegions(cased=cased), layers.Waters())
    return (layers.Tianditu(key), *ours) if key else ours
