"""One view of the map: the list to its end, the clusters, the total and the files are of the same instruments, for anybody and under every filter."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from datetime import datetime
from html import unescape
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app import create_app
from app.asking import MapQuery, ask
from app.mapquery import read
from app.viewing import listing
from bookings import queries
from core.actor import PUBLIC
from core.db import make_engine
from tests import factories as make
from tests.app.conftest import Clock, make_settings
from tests.app.desks import Desks
from tests.conftest import copied
from tests.scatter import KINDS, LEVELS, PLACES, REGIONS, TYPES, Scatter

VIEWS = 200
ROW = re.compile(r'data-id="(\d+)"')
CLASSES = ("010000", "010200", "020000", "030000")


class World(Desks):
    """A strewn world seen by nobody in particular and by an enterprise with a voucher that is related to one carrier."""

    def __init__(self, session, app) -> None:
        super().__init__(session, app)
        self.headers["nobody"], self.webs["nobody"] = {}, app.test_client()
        make.site(session, self.scene.enterprise, geom="SRID=4326;POINT(121.2 28.2)")
        self.scatter = Scatter(session, seed=7)
        self.scene.enterprise.controller = self.scatter.carriers[0].controller = "示例控制人"
        session.commit()

    def view(self, pairs, by="nobody", path="/map/view"):
        answer = self.get(f"{path}?{urlencode(pairs)}", by=by)
        assert answer.status_code == 200, f"{pairs}: {answer.status_code} {answer.text[:300]}"
        return answer

    def pages(self, pairs, by="nobody"):
        """Return the first answer, and the ids of the list paged to its end."""
        first = self.view(pairs, by).json
        ids, answer = ROW.findall(first["list"]), first
        while answer["next"]:
            answer = self.view([*pairs, ("cursor", answer["next"])], by).json
            assert answer["total"] == first["total"]
            ids += ROW.findall(answer["list"])
        return first, [int(one) for one in ids]


def made(url):
    """Yield a world in a database of its own: files are read in sessions of their own, so what they hold must be committed."""
    engine = make_engine(url)
    app = create_app(make_settings(), engine=engine)
    app.extensions["clock"] = Clock()
    with Session(engine, expire_on_commit=False) as session:
        yield World(session, app)
    engine.dispose()


@pytest.fixture(scope="module")
def world(server_url, template_url):
    """Give the world of all tests that change nothing."""
    with copied(server_url, template_url) as url:
        yield from made(url)


@pytest.fixture
def changing(committed_db):
    """Give a world of one test's own."""
    yield from made(committed_db.url)


def random_pairs(dice):
    """Give a random view: a box around some place or none, a zoom, and each filter with some probability."""
    lon, lat = dice.choice(PLACES)
    width = 10 ** dice.uniform(-1.5, 0.8)
    west, south = lon - width * dice.random(), lat - width * dice.random()
    pairs = [("view", f"{dice.uniform(5, 17):.2f},{lon},{lat}"), ("limit", "100")] if dice.random() < 0.8 else []
    some = [
        (0.85, ("area", f"{west},{south},{west + width},{south + width}")),
        (0.3, ("type", dice.choice(TYPES))),
        (0.1, ("type", dice.choice(TYPES))),
        (0.25, ("class", dice.choice(CLASSES))),
        (0.25, ("kind", dice.choice(KINDS))),
        (0.1, ("kind", dice.choice(KINDS))),
        (0.2, ("level", dice.choice([level for level in LEVELS if level]))),
        (0.2, ("region", dice.choice((*REGIONS, "330500", "330000")))),
        (0.3, ("own_max", str(dice.choice((0, 100, 600, 1200, 5000))))),
        (0.3, ("free", "week")),
        (0.3, ("within", str(dice.choice((5, 30, 120))))),
        (0.15, ("q", dice.choice(("示例", "电镜", "扫描")))),
        (0.7, ("sort", dice.choice(("best", "own", "near", "soon")))),
    ]
    if dice.random() < 0.4:
        pairs += [("lon", str(lon)), ("lat", str(lat))]
    return pairs + [pair for chance, pair in some if dice.random() < chance]


