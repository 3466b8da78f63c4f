"""Contexts of the pages of posted needs: what each reader gets to see of a need, and what his forms begin with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from app import forms, needforms, needoffers, needwords
from app.asking import MapQuery
from app.errors import kind_of
from app.freezing import meaning_of
from app.i18n import language, translate
from app.names import named
from app.typenames import type_name
from bookings import answer_queries, brokering, need_queries
from bookings.need_entities import NeedInvitation, NeedVersion
from bookings.need_queries import NeedRow
from bookings.need_terms import open_carriers
from bookings.scrubbing import scrub
from core import clock
from core.errors import Forbidden, Invalid, Refused
from core.money import yuan
from geodata.organisations import Organisation
from geodata.regions import is_within
from parties import messages

FIELDS = ("text", "read", "budget", "due", "visibility", "answer_hours", "request_id")


def sees_all(need: NeedRow) -> bool:
    """Say whether whoever asks is the firm or an officer, who read the text as it was written."""
    if g.actor.role == "reviewer":
        return need.region is not None and is_within(need.region, g.actor.region or "none")
    return bool(g.actor.role == "enterprise" and g.actor.organisation_id == need.enterprise_id)


def shown(need: NeedRow) -> str:
    """Return the text as whoever asks may read it: without numbers of persons, and without the firm's name for whoever is not told it."""
    return need.text if sees_all(need) else scrub(need.text, None if knows_firm(need) else need.enterprise)


def knows_firm(need: NeedRow) -> bool:
    """Say whether whoever asks is told whose need it is: the firm, an officer of its region, and carriers that are open."""
    if g.actor.role != "carrier" or g.actor.organisation_id is None:
        return sees_all(need)
    if "is_open" not in g:
        g.is_open = bool(open_carriers(g.session, [g.actor.organisation_id]))
    return bool(g.is_open)


def list_context(own: list[NeedRow], fitting: list[NeedRow], public: list[NeedRow]) -> dict[str, Any]:
    """Return the context of the lists."""
    known = {row.id for row in (*own, *fitting)}
    more = public[-1].id if len(public) == 50 else None
    return {"own": own, "fitting": fitting, "public": [row for row in public if row.id not in known], "more": more, **common()}


def common() -> dict[str, Any]:
    """Return what all these pages share."""
    unread = messages.unread(g.session, g.actor) if g.actor.organisation_id else 0
    told = {"shown": shown, "sees_all": sees_all, "knows_firm": knows_firm, "kinds": kinds, "place": place, "named": named}
    return {"words": needwords, "unread": unread, "now": clock.now(g.session), **told}


def place(need: NeedRow) -> str:
    """Name the county of a need in the reader's language."""
    return named(need.region_name, need.region_name_en)


def kinds(need: NeedRow) -> list[str]:
    """Name the types of instrument that a need was taken to mean, in the reader's language."""
    return [type_name(one) for one in need.types]


