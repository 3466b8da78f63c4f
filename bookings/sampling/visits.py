"""Who goes where in the sample history: visits of holders to carriers, with the two offers of which one will be taken, and how each ends.

A few carriers do much and many do little: of all services, a quarter goes to the leading universities and institutes (1.1 % of the carriers),
as the paper tells. What a firm needs follows from its trade; it goes to its own city first. What ends badly is invented on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bookings.sampling.cast import Cast
from bookings.sampling.times import Floats, Ints
from geodata.sampling.names import trade_in
from geodata.sampling.organisations import CHANGXING, HUZHOU
from geodata.sampling.world import SIZES, Size

LEADERS: Final = 75 / 6_553
LEADERS_SERVICES: Final = 0.25
_LIKING: Final = 1.0
"""How much a holder keeps to leading carriers, or away from them: they served about 5,000 of the 11,642 firms."""
_LEADERS_TAIL, _OTHERS_TAIL, _HOLDERS_TAIL = 0.5, 0.6, 0.9
_CALLED_OFF: Final = 0.065
"""Visits beside the confirmed ones that are called off, and how: by the carrier, by the enterprise after the carrier's yes, by nobody's answer."""
_ENDS: Final = (0.31, 0.31, 0.38)
UNDER_WAY_DAYS: Final = 45
_UNDER_WAY: Final = 0.03
"""Visits beside the confirmed ones that are not confirmed yet; they fall into the last `UNDER_WAY_DAYS` days."""

_NEAR: Final = (0.55, 0.2, 0.2, 0.05)
"""Chances of an offer of the own city and trade, of the city, of the trade, and of any."""

_MOST: Final = 0.8
"""Part of a year's cap (in mean services) up to which a holder gets services."""

DONE, UNDER_WAY, BY_CARRIER, BY_HOLDER, UNANSWERED = range(5)
"""How a visit ends."""

_SERVED: Final[dict[str, float]] = {CHANGXING: 0.0541, HUZHOU: 0.0700}
"""Parts of the services of a large home province that go to the firms of 长兴 and of the rest of 湖州: 26.94 and 34.9 of 498 million yuan."""

_SELF: Final = "instrument_sharing"

Truth = NDArray[np.bool_]


@dataclass(frozen=True)
class Visits:
    """Columns, one row a visit: holder, how it ends, whether a leading carrier serves it, the offers of a test and of a development, a place in time.

    `job` is -1 where there is none. `luck` from 0 to 1 chooses between the two, `when` from 0 to 1 spreads over the months, `at` (seconds) says when
    instead (0: it does not), `sure`: its holder alone goes, its claim passes.
    """

    holder: Ints
    end: Ints
    leading: Truth
    test: Ints
    job: Ints
    luck: Floats
    when: Floats
    at: Ints
    sure: Truth

    def __len__(self) -> int:
        return len(self.holder)


def draw_visits(cast: Cast, size: Size, rng: np.random.Generator, *, fixed: int = 0, apart: Sequence[int] = ()) -> Visits:
    """Draw the visits of a province so that `size.services` less `fixed` will be confirmed; holders `apart` (numbers) draw none.

    A province without holders or offers has no visits.
    """
    free = np.setdiff1d(np.arange(len(cast.holders.ids)), apart)
    if not len(free) or not len(cast.offers):
        return Visits(*(np.zeros(0, dtype=kind) for kind in (np.int64, np.int64, bool, np.int64, np.int64, float, float, np.int64, bool)))
    done = _holders_of(cast, free, size, size.services - fixed, rng)
    rest = [rng.choice(done, int(size.services * share)) for share in (_UNDER_WAY, _CALLED_OFF)]
    holder = np.concatenate([done, *rest])
    ends = rng.choice((BY_CARRIER, BY_HOLDER, UNANSWERED), len(rest[1]), p=_ENDS)
    end = np.concatenate([np.full(len(done), DONE), np.full(len(rest[0]), UNDER_WAY), ends])
    leading, sound = np.zeros(len(holder), dtype=bool), len(done) + len(rest[0])
    liking = rng.random(sound) + _LIKING * rng.random(len(cast.holders.ids))[holder[:sound]]
    leading[np.argsort(liking, kind="stable")[: round(sound * LEADERS_SERVICES)]] = True
    test, job = _choose(cast, holder, end, leading, rng)
    count = len(holder)
    free_of = (np.zeros(count, dtype=np.int64), np.zeros(count, dtype=bool))
    return Visits(holder, end, leading, test, job, rng.random(count), rng.random(count) ** 0.8, *free_of)


