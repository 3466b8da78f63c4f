"""Posted forms → frozen values, or every fault at its field. The browser's own checks are a courtesy: this is the judge.

A form is a pydantic model of text that people typed; `read` gives the value or the faults, never both. Rules of the trade (caps, states, who
may) are left to the packages below.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from app.errors import note_step
from app.i18n import listed, translate
from app.labels import DOCUMENTS
from bookings.checkout import BEST, Wish
from core.errors import N_, Invalid, MapError, Refused
from core.money import parse_yuan
from geodata.crs import SYSTEMS
from geodata.listings import MAX_NOTICE_HOURS, MAX_REPORT_DAYS, WEEKDAYS, NewInstrument, Offer, Place, parse_hours
from matching.learning.log import read_seen

Faults = dict[str, Invalid]
T = TypeVar("T", bound=BaseModel)

ATTRIBUTES: Final = {
    "statutory": "statutory_test",
    "funded": "funded_by_city_project_this_or_last_year",
    "batch": "batch_production_test",
}
"""Question of the check-out → the attribute of a deal that a "yes" means."""

_REQUEST: Final = re.compile(r"[0-9A-Za-z-]{8,100}")
_HUGE: Final = 2**63


def read(model: type[T], form: Mapping[str, Any]) -> tuple[T | None, Faults]:
    """Return the frozen value of a posted form and no faults, or None and what is wrong, by field."""
    try:
        return model.model_validate(dict(form.items())), {}
    except ValidationError as wrong:
        return None, faults(wrong)


def told(found: Mapping[str, Invalid]) -> dict[str, str]:
    """Return the faults as sentences in the language of this request, for the fields of a template."""
    return {name: translate(one) for name, one in found.items()}


def refusal(no: MapError | None, states: Mapping[str, str]) -> str:
    """Return why something was refused as a sentence ("" for none); codes of states and documents become the words of the pages."""
    if not isinstance(no, Refused):
        return translate(no) if no else ""
    state, kinds = str(no.params.get("state")), no.params.get("kinds")
    note_step(no)
    if no.clause == "state" and state in states:
        return translate((N_("这件现在是“%(state)s”，不能再做这一步。下面是最新的状态。"), {"state": translate(states[state])}))
    if no.clause == "evidence" and isinstance(kinds, list):
        return translate((no.text, {"kinds": listed(translate(DOCUMENTS[kind]) for kind in kinds)}))
    return translate(no)


def new_request_id() -> str:
    """Return the id that a form carries from the moment it is shown, so that sending it twice is one request."""
    return str(uuid4())


def faults(wrong: ValidationError) -> Faults:
    """Return one `Invalid` a field from pydantic's complaint, the first where there are several."""
    found: Faults = {}
    for error in wrong.errors(include_url=False, include_input=False):
        name = str(error["loc"][0]) if error["loc"] else ""
        told = error.get("ctx", {}).get("invalid") or _told(name, error)
        found.setdefault(told.field, told)
    return found


def _told(name: str, error: Any) -> Invalid:
    text = _TEXTS.get(error["type"], N_("这一项不能用。请重新填。"))
    return Invalid(name, text, **{key: str(value) for key, value in error.get("ctx", {}).items()})


def _fail(text: str, /, field: str = "", **params: Any) -> PydanticCustomError:
    return PydanticCustomError("said", "said", {"invalid": Invalid(field, text, **params)})


def yuan_field(field: str) -> BeforeValidator:
    """Read an amount in yuan as fen; an empty field is none."""

    def convert(text: Any) -> Any:
        if not isinstance(text, str) or not text.strip():
            return None
        try:
            return parse_yuan(text, field)
        except Invalid as wrong:
            raise PydanticCustomError("said", "said", {"invalid": wrong}) from wrong

    return BeforeValidator(convert)


def empty_is_none(text: Any) -> Any:
    """Read an empty field as none."""
    return None if isinstance(text, str) and not text.strip() else text


def _request(text: str) -> str:
    if not _REQUEST.fullmatch(text):
        raise _fail(N_("请求编号要有 8 到 100 个字母、数字或短横。"), "request_id")
    return text


def _aware(at: datetime) -> datetime:
    if at.tzinfo is None:
        raise _fail(N_("时间要带时区，例如 2026-11-26T09:00:00+08:00。"), "start")
    if not 2000 <= at.year < 2200:  # the ends of the calendar cannot be carried to another zone
        raise _fail(N_("请从仪器页选一个时段。"), "start")
    return at


def _instrument(text: str) -> str:
    if text != "new" and not (text.isascii() and text.isdigit() and int(text) < _HUGE):
        raise _fail(N_("请选你们自己的一台仪器，或者选“新的一台”。"), "instrument")
    return text


