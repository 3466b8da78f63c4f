"""Each filter of the map keeps exactly the rows that it names, alone and with others, for instruments and for their carriers."""

from __future__ import annotations

from dataclasses import fields, replace
from random import Random

import numpy as np
import pytest
from pyproj import Geod
from sqlalchemy import text

from geodata.basemap import Box
from geodata.regions import shared_digits
from geodata.wanted import TABLES, Near, Wanted, around, where
from tests import factories as make

KINDS = ("university", "institute", "platform")
LEVELS = ("national", "province", None)
ADCODES = ("331083", "330106", "330522")
TYPES = {
    "扫描电子显微镜": ("010100", "Scanning electron microscope"),
    "三坐标测量机": ("060200", "Coordinate measuring machine"),
    "离心机": ("011200", "Centrifuge"),
}
SERVICES = ("test_analysis", "instrument_sharing", "commissioned_rd")
EDGES = Box(120.0, 28.0, 121.0, 29.0)
HERE = Near(120.5, 28.5, 25_000)
WGS84 = Geod(ellps="WGS84")


@pytest.fixture
def market(session):
    """Lay carriers and instruments with every value that a filter asks for, some on the very edges of a box, some without a place or a price."""
    dice = Random(5)
    for name, (code, english) in TYPES.items():
        make.instrument_type(session, name, name_en=english, class_code=_class(session, code))
    owners = []
    for n in range(12):
        owners.append(
            make.carrier(session, carrier_kind=dice.choice(KINDS), level=dice.choice(LEVELS), adcode=dice.choice(ADCODES), is_sample=n % 3 > 0)
        )
        if n % 4:
            make.site(session, owners[-1], geom=_point(dice), precision=dice.choice(("point", "county")))
    for n in range(70):
        kind = dice.choice([*TYPES])
        place = None if n % 9 == 0 else _point(dice)
        one = make.instrument(
            session, dice.choice(owners), name=f"示例_{kind}%{n}", type_id=make.instrument_type(session, kind).id, geom=place,
            precision=dice.choice(("point", "point", "county")), status=dice.choice(("working", "working", "maintenance")), is_sample=n % 5 > 0,
            is_open=n % 11 > 0,
        )  # fmt: skip
        for code in dice.sample(SERVICES, n % 3):
            make.listing(session, one, service_code=code, price=dice.randrange(1, 10) * 10_000, state=dice.choice(("open", "open", "suspended")))
    session.flush()
    return session


def _class(session, code):
    from geodata.instruments import InstrumentClass

    if session.get(InstrumentClass, code) is None:
        session.add(InstrumentClass(code=code, name_zh=f"示例{code}", name_en=code, source="示例"))
        session.flush()
    return code


def _point(dice):
    """Give a point in or around the box; some stand on its edges, and some as near to them as single precision cannot tell."""
    lon, lat = dice.uniform(119.7, 121.3), dice.uniform(27.7, 29.3)
    edge = dice.randrange(6)
    if edge == 0:
        lon = dice.choice((120.0, 121.0))
    if edge == 1:
        lat = dice.choice((28.0 - 1e-9, 28.0, 28.0 + 1e-9, np.nextafter(29.0, 30)))
    return f"SRID=4326;POINT({lon!r} {float(lat)!r})"


ROWS = {
    "instruments": """SELECT m.*, ST_X(m.geom) AS x, ST_Y(m.geom) AS y, t.name_zh AS type, t.name_en AS type_en, o.name_zh AS owner, o.name_en AS owner_en
        FROM open_instrument m JOIN organisation o ON o.id = m.organisation_id LEFT JOIN instrument_type t ON t.id = m.type_id""",
    "carriers": """SELECT m.*, ST_X(m.geom) AS x, ST_Y(m.geom) AS y, o.name_zh AS owner, o.name_en AS owner_en
        FROM open_carrier m JOIN organisation o ON o.id = m.id""",
}


def expected(session, kind, wanted):
    """Say by plain Python which ids are wanted."""
    rows = session.execute(text(ROWS[kind])).mappings().all()
    instruments = session.execute(text(ROWS["instruments"])).mappings().all()
    own = ("types", "class_code", "max_price", "busy", "working")
    asks_own = any(repr(getattr(wanted, name)) != repr(getattr(Wanted(), name)) for name in own)
    found = []
    for row in rows:
        mine = [row] if kind == "instruments" else [one for one in instruments if one["organisation_id"] == row["id"]]
        if _placed(row, kind, wanted) and (not asks_own or any(_offered(one, wanted) for one in mine)):
            found.append(row["id"])
    return sorted(found)


def _placed(row, kind, wanted):
    box, place = wanted.box, wanted.near
    if box and (row["x"] is None or not box.south <= row["y"] <= box.north or not _between(box.west, row["x"], box.east)):
        return False
    if place and (row["precision"] != "point" or row["x"] is None or WGS84.inv(place.lon, place.lat, row["x"], row["y"])[2] > place.within):
        return False
    names = (row.get("name"), row.get("type"), row.get("type_en"), row["owner"], row["owner_en"])
    return all((
        not wanted.q or any(wanted.q.lower() in name.lower() for name in names if name),
        all(row["adcode"].startswith(shared_digits(one)) for one in filter(None, (wanted.region,))),
        not wanted.regions or any(row["adcode"].startswith(shared_digits(one)) for one in wanted.regions),
        not wanted.kinds or row["carrier_kind"] in wanted.kinds,
        not wanted.levels or row["level"] in wanted.levels,
        wanted.is_sample is None or row["is_sample"] == wanted.is_sample,
    ))  # fmt: skip


