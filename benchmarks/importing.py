"""A workbook of 20,000 rows with a fault of every kind in 300 of them: checked, written, checked again, taken back."""

import resource
import time
from collections.abc import Iterator

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.resolving import type_of
from benchmarks.scratch import database
from core.actor import Actor
from geodata.imports import bringing, undoing
from geodata.imports.source import read_bytes
from geodata.loading import load_facts
from tests.geodata.workbooks import register, xlsx

ROWS, FAULTS = 20_000, 300
CARRIER = "4133010335"
MOST_S = 60


def run() -> Iterator[str]:
    """Give seconds and peak memory of the whole, and what came of it."""
    header, rows, bad = register(ROWS, faults=FAULTS)
    content = xlsx(header, rows)
    with database() as url:
        engine = create_engine(url)
        with Session(engine) as session:
            load_facts(session)
            session.commit()
            before = _state(session)
            began = time.perf_counter()
            checked, batch = _bring(session, content)
            took, peak = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000  # kilobytes on Linux
            named = {(row.number, fault.field) for row in checked.refused for fault in row.faults}
            exact = named == set(bad)
            yield f"importing {ROWS} rows: {took:.1f} s (at most {MOST_S}), peak {peak:.0f} MB, the {len(bad)} faults and no other named: {exact}"
            again, nothing = _bring(session, content)
            yield f"importing again: {len(again.plan.new)} new, {len(again.plan.changes)} changed, batch {nothing}"
            began = time.perf_counter()
            undoing.undo(session, Actor("system"), batch.id)
            session.commit()
            yield f"undoing: {time.perf_counter() - began:.1f} s, state restored: {_state(session) == before}"
        engine.dispose()


def _bring(session: Session, content: bytes) -> tuple[bringing.Checked, object]:
    wishes = bringing.Wishes("bench.xlsx")
    checked = bringing.check(session, CARRIER, read_bytes(content, most=50_000_000), wishes, resolve=type_of)
    batch = bringing.bring_in(session, Actor("system", None, checked.home.id), checked, wishes)
    session.commit()
    return checked, batch


def _state(session: Session) -> list[str]:
    tables = ("instrument", "listing", "site", "organisation", "open_instrument", "open_carrier")
    return [session.scalar(text(f"SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {name} t")) for name in tables]
