"""A tile shows what the store holds: each point once where it lies, counts that add up, and another version after every change."""

import mapbox_vector_tile
import pytest
from sqlalchemy import text

from core.errors import NotFound
from geodata import grid, tiles
from geodata.cells import BITS, Rect, degrees_of, position
from geodata.tiles import EXTENT, RAW, Tile, draw, tile_of, version
from geodata.wanted import Wanted
from tests import factories as make
from tests.geodata.test_grid import FACTS, fits, town_of

ALL = Wanted()


def features(session, layer, z, x, y, *, wanted=ALL):
    body = draw(session, Tile(layer, z, x, y), wanted).body
    read = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True}) if body else {}
    assert set(read) <= {layer}
    return read.get(layer, {"features": []})["features"]


def own(feature):
    """Say whether the point lies in the tile itself and not in what it reaches over."""
    return all(0 <= part < EXTENT for part in feature["geometry"]["coordinates"])


def tile_at(z, lon, lat):
    x, y = position(lon, lat)
    return int(x) >> (BITS - z), int(y) >> (BITS - z)


def located(session, wanted):
    rows = [dict(row) for row in session.execute(text(FACTS)).mappings()]
    return [row for row in rows if row["lon"] is not None and fits(row, wanted)]


@pytest.mark.parametrize("z", [0, 3, 5, 8, 11, 12, 13, 14, 16, 18, 20, 22])
def test_a_tile_holds_each_open_instrument_of_its_square_once(session, z):
    town = town_of(session, z)
    for wanted in (ALL, Wanted(class_code="010000"), Wanted(kinds=("university",)), Wanted(types=("扫描电镜甲",)), Wanted(class_code="010100")):
        rows = located(session, wanted)
        for square in {tile_at(z, row["lon"], row["lat"]) for row in rows[:12]}:
            expected = {row["id"] for row in rows if tile_at(z, row["lon"], row["lat"]) == square}
            mine = [one["properties"] for one in features(session, "instruments", z, *square, wanted=wanted) if own(one)]
            if z >= RAW:
                assert {one["id"] for one in mine} == expected
                assert len(mine) == len(expected)
            else:
                assert sum(one["n"] for one in mine) == len(expected)
        town.change()
    grid.fold(session)


@pytest.mark.parametrize("z", [10, 15])
def test_a_circle_on_an_edge_is_drawn_on_both_sides(session, z):
    x, y = tile_at(z, 120.2, 30.3)
    west, north = degrees_of((x << (BITS - z)) + 5, (y << (BITS - z)) + 5)
    make.instrument(session, geom=f"SRID=4326;POINT({west} {north})")
    found = {(dx, dy): features(session, "instruments", z, x + dx, y + dy) for dx in (-1, 0) for dy in (-1, 0)}
    assert [len(one) for one in found.values()] == [1, 1, 1, 1]
    assert [key for key, one in found.items() if own(one[0])] == [(0, 0)]


def test_a_feature_says_what_the_instrument_is(session):
    owner = make.carrier(session, name_zh="示例大学")
    one = make.instrument(session, owner, name="示例电镜", geom="SRID=4326;POINT(120.2 30.3)", precision="county")
    make.listing(session, one, price=57_000)
    (found,) = features(session, "instruments", 14, *tile_at(14, 120.2, 30.3))
    assert found["properties"] == {
        "id": one.id,
        "name": "示例电镜",
        "type": "场发射扫描电镜",
        "carrier": "示例大学",
        "price": 57_000,
        "approximate": True,
        "sample": True,
    }
    square = Rect(14, *tile_at(14, 120.2, 30.3), *tile_at(14, 120.2, 30.3)).box
    x = square.west + (found["geometry"]["coordinates"][0] + 0.5) / EXTENT * (square.east - square.west)
    assert x == pytest.approx(120.2, abs=(square.east - square.west) / EXTENT)


def test_carriers_are_counted_below_zoom_13_and_named_above(session):
    owner = make.carrier(session, name_zh="示例院")
    make.site(session, owner, geom="SRID=4326;POINT(120.2 30.3)")
    make.carrier(session, name_zh="示例无地点")
    make.instrument(session, owner)
    assert [one["properties"]["n"] for one in features(session, "carriers", 9, *tile_at(9, 120.2, 30.3))] == [1]
    (found,) = features(session, "carriers", 13, *tile_at(13, 120.2, 30.3))
    assert found["properties"] == {
        "id": owner.id,
        "name": "示例院",
        "kind": "platform",
        "level": "county",
        "instruments": 1,
        "approximate": False,
        "sample": True,
    }
    assert features(session, "carriers", 9, *tile_at(9, 120.2, 30.3), wanted=Wanted(types=("没有的",))) == []


