"""What else one can do with a need: post it for providers to answer, or keep the search and be told of news."""

from __future__ import annotations

from typing import Any, Final

from flask import current_app, g, url_for

from app.access import ACCESS
from app.i18n import gettext
from app.mapquery import Address, with_pairs
from core.errors import N_

BUTTONS: Final = (("posted.new", N_("发布需求，让载体来报")), ("saved.keep", N_("保存这次搜索")))


def buttons(address: Address) -> list[dict[str, Any]]:
    """Return the buttons that this service and this person's role have, each with the need in its address; whoever is logged out may log in there."""
    there = [(endpoint, label) for endpoint, label in BUTTONS if endpoint in current_app.view_functions]
    pairs = [pair for pair in address.pairs if pair[0] not in ("limit", "sort")]
    may = [(endpoint, label) for endpoint, label in there if g.actor.role == "public" or g.actor.role in ACCESS[endpoint].roles]
    return [{"text": gettext(label), "url": with_pairs(url_for(endpoint), pairs)} for endpoint, label in may]
