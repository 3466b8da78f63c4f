"""How near: by road where a router answered, else in a straight line; how far is far depends on the sector of the type."""

from core.errors import N_
from matching.needs import Need
from matching.sectors import SPEED, Sector, sector_of
from matching.signals.base import Facts, Reading, Reason

SOMEWHERE = 0.25
"""What a place counts that is known only roughly, or a distance without a place to measure from."""


def read_distance(_need: Need, facts: Facts) -> Reading:
    """Return exp(ln ½ · (max(0, d − offset) ÷ scale)²) with the offset and scale of the type's sector (`matching.sectors`).

    A place known only to its city counts ¼ and says so. Seconds by road count as metres at 60 km/h.
    """
    if facts.precision == "city":
        return Reading(SOMEWHERE, Reason("tradeoff", N_("位置约到市")))
    if facts.distance_m is None:
        return Reading(SOMEWHERE)
    sector = sector_of(facts.type_name)
    if facts.travel_s is not None:
        minutes = {"minutes": str(max(1, round(facts.travel_s / 60)))}
        return _told(sector, facts.travel_s * SPEED, N_("车程 %(minutes)s 分钟"), minutes)
    return _told(sector, facts.distance_m, N_("直线距离 %(km)s 公里"), {"km": f"{facts.distance_m / 1000:.1f}"})


def _told(sector: Sector, metres: float, text: str, params: dict[str, str]) -> Reading:
    return Reading(sector.near(metres), Reason("fits" if metres <= sector.offset_m + sector.scale_m else "tradeoff", text, params))
