"""A market of invented searchers: what they like and how far they look down is known, so that what is learnt can be held against it."""

from datetime import date, timedelta

import numpy as np

from matching.learning.lists import Lists
from matching.learning.log import TOP

K = 5
"""Signals: the plain order goes by the first, people like the second; the rest is noise."""

MONDAY = date(2026, 9, 7)


def looked_at():
    """How likely each place is looked at: known, steep."""
    return 1 / np.arange(1, TOP + 1)


def world(n=4_000, *, weeks=8, likes=(0.05, 0.95), seed=3, bias=True):
    """Give lists with clicks, and how much each row is liked, [n, TOP]; `likes` from the least liked to the most, equal for clicks at random."""
    rng = np.random.default_rng(seed)
    pool = rng.random((12, 60, K))
    types = rng.integers(12, size=n)
    # prices and free slots change from week to week: the same instrument stands at other places
    order_by = rng.random((n, 60)) * 0.9 + pool[types, :, 0]
    chosen = np.argsort(-order_by, axis=1)[:, :TOP]
    features = np.take_along_axis(pool[types], chosen[:, :, None], axis=1)
    features[:, :, 0] = np.take_along_axis(order_by, chosen, axis=1) / 2
    liked = likes[0] + (likes[1] - likes[0]) * (features[:, :, 1] > 0.75)
    clicked = rng.random((n, TOP)) < (looked_at() if bias else 0.5) * liked
    week = np.array([(MONDAY + timedelta(weeks=int(one))).toordinal() for one in rng.integers(weeks, size=n)])
    none = np.zeros((n, TOP), bool)
    return Lists(week, chosen + 60 * types[:, None], features.astype(np.float32), clicked, none, none), liked