def _hours(name: str) -> BeforeValidator:
    def convert(text: Any) -> Any:
        try:
            return parse_hours(text if isinstance(text, str) else "", name)
        except Invalid as wrong:
            raise PydanticCustomError("said", "said", {"invalid": wrong}) from wrong

    return BeforeValidator(convert)


Text = Annotated[str, StringConstraints(strip_whitespace=True)]
Required = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Id = Annotated[int, Field(gt=0, lt=_HUGE)]
MaybeId = Annotated[Id | None, BeforeValidator(empty_is_none)]
RequestId = Annotated[str, AfterValidator(_request)]
Instant = Annotated[datetime, AfterValidator(_aware)]
Degrees = Annotated[Annotated[float, Field(allow_inf_nan=False)] | None, BeforeValidator(empty_is_none)]
Answer = Literal["yes", "no"]


class Form(BaseModel):
    """What all forms share."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Checkout(Form):
    """What the check-out asks for: instrument, slot, service, voucher, the three plain questions, and what is to be done.

    `voucher`: id or code, "none" to pay in full oneself, empty for the one that expires first. `seen`: the row of a list that one
    came from; what is none is empty.
    """

    instrument: Id
    start: Instant
    end: Instant
    service: Annotated[Required, Field(max_length=60)]
    voucher: Annotated[Text, Field(max_length=60)] = ""
    statutory: Answer = "no"
    funded: Answer = "no"
    batch: Answer = "no"
    need: Annotated[Text, Field(max_length=500)] = ""
    seen: Annotated[str, BeforeValidator(lambda given: str(read_seen(str(given)) or ""))] = ""

    @model_validator(mode="after")
    def _ends_later(self) -> Self:
        if self.start >= self.end:
            raise _fail(N_("结束要晚于开始。"), "end")
        return self

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes that the answers mean."""
        return frozenset(attribute for name, attribute in ATTRIBUTES.items() if getattr(self, name) == "yes")

    @property
    def wish(self) -> Wish:
        """The wish as the domain takes it."""
        return Wish(self.instrument, self.start, self.end, self.service, self._voucher, self.attributes, self.need)

    @property
    def _voucher(self) -> int | str | None:
        if self.voucher == "none":
            return None
        numbered = self.voucher.isascii() and self.voucher.isdigit() and int(self.voucher) < _HUGE
        return int(self.voucher) if numbered else self.voucher or BEST


class Booking(Checkout):
    """The check-out as confirmed: the same, with the amounts (fen) that stood on the button and the id of this request."""

    request_id: RequestId
    expected_voucher: Annotated[int, Field(ge=0, lt=_HUGE)]
    expected_own: Annotated[int, Field(ge=0, lt=_HUGE)]

    @property
    def wish(self) -> Wish:
        """The wish with the sums that the person confirmed."""
        return replace(super().wish, expected=(self.expected_voucher, self.expected_own))


class Application(Form):
    """An application for a voucher: policy code, amount in fen, purpose."""

    policy: Annotated[Required, Field(max_length=60)]
    amount: Annotated[int, yuan_field("amount")]
    purpose: Annotated[Required, Field(max_length=500)]
    request_id: RequestId


class Resume(Form):
    """What a holder does with an application that was returned, or still waits: send it again or withdraw it."""

    application: Id
    event: Literal["submit", "withdraw"]
    request_id: RequestId


class Decision(Form):
    """An officer's decision: why, and for a payment the treasury's bank reference."""

    request_id: RequestId
    reason: Annotated[Text, Field(max_length=500)] = ""
    bank_reference: Annotated[Text, Field(max_length=80)] = ""


class Event(Form):
    """A step of an order that only needs a word: accept, cancel, confirm, claim."""

    request_id: RequestId
    reason: Annotated[Text, Field(max_length=500)] = ""


class Delivery(Form):
    """The carrier hands over the report: its number and date of issue."""

    request_id: RequestId
    report_number: Annotated[Required, Field(max_length=80)]
    report_date: date


class OwnPayment(Form):
    """The enterprise has paid: number and date of invoice and of payment proof."""

    request_id: RequestId
    invoice_number: Annotated[Required, Field(max_length=80)]
    invoice_date: date
    payment_number: Annotated[Required, Field(max_length=80)]
    payment_date: date


class InvoiceAgain(Form):
    """The enterprise hands another invoice in: its number and date."""

    request_id: RequestId
    invoice_number: Annotated[Required, Field(max_length=80)]
    invoice_date: date


class PaymentAgain(Form):
    """The enterprise hands another proof of payment in: its number and date."""

    request_id: RequestId
    payment_number: Annotated[Required, Field(max_length=80)]
    payment_date: date


