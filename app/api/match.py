"""Ranked providers for a need, with the sum that ranked them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from itertools import chain, zip_longest
from typing import Any

from flask import Response, g, jsonify, request

from app import corrections, noting
from app.api import bp
from app.api.matchmodels import MatchAnswer, MatchQuery
from app.asking import MapQuery
from app.days import said
from app.db import reading
from app.i18n import language, speaker, translate
from app.results import carrier_name
from app.search import Found, Ranked, search
from core.clock import SHANGHAI
from core.errors import N_, Invalid
from matching import weighing
from matching.because import reasons
from matching.candidates import Candidate, Place
from matching.counterfactual import Counterfactual
from matching.limits import Limit
from matching.rank import Part, relevance
from matching.relaxing import Relaxation
from matching.several import parts as parts_of
from matching.signals import Reason

Speak = Callable[[str, Mapping[str, Any]], str]


@bp.get("/match", responses={200: MatchAnswer})
def match(query: MatchQuery) -> Response:
    """Return providers for a need, best first; with an enterprise's token `net_price` is what remains after its voucher."""
    asked = _asked(query)
    several = parts_of(query.need) if query.need and not query.types else ()
    with reading() as session:
        found = search(session, g.actor, asked, top=query.limit)
        each = [search(session, g.actor, replace(asked, need=one), top=query.limit) for one in several] if len(several) > 1 else []
    noting.searched(found, asked)
    matches = _in_turn(each)[: query.limit] if each else found.matches[: query.limit]
    body = _answer(found, matches)
    needs = [_answer(one, one.matches[: query.limit]) for one in each]
    return jsonify({**body, "needs": needs, "doubts": _doubts(found), "weights": weighing.weighed(dict(asked.weights))})


def _asked(query: MatchQuery) -> MapQuery:
    if (query.lon is None) != (query.lat is None):
        raise Invalid("lat" if query.lat is None else "lon", N_("经度和纬度要一起给。"))
    said_anew = corrections.read_said(request.args)
    return MapQuery(
        need=query.need.strip(),
        place=Place(query.lon, query.lat) if query.lon is not None and query.lat is not None else None,
        sort=query.sort,
        drop=frozenset(corrections.read_drops(request.args, (key for key, _ in said_anew))),
        said=said_anew,
        types=tuple(query.types),
        due=query.due,
        budget=query.budget,
        weights=tuple(weighing.parse(query.w).items()),
    )


def _in_turn(each: list[Found]) -> list[Ranked]:
    """Take the best of each need, then the second of each, and so on; an instrument that serves two comes once."""
    found: dict[int, Ranked] = {}
    for one in chain(*zip_longest(*(one.matches for one in each))):
        if one:
            found.setdefault(one.candidate.id, one)
    return [replace(one, rank=n) for n, one in enumerate(found.values(), start=1)]


def _answer(found: Found, matches: Any) -> dict[str, Any]:
    speak = speaker()
    shown = {"need": _need(found), "matches": [_match(one, speak) for one in matches], "ask": _ask(found)}
    return {**shown, "relaxations": [_relaxation(one) for one in found.relaxations], "counterfactual": _otherwise(found.counterfactual)}


def _need(found: Found) -> dict[str, Any]:
    types = [{"type": t.name_zh, "score": t.score, "why": list(t.why)} for t in found.types]
    names = ("key", "kind", "value", "text", "origin", "strength")
    conditions = [{n: _plain(getattr(c, n)) for n in names} | _limit(c.value) for c in found.need.constraints]
    return {"text": found.need.text, "types": types, "constraints": conditions, "doubts": _doubts(found)}


def _doubts(found: Found) -> list[dict[str, Any]]:
    return [{"text": translate((one.message, one.params)), "fields": list(one.fields), "stops": one.stops} for one in found.need.doubts]


def _relaxation(one: Relaxation) -> dict[str, Any]:
    return {"keys": list(one.keys), "text": translate((one.text, one.params)), "n": one.n, "instruments": one.instruments}


def _otherwise(one: Counterfactual | None) -> dict[str, Any] | None:
    if one is None:
        return None
    plain = {"drop": list(one.drop), "due": one.due.isoformat() if one.due else None, "days": one.days, "instrument_id": one.instrument_id}
    return {"text": translate((one.text, one.params)), **plain, "saves": one.saves_fen, "nearer_m": one.nearer_m}


def _ask(found: Found) -> dict[str, Any] | None:
    return {"ask": translate(found.ask.message), "options": list(found.ask.options)} if found.ask else None


def _match(one: Ranked, speak: Speak) -> dict[str, Any]:
    c = one.candidate
    return {
        "rank": one.rank,
        "score": one.score,
        "relevance": relevance(c),
        "parts": [_part(p, speak) for p in one.parts],
        "reasons": [_said(reason, speak) for reason in reasons(one)],
        "misses": list(one.misses),
        "unknown": list(one.unknown),
        "moved": _said(one.moved, speak) if one.moved else None,
        "instrument": {"id": c.instrument_id, "code": c.code, "name": c.name, "type": c.type_name, "service": c.service, "is_sample": c.is_sample},
        "carrier": {"id": c.carrier_id, "name": carrier_name(c), "lon": c.lon, "lat": c.lat, "region": c.region, "precision": c.precision},
        "distance_m": c.distance_m,
        "travel_min": None if c.travel_s is None else max(1, round(c.travel_s / 60)),
        "price": c.price_fen,
        "net_price": c.net_price_fen,
        "next_slot": _slot(c),
    }


def _part(part: Part, speak: Speak) -> dict[str, Any]:
    reason = _said(part.reason, speak) if part.reason else ""
    return {"signal": part.signal, "value": part.value, "weight": part.weight, "contribution": part.contribution, "reason": reason}


def _said(reason: Reason, speak: Speak) -> str:
    day = reason.params.get("date")
    return speak(reason.text, {**reason.params, "date": _day(language(), day)} if day else reason.params)


@lru_cache(maxsize=512)
def _day(_language: str, day: str) -> str:
    """Write a day as people of a language read it; an answer names the same few again and again."""
    return str(said({"date": day})["date"])


def _slot(one: Candidate) -> dict[str, str] | None:
    if one.next_slot_start is None or one.next_slot_end is None:
        return None
    return {"start": _local(one.next_slot_start), "end": _local(one.next_slot_end)}


def _local(at: datetime) -> str:
    return at.astimezone(SHANGHAI).isoformat()


def _limit(value: object) -> dict[str, Any]:
    names = ("quantity", "op", "low", "high", "si_unit", "of_sample")
    return {"limit": {name: getattr(value, name) for name in names} if isinstance(value, Limit) else None}


def _plain(value: object) -> object:
    if isinstance(value, Limit):
        return value.text
    return value if isinstance(value, int | str) else str(value)