def _between(west, x, east):
    return west <= x <= east if west <= east else x >= west or x <= east


def _offered(row, wanted):
    digits = wanted.class_code[:2] if wanted.class_code.endswith("0000") else wanted.class_code
    return all((
        not wanted.types or row["type"] in wanted.types or row["type_en"] in wanted.types,
        row["class_code"].startswith(digits),
        wanted.max_price is None or _affordable(row, wanted),
        row["id"] not in wanted.busy,
        not wanted.working or row["status"] == "working",
    ))  # fmt: skip


def _affordable(row, wanted):
    limit = wanted.apart_price if row["organisation_id"] in wanted.apart else wanted.max_price
    if row["price"] is None:
        return False
    limits = dict(limit) if isinstance(limit, tuple) else {row["service"]: limit}
    return limit is None or row["price"] <= limits.get(row["service"], -1)


def selected(session, kind, wanted):
    condition, values = where(kind, wanted)
    return list(session.execute(text(f"SELECT m.id FROM {TABLES[kind]} WHERE {condition} ORDER BY m.id"), values).scalars())


ALONE = (
    Wanted(), Wanted(box=EDGES), Wanted(box=Box(120.5, 28, 119.9, 29)), Wanted(box=Box(121.0, 28.0, 121.0, 29.5)), Wanted(box=Box(-180, -90, 180, 90)),
    Wanted(q="显微"), Wanted(q="_"), Wanted(q="%1"), Wanted(q="\\"), Wanted(q="centri"), Wanted(q="示例载体"), Wanted(types=("离心机",)),
    Wanted(types=("Centrifuge", "三坐标测量机")), Wanted(types=("没有",)), Wanted(class_code="010000"), Wanted(class_code="010100"),
    Wanted(kinds=("university",)), Wanted(kinds=("institute", "platform")), Wanted(levels=("national",)), Wanted(region="330000"),
    Wanted(region="330100"), Wanted(region="331083"), Wanted(regions=("330100", "330522")), Wanted(max_price=50_000), Wanted(max_price=0),
    Wanted(max_price=(("test_analysis", 60_000), ("commissioned_rd", 20_000))), Wanted(max_price=()), Wanted(working=True), Wanted(near=HERE),
    Wanted(near=Near(179.99, 89.9, 3_000_000)), Wanted(is_sample=True), Wanted(is_sample=False),
)  # fmt: skip


@pytest.mark.parametrize("kind", ["instruments", "carriers"])
def test_each_filter_alone_keeps_exactly_what_it_names(market, kind):
    for wanted in ALONE:
        assert selected(market, kind, wanted) == expected(market, kind, wanted), wanted


@pytest.mark.parametrize("kind", ["instruments", "carriers"])
def test_filters_together_keep_what_all_of_them_keep(market, kind):
    dice, ids = Random(8), selected(market, "instruments", Wanted())
    owners = list(market.execute(text("SELECT DISTINCT organisation_id FROM open_instrument ORDER BY 1")).scalars())
    found = 0
    for _ in range(120):
        wanted = Wanted()
        for other in dice.sample(ALONE, dice.randrange(2, 5)):
            changed = {one.name: getattr(other, one.name) for one in fields(other) if getattr(other, one.name) != one.default}
            wanted = replace(wanted, **changed)
        if dice.random() < 0.3:
            wanted = replace(wanted, busy=tuple(dice.sample(ids, 30)))
        if wanted.max_price is not None and dice.random() < 0.5:
            wanted = replace(wanted, apart=tuple(dice.sample(owners, 4)), apart_price=dice.choice((None, 90_000, (("test_analysis", 30_000),))))
        assert selected(market, kind, wanted) == expected(market, kind, wanted), wanted
        found += bool(expected(market, kind, wanted))
    assert found > 10  # not all of them were empty


def test_the_market_has_points_that_single_precision_takes_for_inside(market):
    """Without such points the test of the edges would prove nothing."""
    loose = "SELECT count(*) FROM open_instrument WHERE geom && ST_MakeEnvelope(120, 28, 121, 29, 4326)"
    assert market.execute(text(loose)).scalar() > len(selected(market, "instruments", Wanted(box=EDGES)))


def test_the_box_around_a_circle_holds_the_circle():
    dice = Random(3)
    for _ in range(300):
        place = Near(dice.uniform(-180, 180), dice.uniform(-89.5, 89.5), 10 ** dice.uniform(0, 6.5))
        west, south, east, north = around(place)
        for angle in range(0, 360, 15):
            lon, lat, _ = WGS84.fwd(place.lon, place.lat, angle, place.within)
            assert south <= lat <= north
            assert west <= lon <= east


def test_a_box_is_answered_from_the_index(market):
    """Ask for the plan with sequential scans turned off: a clause that no index knows would be scanned all the same."""
    market.execute(text("SET LOCAL enable_seqscan = off"))
    condition, values = where("instruments", Wanted(box=Box(120.1, 28.1, 120.2, 28.2)))
    plan = "\n".join(market.execute(text(f"EXPLAIN SELECT count(*) FROM open_instrument m WHERE {condition}"), values).scalars())
    assert "gix_open_instrument" in plan