def joined(visits: Visits, more: Visits) -> Visits:
    """Return the visits of both, those of the first one first."""
    return Visits(*(np.concatenate([one, other]) for one, other in zip(vars(visits).values(), vars(more).values(), strict=True)))


def sure_visits(cast: Cast, wanted: Sequence[tuple[int, int, int]], rng: np.random.Generator) -> Visits:
    """Return visits for a test that nobody calls off: (holder, how it ends, instant) each, all with invented carriers."""
    holder, end, at = (np.array(column, dtype=np.int64) for column in zip(*wanted, strict=True))
    is_test = np.array([code == "test_analysis" for code in cast.services], dtype=bool)[cast.offers.service]
    there = np.flatnonzero(is_test & cast.offers.is_sample)
    test = _from(cast, holder, there, np.ones(len(cast.offers)), rng)
    no = np.zeros(len(holder), dtype=bool)
    return Visits(holder, end, no, test, np.full(len(holder), -1), np.ones(len(holder)), np.zeros(len(holder)), at, ~no)


def _holders_of(cast: Cast, free: Ints, size: Size, services: int, rng: np.random.Generator) -> Ints:
    """Share `services` among the holders: each one once if they go round, the rest by chances that fall off, within the caps of a year."""
    town = np.array([_town(code) for code in cast.holders.adcodes])[free]
    fixed = _SERVED if size == SIZES["paper"] and CHANGXING in town else {}
    found, left = [], services
    for region, share in fixed.items():
        here = free[town == region]
        found.append(_shared(cast, here, round(services * share), rng))
        left -= len(found[-1])
    others = free[~np.isin(town, list(fixed))] if fixed else free
    return np.concatenate([*found, _shared(cast, others, left, rng)])


def _town(adcode: str) -> str:
    return CHANGXING if adcode == CHANGXING else HUZHOU if adcode[:4] == HUZHOU[:4] else adcode[:4]


def _shared(cast: Cast, here: Ints, services: int, rng: np.random.Generator) -> Ints:
    once = rng.permutation(here)[:services]
    weights = rng.pareto(_HOLDERS_TAIL + 1.0, len(here)) + 0.05
    most = np.maximum(1, _most_services(cast, here))
    count = np.isin(here, once).astype(np.int64)
    while (left := services - int(count.sum())) > 0 and (room := count < most).any():
        chances = np.where(room, weights, 0.0)
        count = np.minimum(count + rng.multinomial(left, chances / chances.sum()), most)
    return np.repeat(here, count)


def _most_services(cast: Cast, here: Ints) -> Ints:
    """Return how many services of the mean voucher part fit a holder's caps over two and a half years; a controlled one shares with another."""
    caps = np.array([(scheme.terms.caps.per_year or 20_000_000) for scheme in cast.schemes], dtype=np.int64)[cast.holders.scheme[here]]
    alone = cast.holders.groups[here] == 0
    found: Ints = (caps * _MOST * 2.5 / 1_235_800 / np.where(alone, 1, 2)).astype(np.int64)
    return found


