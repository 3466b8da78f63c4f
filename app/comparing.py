"""The answers to a need side by side: what each costs this firm after its voucher, and in which order the ranking of the map would put them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.freezing import fits_of, thawed
from bookings.answer_queries import AnswerRow, answers_to
from bookings.checkout import Purse, best_terms
from bookings.need_entities import NeedPost
from bookings.need_queries import NeedRow
from core.actor import Actor
from matching.rank import rank, reasons
from matching.records import NOTHING, Record
from matching.signals import Reason
from matching.specfit import Known
from vouchers.rules import Ruling


@dataclass(frozen=True)
class Compared:
    """An answer with the sums for this firm (fen), its place among those that can be picked (0 for others), its score and its reasons."""

    row: AnswerRow
    purse: Purse | None
    ruling: Ruling
    place: int = 0
    score: float = 0.0
    reasons: tuple[Reason, ...] = ()

    @property
    def paid(self) -> int:
        """What the voucher (and co-funders) would pay."""
        return self.ruling.amount

    @property
    def own_part(self) -> int:
        """What the firm would pay itself."""
        return self.row.price - self.ruling.amount


def compared(session: Session, actor: Actor, need: NeedRow) -> list[Compared]:
    """Return the answers that stand, the best first, those that cannot be picked now last; empty for whoever is not the firm."""
    rows = [row for row in answers_to(session, actor, need) if row.state in ("sent", "picked", "passed")]
    if not rows or actor.role != "enterprise":
        return []
    terms = best_terms(session, actor)
    found = {}
    for row in rows:
        purse, ruling = terms.choose(row.price, row.service_code, carrier_id=row.carrier_id, carrier_region=row.carrier_region)
        found[row.id] = Compared(row, purse if ruling.amount else None, ruling)
    return _ranked(session, need, found)


def _ranked(session: Session, need: NeedRow, found: dict[int, Compared]) -> list[Compared]:
    post = session.get_one(NeedPost, need.id)
    fits, asked = fits_of(session, post), thawed(session, post)
    standing = {one.row.instrument_id: one for one in found.values() if one.row.state == "sent" and not one.row.trouble}
    matches = rank(asked, [_facts(one, fits) for one in standing.values()])
    ranked = [
        Compared(one.row, one.purse, one.ruling, match.rank, match.score, tuple(reasons(match)))
        for match in matches
        for one in [standing[match.candidate.id]]
    ]
    known = {one.row.id for one in ranked}
    return [*ranked, *(one for one in found.values() if one.row.id not in known)]


@dataclass(frozen=True)
class Offered:
    """An answer as the signals of the ranking read it; specifications, roads and records of carriers are left open."""

    id: int
    type_fit: float
    type_name: str
    precision: str
    distance_m: float | None
    net_price_fen: int
    voucher_part_fen: int
    next_slot_start: datetime
    report_on: date
    accreditations: tuple[str, ...]
    travel_s: float | None = None
    readings: tuple[Known, ...] = ()
    record: Record = NOTHING


def _facts(one: Compared, fits: dict[str, float]) -> Offered:
    row = one.row
    return Offered(
        id=row.instrument_id,
        type_fit=fits.get(row.type_name, 0.25 if fits else 0.5),
        type_name=row.type_name,
        precision=row.precision,
        distance_m=row.distance_m,
        net_price_fen=one.own_part,
        voucher_part_fen=one.paid,
        next_slot_start=row.start,
        report_on=row.report_on,
        accreditations=tuple(kind.upper() for kind in row.accredited),
    )
