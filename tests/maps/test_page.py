"""Page parts: what a browser is given, and what it must never be given."""

import json
import re

from maps.layers import BaseRegions, Carriers, Choropleth, HomeCounty, Pin, RankedPins, Rings, Tianditu, Waters
from maps.page import View, corners_around, draw

VIEW = View(lon=120.24, lat=30.5, zoom=9.5)
HOSTILE = "</script><img src=x onerror=alert(1)>"


def pin(rank, **changes):
    values = {"id": str(rank), "rank": rank, "lon": 120.1, "lat": 30.3, "label": "示例载体", "own_fen": 60000}
    return Pin(**(values | changes))


def whole(layers, **options):
    return draw(layers, view=VIEW, nonce="n0nce", label="结果地图", **options)


def rows_of(page):
    return json.loads(re.search(r"irm\.rows=(\[.*?\]);", page.script, re.DOTALL).group(1))


def test_a_page_asks_nothing_of_another_host():
    page = whole([HomeCounty("330110"), BaseRegions(), Waters(), Rings(119.97, 30.39), Carriers(), RankedPins((pin(1),))])
    assert not re.search(r"https?://", page.head + page.body + page.script)


def test_a_page_carries_no_style_and_one_script_with_its_nonce():
    page = whole([BaseRegions(), RankedPins((pin(1),))])
    everything = page.head + page.body + page.script
    assert "<style" not in everything
    assert "style=" not in everything
    assert everything.count("<script") == 1
    assert page.script.startswith('<script nonce="n0nce">')


def test_the_flag_in_leaflets_prefix_is_off():
    assert "attributionControl.setPrefix(false)" in whole([]).script


def test_two_renderings_of_the_same_layers_are_the_same_text():
    layers = [Tianditu("key"), HomeCounty("330110"), BaseRegions(), Waters(), Carriers(), RankedPins((pin(1),))]
    assert whole(layers) == whole(layers)


def test_a_carriers_name_cannot_end_the_script():
    page = whole(
        [RankedPins((pin(1, label=HOSTILE),)), Rings(119.97, 30.39, HOSTILE), Choropleth({"330110": 1.0}, (1, 2, 3, 4), {"330110": HOSTILE})]
    )
    assert page.script.count("</script>") == 1
    assert "<img" not in page.script
    assert rows_of(page)[0]["label"] == HOSTILE


def test_the_maps_name_is_escaped_where_it_is_an_attribute():
    page = draw([], view=VIEW, nonce="n", label='"><script>')
    assert 'aria-label="&quot;&gt;&lt;script&gt;"' in page.body


def test_a_map_can_be_reached_by_keyboard_and_a_still_picture_cannot():
    assert 'tabindex="0"' in whole([]).body
    still = draw([], view=View(still=True), nonce="n", label="载体在德清县")
    assert 'role="img"' in still.body
    assert "tabindex" not in still.body
    assert '"dragging": false' in still.script


def test_the_map_opens_where_the_view_says_and_cannot_leave_the_delta():
    script = whole([]).script
    assert "center: [30.5, 120.24]" in script
    assert '"zoom": 9.5' in script
    assert '"maxBounds"' in script
    assert '"zoomControl": false' in script


def test_how_far_out_one_may_zoom_follows_the_land_that_is_loaded():
    province, country = View.of_land(118.0, 27.0, 123.0, 31.2), View.of_land(73.5, 18.0, 135.1, 53.6)
    assert 6 <= province.farthest < province.zoom <= 8
    assert 2 <= country.farthest < country.zoom <= 4
    assert f'"minZoom": {country.farthest}' in draw([], view=country, nonce="n").script
    assert '"maxZoom": 17' in draw([], view=country, nonce="n").script


def test_one_may_look_a_little_beyond_the_land_and_never_beyond_the_map():
    (south, west), (north, east) = corners_around(100.0, 20.0, 120.0, 30.0)
    assert (south, west, north, east) == (17.0, 94.0, 33.0, 126.0)
    assert corners_around(0.0, 60.0, 90.0, 84.0)[1][0] == 85


def test_the_wheel_is_left_to_pages_that_scroll():
    assert '"scrollWheelZoom": false' in draw([], view=View(wheel=False), nonce="n").script
    assert '"scrollWheelZoom": true' in whole([]).script


def test_the_base_map_is_fetched_beside_the_scripts_and_by_view_data_is_not():
    head = whole([BaseRegions("/map/base"), Carriers()]).head
    assert 'href="/map/base/tiny.geojson"' in head
    assert "carriers" not in head


def test_two_maps_of_one_page_do_not_share_a_name():
    first, second = whole([], element_id="map"), whole([], element_id="map-plan")
    assert "map_map = L.map(" in first.script
    assert "map_map_plan = L.map(" in second.script