def _choose(cast: Cast, holder: Ints, end: Ints, leading: Truth, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Choose a test and a development for each visit."""
    offers = cast.offers
    leads, weights = _carriers(cast, rng)
    is_job = np.array([code.endswith("_rd") for code in cast.services], dtype=bool)[offers.service]
    found = []
    for sort in (~is_job, is_job):
        chosen = np.full(len(holder), -1, dtype=np.int64)
        for lead in (True, False):
            for sound in (True, False):
                rows = np.flatnonzero((leading == lead) & ((end <= UNDER_WAY) == sound))
                there = sort & (leads == lead) & (sound | offers.is_sample)
                there = there if there.any() else sort & (sound | offers.is_sample)
                chosen[rows] = _from(cast, holder[rows], np.flatnonzero(there), weights, rng)
        found.append(chosen)
    return _as_allowed(cast, holder, found[0]), found[1]


def _as_allowed(cast: Cast, holder: Ints, test: Ints) -> Ints:
    """Let somebody else run the instrument where the holder's policy does not pay for running it oneself: that offer stands just before."""
    allowed = [scheme.terms.services.allow for scheme in cast.schemes]
    only_tests = np.array(["*" not in codes and _SELF not in codes for codes in allowed], dtype=bool)[cast.holders.scheme[holder]]
    oneself = np.array([code == _SELF for code in cast.services], dtype=bool)[cast.offers.service[test]] & (test > 0)
    return np.where(only_tests & oneself, test - 1, test)


def _carriers(cast: Cast, rng: np.random.Generator) -> tuple[Truth, Floats]:
    """Say of each offer whether a leading carrier makes it, and weigh it: a carrier's weight is shared by its offers of a kind."""
    ids, number = np.unique(cast.offers.carrier, return_inverse=True)
    academic = np.zeros(len(ids), dtype=bool)
    academic[number[cast.offers.is_academic]] = True
    size = np.bincount(number)
    wanted = max(1, round(len(ids) * LEADERS))
    rank = np.argsort(-(np.where(academic, size, 0) * rng.lognormal(0.0, 0.5, len(ids))), kind="stable")[:wanted]
    leads = np.zeros(len(ids), dtype=bool)
    leads[rank[academic[rank]]] = True
    weights = rng.lognormal(0.0, _OTHERS_TAIL, len(ids))
    weights[rank] = np.arange(1, len(rank) + 1) ** -_LEADERS_TAIL
    return leads[number], (weights / size)[number]


def _from(cast: Cast, holder: Ints, there: Ints, weights: Floats, rng: np.random.Generator) -> Ints:
    """Choose for each of these holders one of the offers `there`: of the own city and trade first; -1 where there is none at all."""
    found = np.full(len(holder), -1, dtype=np.int64)
    if not len(there) or not len(holder):
        return found
    city = np.array(cast.offers.city)[there]
    home = np.array([code[:4] for code in cast.holders.adcodes])[holder]
    trade = np.array([known.word if (known := trade_in(name)) else "" for name in cast.holders.names])[holder]
    nearness = rng.choice(len(_NEAR), len(holder), p=_NEAR)
    for place, word in sorted(set(zip(home.tolist(), trade.tolist(), strict=True))):
        rows = np.flatnonzero((home == place) & (trade == word))
        fits = _fits(cast, there, word)
        pools = [(city == place) & fits, city == place, fits, np.ones(len(there), dtype=bool)]
        for level in range(len(_NEAR)):
            pool = next(there[p] for p in (*pools[level:], pools[-1]) if p.any())
            here = rows[nearness[rows] == level]
            found[here] = pool[_drawn(weights[pool], len(here), rng)]
    return _unrelated(cast, holder, found, there, rng)


def _fits(cast: Cast, there: Ints, word: str) -> Truth:
    """Say which offers are of types on which a trade lives."""
    trade = trade_in(word)
    types = np.array([trade is not None and name in trade.types for name in cast.kinds], dtype=bool)
    found: Truth = types[cast.offers.kind[there]]
    return found


def _unrelated(cast: Cast, holder: Ints, found: Ints, there: Ints, rng: np.random.Generator) -> Ints:
    """Choose anew where both sides stand under one controller."""
    for _ in range(50):
        group = cast.holders.groups[holder]
        related = np.flatnonzero((group > 0) & (group == cast.offers.group[found]))
        if not len(related):
            return found
        found[related] = rng.choice(there, len(related))
    found[related] = -1
    return found


def _drawn(weights: Floats, count: int, rng: np.random.Generator) -> Ints:
    chances = np.cumsum(weights)
    found: Ints = np.minimum(np.searchsorted(chances, rng.random(count) * chances[-1], side="right"), len(weights) - 1)
    return found
