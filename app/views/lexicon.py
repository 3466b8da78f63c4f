"""The lexicon as people who know the trade see it: which words lead to which instrument; what is wrong can be corrected by two hands."""

from __future__ import annotations

from collections import Counter
from typing import Final

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from app import forms
from app.errors import kind_of
from app.i18n import translate
from core.errors import N_, Forbidden, Invalid, MapError, NotFound, Refused
from matching import lexiconbook, lexiconcheck
from matching.lexicon import Phrase, phrases, type_names
from matching.lexicon.text import normalise
from matching.types import resolve

bp = Blueprint("lexicon", __name__)

SHOWN: Final = 60
EXAMPLES: Final = ("断口", "鼓包", "GB/T 228.1", "农残")
KINDS: Final = {
    "name": N_("仪器名"),
    "measurand": N_("要测的量"),
    "phenomenon": N_("现象、失效"),
    "method": N_("方法"),
    "standard": N_("标准"),
    "sample": N_("样品"),
    "vague": N_("说得太宽，要问清"),
    "offscope": N_("不是仪器能做的"),
}
STATES: Final = {"proposed": N_("等人决定"), "in_force": N_("在用"), "rejected": N_("没有采纳"), "undone": N_("已撤回")}
WEIGHTS: Final = {3: N_("就该用它"), 2: N_("也可以"), 1: N_("部分有用")}
DONE: Final = {"adopt": N_("已采纳，几秒内生效。"), "reject": N_("没有采纳。"), "undo": N_("已撤回，几秒内生效。")}


@bp.get("/lexicon")
def book() -> ResponseReturnValue:
    """Show what the lexicon says of a word or of a type of instrument, and the corrections."""
    return _book()


@bp.post("/lexicon")
def propose() -> ResponseReturnValue:
    """Hand in a correction."""
    typed = request.form.to_dict()
    try:
        lexiconbook.propose(g.session, g.actor, proposal=_proposal(typed), request_id=typed.get("request_id", ""))
    except (Invalid, Refused) as no:
        g.session.rollback()
        return _book(typed, no), kind_of(no).status
    flash(gettext("已提交，由另一位审核员或规划人员决定。"), "ok")
    return redirect(url_for("lexicon.book"), 303)


@bp.post("/lexicon/<int:entry_id>/<event>")
def decide(entry_id: int, event: str) -> ResponseReturnValue:
    """Adopt, reject or undo a correction."""
    if event not in DONE:
        raise NotFound
    try:
        lexiconbook.decide(g.session, g.actor, entry_id=entry_id, event=event)
    except (Invalid, Refused, Forbidden) as no:
        g.session.rollback()
        return _book(no=Refused("lexicon_entry", no.text, **no.params) if isinstance(no, Invalid) else no), kind_of(no).status
    flash(gettext(DONE[event]), "ok")
    return redirect(url_for("lexicon.book"), 303)


def _book(typed: dict[str, str] | None = None, no: MapError | None = None) -> str:
    lexiconbook.refresh(g.session)
    sought, kind = request.args.get("q", "").strip()[:100], request.args.get("type", "")
    found = _search(sought, kind)
    fault = {no.field: translate(no)} if isinstance(no, Invalid) else {}
    return render_template(
        "bureau/lexicon.html",
        q=sought,
        of_type=kind,
        found=found[:SHOWN],
        more=max(0, len(found) - SHOWN),
        read=_read(sought),
        entries=lexiconbook.entries(g.session),
        typed=typed or {},
        faults=fault,
        refusal=translate(no) if no and not fault else "",
        kinds=KINDS,
        states=STATES,
        weights=WEIGHTS,
        type_names=type_names(),
        counts=Counter(one.kind for one in phrases()),
        examples=EXAMPLES,
        chosen=_types(typed or {}),
        events={arrow.event for arrow in lexiconbook.ENTRY},
        may_decide=g.actor.role in lexiconbook.DECIDERS,
        may_propose=g.actor.role in lexiconbook.PROPOSERS,
        me=g.actor.user_id,
        slots=4,
        request_id=forms.new_request_id,
    )


def _search(sought: str, kind: str) -> list[Phrase]:
    """Return the phrases that hold the words, or point to the type; one a wording, the shortest first."""
    if not sought and not kind:
        return []
    plain = normalise(sought).chars
    hits = [one for one in phrases() if (not plain or plain in normalise("".join(one.parts)).chars) and (not kind or kind in dict(one.types))]
    return sorted(hits, key=lambda one: (sum(map(len, one.parts)), one.parts))


def _read(sought: str) -> list[tuple[str, float, str]]:
    """Return how a search reads these words now: types with score and reasons."""
    if not sought:
        return []
    try:
        return [(one.name_zh, one.score, "；".join(one.why)) for one in resolve(sought).types[:6]]
    except MapError:
        return []


def _proposal(typed: dict[str, str]) -> lexiconcheck.Proposal:
    words = typed.get("words", "").strip()
    return lexiconcheck.Proposal(words, typed.get("kind", ""), _types(typed), typed.get("note", "").strip(), typed.get("gone") == "yes")


def _types(typed: dict[str, str]) -> tuple[tuple[str, int], ...]:
    pairs = [(typed.get(f"type{n}", "").strip(), typed.get(f"weight{n}", "3")) for n in range(lexiconcheck.MOST_TYPES)]
    return tuple((name, int(weight) if weight in ("1", "2", "3") else 0) for name, weight in pairs if name)
