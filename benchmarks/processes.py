"""What the processes of a server take: resident memory, its proportional share of what they hold together, time of the processor."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Taken:
    """Megabytes resident and proportional (shared pages divided by who shares them) by process, the largest first; seconds of processor so far."""

    resident: tuple[float, ...]
    proportional: tuple[float, ...]
    seconds: float

    def __str__(self) -> str:
        """Write the figures of memory in a line."""
        each = " + ".join(f"{one:,.0f}" for one in self.proportional)
        return f"{sum(self.proportional):,.0f} MB proportional ({each}), largest process {max(self.resident, default=0):,.0f} MB resident"


def taken(base: str) -> Taken:
    """Return what the processes of the server at `base` take: those with its PORT in their environment."""
    port = f"PORT={base.rsplit(':', 1)[1]}\0".encode()
    resident, proportional, ticks = [], [], 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if port not in (folder / "environ").read_bytes():
                continue
            rollup, stat = (folder / "smaps_rollup").read_text(), (folder / "stat").read_text()
        except OSError:
            continue
        sizes = {line.split()[0]: int(line.split()[1]) / 1024 for line in rollup.splitlines()[1:]}
        resident.append(sizes["Rss:"])
        proportional.append(sizes["Pss:"])
        ticks += sum(int(one) for one in stat.rpartition(") ")[2].split()[11:13])
    return Taken(tuple(sorted(resident, reverse=True)), tuple(sorted(proportional, reverse=True)), ticks / os.sysconf("SC_CLK_TCK"))
