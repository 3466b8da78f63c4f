"""Ranked providers for a need through HTTP, against the same ranking held in memory by one process; at paper size and, where named, at national size.

The needs are those of the kept training set, each asked from the place of some instrument; one in ten has conditions,
of which the set itself has few.
`BENCH_PAPER_URL` and `BENCH_NATIONAL_URL` name databases that hold the worlds. Beside the time on the wall stands what the server's processes spent:
on a machine that does other things as well only that tells one version from another.
"""

import json
import os
import time
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from statistics import mean, quantiles
from urllib.parse import urlencode

from sqlalchemy import Engine, create_engine

from benchmarks import serving
from benchmarks.boxes import Place, places
from benchmarks.inmemory import Memory
from benchmarks.load import Load, middle, press
from benchmarks.processes import Taken, taken
from benchmarks.scratch import ROOT, kept_world

NEEDS = ROOT / "tests" / "matching" / "needs" / "train.jsonl"
LIMIT_MS, MEMORY_MB, GROWTH = 100, 200, 1.5
ROUNDS = 3
SHOWN = 20
CONDITIONS = ("，要CMA", "，5天内出报告", "，1000元以内", "，50公里以内", "，要CNAS，2000元以内，一周内要报告")
TRIED = 60
"""Needs that are asked of both to see whether both rank alike."""


@dataclass(frozen=True)
class Ask:
    """A need, and from where it is asked."""

    need: str
    spot: Place

    @property
    def path(self) -> str:
        """Its address."""
        return "/api/v1/match?" + urlencode({"need": self.need, "lon": f"{self.spot[0]:.4f}", "lat": f"{self.spot[1]:.4f}"})


def run() -> Iterator[str]:
    """Measure one and eight clients at paper size, the limit in memory, and the same at national size where that world is named."""
    url = os.environ.get("BENCH_PAPER_URL") or kept_world("paper")
    paper = yield from _world("paper", url)
    yield f"match, 8 clients at paper size: ours p95 {paper.p95:.0f} ms, limit {LIMIT_MS} ms, ratio {LIMIT_MS / paper.p95:.2f}"
    other = os.environ.get("BENCH_NATIONAL_URL")
    if other:
        large = yield from _world("national", other)
        yield f"match, 8 clients: p95 national {large.p95:.0f} ms, paper {paper.p95:.0f} ms, ratio {large.p95 / paper.p95:.2f} (at most {GROWTH})"


def _world(name: str, url: str) -> Generator[str, None, Load]:
    engine = create_engine(url)
    try:
        plain = asks(engine)
        hard = [Ask(one.need + CONDITIONS[n % len(CONDITIONS)], one.spot) for n, one in enumerate(plain)]
        mixed = [hard[n] if n % 10 == 0 else one for n, one in enumerate(plain)]
        with serving.ours(url, alone=True) as base:
            for warming in (plain[::-1], hard[::-1]):
                press(base, [one.path for one in warming], seconds=6)
            one, spent = _pressed(base, mixed, clients=1)
            eight, spent_by_eight = _pressed(base, mixed, clients=8)
            conditions, spent_on_conditions = _pressed(base, hard, clients=1)
            memory = taken(base)
            alike = Memory(engine)
            p95, mine = _in_memory(alike, plain), _agreement(base, alike, plain)
    finally:
        engine.dispose()
    yield f"match at {name} size, 1 client: {one}; {spent:.1f} ms of processor an answer"
    yield f"match at {name} size, 8 clients: {eight}; {spent_by_eight:.1f} ms of processor an answer"
    yield f"match at {name} size, every need with conditions, 1 client: {conditions}; {spent_on_conditions:.1f} ms of processor an answer"
    yield f"match at {name} size, memory: {memory}; limit {MEMORY_MB} MB a process, ratio {MEMORY_MB / max(memory.proportional):.2f}"
    ratio = p95 / max(one.p95, 0.001)
    yield f"match at {name} size, p95: ours {one.p95:.1f} ms, in memory {p95:.2f} ms, ratio {ratio:.3f}; {mine:.1%} of the first are the same"
    return eight


def asks(engine: Engine) -> list[Ask]:
    """Return every need of the training set from a place of its own."""
    needs = [json.loads(line)["need"] for line in NEEDS.read_text().splitlines()]
    return [Ask(need, spot) for need, spot in zip(needs, places(engine, len(needs), 7), strict=True)]


def _pressed(base: str, asked: list[Ask], *, clients: int) -> tuple[Load, float]:
    """Return the medians of the rounds, each beginning at another need, and milliseconds of the server's processes an answer."""
    loads, spent = [], []
    for turn in range(ROUNDS):
        before, began = taken(base), time.perf_counter()
        loads.append(press(base, [one.path for one in asked[turn * len(asked) // ROUNDS :] + asked], clients=clients))
        spent.append(_spent(before, taken(base)) / (loads[-1].rate * (time.perf_counter() - began)))
    return middle(loads), mean(spent)


def _spent(before: Taken, after: Taken) -> float:
    return (after.seconds - before.seconds) * 1_000


def _in_memory(alike: Memory, asked: list[Ask]) -> float:
    """Return p95 in ms of the same ranking in this process."""
    spent = []
    for one in asked:
        began = time.perf_counter()
        alike.ranked(alike.read(one.need), one.spot)[:SHOWN]
        spent.append((time.perf_counter() - began) * 1_000)
    return quantiles(spent, n=20)[18]


def _agreement(base: str, alike: Memory, asked: list[Ask]) -> float:
    """Return the share of the first ones that both have, over needs without conditions; the service spreads carriers among near-ties on top."""
    shares = []
    for one in (one for one in asked[:: len(asked) // TRIED] if not alike.read(one.need).constraints):
        with urllib.request.urlopen(base + one.path) as answer:
            found = {match["instrument"]["id"] for match in json.load(answer)["matches"]}
        if found:
            shares.append(len(found & set(alike.ranked(alike.read(one.need), one.spot)[:SHOWN])) / len(found))
    return mean(shares)
