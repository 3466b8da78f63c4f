"""Where a page would be slow without its index, the plan of the very query that it sends is read: an index that is there but not used helps nobody."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text

from geodata.basemap import Box, carriers_geojson, carriers_in
from geodata.items import Page, asked, items
from geodata.paging import Run, by_distance, by_id, by_price
from geodata.wanted import Near, Wanted
from matching.candidates import Place, nearest
from matching.promising import promising
from tests.matching.test_candidates import MICROSCOPE, TESTER, spread

BOX = Box(121.0, 28.0, 121.1, 28.1)
WHOLE, HERE = Box(116, 26, 124, 33), Near(121.232, 28.136, 0)
CORNER = Box(121, 28, 121.5, 28.6)
YUHUAN = Place(121.232, 28.136)
NEAREST, SITES, INSTRUMENTS = "gix_open_instrument_type_geom", "gix_site_geom", "pk_open_feature"

SITES_EVERYWHERE = """
INSERT INTO site (organisation_id, name, geom, adcode, precision, source_crs, source)
SELECT (SELECT min(id) FROM organisation WHERE kind = 'carrier'), '示例园区' || n,
       ST_SetSRID(ST_MakePoint(118.5 + (n * 37 % 1000) * 0.004, 27.5 + (n * 61 % 1000) * 0.0035), 4326), '331083', 'point', 'WGS84', '示例'
FROM generate_series(1, 3000) n
"""

__all__ = ["spread"]


@pytest.fixture
def country(spread):
    """Give the spread with as many sites, known to the planner, and with no way back into its rows."""
    with spread.begin_nested() as undo:
        spread.execute(text(SITES_EVERYWHERE))
        spread.execute(text("ANALYZE site"))
        yield spread
        undo.rollback()


def plan(session, act):
    """Return the plan of the last statement that `act` sends."""
    sent = []

    def note(_connection, _cursor, statement, parameters, *_more):
        sent.append((statement, parameters))

    connection = session.connection()
    event.listen(connection, "before_cursor_execute", note)
    act()
    event.remove(connection, "before_cursor_execute", note)
    statement, parameters = sent[-1]
    return "\n".join(connection.exec_driver_sql("EXPLAIN " + statement, parameters).scalars())


ASKED = {
    "the nearest of two types": (lambda s: nearest(s, {MICROSCOPE: 1.0, TESTER: 0.5}, place=YUHUAN), NEAREST),
    "the nearest in the box that is looked at": (lambda s: nearest(s, {MICROSCOPE: 1.0}, place=YUHUAN, wanted=Wanted(box=CORNER)), NEAREST),
    "the nearest in a region that must be": (lambda s: nearest(s, {MICROSCOPE: 1.0}, place=YUHUAN, wanted=Wanted(regions=("3310",))), NEAREST),
    "who is worth a look": (lambda s: promising(s, {MICROSCOPE: 1.0, TESTER: 0.5}, place=YUHUAN), NEAREST),
    "the nearest to nobody's place": (lambda s: nearest(s, {MICROSCOPE: 1.0}, place=None), NEAREST),
    "carriers on a corner of the map": (lambda s: carriers_geojson(s, BOX, english=False), SITES),
    "their number": (lambda s: carriers_in(s, BOX), SITES),
    "the list of a view by distance": (lambda s: by_distance(s, HERE, Wanted(box=WHOLE), after=(-1.0, 0), limit=20), "gix_open_instrument_geom"),
    "a later page of it by price": (lambda s: by_price(s, Wanted(box=WHOLE), [Run(after=(100_000, 500))], limit=20), "ix_open_instrument_price_id"),
    "a later page of it as registered": (lambda s: by_id(s, Wanted(box=WHOLE), after=1000, limit=20), "pk_open_instrument"),
    "a page of all instruments": (lambda s: items(s, "instruments", asked("instruments", Wanted()), Page(20, after=1000)), INSTRUMENTS),
}


@pytest.mark.parametrize("what", ASKED)
def test_what_is_asked_most_often_comes_by_its_index(country, what):
    act, index = ASKED[what]
    assert index in plan(country, lambda: act(country))
