"""Files that look alike without being the same: the invoice that was handed in as PDF comes back as a photograph.

Likeness is judged in two steps. The coarse hash (64 bits) is cut into four bands; two hashes at most seven bits apart share a band up to one bit
(pigeonhole), so an index over the bands finds all of them. The fine hash (256 bits) then tells one form from another filled in differently. Each
file is stored as it lies and turned by quarters, so a photograph from the side is found too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

COARSE: Final = 7
"""Most bits of 64 by which the coarse hashes of twins differ."""

FINE: Final = 20
"""Most bits of 256 by which their fine hashes differ. Photographs of one form differ from it by up to 18, two fillings of one form by 24 and more
(tests/vouchers/test_twins.py measures both)."""

MOST: Final = 20
"""So many twins of one file are told of, the nearest."""

_BANDS: Final = 4
_TURNS: Final = 4
_WIDTH: Final = 16
_MASK: Final = (1 << _WIDTH) - 1


@dataclass(frozen=True)
class Twin:
    """A file of one paper that looks like a file of another: ids, kinds of document, papers, and by how many bits of 256 they differ."""

    file_id: int
    kind: str
    other_id: int
    other_kind: str
    other_reference: str
    distance: int


def bands(coarse: int | None) -> list[int]:
    """Return the four bands of a coarse hash, each with its place in it; none for a file without a picture."""
    return [] if coarse is None else [place << _WIDTH | coarse >> place * _WIDTH & _MASK for place in range(_BANDS)]


def near(found: Sequence[int]) -> list[int]:
    """Return every band that a hash within `COARSE` bits shares with one of these bands' hashes: each band, and each with one bit turned."""
    return [band ^ turned for band in found for turned in (0, *(1 << bit for bit in range(_WIDTH)))]


def alike(session: Session, file_id: int) -> Sequence[tuple[int, int]]:
    """Return the files that look like this one as (id, distance in bits of 256), the nearest first."""
    mine = session.execute(text("SELECT bands, fine FROM evidence_file WHERE id = :id AND fine IS NOT NULL"), {"id": file_id}).one_or_none()
    if mine is None:
        return []
    # The planner takes 272 bands for most of the table and would read all of it: 600 ms instead of 4 at 100,000 files.
    session.execute(text("SET LOCAL enable_seqscan = off"))
    found = session.execute(_NEAR, {"id": file_id, "near": near(mine.bands)}).all()
    session.execute(text("SET LOCAL enable_seqscan = on"))
    apart = ((distance(mine.fine, other.fine), other.id) for other in found)
    return [(other, bits) for bits, other in sorted(apart) if bits <= FINE][:MOST]


def distance(one: bytes, other: bytes) -> int:
    """Return by how many bits of 256 two files differ at least, whichever of them is turned by quarters."""
    mine, theirs = ([int.from_bytes(fine[32 * turn : 32 * turn + 32]) for turn in range(_TURNS)] for fine in (one, other))
    pairs = [(mine[0], turned) for turned in theirs] + [(theirs[0], turned) for turned in mine[1:]]
    return min((left ^ right).bit_count() for left, right in pairs)


def twins(session: Session, reference: str) -> list[Twin]:
    """Return, for a paper named by `reference`, its files that look like files of other papers: what a reviewer should see side by side."""
    mine = session.execute(text("SELECT file_id, kind FROM evidence WHERE reference = :reference AND file_id IS NOT NULL"), {"reference": reference})
    found = []
    for row in mine.all():
        near_ones = dict(alike(session, row.file_id))
        others = session.execute(_OTHERS, {"ids": list(near_ones), "reference": reference}) if near_ones else ()
        found += [Twin(row.file_id, row.kind, other.file_id, other.kind, other.reference, near_ones[other.file_id]) for other in others]
    return sorted(found, key=lambda twin: twin.distance)


_NEAR: Final = text("SELECT id, fine FROM evidence_file WHERE bands && CAST(:near AS integer[]) AND id <> :id AND fine IS NOT NULL")
_OTHERS: Final = text("SELECT file_id, kind, reference FROM evidence WHERE file_id = ANY(:ids) AND reference <> :reference")
