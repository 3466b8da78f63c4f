"""A learnt order of the first page: LightGBM's lambdarank on clicks, each click weighed by how often its place is overlooked.

One training group a click (label 1 for it, 0 for the rows that were not clicked), its weight the inverse propensity of its place: the weighted
sum of pairwise losses of Joachims, Swaminathan, Schnabel (WSDM 2017). Whether the order is better is judged on later weeks, by an interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from core.errors import N_, Refused
from matching.learning.bootstrap import Interval, ratio
from matching.learning.clickmodel import examined, weights
from matching.learning.lists import Lists
from matching.learning.measures import gains

if TYPE_CHECKING:
    from lightgbm import Booster

Floats = NDArray[np.float64]

EARLIER: Final = 0.7
"""Share of the weeks that are learnt from; the later ones judge."""

FEWEST_CLICKS: Final = 200
"""Clicks that there must be in the earlier and in the later weeks: with fewer there is nothing to learn or to judge by."""

ROUNDS: Final = 60
PARAMS: Final[dict[str, Any]] = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 20,
    "label_gain": [0, 1],
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_data_in_leaf": 50,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "seed": 7,
    "verbose": -1,
}


@dataclass(frozen=True)
class Trial:
    """A trained model and what it is worth: weeks learnt from and judged on (ordinals), their lists, gain of corrected nDCG over the plain order."""

    model: Booster
    theta: Floats
    learnt: tuple[int, int, int]
    judged: tuple[int, int, int]
    plain: Interval
    gain: Interval


def split(lists: Lists) -> tuple[Lists, Lists]:
    """Return the lists of the earlier weeks and those of the later ones; no week is in both.

    Raises `Refused` where there are not two weeks, or too few clicks in one of the parts.
    """
    weeks = np.unique(lists.week)
    if len(weeks) < 2:
        raise Refused("weeks", N_("还没有两周以上的记录，不能训练：要用后面的周检验前面学到的。"))
    border = weeks[min(max(round(EARLIER * len(weeks)), 1), len(weeks) - 1)]
    parts = lists.pick(lists.week < border), lists.pick(lists.week >= border)
    fewest = min(int(part.clicked.sum()) for part in parts)
    if fewest < FEWEST_CLICKS:
        raise Refused("clicks", N_("点击太少，不能训练：前后两段各要 %(least)s 次，现在较少的一段有 %(n)s 次。"), least=FEWEST_CLICKS, n=fewest)
    return parts


def trial(lists: Lists) -> Trial:
    """Learn from the earlier weeks and judge on the later; raises `Refused` where the log is too small."""
    earlier, later = split(lists)
    theta = examined(earlier)
    model = train(earlier, weights(earlier, theta))
    plain, gain = judge(model, later, weights(later, theta))
    return Trial(model, theta, _told(earlier), _told(later), plain, gain)


def train(lists: Lists, weight: Floats) -> Booster:
    """Return lambdarank's model on clicks with a weight for each clicked row, [n, TOP]."""
    import lightgbm

    rows, labels, heavy, sizes = [], [], [], []
    for at, place in zip(*np.nonzero(lists.clicked), strict=True):
        others = np.nonzero(lists.shown[at] & ~lists.clicked[at])[0]
        if not len(others):
            continue
        rows.append(lists.features[at, [place, *others]])
        labels.append([1, *([0] * len(others))])
        heavy.append(np.full(len(others) + 1, weight[at, place]))
        sizes.append(len(others) + 1)
    data = lightgbm.Dataset(np.concatenate(rows), np.concatenate(labels), group=sizes, weight=np.concatenate(heavy), free_raw_data=True)
    return lightgbm.train(PARAMS, data, num_boost_round=ROUNDS)


def order_of(model: Booster, lists: Lists) -> NDArray[np.int64]:
    """Return the model's order of each list as indices of its rows, [n, TOP]; equal scores and what is not shown stay in place."""
    n, top, k = lists.features.shape
    scores = np.asarray(model.predict(lists.features.reshape(n * top, k), num_threads=1)).reshape(n, top)
    return np.argsort(np.where(lists.shown, -scores, np.inf), axis=1, kind="stable")


def judge(model: Booster, lists: Lists, weight: Floats) -> tuple[Interval, Interval]:
    """Return the corrected nDCG of the plain order, and how much the model's order is above it, with intervals over lists."""
    plain, best = gains(weight)
    learnt, _ = gains(weight, order_of(model, lists))
    before, gain = ratio(plain, best), ratio(learnt - plain, best)
    if before is None or gain is None:
        raise Refused("clicks", N_("后面的周没有点击，不能检验。"))
    return before, gain


def _told(lists: Lists) -> tuple[int, int, int]:
    return int(lists.week.min()), int(lists.week.max()), len(lists)
