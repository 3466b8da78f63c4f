"""What is known of candidates beside their listing: specifications as intervals, the carrier's record, its accreditations; one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from core import clock
from matching.records import Record, Usual
from matching.specfit import Known

if TYPE_CHECKING:
    from matching.candidates import Candidate


def gather(session: Session, rows: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates with what is known of them."""
    if not rows:
        return []
    values = {"ids": [one.instrument_id for one in rows], "carriers": list({one.carrier_id for one in rows}), "today": clock.today(session)}
    found = session.execute(text(_KNOWN), values).one()
    usual = Usual(**{name: value for name, value in (found.usual or {}).items() if value is not None})
    readings: dict[int, tuple[Known, ...]] = {}
    for one, *reading in found.limits or ():
        readings[one] = (*readings.get(one, ()), Known(*reading))
    records = {one: replace(Record(*counts), usual=usual) for one, *counts in found.records or ()}
    papers = {one: tuple(kinds) for one, kinds in found.papers or ()}
    return [
        replace(
            one,
            readings=readings.get(one.instrument_id, ()),
            record=records.get(one.carrier_id, Record(usual=usual)),
            accreditations=papers.get(one.carrier_id, ()),
        )
        for one in rows
    ]


_KNOWN: Final = """
SELECT (SELECT json_agg(json_build_array(instrument_id, quantity, low, high, si_unit, finer, text) ORDER BY instrument_id, nth)
        FROM instrument_limit WHERE instrument_id = ANY(:ids)) AS limits,
       (SELECT json_agg(json_build_array(organisation_id, delivered, on_time, undisputed, answers, answer_hours))
        FROM carrier_record WHERE organisation_id = ANY(:carriers)) AS records,
       (SELECT json_agg(json_build_array(organisation_id, kinds)) FROM (
            SELECT organisation_id, array_agg(DISTINCT upper(kind) ORDER BY upper(kind)) AS kinds FROM accreditation
            WHERE organisation_id = ANY(:carriers) AND state = 'checked' AND expires_on >= :today GROUP BY organisation_id) p) AS papers,
       (SELECT json_build_object('on_time', on_time, 'undisputed', undisputed, 'answer_hours', answer_hours) FROM carrier_usual) AS usual
"""
