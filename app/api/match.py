"""Ranked providers for a need, with the sum that ranked them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response, g, jsonify
from pydantic import BaseModel, Field

from app.api import bp
from app.asking import MapQuery
from app.i18n import translate
from app.results import carrier_name, said
from app.search import Found, Ranked, search
from core.clock import SHANGHAI
from core.errors import N_, Invalid
from matching.candidates import Candidate, Place


class MatchQuery(BaseModel):
    """A need in one's own words, and where one asks from."""

    need: str = Field("", max_length=500, description="what is to be done, on what, by when, for how much")
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    limit: int = Field(20, ge=1, le=100)


class TypeOut(BaseModel):
    """An instrument type that serves the need, 0..1, and which words led to it."""

    type: str
    score: float
    why: list[str]


class ConstraintOut(BaseModel):
    """A condition that was read from the need; budgets in fen, dates ISO 8601."""

    kind: str
    value: int | str
    text: str
    origin: str
    strength: str


class NeedOut(BaseModel):
    """The need as understood."""

    text: str
    types: list[TypeOut]
    constraints: list[ConstraintOut]


class PartOut(BaseModel):
    """What one signal adds: contribution = value x weight / sum of weights; all contributions of a match add up to its score."""

    signal: str
    value: float
    weight: float
    contribution: float
    reason: str


class InstrumentOut(BaseModel):
    """The instrument, and the code of the service that is priced."""

    id: int
    code: str
    name: str
    type: str
    service: str
    is_sample: bool


class CarrierOut(BaseModel):
    """Who offers it, and where (degrees, WGS84); `region` is an adcode."""

    id: int
    name: str
    lon: float
    lat: float
    region: str | None
    precision: str


class SlotOut(BaseModel):
    """A free slot, ISO 8601 with offset."""

    start: str
    end: str


class MatchOut(BaseModel):
    """One provider; money in fen. `distance_m` (metres) is null where either place is known only roughly."""

    rank: int
    score: float
    parts: list[PartOut]
    instrument: InstrumentOut
    carrier: CarrierOut
    distance_m: float | None
    price: int
    net_price: int
    next_slot: SlotOut | None


class AskOut(BaseModel):
    """A question instead of a guess, and needs that would answer it."""

    ask: str
    options: list[str]


class MatchAnswer(BaseModel):
    """The need as understood and the ranked matches; `ask` is a question instead, when the need does not say enough."""

    need: NeedOut
    matches: list[MatchOut]
    ask: AskOut | None = None


@bp.get("/match", responses={200: MatchAnswer})
def match(query: MatchQuery) -> Response:
    """Return providers for a need, best first; with an enterprise's token `net_price` is what remains after its voucher."""
    if (query.lon is None) != (query.lat is None):
        raise Invalid("lat" if query.lat is None else "lon", N_("经度和纬度要一起给。"))
    place = Place(query.lon, query.lat) if query.lon is not None and query.lat is not None else None
    found = search(g.session, g.actor, MapQuery(need=query.need, place=place))
    return jsonify({"need": _need(found), "matches": [_match(m) for m in found.matches[: query.limit]], "ask": _ask(found)})


def _need(found: Found) -> dict[str, Any]:
    types = [{"type": t.name_zh, "score": t.score, "why": list(t.why)} for t in found.types]
    names = ("kind", "value", "text", "origin", "strength")
    return {"text": found.need.text, "types": types, "constraints": [{n: _plain(getattr(c, n)) for n in names} for c in found.need.constraints]}


def _ask(found: Found) -> dict[str, Any] | None:
    return {"ask": translate(found.ask.message), "options": list(found.ask.options)} if found.ask else None


def _match(one: Ranked) -> dict[str, Any]:
    c = one.candidate
    return {
        "rank": one.rank,
        "score": one.score,
        "parts": [_part(p) for p in one.parts],
        "instrument": {"id": c.instrument_id, "code": c.code, "name": c.name, "type": c.type_name, "service": c.service, "is_sample": c.is_sample},
        "carrier": {"id": c.carrier_id, "name": carrier_name(c), "lon": c.lon, "lat": c.lat, "region": c.region, "precision": c.precision},
        "distance_m": c.distance_m,
        "price": c.price_fen,
        "net_price": c.net_price_fen,
        "next_slot": _slot(c),
    }


def _part(part: Any) -> dict[str, Any]:
    reason = translate((part.reason.text, said(part.reason.params))) if part.reason else ""
    return {"signal": part.signal, "value": part.value, "weight": part.weight, "contribution": part.contribution, "reason": reason}


def _slot(one: Candidate) -> dict[str, str] | None:
    if one.next_slot_start is None or one.next_slot_end is None:
        return None
    return {"start": _local(one.next_slot_start), "end": _local(one.next_slot_end)}


def _local(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat()


def _plain(value: object) -> object:
    return value if isinstance(value, int | str) else str(value)
