"""The map's numbers are those of the store, whatever was added, changed, removed or folded, for any box and filter, also while others write."""

import random
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event, Thread

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata import grid
from geodata.basemap import Box
from geodata.instruments import InstrumentClass
from geodata.wanted import Wanted, where
from tests import factories as make

KINDS, LEVELS = ("university", "company", "platform"), ("province", "county", None)
TYPES = (("扫描电镜甲", "010100"), ("色谱仪乙", "010200"), ("力学试验机丙", "050100"))

FACTS = """
SELECT i.id, ST_X(i.geom) AS lon, ST_Y(i.geom) AS lat, t.name_zh AS type, coalesce(t.class_code, '') AS class, o.carrier_kind AS kind,
       o.level, o.id AS carrier, (SELECT l.price FROM listing l WHERE l.instrument_id = i.id AND l.state = 'open'
       ORDER BY l.service_code <> 'test_analysis', l.price, l.id LIMIT 1) AS price
FROM instrument i JOIN organisation o ON o.id = i.organisation_id LEFT JOIN instrument_type t ON t.id = i.type_id WHERE i.is_open
"""
CARRIERS = """
SELECT o.id, ST_X(s.geom) AS lon, ST_Y(s.geom) AS lat, o.carrier_kind AS kind, o.level FROM organisation o
LEFT JOIN LATERAL (SELECT geom FROM site WHERE organisation_id = o.id ORDER BY geom IS NULL, id LIMIT 1) s ON true WHERE o.kind = 'carrier'
"""


@dataclass
class Town:
    """Some carriers and types, and a hand that changes their instruments at random."""

    session: Session
    rnd: random.Random
    carriers: list
    types: list

    def spot(self):
        if self.rnd.random() < 0.05:
            return None
        if self.rnd.random() < 0.3:  # several at one point
            return "SRID=4326;POINT(120.2 30.3)"
        return f"SRID=4326;POINT({self.rnd.uniform(118, 123):.6f} {self.rnd.uniform(27, 31.5):.6f})"

    def add(self):
        columns = {"geom": self.spot(), "type_id": self.rnd.choice(self.types).id, "is_open": self.rnd.random() < 0.85}
        columns["precision"] = self.rnd.choice(("point", "point", "county"))
        made = make.instrument(self.session, self.rnd.choice(self.carriers), **columns)
        if self.rnd.random() < 0.7:
            make.listing(self.session, made, price=self.rnd.randint(1_000, 900_000))

    def change(self):
        some = "id IN (SELECT id FROM instrument ORDER BY md5(id::text || :salt) LIMIT 7)"
        what = self.rnd.choice(
            (
                f"UPDATE instrument SET is_open = NOT is_open WHERE {some}",
                f"UPDATE instrument SET geom = ST_Translate(geom, 0.3, -0.1), name = name || '改' WHERE {some}",
                f"UPDATE instrument SET geom = NULL WHERE {some}",
                f"UPDATE instrument SET type_id = (SELECT min(id) FROM instrument_type), precision = 'city' WHERE {some}",
                f"UPDATE instrument SET organisation_id = (SELECT min(id) FROM organisation WHERE kind = 'carrier') WHERE {some}",
                f"UPDATE instrument SET adcode = NULL, status = 'maintenance' WHERE {some}",
                f"UPDATE listing SET price = price + 50000 WHERE instrument_{some}",
                f"UPDATE listing SET state = 'suspended' WHERE instrument_{some}",
                f"DELETE FROM listing WHERE instrument_{some}",
                "DELETE FROM instrument WHERE id IN (SELECT id FROM instrument i WHERE NOT EXISTS (SELECT FROM listing WHERE instrument_id = i.id) LIMIT 3)",
                "UPDATE organisation SET level = 'city', carrier_kind = 'institute' WHERE id = (SELECT max(id) FROM organisation WHERE kind = 'carrier')",
                "UPDATE organisation SET kind = 'enterprise' WHERE id = (SELECT max(id) FROM organisation WHERE level = 'county')",
                "UPDATE organisation SET kind = 'carrier' WHERE kind = 'enterprise' AND carrier_kind IS NOT NULL",
                "UPDATE site SET geom = ST_Translate(geom, 0.2, 0.2) WHERE id = (SELECT max(id) FROM site)",
                "DELETE FROM site WHERE id = (SELECT min(id) FROM site)",
                "UPDATE instrument_type SET class_code = '050100' WHERE name_zh = '色谱仪乙'",
                "SELECT grid_fold()",
            )
        )
        self.session.execute(text(what), {"salt": str(self.rnd.random())} if ":salt" in what else {})