def test_in_two_hundred_random_views_list_clusters_total_and_files_are_equal(world, monkeypatch):
    dice = random.Random(20261124)
    found = 0
    for nth in range(VIEWS):
        by, pairs = ("nobody", "enterprise")[nth % 2], random_pairs(dice)
        monkeypatch.setattr("app.viewing.FEW", dice.choice((0, 3_000)))  # both ways of coming by a page
        first, ids = world.pages(pairs, by)
        rows = list(csv.DictReader(io.StringIO(world.view(pairs, by, "/map/view.csv").text.lstrip("\ufeff"))))
        shapes = json.loads(world.view(pairs, by, "/map/view.geojson").text)["features"]
        assert len(ids) == len(set(ids)), f"{pairs}: a row came twice"
        assert first["total"] == len(ids) == sum(one["n"] for one in first["clusters"]) == len(rows) == len(shapes), pairs
        assert set(ids) == {int(row["id"]) for row in rows}, pairs
        assert all(one["id"] in ids for one in first["clusters"] if one["n"] == 1)
        found += first["total"] > 0
    assert found > VIEWS / 3, "most views were empty: that proves little"


def test_facets_add_up_to_the_total(world):
    for pairs in ([], [("kind", "university")], [("free", "week")], [("own_max", "600")]):
        answer = world.view([*pairs, ("facets", "1")]).json
        for name in ("kind", "level", "class"):
            assert sum(answer["facets"][name].values()) == answer["total"], (pairs, name)


def test_the_page_says_the_same_number_and_offers_the_same_files(world):
    page, answer = world.get("/?kind=university", by="nobody").text, world.view([("kind", "university")]).json
    assert f'data-total="{answer["total"]}"' in page
    assert "/map/view.csv?kind=university" in page
    assert len(ROW.findall(page)) == len(ROW.findall(answer["list"])) == min(20, answer["total"])


def test_without_scripts_the_pages_of_the_list_follow_one_another_by_links(world):
    seen, link = [], "/?"
    while link:
        page = world.get(link, by="nobody").text
        seen += ROW.findall(page)
        more = re.search(r'data-more data-cursor="[^"]*" href="([^"]+)"', page)
        link = more[1].replace("&amp;", "&") if more else None
    assert len(seen) == len(set(seen)) == world.view([]).json["total"]


@pytest.mark.parametrize("by", ["nobody", "enterprise"])
@pytest.mark.parametrize("sort", ["best", "own", "near"])
def test_rows_that_come_between_two_pages_move_nothing(changing, by, sort):
    world = changing
    pairs = [("sort", sort)]
    _, before = world.pages(pairs, by)
    first = world.view(pairs, by).json
    for nth in range(30):
        new = make.instrument(world.session, world.scatter.carriers[nth % 5], geom="SRID=4326;POINT(121.2 28.2)")
        make.listing(world.session, new, price=1000 * (nth + 1))
    world.session.execute(text("UPDATE instrument SET is_open = false WHERE id = :id"), {"id": int(ROW.findall(first["list"])[-1])})
    world.session.commit()
    seen, answer = ROW.findall(first["list"]), first
    while answer["next"]:
        answer = world.view([*pairs, ("cursor", answer["next"])], by).json
        seen += ROW.findall(answer["list"])
    assert len(seen) == len(set(seen))
    kept = [int(one) for one in seen if int(one) in set(before)]
    assert kept == before, "a row of before was left out, or stands elsewhere"


def lines(world, actor, query, total=1):
    """Return every row of a list, page by page, as the page would show it; `total` is what the page has counted."""
    asked, found, cursor = ask(world.session, actor, query), [], ""
    while True:
        page = listing(world.session, asked, MapQuery(**{**query.__dict__, "cursor": cursor}), limit=7, total=total)
        found += page.lines
        if not page.next:
            return found
        cursor = page.next


