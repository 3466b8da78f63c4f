"""The one field that puts a chip right: a date for a day, an amount for a budget, a list for places and papers, words for a specification."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from app import filters
from app.corrections import LONGEST, SAY
from app.i18n import gettext
from core.errors import N_

PAPERS: Final = ("CMA", "CNAS", "GLP", "NADCAP", "ISO 17025")
HANDOVERS: Final = (("上门", N_("上门做")), ("寄样", N_("可寄样")))
LABELS: Final = {
    "budget": N_("最多付多少元"),
    "deadline": N_("最晚哪天要报告"),
    "region": N_("哪个市、县（市、区）"),
    "qualification": N_("要哪种资质"),
    "quantity": N_("一共几件"),
    "distance": N_("多少公里以内"),
    "handover": N_("样品怎么交"),
    "type": N_("换成哪种仪器"),
}


def field_of(key: str, value: object, shown: str) -> dict[str, Any]:
    """Return the field of the condition `key` whose value is now `value` and reads `shown`, as the macro `chip` takes it."""
    kind = key.partition(":")[0]
    made = _FIELDS.get(kind, _words)(value, shown)
    label = gettext(LABELS[kind]) if kind in LABELS else gettext("%(quantity)s要多少", quantity=key.partition(":")[2])
    return {"name": f"{SAY}{key}", "label": label, "value": "", **made}


def _budget(value: object, _shown: str) -> dict[str, Any]:
    amount = filters.yuan0(value).replace(",", "") if isinstance(value, int) else ""
    return {"value": amount, "attrs": {"inputmode": "decimal", "autocomplete": "off"}}


def _deadline(value: object, _shown: str) -> dict[str, Any]:
    return {"type": "date", "value": value.isoformat() if isinstance(value, date) else ""}


def _region(value: object, _shown: str) -> dict[str, Any]:
    return {"value": value or "", "attrs": {"list": "places", "autocomplete": "off", "maxlength": "40"}}


def _papers(value: object, _shown: str) -> dict[str, Any]:
    own = str(value or PAPERS[0])
    return {"type": "select", "value": own, "options": [(one, one) for one in dict.fromkeys((own, *PAPERS))]}


def _quantity(value: object, _shown: str) -> dict[str, Any]:
    return {"value": value or "", "attrs": {"inputmode": "numeric", "autocomplete": "off"}}


def _distance(value: object, _shown: str) -> dict[str, Any]:
    km = f"{value / 1000:g}" if isinstance(value, int | float) else ""
    return {"value": km, "attrs": {"inputmode": "decimal", "autocomplete": "off"}}


def _handover(value: object, _shown: str) -> dict[str, Any]:
    return {"type": "select", "value": "寄样" if value == "post" else "上门", "options": [(word, gettext(label)) for word, label in HANDOVERS]}


def _type(_value: object, _shown: str) -> dict[str, Any]:
    return {"help": gettext("写名称、英文或简称，例如 SEM"), "attrs": {"list": "flt-types", "autocomplete": "off", "maxlength": str(LONGEST)}}


def _words(_value: object, shown: str) -> dict[str, Any]:
    return {"value": shown, "help": gettext("数和单位，例如 ≥300 kN、0.1–5 nm"), "attrs": {"autocomplete": "off", "maxlength": str(LONGEST)}}


_FIELDS: Final = {
    "budget": _budget,
    "deadline": _deadline,
    "region": _region,
    "qualification": _papers,
    "quantity": _quantity,
    "distance": _distance,
    "handover": _handover,
    "type": _type,
}
