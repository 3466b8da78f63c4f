"""Run every benchmark, or those named on the command line."""

import sys

from benchmarks import catchments, importing, match, money, nearest, paying, scale

BENCHMARKS = {
    "catchments": catchments.run,
    "importing": importing.run,
    "match": match.run,
    "money": money.run,
    "nearest": nearest.run,
    "paying": paying.run,
    "scale": scale.run,
}


def main(names: list[str]) -> int:
    """Print the lines of the benchmarks in `names` (default: all); 2 for a name that is none."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no such benchmark: {' '.join(unknown)}; there are: {' '.join(BENCHMARKS)}")
        return 2
    for name in names or BENCHMARKS:
        for line in BENCHMARKS[name]():
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
