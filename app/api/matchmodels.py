"""What a search for providers takes and answers, as programs see it."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, Field

from core.money import MAX_FEN


class MatchQuery(BaseModel):
    """A need in one's own words, and where one asks from."""

    need: str = Field("", max_length=10_000, description="what is to be done, on what, by when, for how much")
    lon: float | None = Field(None, ge=-180, le=180)
    lat: float | None = Field(None, ge=-90, le=90)
    limit: int = Field(20, ge=1, le=100)
    w: str = Field("", max_length=300, description="weights of the signals, 0 to 10: distance:8,own_part:2.5")
    drop: list[str] = Field([], max_length=20, description="keys of conditions that do not hold, e.g. region; may be given again")
    said: list[str] = Field([], max_length=20, description="KEY~WORDS: a condition in other words, e.g. spec:力~≥300 kN")
    types: list[str] = Field([], max_length=20, description="names of instrument types chosen by hand, instead of those read from the need")
    due: date | None = Field(None, description="last day for the report, instead of the one read from the need")
    budget: int | None = Field(None, gt=0, le=MAX_FEN, description="the most to pay, fen, instead of the one read from the need")
    sort: Literal["best", "own", "soon", "near"] = "best"

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the schema; as every request looks at it, the plain one is made once."""
        return super().model_json_schema(*args, **kwargs) if args or kwargs else _schema()


@cache
def _schema() -> dict[str, Any]:
    return BaseModel.model_json_schema.__func__(MatchQuery)  # type: ignore[attr-defined,no-any-return]


class TypeOut(BaseModel):
    """An instrument type that serves the need, 0..1, and which words led to it."""

    type: str
    score: float
    why: list[str]


class LimitOut(BaseModel):
    """A figure as an interval in SI: >= reaches `low`, <= gets down to `high`, covers has all between; `of_sample`: asked of no instrument."""

    quantity: str
    op: str
    low: float | None
    high: float | None
    si_unit: str
    of_sample: bool


class ConstraintOut(BaseModel):
    """A condition that was read from the need; budgets in fen, dates ISO 8601. `limit` is that of a figure (kind spec)."""

    key: str
    kind: str
    value: int | str
    text: str
    origin: str
    strength: str
    limit: LimitOut | None


class DoubtOut(BaseModel):
    """A question about a need that contradicts itself; `fields` are keys of conditions; `stops`: it stands instead of an answer."""

    text: str
    fields: list[str]
    stops: bool


class NeedOut(BaseModel):
    """The need as understood."""

    text: str
    types: list[TypeOut]
    constraints: list[ConstraintOut]
    doubts: list[DoubtOut] = []


class PartOut(BaseModel):
    """What one signal adds: contribution = relevance x value x weight / sum of weights; all contributions of a match add up to its score."""

    signal: str
    value: float
    weight: float
    contribution: float
    reason: str


class InstrumentOut(BaseModel):
    """The instrument, and the code of the service that is priced."""

    id: int
    code: str
    name: str
    type: str
    service: str
    is_sample: bool


class CarrierOut(BaseModel):
    """Who offers it, and where (degrees, WGS84); `region` is an adcode."""

    id: int
    name: str
    lon: float
    lat: float
    region: str | None
    precision: str


class SlotOut(BaseModel):
    """A free slot, ISO 8601 with offset."""

    start: str
    end: str


class MatchOut(BaseModel):
    """One provider; money in fen. `distance_m` (metres, a straight line) is null where either place is known only roughly.

    `relevance`: fit of the type, 0..1. `misses`: conditions it does not meet (nearest misses, always last); `unknown`: those it states nothing about.
    `moved`: why it does not stand where its score alone would put it. `travel_min`: minutes by road, null where no router answered.
    """

    rank: int
    score: float
    relevance: float
    parts: list[PartOut]
    reasons: list[str]
    misses: list[str]
    unknown: list[str]
    moved: str | None
    instrument: InstrumentOut
    carrier: CarrierOut
    distance_m: float | None
    travel_min: int | None
    price: int
    net_price: int
    next_slot: SlotOut | None


class AskOut(BaseModel):
    """A question instead of a guess, and needs that would answer it."""

    ask: str
    options: list[str]


class RelaxationOut(BaseModel):
    """What giving up the conditions `keys` brings: `n` carriers with `instruments` instruments meet all others."""

    keys: list[str]
    text: str
    n: int
    instruments: int


class CounterfactualOut(BaseModel):
    """What would be to be had if the conditions `drop` were given up, or the report came `days` later: one instrument, and what it brings."""

    text: str
    drop: list[str]
    due: date | None
    days: int
    instrument_id: int
    saves: int
    nearer_m: float


class PartAnswer(BaseModel):
    """The answer to one of several needs."""

    need: NeedOut
    matches: list[MatchOut]
    ask: AskOut | None = None
    relaxations: list[RelaxationOut] = []
    counterfactual: CounterfactualOut | None = None


class MatchAnswer(PartAnswer):
    """The need as understood and the ranked matches; `ask` is a question instead, when the need does not say enough.

    `needs`: each need of a sentence that holds several, by itself; `matches` then takes from each in turn. `doubts`: what contradicts itself.
    """

    needs: list[PartAnswer] = []
    doubts: list[DoubtOut] = []
    weights: dict[str, float] = {}