def one_context(need: NeedRow, *, refusal: str = "", faults: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the context of one need: its version, answers as the reader may see them, notes, steps, and what may be done."""
    version = g.session.get_one(NeedVersion, (need.id, need.version))
    own = g.actor.role == "enterprise" and g.actor.organisation_id == need.enterprise_id
    rows = answer_queries.answers_to(g.session, g.actor, need) if g.actor.role == "carrier" else []
    live = need.state in ("open", "answered")
    return {
        "need": need,
        "version": version,
        "own": own,
        "mine": rows[0] if rows else None,
        "can_answer": g.actor.role == "carrier" and live and clock.now(g.session) <= need.answer_by,
        "can_broker": g.actor.role == "reviewer" and live and sees_all(need),
        "live": live,
        "declines": answer_queries.declines_of(g.session, need.id) if sees_all(need) else {},
        "asked": _asked(need) if sees_all(need) else [],
        "notes": brokering.notes_of(g.session, need.id) if sees_all(need) else [],
        "steps": _steps(need) if sees_all(need) else [],
        "suggested": _suggested(need),
        "refusal": refusal,
        "faults": faults or {},
        "typed": request.form if request.method == "POST" else {},
        "request_id": forms.new_request_id,
        **common(),
    }


def form_context(
    query: MapQuery, *, faults: Mapping[str, str] | None = None, refusal: str = "", typed: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the context of an empty form for the need of a search: what was understood of it, and whom it could be shown to."""
    faults, meaning, carriers = dict(faults or {}), None, []
    if query.need.strip():
        try:
            meaning = meaning_of(g.session, query)
            carriers = needoffers.suggested(g.session, g.actor, query)
        except Invalid as wrong:
            faults.setdefault("text", translate(wrong))
    begin = {"text": query.need, "read": query.need, "visibility": "public", "answer_hours": "48", "request_id": forms.new_request_id()}
    begin |= {"budget": yuan(meaning.budget) if meaning and meaning.budget else "", "due": meaning.due.isoformat() if meaning and meaning.due else ""}
    types = [str(one["type"]) for one in meaning.types] if meaning else []
    given = {**begin, "type": types, "chosen": [], **(typed or {})}
    return {"meaning": meaning, "carriers": carriers, "typed": given, "faults": faults, "refusal": refusal, "need": None, **common()}


def edit_context(need: NeedRow) -> dict[str, Any]:
    """Return the context of the form of a need as it stands."""
    typed = {"budget": yuan(need.budget) if need.budget else "", "due": need.due.isoformat() if need.due else "", "type": need.types}
    typed |= {"visibility": need.visibility, "answer_hours": str(need.answer_hours), "chosen": [str(one) for one in _asked_ids(need)]}
    return {**form_context(MapQuery(need=need.text), typed=typed), "need": need}


def again_context(need_id: int | None, faults: Mapping[str, str], *, refusal: str = "") -> dict[str, Any]:
    """Return the context of a form that was sent and is wrong: everything typed is kept."""
    sent = needforms.whole(request.form)
    kept = {name: str(sent.get(name, ""))[:10_000] for name in FIELDS} | {
        "type": sent["type"],
        "chosen": sent["chosen"],
        "read": str(sent.get("text", ""))[:10_000],
    }
    typed = {**kept, "request_id": kept["request_id"] or forms.new_request_id()}
    found = form_context(MapQuery(need=kept["text"]), faults=faults, refusal=refusal, typed=typed)
    return {**found, "need": need_queries.need_of(g.session, g.actor, need_id) if need_id else None}


def answer_context(need: NeedRow, typed: Mapping[str, str], *, faults: Mapping[str, str] | None = None, refusal: str = "") -> dict[str, Any]:
    """Return the context of a carrier's answer: what it has open, the free slots of the one chosen, and what it answered before."""
    offers = needoffers.offerable(g.session, g.actor, need)
    rows = answer_queries.answers_to(g.session, g.actor, need)
    before = rows[0] if rows and rows[0].state in ("sent", "outdated", "withdrawn") else None
    wanted = typed.get("offer") or (f"{before.instrument_id}:{before.service_code}" if before else "")
    chosen = next((one for one in offers if one.key == wanted), offers[0] if offers else None)
    begin = {"price": yuan(before.price if before else chosen.price) if chosen else "", "note": before.note if before else ""}
    begin |= {"report_days": str(before.report_days if before else chosen.report_days if chosen else "")}
    said = {name: typed.get(name, value)[:500] for name, value in begin.items()}
    more = {"offers": offers, "chosen": chosen, "slots": needoffers.free(g.session, chosen)[:60] if chosen else []}
    again = {"slot": typed.get("slot", "")[:80], "request_id": typed.get("request_id") or forms.new_request_id()}
    return {
        "need": need,
        "typed": {**said, **again},
        **more,
        "before": before,
        "faults": faults or {},
        "refusal": refusal,
        "lang_en": language() == "en",
        **common(),
    }


def step(need_id: int, form: Any, act: Callable[[Any], int], said: str, *, back: str) -> ResponseReturnValue:
    """Take one step that a button on the page of a need asks for, or show the page again with why not."""
    given, faults = forms.read(form, needforms.whole(request.form))
    need = need_queries.need_of(g.session, g.actor, need_id)
    if given is None:
        return render_template("posted/one.html", **one_context(need, faults=forms.told(faults))), 422
    try:
        act(given)
    except Invalid as no:
        g.session.rollback()
        return render_template("posted/one.html", **one_context(need, faults={no.field: translate(no)})), 422
    except (Refused, Forbidden) as no:
        g.session.rollback()
        need = need_queries.need_of(g.session, g.actor, need_id)
        return render_template("posted/one.html", **one_context(need, refusal=forms.refusal(no, needwords.STATES))), kind_of(no).status
    flash(said, "ok")
    return redirect(back, 303)


def _suggested(need: NeedRow) -> list[needoffers.Suggested]:
    """Return whom an officer could ask that was not asked yet."""
    if g.actor.role != "reviewer" or need.state not in ("open", "answered"):
        return []
    known = set(_asked_ids(need))
    return [one for one in needoffers.suggested(g.session, g.actor, needoffers.query_of(g.session, need)) if one.carrier_id not in known]


def _asked_ids(need: NeedRow) -> list[int]:
    return [one.carrier_id for one in g.session.query(NeedInvitation).filter_by(need_id=need.id).order_by(NeedInvitation.created_at)]


def _asked(need: NeedRow) -> list[Organisation]:
    return [g.session.get_one(Organisation, one) for one in _asked_ids(need)]


def _steps(need: NeedRow) -> list[Any]:
    query = "SELECT at, event, role, reason FROM audit WHERE subject = 'need_post' AND subject_id = :id ORDER BY id"
    return list(g.session.execute(text(query), {"id": need.id}))
