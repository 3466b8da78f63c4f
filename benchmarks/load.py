"""Load from eight clients that keep their connections, made by wrk: requests a second, p50 and p95 in milliseconds, kB an answer."""

import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

CLIENTS = 8
SCRIPT = Path(__file__).with_name("load.lua")


@dataclass(frozen=True)
class Load:
    """What a server did under load: answers a second, p50 and p95 in ms, kB an answer as sent, answers that failed."""

    rate: float
    p50: float
    p95: float
    kb: float
    failed: int

    def __str__(self) -> str:
        """Write the figures in a line."""
        return f"{self.rate:,.0f}/s p50 {self.p50:.1f} ms p95 {self.p95:.1f} ms {self.kb:.1f} kB" + (f" FAILED {self.failed}" if self.failed else "")


def press(base: str, paths: Sequence[str], *, seconds: float = 5, clients: int = CLIENTS) -> Load:
    """Ask `paths` of the server at `base` for some seconds; raise RuntimeError when wrk says nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".paths") as file:
        file.write("\n".join(paths))
        file.flush()
        words = ["wrk", f"-t{min(2, clients)}", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "20s", "-s", str(SCRIPT), base, "--", file.name]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    line = next((line for line in told.splitlines() if line.startswith("FIGURES ")), "")
    if not line:
        raise RuntimeError(told)
    count, micros, p50, p95, sent, failed = (float(part) for part in line.split()[1:])
    if not count:
        raise RuntimeError(f"no answer within {seconds:g} s")
    return Load(count / (micros / 1e6), p50, p95, sent / max(count, 1) / 1000, int(failed))


def middle(loads: Sequence[Load]) -> Load:
    """Return the medians of several rounds, and all failures together."""
    figures = {name: median(getattr(load, name) for load in loads) for name in ("rate", "p50", "p95", "kb")}
    return Load(**figures, failed=sum(load.failed for load in loads))


def verdict(name: str, ours: Load, peer: Load, *, by: str = "rate") -> str:
    """Write one figure side by side: the ratio says how many times better ours is."""
    ratio = ours.rate / peer.rate if by == "rate" else getattr(peer, by) / getattr(ours, by)
    return f"{name}: ours {ours}, peer {peer}, ratio {ratio:.2f}"
