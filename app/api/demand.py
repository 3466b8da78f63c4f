"""Unmet demand under `/api/v1`: the rows of the planner's page."""

from __future__ import annotations

from typing import Any, Literal

from flask import g
from pydantic import BaseModel, ConfigDict, Field

from app.api import SIGNED, bp
from app.demandwords import plain
from planning.demand import Asked, since, unmet


class DemandQuery(BaseModel):
    """Which demand."""

    model_config = ConfigDict(extra="forbid")
    weeks: Literal["4", "13", "26", "52"] = Field("13", description="this week and those before it")
    region: str = Field("", pattern=r"^([0-9]{6})?$", description="adcode: this region and all within it; empty: all")
    class_code: str = Field("", alias="class", pattern=r"^([0-9]{6})?$", description="class of the national scheme with all within it; empty: all")
    kind: Literal["", "none", "relaxed", "ask", "unanswered"] = Field("", description="how it ended; empty: every way in which it was not met")


class TextOut(BaseModel):
    """What was typed, without persons, by at least three different askers."""

    text: str
    n: int


class DemandRow(BaseModel):
    """One instrument type in one region ("" where none was said): searches by how they ended, and open instruments there."""

    region: str
    region_name: str
    type: str
    unmet: int
    found: int
    relaxed: int
    none: int
    ask: int
    unanswered: int
    inside: int
    reachable: int | None = Field(description="open instruments within 50 km of the region's point, in a straight line")
    texts: list[TextOut]
    is_sample: bool


class DemandOut(BaseModel):
    """Rows with unmet demand, the most first."""

    since: str
    items: list[DemandRow]


@bp.get("/demand", responses={200: DemandOut}, security=SIGNED)
def demand(query: DemandQuery) -> dict[str, Any]:
    """List what was looked for in vain, by region and instrument type, beside supply."""
    asked = Asked(int(query.weeks), query.region, query.class_code, query.kind)
    items = [{**plain(row), "texts": [{"text": said, "n": n} for said, n in row.texts]} for row in unmet(g.session, asked)]
    return {"since": since(g.session, asked.weeks).isoformat(), "items": items}
