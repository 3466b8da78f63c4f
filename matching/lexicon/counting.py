"""Count what the lexicon holds: wordings of each kind of entry, forms of the types' names, and entries whose author was not sure."""

from collections import Counter

from geodata.seeds import read_seed
from matching.lexicon import SECTORS, read_table
from matching.lexicon.wording import wordings


def counts() -> dict[str, int]:
    """Return the number of different wordings of each kind of entry, "name" for the forms of type names, "uncertain" among all."""
    forms = {(row["kind"], wording, row["sure"]) for sector in SECTORS for row in read_table(sector) for wording in wordings(row["phrases"])}
    tally = Counter(kind for kind, _ in {(kind, wording) for kind, wording, _ in forms})
    tally["uncertain"] = len({wording for _, wording, sure in forms if sure == "?"})
    tally["analyte or sample"] = len(
        {wording for name in ("analytes", "samples") for row in read_table(name) for wording in wordings(row["phrases"])}
    )
    tally["defect"] = len({wording for name in ("problems", "defects") for row in read_table(name) for wording in wordings(row["phrases"])})
    tally["name"] = len({row["text"] for row in read_seed("type_names")})
    tally += Counter(row["kind"] for row in read_table("questions"))
    return dict(sorted(tally.items()))