def query_of(**pairs):
    return read(MultiDict(pairs)).query


@pytest.mark.parametrize("most", [0, 1, 300, 600, 1200, 2500])
@pytest.mark.parametrize("who", ["nobody", "enterprise"])
def test_at_most_so_much_to_pay_means_what_the_checkout_would_say_of_every_row(world, who, most):
    actor = world.scene.buyer if who == "enterprise" else PUBLIC
    everything = lines(world, actor, query_of())
    wanted = {row.one.id for row in everything if row.own_part is not None and row.own_part <= 100 * most}
    assert {row.one.id for row in lines(world, actor, query_of(own_max=str(most)))} == wanted


def test_a_related_carrier_pays_in_full_and_is_filtered_so(world):
    related = world.scatter.carriers[0].id
    rows = [row for row in lines(world, world.scene.buyer, query_of()) if row.one.carrier_id == related and row.one.price]
    assert rows
    assert all(row.voucher_part == 0 for row in rows)
    assert all(row.one.price <= 60_000 for row in lines(world, world.scene.buyer, query_of(own_max="600")) if row.one.carrier_id == related)


def test_free_this_week_is_what_the_rows_show_as_their_next_slot(world):
    everything = lines(world, PUBLIC, query_of())
    slots = queries.next_slots(world.session, {row.one.id: row.one.hours for row in everything if row.one.status == "working"}, days=7)
    found = lines(world, PUBLIC, query_of(free="week"))
    assert {row.one.id for row in found} == {one for one, slot in slots.items() if slot}
    assert all(row.slot and (row.slot.start - datetime.fromisoformat("2026-11-24T00:00+08:00")).days < 7 for row in found)


def test_within_a_distance_are_only_exact_places(world):
    found = lines(world, PUBLIC, query_of(lon="120.13", lat="30.27", within="40"))
    assert found
    assert all(row.one.precision == "point" and row.one.metres <= 40_000 for row in found)
    everything = lines(world, PUBLIC, query_of(lon="120.13", lat="30.27"))
    assert {row.one.id for row in found} == {row.one.id for row in everything if row.one.metres is not None and row.one.metres <= 40_000}


@pytest.mark.parametrize("total", [1, 1_000_000])
@pytest.mark.parametrize("who", ["nobody", "enterprise"])
def test_each_order_is_what_it_says(world, who, total):
    actor = world.scene.buyer if who == "enterprise" else PUBLIC
    own = [row.own_part for row in lines(world, actor, query_of(sort="own"), total)]
    assert own == sorted(own, key=lambda fen: (fen is None, fen))
    near = [row.one.metres for row in lines(world, actor, query_of(sort="near", lon="120.13", lat="30.27"), total)]
    assert near == sorted(near, key=lambda metres: (metres is None, metres))
    assert near[0] is not None
    if who == "nobody":
        ids = [row.one.id for row in lines(world, actor, query_of(), total)]
        assert ids == sorted(ids)


def test_a_need_shows_the_best_and_counts_all_that_could_do_it(world):
    answer = world.view([("need", "断口 扫描电镜"), ("facets", "1")], "enterprise").json
    kinds = world.view([("type", TYPES[0])]).json
    assert answer["total"] == sum(one["n"] for one in answer["clusters"]) >= kinds["total"] > 0
    assert answer["next"] is None
    assert 0 < answer["shown"] <= 20
    rows = list(csv.DictReader(io.StringIO(world.view([("need", "断口 扫描电镜")], "enterprise", "/map/view.csv").text.lstrip("\ufeff"))))
    assert len(rows) == answer["total"]
    assert {int(one) for one in ROW.findall(answer["list"])} <= {int(row["id"]) for row in rows}


