"""A sentence with several needs: one tab a need, each with its own answer and how many instruments could do it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from app.asking import Asked, MapQuery
from app.mapquery import Address
from app.search import understand
from app.typenames import type_name
from geodata.grid import count
from matching.several import parts as parts_of


def parts(query: MapQuery) -> tuple[str, ...]:
    """Return the needs that the sentence holds; one need is no part."""
    found = parts_of(query.need) if query.need and not query.types else ()
    return found if len(found) > 1 else ()


def chosen(query: MapQuery) -> MapQuery:
    """Return the query of the need that is looked at: the first of several until another is chosen."""
    several = parts(query)
    return replace(query, need=several[min(max(query.part, 1), len(several)) - 1]) if several else query


def tabs(session: Session, address: Address, asked: Asked, base: str) -> list[dict[str, Any]]:
    """Return the tabs, [] for a single need; `n` is how many open instruments could do it, None where only a question can be answered."""
    several = parts(address.query)
    made = [_tab(session, address, asked, nth, base) for nth in range(1, len(several) + 1)]
    labels = [tab["label"] for tab in made]
    # two tests that one type does would look the same: they are told by their words
    return [tab | {"label": _first_words(tab["text"])} if labels.count(tab["label"]) > 1 else tab for tab in made]


def _first_words(text: str) -> str:
    return re.split("[，,；;。]", text)[0][:16]


def _tab(session: Session, address: Address, asked: Asked, nth: int, base: str) -> dict[str, Any]:
    query = chosen(replace(address.query, part=nth))
    meant = understand(session, query)
    wanted = meant.wanted(asked)
    return {
        "label": type_name(meant.types[0].name_zh) if meant.types else query.need[:12],
        "text": query.need[:60],
        "n": count(session, "instruments", wanted) if wanted else None,
        "url": address.link(base, ("part", str(nth))),
        "current": nth == max(address.query.part, 1),
    }
