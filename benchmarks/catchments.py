"""Floating catchments for 12 classes at 1,500 zones: ours against PySAL's `access`, on the same pairs, one after the other in the same run.

The peer runs in an environment of its own and times only its own call; both get what they need in memory. The results must agree to 1e-9.
Its plain two-step method is one table join a class; the enhanced and the three-step ones call a Python function for every pair, as its
documentation shows.
"""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from benchmarks.scratch import line
from benchmarks.serving import environment
from planning.catchment import step_decay, three_step, two_step

ZONES, CLASSES, REACH, ROUNDS = 1_500, 12, 60, 5
ENHANCED = {20: 1.0, 40: 0.68, 60: 0.22}
THREE = {10: 0.962, 20: 0.704, 30: 0.377, 60: 0.042}

Floats = NDArray[np.float64]

PEER = f"""
import sys, time, warnings
import numpy as np, pandas as pd
from access import Access, weights
warnings.simplefilter("ignore")
world = np.load(sys.argv[1])
names = [f"class{{k}}" for k in range({CLASSES})]
asked = Access(
    demand_df=pd.DataFrame({{"id": range({ZONES}), "people": world["demand"]}}), demand_index="id", demand_value="people",
    supply_df=pd.DataFrame({{"id": range({ZONES}), **dict(zip(names, world["supply"].T))}}), supply_index="id", supply_value=names,
    cost_df=pd.DataFrame({{"origin": world["origin"], "dest": world["dest"], "cost": world["minutes"]}}),
    cost_origin="origin", cost_dest="dest", cost_name="cost")
ask = {{
    "two_step": lambda: asked.two_stage_fca(name="x", max_cost={REACH}),
    "enhanced": lambda: asked.enhanced_two_stage_fca(name="x", weight_fn=weights.step_fn({ENHANCED})),
    "three_step": lambda: asked.three_stage_fca(name="x", weight_fn=weights.step_fn({THREE})),
}}
for name, call in ask.items():
    took = []
    for _ in range(3):
        began = time.perf_counter()
        found = call()
        took.append(time.perf_counter() - began)
    print(name, sorted(took)[1], flush=True)
    np.save(sys.argv[2] + name, found.reindex(range({ZONES})).fillna(0).to_numpy())
"""


def run() -> Iterator[str]:
    """Give how often a second each answers, by method."""
    demand, supply, minutes = _world()
    origin, dest = (index.astype(np.int32) for index in np.nonzero(minutes <= REACH))
    near = minutes[origin, dest]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "world.npz"
        np.savez(path, demand=demand, supply=supply, origin=origin, dest=dest, minutes=near)
        said = subprocess.run(
            [str(environment("access")), "-c", PEER, str(path), f"{folder}/"], capture_output=True, text=True, check=True, timeout=900
        ).stdout
        peers = {name: float(seconds) for name, seconds in (row.split() for row in said.splitlines())}
        results = {name: np.load(f"{folder}/{name}.npy") for name in peers}
    for name, (steps, decay) in _OURS.items():
        weights = csr_array((decay(near), (origin, dest)), shape=minutes.shape)
        ours = _seconds(lambda steps=steps, weights=weights: steps(demand, supply, weights))
        if not np.allclose(steps(demand, supply, weights), results[name], rtol=1e-9, atol=0):
            raise AssertionError(f"{name}: ours and the peer's results differ")
        yield line(f"catchments {name}, {CLASSES} classes, {ZONES:,} zones, {len(near):,} pairs", 60 / ours, 60 / peers[name], "/min")


_OURS: dict[str, tuple[Callable[..., Floats], Callable[[Floats], Floats]]] = {
    "two_step": (two_step, np.ones_like),
    "enhanced": (two_step, lambda minutes: step_decay(minutes, ENHANCED)),
    "three_step": (three_step, lambda minutes: step_decay(minutes, THREE)),
}


def _world() -> tuple[Floats, Floats, Floats]:
    """Return demand, supply and minutes between zones spread over a square in which a quarter of all pairs is within the hour."""
    dice = np.random.default_rng(1)
    at = dice.random((ZONES, 2)) * 190
    minutes = np.linalg.norm(at[:, None] - at[None], axis=2)
    return dice.integers(1_000, 900_000, ZONES).astype(float), dice.poisson(3, (ZONES, CLASSES)).astype(float), minutes


def _seconds(act: Callable[[], object]) -> float:
    found = []
    for _ in range(ROUNDS * 4):
        began = time.perf_counter()
        act()
        found.append(time.perf_counter() - began)
    return median(found)
