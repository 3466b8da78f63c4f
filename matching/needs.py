"""Read what a person typed: the budget, the day, the place, the papers and the number of pieces they asked for.

Each is a `Constraint` that says whether the person said so or we guess. What is left after them is the topic, which `matching.types`
reads. Place words stay words: turning them into regions is left to the caller, who has the map.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Final

from core.errors import N_, Invalid
from matching.constraints import Constraint
from matching.doubting import Doubt
from matching.doubts import doubts
from matching.lexicon.text import Text, normalise
from matching.limits import Limit
from matching.reading.budget import budgets
from matching.reading.deadline import deadlines
from matching.reading.distance import distances
from matching.reading.handover import handovers
from matching.reading.hit import Hit
from matching.reading.limits import find_limits
from matching.reading.numbers import read_number
from matching.reading.papers import papers
from matching.reading.pieces import pieces
from matching.reading.places import regions

__all__ = ["LONGEST", "Need", "parse_need", "read_number"]

LONGEST: Final = 10_000
"""Characters of a need; a longer text is refused."""

MOST: Final = 40
"""Conditions of one kind that are read."""


@dataclass(frozen=True, slots=True)
class Need:
    """A need as typed, with its constraints; `topic` is the typed text without them, `asked_on` the day it was asked."""

    text: str
    topic: str
    asked_on: date
    constraints: tuple[Constraint, ...] = ()

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What the need asks of the instrument's figures; those of the sample are none."""
        return tuple(one.value for one in self.constraints if isinstance(one.value, Limit) and not one.value.of_sample)

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What has to be asked before the answer can be trusted."""
        return doubts(self.text, self.constraints, self.asked_on)

    @property
    def budget_fen(self) -> int | None:
        """The most the person wants to pay, in fen."""
        return next((one.value for one in self.constraints if one.kind == "budget" and isinstance(one.value, int)), None)

    @property
    def deadline(self) -> date | None:
        """The last day (Asia/Shanghai) on which the report still helps."""
        return next((one.value for one in self.constraints if isinstance(one.value, date)), None)


def parse_need(text: str, *, today: date) -> Need:
    """Return the need in `text` with the constraints found in it; dates without a year are the next such day from `today` on.

    Nonsense gives a need without constraints. Raises Invalid naming the field "need" for a text over 10,000 characters.
    """
    if len(text) > LONGEST:
        raise Invalid("need", N_("需求最多 %(most)s 字，现在是 %(count)s 字：请只写样品、要测的指标和条件。"), most=LONGEST, count=len(text))
    spelt = normalise(text)
    hits: list[Hit] = []
    for find in FINDERS:
        hits += [hit for hit in islice(find(spelt.chars, today), MOST) if not any(hit.start < old.end and old.start < hit.end for old in hits)]
    hits.sort(key=lambda hit: hit.start)
    first = {(hit.kind, hit.value): hit for hit in reversed(hits)}  # said twice is said once
    kept = [hit for hit in hits if first[hit.kind, hit.value] is hit]
    constraints = tuple(Constraint(hit.kind, hit.value, spelt.as_typed(hit.start, hit.end), hit.origin, hit.strength) for hit in kept)
    topic = _without(spelt, hits)
    return Need(text, topic, today, (*constraints, *find_limits(topic)))


def _without(spelt: Text, hits: list[Hit]) -> str:
    """Return the typed text with each constraint replaced by a comma, so that words around it do not grow together."""
    pieces, last = [], 0
    for hit in hits:
        start, end = spelt.origins[hit.start], spelt.origins[hit.end - 1] + 1
        pieces += [spelt.typed[last:start], "，"]
        last = end
    return "".join([*pieces, spelt.typed[last:]])


Finder = Callable[[str, date], Iterator[Hit]]
FINDERS: Final[tuple[Finder, ...]] = (distances, budgets, deadlines, papers, pieces, handovers, regions)