def town_of(session, seed):
    rnd = random.Random(seed)
    for code in ("010100", "010200", "050100"):
        session.add(InstrumentClass(code=code, name_zh=code, name_en=code, source="示例"))
    session.flush()
    types = [make.instrument_type(session, name, class_code=code) for name, code in TYPES]
    carriers = [make.carrier(session, carrier_kind=KINDS[n % 3], level=LEVELS[n // 3 % 3]) for n in range(9)]
    for owner in carriers[:-1]:
        make.site(session, owner, geom=f"SRID=4326;POINT({rnd.uniform(118, 123):.6f} {rnd.uniform(27, 31.5):.6f})")
    found = Town(session, rnd, carriers, types)
    for _ in range(60):
        found.add()
    return found


def boxes(rnd):
    while True:
        wide = 10 ** rnd.uniform(-2, 1.2)
        west, south = rnd.uniform(117, 123), rnd.uniform(26, 31)
        yield Box(west, south, west + wide, south + wide * rnd.uniform(0.4, 0.9))


def filters(rnd, ids):
    return rnd.choice(
        (
            Wanted(),
            Wanted(class_code=rnd.choice(("010000", "050000", "010100"))),
            Wanted(kinds=(rnd.choice(KINDS), "institute")),
            Wanted(levels=("province", "city")),
            Wanted(kinds=("university",), levels=("county",), class_code="010000"),
            Wanted(types=(TYPES[0][0], TYPES[2][0])),
            Wanted(max_price=300_000),
            Wanted(busy=tuple(rnd.sample(ids, min(9, len(ids)))), kinds=rnd.choice(((), KINDS[:2]))),
        )
    )


def fits(row, wanted):
    code = wanted.class_code[:2] if wanted.class_code.endswith("0000") else wanted.class_code
    return (
        row["class"].startswith(code)
        and (not wanted.kinds or row["kind"] in wanted.kinds)
        and (not wanted.levels or row["level"] in wanted.levels)
        and (not wanted.types or row["type"] in wanted.types)
        and (wanted.max_price is None or (row["price"] is not None and row["price"] <= wanted.max_price))
        and row["id"] not in wanted.busy
    )


def inside(row, box):
    return row["lon"] is not None and box.west <= row["lon"] <= box.east and box.south <= row["lat"] <= box.north


def expected(session, kind, wanted):
    """Choose the rows by Python alone, from the tables in which they are written."""
    facts = [dict(row) for row in session.execute(text(FACTS)).mappings()]
    if kind == "carriers":
        with_some = {row["carrier"] for row in facts if fits(row, replace(wanted, kinds=(), levels=()))}
        asked = bool(wanted.class_code or wanted.types or wanted.max_price is not None or wanted.busy)
        rows = [dict(row) for row in session.execute(text(CARRIERS)).mappings()]
        facts = [{**row, "class": "", "type": ""} for row in rows if not asked or row["id"] in with_some]
        wanted = Wanted(box=wanted.box, kinds=wanted.kinds, levels=wanted.levels)
    return [row for row in facts if fits(row, wanted) and (wanted.box is None or inside(row, wanted.box))]


def check(session, kind, wanted, zoom):
    rows = expected(session, kind, wanted)
    assert grid.count(session, kind, wanted) == len(rows)
    for by in ("class", "kind", "level"):
        counted = grid.facets(session, kind, wanted, by=by)
        assert sum(counted.values()) == len(rows)
        if by != "class" or kind == "instruments":
            values = [(row[by] or "")[:2] if by == "class" else row[by] or "" for row in rows]
            assert counted == {value: values.count(value) for value in set(values)}
    found = grid.clusters(session, kind, wanted, zoom=zoom)
    located = [row for row in rows if row["lon"] is not None]
    assert found.total == sum(one.n for one in found.clusters) == len(located)
    for one in found.clusters:
        assert one.cell.west <= one.lon <= one.cell.east
        assert one.cell.south <= one.lat <= one.cell.north
        if one.n == 1:
            (row,) = (row for row in located if row["id"] == one.id)
            assert (one.lon, one.lat) == pytest.approx((row["lon"], row["lat"]), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_totals_clusters_and_facets_are_those_of_the_store_after_any_change(session, seed):
    town = town_of(session, seed)
    box = boxes(town.rnd)
    for turn in range(25):
        (town.add if turn % 3 == 0 else town.change)()
        ids = list(session.scalars(text("SELECT id FROM instrument")))
        for kind in ("instruments", "carriers"):
            wanted = replace(filters(town.rnd, ids), box=next(box) if town.rnd.random() < 0.85 else None)
            check(session, kind, wanted, town.rnd.randint(0, 20))
        assert grid.drift(session) == []
    grid.fold(session)
    assert grid.pending(session) == []
    check(session, "instruments", Wanted(box=next(box)), 8)


def test_a_fold_changes_no_number_and_leaves_no_empty_cell(session):
    town_of(session, 9)
    before = grid.clusters(session, "instruments", Wanted(), zoom=7)
    assert grid.fold(session) > 0
    assert grid.clusters(session, "instruments", Wanted(), zoom=7) == before
    session.execute(text("UPDATE instrument SET is_open = false"))
    assert grid.count(session, "instruments", Wanted()) == 0
    grid.fold(session)
    assert session.scalar(text("SELECT count(*) FROM grid g JOIN grid_key k ON k.id = g.key WHERE k.layer = 'instruments'")) == 0


def test_a_point_on_the_edge_of_a_box_belongs_to_it(session):
    make.instrument(session, geom="SRID=4326;POINT(120.5 30.25)")
    grid.fold(session)
    for box in (Box(120.5, 30, 124, 31), Box(117, 30, 120.5, 31), Box(119, 30.25, 121, 33), Box(119, 28, 121, 30.25)):
        assert grid.clusters(session, "instruments", Wanted(box=box), zoom=6).total == 1
    assert grid.count(session, "instruments", Wanted(box=Box(120.5000001, 30, 124, 31))) == 0


def test_a_cluster_stands_at_the_mean_of_its_points_and_says_whose_they_are(session):
    owner = make.carrier(session)
    for lon in (120.0, 120.002):
        make.instrument(session, owner, geom=f"SRID=4326;POINT({lon} 30)", precision="county")
    (one,) = grid.clusters(session, "instruments", Wanted(max_price=None, types=(TYPES[0][0], "场发射扫描电镜")), zoom=10).clusters
    assert (one.lon, one.lat, one.n, one.approximate, one.carrier, one.id) == (pytest.approx(120.001), pytest.approx(30), 2, True, owner.id, None)
    (same,) = grid.clusters(session, "instruments", Wanted(), zoom=10).clusters
    assert (same.lon, same.lat, same.n, same.approximate) == (one.lon, one.lat, one.n, one.approximate)


def test_a_box_over_the_180th_meridian_is_counted(session):
    for lon in (179.5, -179.5, 0):
        make.instrument(session, geom=f"SRID=4326;POINT({lon} 30)")
    assert grid.clusters(session, "instruments", Wanted(box=Box(179, 29, -179, 31)), zoom=5).total == 2


def test_poles_and_the_edge_of_the_world_are_counted(session):
    for lon, lat in ((0, 90), (0, -90), (180, 0), (-180, 0), (10, 88)):
        make.instrument(session, geom=f"SRID=4326;POINT({lon} {lat})")
    grid.fold(session)
    assert grid.count(session, "instruments", Wanted()) == grid.clusters(session, "instruments", Wanted(), zoom=0).total == 5
    assert grid.count(session, "instruments", Wanted(box=Box(-1, 86, 20, 89))) == 1


def test_the_application_may_neither_write_the_map_nor_pass_its_triggers(session):
    session.execute(text("SET LOCAL irm.bulk = 'on'"))
    made = make.instrument(session)
    assert session.scalar(text("SELECT count(*) FROM open_instrument WHERE id = :id"), {"id": made.id}) == 1
    assert grid.count(session, "instruments", Wanted()) == 1
    for said in (
        "DELETE FROM open_instrument",
        "UPDATE grid SET n = 0",
        "DELETE FROM grid_delta",
        "SELECT map_rebuild()",
        "SELECT map_refresh('{1}')",
    ):
        with pytest.raises(Exception, match="permission denied"), session.begin_nested():
            session.execute(text(said))


def test_the_owner_may_fill_many_rows_at_once_and_rebuild(owner_session):
    town_of(owner_session, 3)
    before = grid.clusters(owner_session, "instruments", Wanted(), zoom=8)
    owner_session.execute(text("SET LOCAL irm.bulk = 'on'"))
    for n in range(20):
        make.instrument(owner_session, geom=f"SRID=4326;POINT({119 + n / 10} 28.5)")
    assert grid.clusters(owner_session, "instruments", Wanted(), zoom=8) == before
    assert len(grid.drift(owner_session)) >= 20
    grid.rebuild(owner_session)
    assert grid.drift(owner_session) == []
    assert grid.pending(owner_session) == []
    assert grid.clusters(owner_session, "instruments", Wanted(), zoom=8).total == before.total + 20
    owner_session.execute(text("SET LOCAL irm.bulk = 'off'"))
    make.instrument(owner_session)
    assert grid.drift(owner_session) == []


def test_an_emptied_store_is_an_empty_map(owner_session):
    town_of(owner_session, 2)
    owner_session.execute(text("ALTER TABLE order_offer DISABLE TRIGGER USER"))  # append-only, yet it would have to follow its instrument
    owner_session.execute(text("TRUNCATE site, instrument CASCADE"))
    assert grid.count(owner_session, "instruments", Wanted()) == grid.clusters(owner_session, "carriers", Wanted(), zoom=5).total == 0
    assert grid.drift(owner_session) == []


WRITES = (
    "UPDATE instrument SET is_open = NOT is_open WHERE id = :one",
    "UPDATE instrument SET geom = ST_Translate(geom, 0.01, 0.01), organisation_id = :other WHERE id = :one",
    "UPDATE organisation SET level = CASE level WHEN 'city' THEN 'county' ELSE 'city' END WHERE id = :other",
    "UPDATE organisation SET kind = CASE kind WHEN 'carrier' THEN 'team' ELSE 'carrier' END WHERE id = :other AND carrier_kind IS NOT NULL",
    "UPDATE listing SET price = price + 1 WHERE instrument_id = :one",
    "UPDATE site SET geom = ST_Translate(geom, 0.01, 0) WHERE organisation_id = :other",
)


def writer(db, seed):
    """Return an act that changes one row at random and commits."""
    rnd = random.Random(seed)
    with db.session() as session:
        ids, carriers = (list(session.scalars(text(f"SELECT id FROM {table} ORDER BY id"))) for table in ("instrument", "organisation"))

    def act(session):
        session.execute(text(rnd.choice(WRITES)), {"one": rnd.choice(ids), "other": rnd.choice(carriers)})
        session.commit()

    return act


def folder(session):
    grid.fold(session)
    session.commit()


@contextmanager
def at_work(db, acts):
    """Do all of `acts` over and over, each in a thread of its own, while the lines under it run; what one raises fails the test."""
    done, troubles = Event(), []

    def work(act):
        try:
            while not done.is_set():
                with db.session() as session:
                    act(session)
        except Exception as trouble:
            troubles.append(trouble)
            raise

    threads = [Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert troubles == []


def test_numbers_hold_while_others_write_and_fold(committed_db):
    with Session(committed_db.owner) as owner:
        town_of(owner, 5)
        owner.commit()
    asked = (Wanted(), Wanted(levels=("city",)), Wanted(class_code="010000"))
    with at_work(committed_db, [*(writer(committed_db, seed) for seed in (1, 2, 3)), folder]):
        for turn in range(40):
            with committed_db.session() as session:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
                for kind in ("instruments", "carriers"):
                    check(session, kind, replace(asked[turn % 3], box=Box(118, 27, 122, 31)), turn % 12)
                assert grid.drift(session) == []


def test_a_type_and_a_box_are_found_through_the_composite_index(owner_session):
    owner_session.execute(text("SET LOCAL irm.bulk = 'on'"))
    kinds = [make.instrument_type(owner_session, name, class_code="01") for name in ("甲机", *(f"{n} 号机" for n in range(39)))]
    owner = make.carrier(owner_session)
    owner_session.execute(
        text(
            "INSERT INTO instrument (code, organisation_id, type_id, name, geom, precision, source_crs, status, is_open, hours, specs, is_sample, source) "
            "SELECT 'B-' || n, :owner, (CAST(:types AS int[]))[1 + n % 40], '示例', ST_SetSRID(ST_MakePoint(118 + random() * 5, 27 + random() * 4), 4326), "
            "'point', 'WGS84', 'working', true, '{}', '{}', true, '示例' FROM generate_series(1, 20000) n"
        ),
        {"owner": owner.id, "types": [one.id for one in kinds]},
    )
    grid.rebuild(owner_session)
    owner_session.execute(text("ANALYZE open_instrument"))
    condition, values = where("instruments", Wanted(types=("甲机",), box=Box(119, 28, 121, 30)))
    plan = "\n".join(owner_session.scalars(text(f"EXPLAIN SELECT count(*) FROM open_instrument m WHERE {condition}"), values))
    assert "gix_open_instrument_type_geom" in plan
    query, values = grid.covered("instruments", Wanted(), *grid.pieces(Box(119, 28, 121, 30), [8, 10, 12]))
    plan = "\n".join(owner_session.scalars(text(f"EXPLAIN {query}"), values))
    assert "pk_grid" in plan
    assert "Seq Scan on grid " not in plan