@pytest.mark.parametrize(
    "pair", [("kind", "university"), ("level", "city"), ("region", "330500"), ("own_max", "600"), ("free", "week"), ("within", "60")]
)
def test_filters_narrow_a_ranked_answer_too(world, pair):
    need = [("need", "断口 扫描电镜"), ("lon", "120.13"), ("lat", "30.27"), ("limit", "100")]
    whole, found = (world.view(pairs, "enterprise").json for pairs in (need, [*need, pair]))
    allowed = {int(row["id"]) for row in csv.DictReader(io.StringIO(world.view([*need, pair], "enterprise", "/map/view.csv").text.lstrip("\ufeff")))}
    assert {int(one) for one in ROW.findall(found["list"])} <= allowed
    assert found["total"] == len(allowed) <= whole["total"]


def test_a_vague_need_is_answered_by_its_question_and_counts_nothing(world):
    answer = world.view([("need", "测试一下")]).json
    assert answer["ask"]
    assert (answer["total"], answer["clusters"], answer["next"]) == (0, [], None)
    assert world.get("/map/view.csv?" + urlencode({"need": "测试一下"}), by="nobody").status_code == 422


NONSENSE = (
    ("area", "1,2,3"),
    ("area", "5,5,1,1"),
    ("area", "a,b,c,d"),
    ("area", "nan,1,2,3"),
    ("view", "x"),
    ("view", "nan,1,2"),
    ("cursor", "x"),
    ("cursor", "id~x"),
    ("cursor", "id~1~2"),
    ("cursor", "id~-1"),
    ("cursor", "id~99999999999999999999"),
    ("cursor", "own~1~2"),
    ("cursor", "near~1~2"),
    ("cursor", "near~nan~2"),
    ("cursor", "id~٣"),
)


@pytest.mark.parametrize("pair", NONSENSE)
def test_nonsense_is_named_with_a_way_out(world, pair):
    answer = world.get(f"/map/view?{urlencode([pair])}", by="nobody")
    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert answer.json["errors"][0]["field"] == pair[0]
    assert world.get(f"/map/view.csv?{urlencode([pair])}", by="nobody").status_code in (200, 400)


@pytest.mark.parametrize("cursor", ["near~0.0~0", "near~-~0", "near~20100000.0~5"])
def test_any_place_in_an_order_is_a_cursor(world, cursor):
    pairs = [("lon", "120.13"), ("lat", "30.27"), ("cursor", cursor)]
    assert world.view(pairs).json["total"] > 0


def test_no_position_is_written_to_the_log(world, capsys):
    world.view([("lon", "120.98765"), ("lat", "30.12345"), ("within", "30")])
    world.get("/?lon=120.98765&lat=30.12345", by="nobody")
    out = capsys.readouterr()
    assert "map/view" in out.out
    assert "120.98765" not in out.out + out.err
    assert "30.12345" not in out.out + out.err


def test_a_typed_place_that_nobody_knows_is_said_to_be_unknown_and_takes_nothing_away(world):
    unknown = world.get("/?place=" + quote("没有这个地方"), by="nobody")
    assert unknown.status_code == 200
    assert "没有找到“没有这个地方”" in unknown.text
    assert ROW.findall(unknown.text), "a place that is not known took the list away"


def test_distance_without_a_place_filters_nothing_and_breaks_nothing(world):
    assert world.view([("within", "10")]).json["total"] == world.view([]).json["total"]


def test_one_comes_back_from_an_instrument_to_the_same_list(world):
    asked = [("kind", "university"), ("kind", "institute"), ("region", "330000"), ("sort", "own"), ("area", "118.0,27.0,123.0,32.0")]
    page = world.get("/?" + urlencode(asked), by="nobody").text
    (link,) = re.findall(r'<h3><a href="([^"]+)"', page)[:1]
    instrument = world.get(unescape(link), by="nobody").text
    back = [unescape(one) for one in re.findall(r'href="(/\?[^"]+)"', instrument)]
    assert any(sorted(parse_qsl(urlsplit(one).query)) == sorted(asked) for one in back), back
