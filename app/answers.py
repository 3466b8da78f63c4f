"""The answer to a need, put together for the page: corrections that can be read, chips, questions, rows, ways out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app import buttons, chips, doubting, noting, questions, results, tabs, weighing
from app.corrections import TYPE
from app.i18n import gettext, translate
from app.mapquery import Address
from app.viewport import Sight
from core import clock
from core.errors import Invalid
from matching.correcting import correct
from matching.needs import parse_need


def readable(session: Session, address: Address) -> tuple[Address, dict[str, str]]:
    """Return the address with only those corrections that can be read, and why the others cannot: key → what would work."""
    query, wrong = address.query, {}
    need = parse_need(tabs.chosen(query).need, today=clock.today(session)) if query.said else None
    for key, words in query.said:
        if key == TYPE:
            wrong[key] = gettext("没有叫“%(words)s”的仪器，请从列表里选一种。", words=words[:40])
            continue
        try:
            need = correct(need, key, words) if need else need
        except Invalid as no:
            wrong[key] = translate(no)
    weights = query.weights
    if len(weights) == len(weighing.defaults()) and not any(weight for _, weight in weights):
        wrong["w"], weights = gettext("至少要有一项大于 0。"), ()
    said = tuple(pair for pair in query.said if pair[0] not in wrong)
    return replace(address, query=replace(query, said=said, weights=weights)), wrong


def answer(seen: Sight, address: Address, base: str, wrong: Mapping[str, str]) -> dict[str, Any]:
    """Return what `_results.html` shows of a need: understood, asked back, ranked, weighed."""
    found, known = seen.found, g.actor.role == "enterprise"
    if found is None:
        raise ValueError("nothing was ranked")
    shown = found.matches[: address.limit]
    noted = noting.searched(found, address, shown=shown)
    return {
        "tabs": tabs.tabs(g.session, address, seen.asked, base),
        "chips": chips.chips(found, address, base, wrong),
        "restored": chips.restored(address, base),
        "ask": questions.ask(found, address, base),
        "doubts": questions.doubts(found, address, base),
        "stopped": found.ask is None and doubting.stops(found, address.query),
        "matches": [results.full_row(m, address, found, known=known, noted=noted) for m in shown],
        "rows": None,
        "total": len(found.matches),
        "cheapest_own": min((m.candidate.net_price_fen for m in found.matches), default=None) if known else None,
        "more_url": results.more_url(len(found.matches), address, base),
        "ways": questions.ways(found, address, base),
        "further": questions.further(found, address, base),
        "buttons": buttons.buttons(address)[: 1 if found.ask else None],
        "kept": [pair for pair in address.pairs if pair[0] != "area"],
    }
