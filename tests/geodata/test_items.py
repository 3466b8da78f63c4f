"""Pages, totals and whole files of items say the same, whatever way PostGIS takes to write them; the text kept ready is never out of date."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random

import pytest
from pyproj import Geod
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from core.errors import NotFound
from geodata.basemap import Box
from geodata.features import Question, asked_of, extent
from geodata.instruments import Instrument, Listing
from geodata.items import Page, asked, export, head, item, items
from geodata.nearest import nearest
from geodata.properties import COLLECTIONS, INSTRUMENTS
from geodata.wanted import Near, Wanted
from tests import factories as make

WEST, EAST, SOUTH, NORTH = 117.0, 123.0, 27.0, 31.5
WGS84 = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def laid(app_engine):
    """Give a session in which the world of these tests is laid once."""
    with app_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            _lay(session)
            yield session
        outer.rollback()


@pytest.fixture
def spread(laid):
    """Give that world; what a test does to it is undone."""
    with laid.begin_nested() as undo:
        yield laid
        undo.rollback()
    laid.expire_all()


def _lay(session):
    """Lay 400 open instruments over a province: in heaps, alone, on the lines between cells, and two without a place."""
    dice = Random(11)
    owners = [make.carrier(session, adcode=adcode, carrier_kind=kind) for adcode in ("331083", "330106") for kind in ("university", "platform")]
    for owner in owners:
        make.site(session, owner, geom=_point(dice.uniform(WEST, EAST), dice.uniform(SOUTH, NORTH)))
    kinds = [make.instrument_type(session, name).id for name in ("扫描电子显微镜", "离心机")]
    common = {
        "name": "示例仪器",
        "status": "working",
        "is_open": True,
        "hours": {},
        "specs": {},
        "is_sample": True,
        "source": "示例",
        "source_crs": "WGS84",
    }
    rows, offers = [], []
    make.service(session)
    for n in range(1, 401):
        heap = dice.random() < 0.5
        lon, lat = (120.15 + dice.gauss(0, 0.05), 30.28 + dice.gauss(0, 0.05)) if heap else (dice.uniform(WEST, EAST), dice.uniform(SOUTH, NORTH))
        if n % 10 == 0:
            lon = dice.randrange(3390, 3430) / 4096 * 360 - 180  # the edge of a cell of zoom 12
        owner, precision = dice.choice(owners), "city" if n % 17 == 0 else "point"
        place = {"geom": None if n in (7, 8) else _point(lon, lat), "precision": precision, "adcode": owner.adcode}
        rows.append({"id": 50_000 + n, "code": f"IT-{n}", "organisation_id": owner.id, "type_id": dice.choice(kinds), **place, **common})
        if n % 3:
            terms = {"unit": "job", "report_days": 2, "notice_hours": 24, "state": "open"}
            offers.append({"instrument_id": 50_000 + n, "service_code": "test_analysis", "price": dice.randrange(1, 50) * 1000, **terms})
    session.execute(insert(Instrument), rows)
    session.execute(insert(Listing), offers)


def _point(lon, lat):
    return f"SRID=4326;POINT({lon!r} {lat!r})"


def features(found):
    return json.loads(f"[{found.text}]")


def inside(session, box):
    """Give the ids in a box by the plainest SQL."""
    said = "SELECT id FROM instrument WHERE is_open AND ST_X(geom) BETWEEN :west AND :east AND ST_Y(geom) BETWEEN :south AND :north ORDER BY id"
    return list(session.execute(text(said), vars(box)).scalars())


def boxes(count):
    dice = Random(2)
    for _ in range(count):
        wide, high = 10 ** dice.uniform(-3, 0.9), 10 ** dice.uniform(-3, 0.7)
        lon, lat = (
            (dice.gauss(120.15, 0.1), dice.gauss(30.28, 0.1)) if dice.random() < 0.5 else (dice.uniform(WEST, EAST), dice.uniform(SOUTH, NORTH))
        )
        yield Box(lon - wide / 2, lat - high / 2, lon + wide / 2, lat + high / 2)


EDGES = (
    Box(-180, -90, 180, 90), Box(117, 27, 123, 31.5), Box(3400 / 4096 * 360 - 180, 27, 3410 / 4096 * 360 - 180, 31), Box(120.15, -90, 180, 90),
    Box(-180, 85.06, 180, 90), Box(121.23, 28.13, 121.23, 28.13), Box(100, 10, 101, 11), Box(-180, -90, 120.15, 30.28),
)  # fmt: skip


def test_a_box_is_counted_exactly_whether_by_cells_or_by_points(spread):
    with_cells = 0
    for box in (*EDGES, *boxes(150)):
        found = items(spread, "instruments", asked("instruments", Wanted(box=box)), Page(1000), form="geojson")
        expected = inside(spread, box)
        assert (found.total, [one["id"] for one in features(found)]) == (len(expected), expected), box
        with_cells += len(expected) > 50
    assert with_cells > 20


def test_the_cells_count_changes_that_they_do_not_know_yet_and_those_they_do(spread, as_owner):
    box, which = EDGES[1], asked("instruments", Wanted(box=EDGES[1]))
    before = items(spread, "instruments", which, Page(1), form="geojson").total
    with as_owner(spread):
        spread.execute(text("SELECT grid_fold()"))
    assert items(spread, "instruments", which, Page(1), form="geojson").total == before == len(inside(spread, box))
    spread.execute(text("UPDATE instrument SET is_open = false WHERE id IN (SELECT id FROM instrument WHERE is_open ORDER BY id LIMIT 40)"))
    make.instrument(spread, geom=_point(120.2, 30.2))
    assert items(spread, "instruments", which, Page(1), form="geojson").total == len(inside(spread, box))


@pytest.mark.parametrize("form", ["json", "geojson"])
@pytest.mark.parametrize("wanted", [Wanted(box=EDGES[1]), Wanted(), Wanted(types=("离心机",)), Wanted(box=Box(121, 27, 120.5, 31))])
def test_pages_follow_on_one_another_and_end(spread, form, wanted):
    which, seen, after = asked("instruments", wanted), [], 0
    while True:
        page = items(spread, "instruments", which, Page(70, after=after), form=form)
        rows = [one["id"] for one in features(page)]
        assert len(rows) == page.returned
        seen += rows
        if page.next is None:
            break
        assert page.next == rows[-1]
        after = page.next
    assert seen == sorted(set(seen))
    assert page.total == len(seen)


def test_an_offset_leaves_out_as_many(spread):
    for wanted in (Wanted(box=EDGES[1]), Wanted(types=("离心机",)), Wanted(box=Box(120.1, 30.2, 120.2, 30.4))):
        which = asked("instruments", wanted)
        whole = [one["id"] for one in features(items(spread, "instruments", which, Page(1000), form="geojson"))]
        for offset in (0, 1, 30, len(whole) - 1, len(whole), 10**9):
            found = items(spread, "instruments", which, Page(25, offset=offset), form="geojson")
            assert [one["id"] for one in features(found)] == whole[offset : offset + 25]
            assert found.total == len(whole)


@pytest.mark.parametrize("kind", ["instruments", "carriers"])
@pytest.mark.parametrize("wanted", [Wanted(), Wanted(box=EDGES[1]), Wanted(kinds=("university",), max_price=20_000), Wanted(q="没有这个")])
def test_an_export_has_as_many_rows_as_the_total_and_the_same_ones(spread, kind, wanted):
    which = asked(kind, wanted)
    page = items(spread, kind, which, Page(1000), form="geojson")
    whole = json.loads(b"".join(export(spread, kind, which, form="geojson")))
    assert whole["features"] == features(page)
    assert whole["numberReturned"] == page.total == page.returned
    told = b"".join(export(spread, kind, which, form="csv")).decode().removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(told)))
    listed = list(csv.DictReader(io.StringIO("\n".join((head(kind), items(spread, kind, which, Page(1000), form="csv").text)))))
    assert [int(row["id"]) for row in rows] == [one["id"] for one in whole["features"]]
    assert told.splitlines()[0] == head(kind)
    assert [row["id"] for row in listed] == [row["id"] for row in rows]
    assert all((row["marking"] == "示例数据 / sample data") == (row["is_sample"] == "true") for row in rows + listed)


def test_no_cell_of_a_file_is_run_as_a_formula_and_quotes_survive(spread):
    names = ["=1+1", "+cmd", "-2", "@SUM(1)", "\t=1", '引号"和,逗号', "两\n行", "\\back"]
    made = [make.instrument(spread, name=name).id for name in names]
    which = asked("instruments", Wanted())
    for said in (
        b"".join(export(spread, "instruments", which, form="csv")).decode().removeprefix("\ufeff"),
        "\n".join((head("instruments"), items(spread, "instruments", which, Page(1000), form="csv").text)),
    ):
        told = {int(row["id"]): row["name"] for row in csv.DictReader(io.StringIO(said))}
        assert [told[one].removeprefix("'") for one in made] == names
        assert all(told[one].startswith("'") for one, name in zip(made, names, strict=True) if name[0] in "=+-@\t")
    whole = json.loads(b"".join(export(spread, "instruments", which, form="geojson")))
    assert {one["properties"]["name"] for one in whole["features"]} >= set(names)


def test_what_is_kept_ready_is_what_would_be_written_anew(spread):
    which = asked("instruments", Wanted())
    for one in features(items(spread, "instruments", which, Page(20), form="geojson")):
        assert json.loads(item(spread, "instruments", one["id"], form="geojson")) == one
        assert list(one["properties"]) == [field.name for field in INSTRUMENTS.properties]
    for one in features(items(spread, "instruments", which, Page(20))):
        assert json.loads(item(spread, "instruments", one["id"])) == one


CHANGES = {
    "the name of its carrier": "UPDATE organisation SET name_zh = '示例新名' || id",
    "the kind of its carrier": "UPDATE organisation SET carrier_kind = 'institute' WHERE kind = 'carrier'",
    "the name of its type": "UPDATE instrument_type SET name_zh = '示例新种' || id",
    "its model": "UPDATE instrument SET model = '示例型号'",
    "its value": "UPDATE instrument SET value = 9900000000000",
    "its code": "UPDATE instrument SET code = 'N-' || id",
    "its place": "UPDATE instrument SET geom = ST_SetSRID(ST_MakePoint(120.5, 29.5), 4326) WHERE id % 2 = 0",
    "no place any more": "UPDATE instrument SET geom = NULL WHERE id % 3 = 0",
    "its price": "UPDATE listing SET price = price + 100",
    "an offer withdrawn": "UPDATE listing SET state = 'suspended' WHERE id % 2 = 0",
    "an offer taken away": "DELETE FROM listing WHERE id % 2 = 0",
    "an older offer": "UPDATE listing SET created_at = '2020-01-01T00:00:00Z'",
    "closed": "UPDATE instrument SET is_open = false WHERE id % 2 = 0",
    "another type": "UPDATE instrument SET type_id = NULL WHERE id % 2 = 0",
    "moved to another carrier": "UPDATE instrument SET organisation_id = (SELECT min(id) FROM organisation WHERE kind = 'carrier')",
}


@pytest.mark.parametrize("what", CHANGES)
def test_the_text_follows_every_change(spread, as_owner, what):
    with as_owner(spread):
        changed = spread.execute(text(CHANGES[what])).rowcount
        assert changed
        assert spread.execute(text("SELECT count(*) FROM map_feature_drift")).scalar() == 0
        assert (
            spread.execute(text("SELECT count(*) FROM open_feature")).scalar()
            == spread.execute(text("SELECT count(*) FROM open_instrument")).scalar()
        )


def test_filling_the_map_anew_fills_the_text_anew(spread, as_owner):
    with as_owner(spread):
        spread.execute(text("SET LOCAL irm.bulk = 'on'"))
        spread.execute(text("UPDATE instrument SET model = '示例型号' WHERE id % 2 = 0"))
        spread.execute(text("UPDATE organisation SET name_zh = '示例新名' || id"))
        spread.execute(text("SELECT map_rebuild()"))
        assert spread.execute(text("SELECT count(*) FROM map_feature_drift")).scalar() == 0


def test_a_closed_instrument_has_a_row_of_its_own_but_is_in_no_collection(spread):
    closed = make.instrument(spread, is_open=False)
    assert json.loads(item(spread, "instruments", closed.id, closed=True))["id"] == closed.id
    for number in (closed.id, 2**62):
        with pytest.raises(NotFound):
            item(spread, "instruments", number)


def test_the_nearest_come_in_the_order_of_metres_to_the_last(spread):
    rows = spread.execute(
        text("SELECT m.id, ST_X(geom), ST_Y(geom), type_id FROM open_instrument m WHERE precision = 'point' AND geom IS NOT NULL")
    ).all()
    for place, wanted in (
        ((120.15, 30.28), Wanted()),
        ((117.5, 31.0), Wanted(types=("离心机",))),
        ((-179.9, 88.0), Wanted()),
        ((120.2, 30.3), Wanted(types=("没有",))),
    ):
        of_type = (
            None if not wanted.types else spread.scalar(text("SELECT id FROM instrument_type WHERE name_zh = :name"), {"name": wanted.types[0]}) or -1
        )
        order = sorted((round(WGS84.inv(*place, x, y)[2], 6), one) for one, x, y, kind in rows if of_type in (None, kind))
        seen, after = [], (-1.0, 0)
        while True:
            page = nearest(spread, wanted, place, limit=60, after=after)
            assert page.total == len(order)
            seen += [(one["distance_m"], one["id"]) for one in features(page)]
            if page.next is None:
                break
            after = page.reached, page.next
        assert [one for _, one in seen] == [one for _, one in order]
        assert all(abs(told - metres) < 0.06 for (told, _), (metres, _) in zip(seen, order, strict=True))


@pytest.mark.parametrize("kind", ["instruments", "carriers", "regions"])
def test_every_property_asks_for_the_rows_that_show_its_value(spread, kind):
    whole = features(items(spread, kind, asked_of(kind, Question()), Page(1000), form="geojson"))
    assert whole
    for field in COLLECTIONS[kind].properties:
        values = [one["properties"][field.name] for one in whole if one["properties"][field.name] is not None][:3]
        for value in values if field.equals else ():
            found = features(items(spread, kind, asked_of(kind, Question(equal=((field.name, value),))), Page(1000), form="geojson"))
            assert [one["id"] for one in found] == [one["id"] for one in whole if one["properties"][field.name] == value], field.name


def test_time_keeps_what_was_listed_in_it_and_what_carries_no_time(spread, as_owner):
    with as_owner(spread):
        spread.execute(text("UPDATE listing SET created_at = timestamptz '2026-01-01T00:00:00Z' + id % 7 * interval '1 day'"))
    whole = features(items(spread, "instruments", asked_of("instruments", Question()), Page(1000), form="geojson"))
    days = [datetime(2026, 1, day, tzinfo=UTC) for day in (2, 4)]
    for since, until in ((days[0], days[1]), (None, days[0]), (days[1], None), (days[0], days[0])):
        found = features(items(spread, "instruments", asked_of("instruments", Question(since=since, until=until)), Page(1000), form="geojson"))
        assert [one["id"] for one in found] == [one["id"] for one in whole if _in_time(one["properties"]["listed_at"], since, until)]
    assert items(spread, "carriers", asked_of("carriers", Question(since=days[1])), Page(1)).total == spread.scalar(
        text("SELECT count(*) FROM open_carrier")
    )


def _in_time(listed, since, until):
    at = datetime.fromisoformat(listed) if listed else None
    return at is None or ((since is None or at >= since) and (until is None or at <= until))


def test_an_extent_is_that_of_the_rows(spread):
    box = "SELECT ST_XMin(b), ST_YMin(b), ST_XMax(b), ST_YMax(b) FROM (SELECT ST_Extent(geom) AS b FROM {}) e"
    for kind, table in (("instruments", "open_instrument"), ("carriers", "open_carrier")):
        reach = extent(spread, kind)
        assert tuple(vars(reach.box).values()) == tuple(spread.execute(text(box.format(table))).one())
    assert extent(spread, "instruments").first <= extent(spread, "instruments").last
    assert extent(spread, "carriers").first is None


def test_an_empty_map_has_no_extent_and_no_rows(session):
    for kind in COLLECTIONS:
        assert extent(session, kind).box is None
        assert items(session, kind, asked_of(kind, Question(box=EDGES[0])), Page(10), form="geojson").total == 0
    assert json.loads(b"".join(export(session, "instruments", asked("instruments", Wanted()), form="geojson")))["features"] == []


def test_regions_are_found_by_a_box_that_touches_them_over_the_meridian_too(spread):
    for adcode, west in (("331083", 121.0), ("330106", 179.5)):
        shape = f"ST_Multi(ST_MakeEnvelope({west}, 28, {west + 0.5}, 29, 4326))"
        spread.execute(text(f"INSERT INTO region_shape (adcode, detail, geom) VALUES ('{adcode}', 'simple', {shape})"))
    found = {
        name: {one["id"] for one in features(items(spread, "regions", asked_of("regions", Question(box=box)), Page(10), form="geojson"))}
        for name, box in {"one": Box(121.4, 28.4, 122, 28.6), "both": Box(121.4, 28, -170, 29), "none": Box(0, 0, 1, 1)}.items()
    }
    assert found == {"one": {"331083"}, "both": {"331083", "330106"}, "none": set()}


def test_a_place_within_so_many_metres_counts_alike_on_every_way(spread):
    wanted = Wanted(near=Near(120.15, 30.28, 5_000))
    near = [one["id"] for one in features(items(spread, "instruments", asked("instruments", wanted), Page(1000), form="geojson"))]
    by_distance = [one["id"] for one in features(nearest(spread, wanted, (120.15, 30.28), limit=1000))]
    assert near == sorted(by_distance)
    assert near


def test_two_who_change_what_one_text_tells_both_stand_in_it(committed_db):
    """One renames the carrier and has not committed; another changes the model, waits, and must not write the old name again."""
    with committed_db.session() as session:
        one = make.instrument(session)
        session.commit()
        owner, number = one.organisation_id, one.id
    with committed_db.owner.connect() as first, ThreadPoolExecutor(1) as other:
        first.execute(text("UPDATE organisation SET name_zh = '示例新名' WHERE id = :id"), {"id": owner})

        def change():
            with committed_db.owner.begin() as second:
                second.execute(text("UPDATE instrument SET model = '示例型号' WHERE id = :id"), {"id": number})

        waits = other.submit(change)
        with pytest.raises(TimeoutError):
            waits.result(0.5)
        first.commit()
        waits.result(20)
    with committed_db.owner.connect() as read:
        told = json.loads(read.execute(text("SELECT properties FROM open_feature WHERE id = :id"), {"id": number}).scalar_one())
        assert (told["carrier"], told["model"]) == ("示例新名", "示例型号")
        assert read.execute(text("SELECT count(*) FROM map_feature_drift")).scalar() == 0