class ListingForm(Form):
    """A listing as a carrier typed it: one of its instruments by id, or "new" with the facts of a new one."""

    request_id: RequestId
    instrument: Annotated[Required, Field(max_length=20), AfterValidator(_instrument)]
    type: Annotated[Text, Field(max_length=100)] = ""
    name: Annotated[Text, Field(max_length=200)] = ""
    model: Annotated[Text, Field(max_length=200)] = ""
    value: Annotated[int | None, yuan_field("value")] = None
    site: MaybeId = None
    lon: Degrees = None
    lat: Degrees = None
    crs: Annotated[Text, Field(max_length=20)] = SYSTEMS[0]
    hours_1: Annotated[list[list[str]], _hours("hours_1")] = []
    hours_2: Annotated[list[list[str]], _hours("hours_2")] = []
    hours_3: Annotated[list[list[str]], _hours("hours_3")] = []
    hours_4: Annotated[list[list[str]], _hours("hours_4")] = []
    hours_5: Annotated[list[list[str]], _hours("hours_5")] = []
    hours_6: Annotated[list[list[str]], _hours("hours_6")] = []
    hours_7: Annotated[list[list[str]], _hours("hours_7")] = []
    service: Annotated[Required, Field(max_length=60)]
    price: Annotated[int, yuan_field("price")]
    unit: Literal["sample", "hour", "job"]
    report_days: Annotated[int, Field(ge=0, le=MAX_REPORT_DAYS)]
    notice_hours: Annotated[int, Field(ge=0, le=MAX_NOTICE_HOURS)]

    @classmethod
    def readable(cls, form: Mapping[str, Any], found: Faults) -> tuple[Offer | None, frozenset[str]]:
        """Return the offer as far as a faulty form can be read, and the fields about which nothing can be said yet.

        So the faults of the trade are told together with those of spelling. None where not even the instrument is known.
        """
        given, _ = read(cls, {**form, **{name: _HARMLESS.get(name, "") for name in found}})
        blind = {
            *found,
            *(("hours_1",) if any(name.startswith("hours_") for name in found) else ()),
            *(("lon",) if found.keys() & {"lat", "site"} else ()),
        }
        return (None if given is None or "instrument" in found else given.offer), frozenset(blind)

    @property
    def offer(self) -> Offer:
        """The listing as the domain takes it."""
        terms = dict(price=self.price, unit=self.unit, report_days=self.report_days, notice_hours=self.notice_hours)
        hours = {day: found for day in WEEKDAYS if (found := getattr(self, f"hours_{day}"))}
        if self.instrument != "new":
            return Offer(self.service, instrument_id=int(self.instrument), hours=hours, **terms)  # type: ignore[arg-type]
        new = NewInstrument(self.type, self.name, self.model, Place(self.site, self.lon, self.lat, self.crs), self.value)
        return Offer(self.service, new=new, hours=hours, **terms)  # type: ignore[arg-type]


_HARMLESS: Final = {
    "request_id": "nothing-sent",
    "instrument": "new",
    "crs": SYSTEMS[0],
    "service": "?",
    "price": "1",
    "unit": "job",
    "report_days": "0",
    "notice_hours": "0",
}
"""Stand-ins for fields of a listing that cannot be read; what they say is never shown and never written."""

_TEXTS: Final = {
    "missing": N_("请填这一项。"),
    "string_too_short": N_("请填这一项。"),
    "string_too_long": N_("最多 %(max_length)s 个字。"),
    "string_type": N_("请填这一项。"),
    "int_type": N_("请填这一项。"),
    "int_parsing": N_("请填整数。"),
    "int_from_float": N_("请填整数。"),
    "int_parsing_size": N_("这个数太大。"),
    "float_type": N_("请填数字。"),
    "float_parsing": N_("请填数字，例如 120.15。"),
    "finite_number": N_("请填数字，例如 120.15。"),
    "greater_than": N_("要大于 %(gt)s。"),
    "greater_than_equal": N_("不能小于 %(ge)s。"),
    "less_than": N_("这个数太大。"),
    "less_than_equal": N_("不能大于 %(le)s。"),
    "literal_error": N_("请选列出的一项。"),
    "date_type": N_("请填日期。"),
    "date_parsing": N_("请填日期，例如 2026-11-26。"),
    "date_from_datetime_parsing": N_("请填日期，例如 2026-11-26。"),
    "datetime_parsing": N_("请从仪器页选一个时段。"),
    "datetime_from_date_parsing": N_("请从仪器页选一个时段。"),
    "datetime_type": N_("请从仪器页选一个时段。"),
}
