"""Layers: each says what it shows, in terms of rows and addresses."""

import json
import re

import folium
import pytest

from maps.layers import (
    LAYERS,
    BaseRegions,
    Carriers,
    Choropleth,
    HomeCounty,
    Instruments,
    Pin,
    RankedPins,
    RegionTiles,
    Rings,
    Tianditu,
    Waters,
    Would,
    pin_rows,
)
from maps.layers.ranked_pins import MOST_ROWS
from maps.page import View, draw
from maps.remote import RemoteGeoJson, Source
from maps.style import NO_DATA, class_of

ONE_OF_EACH = (
    Tianditu("k"),
    RegionTiles(),
    HomeCounty("330110"),
    Choropleth({}, (1, 2, 3, 4)),
    BaseRegions(),
    Waters(),
    Rings(120, 30),
    Instruments(),
    Carriers(),
    RankedPins(()),
    Would(()),
)


def script_of(*layers):
    return draw(layers, view=View(), nonce="n").script


def remote_calls(script):
    return [json.loads(call) for call in re.findall(r"irm\.remote\(map_map,(\{.*?\})\);", script)]


def tile_calls(script):
    return [json.loads(call) for call in re.findall(r"irm\.tiles\.push\((\{.*?\})\);", script)]


def many_pins(count):
    return tuple(Pin(str(n), n, 120.123456789, 30.0, "示例载体", n * 100) for n in range(1, count + 1))


def test_every_layer_is_in_the_tuple_once_and_has_a_name_and_a_title():
    assert tuple(type(layer) for layer in ONE_OF_EACH) == LAYERS
    assert len({layer.name for layer in LAYERS}) == len(LAYERS)
    assert all(layer.title for layer in LAYERS)


@pytest.mark.parametrize("layer", ONE_OF_EACH, ids=lambda layer: layer.name)
def test_a_layer_needs_nothing_but_a_map(layer):
    map_ = folium.Map(tiles=None)
    before = len(map_._children)
    layer.add_to(map_)
    assert len(map_._children) > before


def test_layers_are_drawn_in_the_order_of_the_tuple_whatever_order_they_are_named_in():
    assert script_of(*reversed(ONE_OF_EACH)) == script_of(*ONE_OF_EACH)


def test_the_home_county_is_named_before_the_regions_are_asked_for():
    script = script_of(*(layer for layer in ONE_OF_EACH if layer.name in {"home_county", "base"}))
    assert script.index('irm.home="330110"') < script.index("irm.remote(")


def test_the_base_map_gets_finer_when_one_comes_nearer():
    (base,) = remote_calls(script_of(BaseRegions("/map/base")))
    assert [url for _, url in base["urls"]] == ["/map/base/tiny.geojson", "/map/base/simple.geojson"]
    assert base["urls"][0][0] == 0
    assert not base["cased"]


def test_carriers_are_asked_for_by_view_and_never_all_at_once():
    (carriers,) = remote_calls(script_of(Carriers("/map/carriers.geojson")))
    assert carriers["bbox"] is True
    assert carriers["minZoom"] >= 8
    assert carriers["kind"] == "points"


def test_carriers_wait_for_a_nearer_view_where_discs_would_lie_on_them():
    (carriers,) = remote_calls(script_of(Carriers()))
    assert carriers["besideZoom"] > carriers["minZoom"]


def test_instruments_come_as_tiles_with_the_filters_of_the_page():
    (tiles,) = tile_calls(script_of(Instruments()))
    assert tiles["url"] == "/tiles/instruments/{z}/{x}/{y}.mvt"
    assert tiles["layer"] == "instruments"
    assert tiles["filtered"] is True


def test_the_land_of_a_country_lies_below_everything_and_knows_no_filter():
    (tiles,) = tile_calls(script_of(RegionTiles()))
    assert tiles["kind"] == "regions"
    assert tiles["filtered"] is False
    assert LAYERS.index(RegionTiles) < LAYERS.index(Waters)


def test_tiles_carry_no_colour():
    assert not re.search(r"color|#[0-9a-f]{3}|opacity", script_of(RegionTiles(), Instruments()).split("irm.tiles.push", 1)[1], re.IGNORECASE)


def test_a_remote_layer_is_styled_by_class_only():
    element = RemoteGeoJson("zones", Source(((0, "/map/zones.geojson"),), class_name="zone"))
    assert '"className":"zone"' in element.code()
    assert not re.search(r"color|weight|opacity", element.code(), re.IGNORECASE)


def test_rows_arrive_with_everything_a_pin_says():
    (row,) = pin_rows([Pin("i-7", 3, 120.0384567, 30.5541234, "浙江工业大学", 60000, late=True, approximate=True)])
    assert row == {
        "id": "i-7", "rank": 3, "lon": 120.03846, "lat": 30.55412, "label": "浙江工业大学", "own_fen": 60000, "late": True, "approximate": True,
    }  # fmt: skip


def test_no_more_rows_than_a_phone_can_draw_and_the_best_stay():
    rows = pin_rows(many_pins(MOST_ROWS + 50))
    assert len(rows) == MOST_ROWS
    assert rows[0]["rank"] == 1


def test_three_hundred_rows_weigh_less_than_a_photograph():
    assert len(script_of(RankedPins(many_pins(300)))) < 70_000


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, NO_DATA), (0, "s0"), (0.01, "s2"), (0.249, "s2"), (0.25, "s3"), (0.7, "s4"), (1.5, "s5"), (99, "s5")],
)
def test_a_figure_falls_into_its_class_and_unknown_is_not_zero(value, expected):
    assert class_of(value, (0.25, 0.7, 1.5)) == expected


def test_a_choropleth_hands_over_classes_and_not_figures():
    script = script_of(Choropleth({"330110": 0.5, "330102": None}, (0.25, 0.7, 1.5)), BaseRegions(cased=True))
    assert '"values":{"330110":"s3","330102":"nodata"}' in script
    assert remote_calls(script)[0]["cased"] is True


def test_tiles_of_the_map_service_come_only_with_a_key_and_carry_its_name():
    script = script_of(Tianditu("se&cret"))
    assert "vec_w/wmts" in script
    assert "cva_w/wmts" in script
    assert "tk=se%26cret" in script
    assert "\\u5929\\u5730\\u56fe" in script
    assert "tianditu" not in script_of(BaseRegions())
