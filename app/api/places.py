"""Places for the box that asks "from where": what may be meant by a few letters or an address."""

from __future__ import annotations

from typing import Any

from flask import Response, g, jsonify
from pydantic import BaseModel, ConfigDict, Field

from app.api import bp
from geodata.places import Found
from geodata.places_search import MOST, find_places


class PlaceQuery(BaseModel):
    """What was typed, and how many places are wanted."""

    model_config = ConfigDict(extra="ignore")
    q: str = Field("", max_length=100, description="a name or an address, Chinese or Latin letters")
    limit: int = Field(10, ge=1, le=MOST)


class PlaceItem(BaseModel):
    """A place; lon and lat in degrees, WGS84. `similar` marks a guess at a misspelt name."""

    name: str
    name_en: str
    kind: str = Field(description="province, city, county, township, zone, settlement or carrier")
    adcode: str | None = Field(description="six-digit adcode of the smallest known region")
    region: str = Field(description="full name of what it lies in")
    lon: float
    lat: float
    precision: str = Field(description="how exact the point is: point, township, county or city")
    similar: bool
    sample: bool


class PlaceList(BaseModel):
    """Places, best first."""

    items: list[PlaceItem]


@bp.get("/places", responses={200: PlaceList})
def places(query: PlaceQuery) -> Response:
    """Return places for a few letters or an address, best first; nothing leaves this machine."""
    response = jsonify({"items": [shown(found) for found in find_places(g.session, query.q, query.limit)]})
    response.headers["Cache-Control"] = "public, max-age=60"
    return response


def shown(found: Found) -> dict[str, Any]:
    """Return a place as JSON shows it."""
    return {name: getattr(found, name) for name in PlaceItem.model_fields}
