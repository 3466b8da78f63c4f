"""A box falls into whole cells and a border, and every point lies in exactly one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geodata.basemap import Box
from geodata.cells import BITS, WORLD, ZOOMS, Rect, border, counted_at, degrees_of, pieces, position, strips, whole

LON, LAT = st.floats(-180, 180), st.floats(-90, 90)
BOXES = st.tuples(LON, LAT, st.floats(0.0001, 90), st.floats(0.0001, 60)).map(
    lambda b: Box(b[0], b[1], min(180.0, b[0] + b[2]), min(90.0, b[1] + b[3]))
)


def holds(box, lon, lat):
    return box.west <= lon <= box.east and box.south <= lat <= box.north


def cell(rect, lon, lat):
    x, y = (min(WORLD - 1, max(0, int(part))) >> (BITS - rect.zoom) for part in position(lon, lat))
    return rect.x0 <= x <= rect.x1 and rect.y0 <= y <= rect.y1


@given(BOXES, st.floats(0, 1), st.floats(0, 1), st.sampled_from(ZOOMS))
def test_every_point_of_a_box_is_in_one_whole_cell_or_in_its_border(box, east, north, first):
    lon, lat = box.west + east * (box.east - box.west), box.south + north * (box.north - box.south)
    rects, cover = pieces(box, [zoom for zoom in ZOOMS if zoom >= first])
    inside = sum(cell(rect, lon, lat) for rect in rects)
    assert inside == (not cover.is_empty and cell(cover, lon, lat))
    assert inside or any(holds(edge, lon, lat) for edge in border(box, cover))


@given(BOXES, LON, LAT)
def test_a_point_outside_of_a_box_is_in_none_of_its_cells(box, lon, lat):
    rects, _ = pieces(box, ZOOMS)
    assert holds(box, lon, lat) or not any(cell(rect, lon, lat) for rect in rects)


@given(BOXES, st.integers(0, 22))
def test_whole_cells_lie_inside(box, zoom):
    found = whole(box, zoom)
    if not found.is_empty:
        outline = found.box
        assert box.west < outline.west
        assert outline.east < box.east
        assert box.south < outline.south
        assert outline.north < box.north


@given(LON, st.floats(-85.05, 85.05))
def test_positions_and_degrees_are_inverse(lon, lat):
    assert degrees_of(*position(lon, lat)) == pytest.approx((lon, lat), abs=1e-9)


def test_strips_go_around_without_the_corners_twice():
    outer, inner = Rect(8, 0, 0, 9, 9), Rect(8, 2, 3, 5, 5)
    cells = [(x, y) for rect in strips(outer, inner) for x in range(rect.x0, rect.x1 + 1) for y in range(rect.y0, rect.y1 + 1)]
    assert len(cells) == len(set(cells)) == 100 - 12


def test_a_rect_is_the_same_area_at_a_finer_zoom():
    assert Rect(6, 1, 2, 3, 4).at(8).box == Rect(6, 1, 2, 3, 4).box


@pytest.mark.parametrize(("zoom", "known"), [(0, 6), (6, 6), (7, 8), (16, 16), (17, None)])
def test_cells_of_any_zoom_are_put_together_from_the_next_counted_one(zoom, known):
    assert counted_at(zoom) == known