def test_regions_are_drawn_with_their_names(owner_session):
    one = make.region(owner_session, "331083", name_zh="玉环市", name_en="Yuhuan")
    box = "SRID=4326;MULTIPOLYGON(((121 28, 121.5 28, 121.5 28.4, 121 28.4, 121 28)))"
    owner_session.execute(text("UPDATE region SET geom = :box WHERE adcode = '331083'"), {"box": box})
    for detail in ("tiny", "simple"):
        values = {"detail": detail, "box": box}
        owner_session.execute(text("INSERT INTO region_shape (adcode, detail, geom) VALUES ('331083', :detail, :box)"), values)
    for z in (8, 11):
        (found,) = features(owner_session, "regions", z, *tile_at(z, 121.2, 28.2))
        assert found["properties"] == {"adcode": one.adcode, "name": "玉环市", "name_en": "Yuhuan", "level": "county"}
    assert features(owner_session, "regions", 5, *tile_at(5, 121.2, 28.2)) == []
    assert features(owner_session, "regions", 11, *tile_at(11, 110, 28.2)) == []


def test_every_change_that_a_tile_may_show_gives_another_version(session, as_owner):
    one = make.listing(session)
    make.site(session)
    values = {"id": one.instrument_id}
    changes = (
        "UPDATE instrument SET name = name || '改' WHERE id = :id",
        "UPDATE instrument SET precision = 'county' WHERE id = :id",
        "UPDATE instrument SET geom = ST_Translate(geom, 0.1, 0) WHERE id = :id",
        "UPDATE listing SET price = price + 1 WHERE instrument_id = :id",
        "UPDATE listing SET state = 'suspended' WHERE instrument_id = :id",
        "UPDATE organisation SET name_zh = name_zh || '改' WHERE id = (SELECT organisation_id FROM instrument WHERE id = :id)",
        "UPDATE organisation SET level = 'city' WHERE kind = 'carrier' AND 0 < :id",
        "UPDATE instrument_type SET name_zh = name_zh || '改' WHERE 0 < :id",
        "UPDATE instrument SET is_open = false WHERE id = :id",
    )
    for said in changes:
        seen = [version(session, layer) for layer in ("instruments", "carriers", "regions")]
        session.execute(text(said), values)
        now = [version(session, layer) for layer in ("instruments", "carriers", "regions")]
        assert [a == b for a, b in zip(seen, now, strict=True)] == [False, False, True], said
        grid.fold(session)
        assert version(session, "instruments") not in (seen[0], now[0])
    seen = version(session, "regions")
    session.execute(text("UPDATE region SET name_en = 'x'"))
    assert version(session, "regions") != seen


def test_what_no_tile_shows_changes_no_version(session):
    one = make.listing(session)
    seen = version(session, "instruments"), version(session, "carriers")
    session.execute(text("UPDATE instrument SET specs = '{\"a\": \"b\"}', hours = '{}' WHERE id = :id"), {"id": one.instrument_id})
    session.execute(text("UPDATE listing SET report_days = 9"))
    session.execute(text("UPDATE organisation SET website = 'https://example.org'"))
    make.enterprise(session)
    assert (version(session, "instruments"), version(session, "carriers")) == seen


def test_a_drawn_tile_carries_the_version_of_its_rows(session):
    make.instrument(session)
    drawn = draw(session, Tile("instruments", 0, 0, 0), ALL)
    assert drawn.version == version(session, "instruments")
    assert drawn.body


@pytest.mark.parametrize(("layer", "z", "x", "y"), [("roads", 1, 0, 0), ("regions", 23, 0, 0), ("carriers", 2, 4, 0), ("carriers", 2, 0, -1)])
def test_tiles_outside_of_the_world_are_not_found(layer, z, x, y):
    with pytest.raises(NotFound):
        tile_of(layer, z, x, y)


def test_a_tile_of_single_points_comes_through_the_index(owner_session):
    town_of(owner_session, 1)
    owner_session.execute(
        text(
            "INSERT INTO instrument (code, organisation_id, type_id, name, geom, precision, source_crs, status, is_open, hours, specs, is_sample, source)"
            " SELECT code || n, organisation_id, type_id, name, ST_SetSRID(ST_MakePoint(118 + random() * 5, 27 + random() * 4), 4326),"
            " 'point', 'WGS84', 'working', true, '{}', '{}', true, '示例' FROM instrument, generate_series(1, 100) n"
        )
    )
    owner_session.execute(text("ANALYZE open_instrument"))
    query, values = tiles._single(Tile("instruments", 14, *tile_at(14, 120.2, 30.3)), "instruments", ALL)
    plan = "\n".join(owner_session.scalars(text(f"EXPLAIN {query}"), values))
    assert "gix_open_instrument_geom" in plan
    assert "Seq Scan on open_instrument" not in plan
