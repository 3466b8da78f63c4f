"""Keep the intervals of specifications in step with their text, and ask the database with them.

A trigger queues what changed; `read_due` reads it. The conditions here are those of `matching.specfit.meets`, said in SQL over `open_instrument m`.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from matching.specfit import HAIR, Asked, Known, known

PARSER: Final = 2
"""Grows when the parser reads the same text differently: then everything is read anew."""

BATCH: Final = 2_000
Said = tuple[str, dict[str, Any]]


def unread(session: Session) -> list[int]:
    """Return [1] when specifications wait to be read, else nothing."""
    return list(session.scalars(text(_WAITING), {"parser": PARSER}))


def read_due(session: Session, *, most: int = BATCH) -> int:
    """Read the specifications of at most `most` instruments that changed, or that an older parser read; return how many.

    The queue's rows are locked before the text is looked at, so that a change meanwhile waits and queues the instrument again.
    """
    ids = list(session.scalars(text(_TAKE), {"most": most}))
    if not ids:
        session.execute(text(_AGAIN), {"parser": PARSER, "most": most})
        ids = list(session.scalars(text(_TAKE), {"most": most}))
    found = session.execute(text("SELECT id, specs, md5(specs::text) AS of FROM instrument WHERE id = ANY(:ids)"), {"ids": ids}).all()
    seen: dict[str, tuple[Known, ...]] = {}
    rows = [(row.id, nth, one) for row in found for nth, one in enumerate(_of(seen, row.of, row.specs))]
    session.execute(text("DELETE FROM instrument_limit WHERE instrument_id = ANY(:ids)"), {"ids": ids})
    session.execute(text(_WRITE), _columns(rows))
    values = {"ids": [row.id for row in found], "digests": [row.of for row in found], "parser": PARSER}
    session.execute(text(_READ), values)
    session.execute(text("DELETE FROM instrument_limit_due WHERE instrument_id = ANY(:ids)"), {"ids": ids})
    return len(ids)


def read_all(session: Session) -> int:
    """Read until nothing waits; return how many instruments were read."""
    count = 0
    while done := read_due(session, most=20 * BATCH):
        count += done
    return count


def fits_sql(limit: Asked, name: str) -> Said:
    """Return SQL over `m` that is true where the limit is met, false where it is violated, NULL where nothing is stated; parameters begin so."""
    low, high, finer = limit.low, limit.high, f"l.low <= :{name}_finer"
    above, below = f"coalesce(l.high >= :{name}_reach, true)", f"coalesce(l.low <= :{name}_down, true)"
    reach, down = (low, high) if limit.op != "covers" else (high, low)
    tests = [said for said, bound in ((above, reach), (below, down)) if bound is not None] or ["true"]
    values: dict[str, Any] = {f"{name}_q": limit.quantity, f"{name}_u": limit.si_unit}
    values |= {f"{name}_reach": reach - abs(reach) * HAIR} if reach is not None else {}
    values |= {f"{name}_down": down + abs(down) * HAIR} if down is not None else {}
    bound = low if limit.op == ">=" else high
    values |= {f"{name}_finer": bound + abs(bound) * HAIR} if bound is not None else {}
    fine = f"coalesce({finer}, true)" if bound is not None else "true"
    met = f"CASE WHEN l.finer THEN {fine} ELSE {' AND '.join(tests)} END"
    stated = f"l.instrument_id = m.id AND l.quantity = :{name}_q AND l.si_unit = :{name}_u"
    return f"(SELECT bool_or({met}) FROM instrument_limit l WHERE {stated})", values


def accredited_sql(kind: str, name: str, today: date) -> Said:
    """Return SQL over `m` that is true where the carrier's accreditation of the kind (CMA, CNAS …) was checked and is valid `today`, else false."""
    short = "CNAS" if "17025" in kind else kind.upper()
    held = "a.organisation_id = m.organisation_id AND upper(a.kind) = :{0}_kind AND a.state = 'checked' AND a.expires_on >= :{0}_today"
    return f"EXISTS (SELECT FROM accreditation a WHERE {held.format(name)})", {f"{name}_kind": short, f"{name}_today": today}


def handover_sql(way: str, name: str) -> Said:
    """Return SQL over `m` that is true where it is had that way: "on_site" where an instrument is shared by the hour, "post" per sample or job."""
    units = ["hour"] if way == "on_site" else ["sample", "job"]
    listed = f"l.instrument_id = m.id AND l.state = 'open' AND l.unit = ANY(:{name}_units)"
    return f"EXISTS (SELECT FROM listing l WHERE {listed})", {f"{name}_units": units}


def _of(seen: dict[str, tuple[Known, ...]], digest: str, specs: dict[str, Any]) -> tuple[Known, ...]:
    """Read a text once, however many instruments say the same."""
    if digest not in seen:
        seen[digest] = known(specs)
    return seen[digest]


def _columns(rows: list[tuple[int, int, Known]]) -> dict[str, list[Any]]:
    names = ("quantity", "low", "high", "si_unit", "finer", "text")
    found: dict[str, list[Any]] = {"ids": [row[0] for row in rows], "nths": [row[1] for row in rows]}
    return found | {f"{name}s": [getattr(one, name) for _, _, one in rows] for name in names}


_WAITING: Final = """
SELECT 1 WHERE EXISTS (SELECT FROM instrument_limit_due)
OR EXISTS (SELECT FROM instrument_limit_read WHERE parser < :parser) OR EXISTS (SELECT FROM instrument_limit_read WHERE parser > :parser)
"""
_TAKE: Final = "SELECT instrument_id FROM instrument_limit_due ORDER BY instrument_id LIMIT :most FOR UPDATE SKIP LOCKED"
_AGAIN: Final = """
INSERT INTO instrument_limit_due (instrument_id) SELECT instrument_id FROM instrument_limit_read WHERE parser < :parser OR parser > :parser
ORDER BY instrument_id LIMIT :most ON CONFLICT DO NOTHING
"""
_WRITE: Final = """
INSERT INTO instrument_limit (instrument_id, nth, quantity, low, high, si_unit, finer, text)
SELECT * FROM unnest(CAST(:ids AS bigint[]), CAST(:nths AS integer[]), CAST(:quantitys AS text[]), CAST(:lows AS float8[]), CAST(:highs AS float8[]),
                     CAST(:si_units AS text[]), CAST(:finers AS boolean[]), CAST(:texts AS text[]))
"""
_READ: Final = """
INSERT INTO instrument_limit_read AS r (instrument_id, of, parser)
SELECT id, digest, :parser FROM unnest(CAST(:ids AS bigint[]), CAST(:digests AS text[])) AS n(id, digest)
ON CONFLICT (instrument_id) DO UPDATE SET of = excluded.of, parser = excluded.parser
"""
