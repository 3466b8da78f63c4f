"""Ranked providers for a need through HTTP, against the same ranking held in memory by one process; at paper size and, where named, at national size.

The needs are those of the kept training set, each asked from the place of some instrument. The limit in memory has no
database, no slots and no vouchers: one cKDTree a type and BM25 over character bigrams, the nearest forty of the six best types, scored and sorted.
`BENCH_PAPER_URL` and `BENCH_NATIONAL_URL` name databases that hold the worlds.
"""

import json
import os
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sqlalchemy import Engine, create_engine, text

from benchmarks import serving
from benchmarks.boxes import places
from benchmarks.load import Load, press
from benchmarks.scratch import ROOT, kept_world

NEEDS = ROOT / "tests" / "matching" / "needs" / "train.jsonl"
LIMIT_MS = 100
TYPES, NEAREST = 6, 40


def run() -> Iterator[str]:
    """Measure one and eight clients at paper size, the limit in memory, and the same at national size where that world is named."""
    url = os.environ.get("BENCH_PAPER_URL") or kept_world("paper")
    paper = yield from _world("paper", url)
    yield f"match, 8 clients at paper size: ours p95 {paper.p95:.0f} ms, limit {LIMIT_MS} ms, ratio {LIMIT_MS / paper.p95:.2f}"
    other = os.environ.get("BENCH_NATIONAL_URL")
    if other:
        large = yield from _world("national", other)
        yield f"match, 8 clients: p95 national {large.p95:.0f} ms, paper {paper.p95:.0f} ms, ratio {large.p95 / paper.p95:.2f} (at most 1.5)"


def _world(name: str, url: str) -> Generator[str, None, Load]:
    engine = create_engine(url)
    try:
        asks = _asks(engine)
        with serving.ours(url) as base:
            press(base, asks[::-1], seconds=4)
            one, eight = press(base, asks, clients=1), press(base, asks)
            memory = _memory(base)
        p50, p95 = _in_memory(engine)
    finally:
        engine.dispose()
    yield f"match at {name} size: 1 client {one}; 8 clients {eight}; workers {memory:,.0f} MB"
    yield f"match at {name} size, p95: ours {one.p95:.1f} ms, in memory {p95:.2f} ms (p50 {p50:.2f}), ratio {p95 / max(one.p95, 0.001):.3f}"
    return eight


def _asks(engine: Engine) -> list[str]:
    """Return addresses: every need of the training set from a place of its own."""
    needs = [json.loads(line)["need"] for line in NEEDS.read_text().splitlines()]
    spots = places(engine, len(needs), 7)
    return ["/api/v1/match?" + urlencode({"need": n, "lon": f"{x:.4f}", "lat": f"{y:.4f}"}) for n, (x, y) in zip(needs, spots, strict=False)]


def _memory(base: str) -> float:
    """Return the resident memory of the server and its workers in MB."""
    port = base.rsplit(":", 1)[1]
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ, status = (folder / "environ").read_bytes(), (folder / "status").read_text()
        except OSError:
            continue
        if f"PORT={port}\0".encode() in environ:
            total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    return total / 1024


def _in_memory(engine: Engine) -> tuple[float, float]:
    """Return p50 and p95 in ms of the same ranking in one process without a database."""
    with engine.connect() as opened:
        rows = opened.execute(text(_ROWS)).all()
        names: dict[int, str] = dict(opened.execute(text("SELECT id, name_zh FROM instrument_type")).tuples().all())
    of_type: dict[int, list[tuple[float, float, int]]] = {}
    for kind, lon, lat, price in rows:
        of_type.setdefault(kind, []).append((lon, lat, price))
    points = {kind: np.array(found) for kind, found in of_type.items()}
    trees = {kind: cKDTree(found[:, :2]) for kind, found in points.items()}
    kinds = list(points)
    grams, weights = _bigrams([names[kind] for kind in kinds])
    needs = [json.loads(line)["need"] for line in NEEDS.read_text().splitlines()]
    spots, spent = places(engine, len(needs), 7), []
    for need, spot in zip(needs, spots, strict=False):
        began = time.perf_counter()
        scores = np.zeros(len(kinds))
        for gram in {need[n : n + 2] for n in range(len(need) - 1)} & grams.keys():
            scores += weights[grams[gram]]
        found = []
        for best in np.argsort(-scores)[:TYPES]:
            far, at = (np.asarray(one) for one in trees[kinds[best]].query(spot, k=NEAREST))
            near = np.isfinite(far)
            found.append(_score(far[near], points[kinds[best]][:, 2][at[near]]) * (1 + scores[best]))
        np.argsort(-np.concatenate(found))[:20].tolist()
        spent.append((time.perf_counter() - began) * 1_000)
    return median(spent), quantiles(spent, n=20)[18]


def _score(far: NDArray[np.float64], price: NDArray[np.float64]) -> NDArray[np.float64]:
    scored: NDArray[np.float64] = np.exp(-((far * 100) ** 2) / 400) + 0.5 ** (price / 100_000)
    return scored


def _bigrams(names: list[str]) -> tuple[dict[str, int], NDArray[np.float64]]:
    """Return the row of each bigram, and rows of BM25 weights (k1 1.2, b .75) a name."""
    grams: dict[str, int] = {}
    cut = [[name[n : n + 2] for n in range(len(name) - 1)] for name in names]
    for gram in (gram for one in cut for gram in one):
        grams.setdefault(gram, len(grams))
    counts = np.zeros((len(grams), len(names)))
    for at, one in enumerate(cut):
        for gram in one:
            counts[grams[gram], at] += 1
    length = np.array([len(one) for one in cut])
    seen = (counts > 0).sum(axis=1, keepdims=True)
    idf = np.log(1 + (len(names) - seen + 0.5) / (seen + 0.5))
    return grams, idf * counts * 2.2 / (counts + 1.2 * (0.25 + 0.75 * length / length.mean()))


_ROWS = """
SELECT type_id, ST_X(geom), ST_Y(geom), price FROM open_instrument
WHERE status = 'working' AND price IS NOT NULL AND geom IS NOT NULL AND type_id IS NOT NULL
"""
