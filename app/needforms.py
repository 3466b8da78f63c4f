"""Forms of posted needs: posting, answering, picking, refusing, brokering. How they are read: `app.forms`; boxes of one name come as a list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from werkzeug.datastructures import MultiDict

from app.forms import Form, Id, Instant, RequestId, Required, Text, empty_is_none, yuan_field
from bookings.answer_entities import REASONS
from bookings.answering import LONGEST_NOTE, Answer
from bookings.need_entities import CLOSING, VISIBILITY
from bookings.need_terms import LEAST_HOURS, LONGEST, MOST_HOURS
from bookings.picking import Pick

MANY = ("type", "chosen", "carriers")


def whole(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return a posted form with the boxes of `MANY` as lists."""
    return {**form.to_dict(), **{name: form.getlist(name)[:50] for name in MANY}}


class NeedForm(Form):
    """A need as a firm typed it: `read` is the text that the types under it were read from, `type` those that it kept."""

    request_id: RequestId
    text: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    read: Annotated[str, Field(max_length=LONGEST)] = ""
    type: list[str] = Field(default_factory=list)
    budget: Annotated[int | None, yuan_field("budget")] = None
    due: Annotated[date | None, BeforeValidator(empty_is_none)] = None
    visibility: Literal[VISIBILITY] = "public"  # type: ignore[valid-type]
    chosen: list[Id] = Field(default_factory=list)
    answer_hours: Annotated[int, Field(ge=LEAST_HOURS, le=MOST_HOURS)] = 48


class AnswerForm(Form):
    """An answer as a carrier typed it: the slot is one of those listed, `start/end` in ISO 8601."""

    request_id: RequestId
    version: Annotated[int, Field(gt=0, lt=2**31)]
    offer: Annotated[Required, Field(max_length=100)]
    slot: Annotated[Required, Field(max_length=80)]
    price: Annotated[int, yuan_field("price")]
    report_days: Annotated[int, Field(ge=0, le=60)]
    note: Annotated[Text, Field(max_length=LONGEST_NOTE)] = ""

    def answer(self) -> Answer | None:
        """Return the answer, or None where offer or slot are none that the page lists."""
        instrument, _, service = self.offer.partition(":")
        spans = _Span.of(self.slot)
        if not (instrument.isascii() and instrument.isdigit() and len(instrument) < 19) or spans is None:
            return None
        return Answer(int(instrument), service, spans.start, spans.end, self.price, self.report_days, self.note, self.version)


class _Span(Form):
    start: Instant
    end: Instant

    @classmethod
    def of(cls, text: str) -> _Span | None:
        start, _, end = text.partition("/")
        try:
            return cls.model_validate({"start": start, "end": end})
        except ValueError:
            return None


class Simple(Form):
    """A step that needs nothing but its name."""

    request_id: RequestId


class DeclineForm(Simple):
    """A carrier refuses."""

    reason: Literal[REASONS]  # type: ignore[valid-type]


class CloseForm(Simple):
    """An officer closes a need."""

    reason: Literal[CLOSING]  # type: ignore[valid-type]


class NoteForm(Simple):
    """An officer writes to the firm."""

    words: Annotated[Required, Field(max_length=1000)]


class InviteForm(Simple):
    """An officer asks carriers."""

    carriers: list[Id] = Field(default_factory=list)


class PickForm(Simple):
    """A firm picks: which answer as it saw it, how it is paid, what it declares, and the sums that stood on the button, fen."""

    answer: Id
    seen: Annotated[int, Field(ge=0, lt=2**31)]
    voucher: Annotated[Text, Field(max_length=60)] = "none"
    statutory: bool = False
    funded: bool = False
    batch: bool = False
    expected_voucher: Annotated[int, Field(ge=0, lt=2**63)]
    expected_own: Annotated[int, Field(ge=0, lt=2**63)]

    def pick(self, declared: Mapping[str, str]) -> Pick:
        """Return the pick; `declared` maps an attribute to its field."""
        voucher = int(self.voucher) if self.voucher.isascii() and self.voucher.isdigit() and len(self.voucher) < 19 else self.voucher or "none"
        attributes = frozenset(name for name, field in declared.items() if getattr(self, field))
        return Pick(self.answer, self.seen, voucher, attributes, (self.expected_voucher, self.expected_own))
