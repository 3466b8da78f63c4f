"""Sentences of customers with the conditions that a reader finds in them, and the F1 of what we read.

`needs/asked*.tsv`: the sentence, then its conditions: region=, region!=, budget= (yuan), by= (a day), km=, onsite, post, CMA …, and figures as
quantity op value unit in SI (op: =, <=, >=, covers low..high). What is no condition but said (urgent, near, not=ICP) stands there unscored.
Without a word of comparison a capacity (force, voltage) is asked for as >=, a fineness (resolution, detection limit) as <=, a temperature away from
20 °C; a point of an axis (frequency, wavelength, humidity) and a figure of the sample (thickness, density) is =. A week ends on Friday.
"""

import re
from collections import Counter
from datetime import date
from pathlib import Path

from matching.limits import Limit
from matching.needs import parse_need

HERE = Path(__file__).parent / "needs"
TODAY = date(2026, 11, 24)  # a Tuesday
SPEC = re.compile(
    r"(?P<name>.+?)\s?(?P<op><=|>=|=| covers )\s?(?P<low>-?\d+(?:\.\d+)?(?:e-?\d+)?)(?:\.\.(?P<high>-?\d+(?:\.\d+)?(?:e-?\d+)?))?\s(?P<unit>\S+)"
)
UNSCORED = ("urgent", "near", "not=")


def rows(name):
    """Return each sentence of a file with its conditions as counted facts."""
    lines = [line.split("\t") for line in (HERE / name).read_text().splitlines() if line]
    return [(need, Counter(fact(one) for one in labels.split("; ") if one and not one.startswith(UNSCORED))) for need, labels in lines]


def fact(label):
    """Return a condition as kind and value, a figure with four significant digits."""
    if label.startswith(("region", "budget=", "by=", "km=")):
        return tuple(re.sub("[省市区县]$", "", label).split("="))
    found = SPEC.fullmatch(label)
    if found is None:
        return (label,)
    low, high = float(found["low"]), float(found["high"] or found["low"])
    return ("spec", found["op"].strip(), f"{low:.4g}", f"{high:.4g}", found["unit"])


def read(need):
    """Return what we read in a sentence, as facts of the same form."""
    return Counter(_fact(one) for one in parse_need(need, today=TODAY).constraints if one.kind != "quantity")


def _fact(one):
    value = one.value
    if isinstance(value, Limit):
        low = value.low if value.low is not None else value.high
        high = value.high if value.high is not None else value.low
        return ("spec", "=" if value.op == "covers" and low == high else value.op, f"{low:.4g}", f"{high:.4g}", value.si_unit)
    if one.kind in ("region", "not_region"):
        return ("region" if one.kind == "region" else "region!", re.sub("[市区县]$", "", value))
    plain = {
        "budget": lambda: ("budget", f"{value / 100:.12g}"),
        "deadline": lambda: ("by", str(value)),
        "distance": lambda: ("km", f"{value / 1000:g}"),
    }
    return plain[one.kind]() if one.kind in plain else ({"on_site": "onsite", "ISO/IEC 17025": "CNAS"}.get(value, value),)


def f1(name):
    """Return the F1 over a file, and by kind of condition."""
    hit, wanted, given = Counter(), Counter(), Counter()
    for need, want in rows(name):
        got = read(need)
        for counts, into in ((want & got, hit), (want, wanted), (got, given)):
            for one, count in counts.items():
                into[_kind(one)] += count
    kinds = {kind: 2 * hit[kind] / (wanted[kind] + given[kind]) for kind in wanted | given}
    return 2 * hit.total() / (wanted.total() + given.total()), kinds


def _kind(one):
    return {"onsite": "handover", "post": "handover", "region!": "region"}.get(one[0], one[0] if len(one) > 1 else "paper")
