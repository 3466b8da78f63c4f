"""Forms of the budgets' pages, read by `app.forms.read`."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from app.forms import Form, RequestId, Required, yuan_field
from core.errors import Invalid
from core.money import parse_yuan


def _signed(text: Any) -> Any:
    """Read a change in yuan as fen; a minus before it lowers."""
    if not isinstance(text, str) or not text.strip():
        return None
    plain = text.strip().replace("−", "-").replace("－", "-").replace("＋", "+")
    less = plain.startswith("-")
    try:
        found = parse_yuan(plain.lstrip("+-").strip() if plain[0] in "+-" else plain, "change")
    except Invalid as wrong:
        raise PydanticCustomError("said", "said", {"invalid": wrong}) from wrong
    return -found if less else found


Reason = Annotated[Required, Field(max_length=500)]


class NewBudget(Form):
    """A new budget: policy or policy/fund, calendar year, amount in fen, planned or adopted at once."""

    purpose: Annotated[Required, Field(max_length=100)]
    year: Annotated[int, Field(ge=2010, le=2100)]
    amount: Annotated[int, yuan_field("amount")]
    how: Literal["plan", "adopt"]
    request_id: RequestId


class Adopt(Form):
    """How much is adopted of what was planned, fen."""

    amount: Annotated[int, yuan_field("amount")]
    request_id: RequestId


class Revise(Form):
    """By how many fen a budget changes, and why."""

    change: Annotated[int, BeforeValidator(_signed)]
    reason: Reason
    request_id: RequestId


class Stripe(Form):
    """Over how many accounts the free money is spread."""

    stripes: Annotated[int, Field(ge=1, le=64)]
    request_id: RequestId


class Close(Form):
    """Where the rest goes, and why the budget is closed."""

    rest: Literal["carry", "treasury"]
    reason: Reason
    request_id: RequestId


class Drop(Form):
    """Why a planned budget is given up."""

    reason: Reason
    request_id: RequestId


class Plain(Form):
    """A step that needs no word."""

    request_id: RequestId


FORMS: Final[dict[str, type[BaseModel]]] = {
    "adopt": Adopt,
    "revise": Revise,
    "sweep": Plain,
    "stripe": Stripe,
    "close": Close,
    "drop": Drop,
}
"""What each step of a budget asks for."""
