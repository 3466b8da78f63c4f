"""The map at full scale against what a GIS engineer would put there instead: items, tiles, viewport, nearest of a type, through HTTP.

Eight clients, five rounds, random boxes that no round shares, every server started anew for each round; figures are medians. The peers read a
flat table with the same fields and a GiST index, which is kinder to them than our own tables are to us. The worlds are kept between runs;
`BENCH_PAPER_URL` and `BENCH_NATIONAL_URL` name databases that hold them already, the national one is only measured when it is named.
"""

import gzip
import json
import os
import re
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, make_url, text

from benchmarks import serving
from benchmarks.boxes import boxes, places, tiles
from benchmarks.load import Load, middle, press, verdict
from benchmarks.scratch import kept_world

ROUNDS = 5
COUNT = 4_000
WARMING = 1_000
"""Seeds from here on draw the views that warm a server which has just begun: its connections and its code, not the answers of the round."""
Start = Callable[[str], AbstractContextManager[str]]
Ask = Callable[[int], list[str]]

FLAT = """
DROP SCHEMA IF EXISTS peers CASCADE;
CREATE SCHEMA peers;
CREATE TABLE peers.instruments AS
SELECT m.id, x.code, m.name, t.name_zh AS type, m.class_code, x.model, x.value, m.status, m.precision, x.source_crs, m.adcode AS region,
       m.organisation_id AS carrier_id, o.name_zh AS carrier, m.carrier_kind AS kind, m.level, m.service, m.price,
       (SELECT to_char(min(l.created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
        FROM listing l WHERE l.instrument_id = m.id AND l.state = 'open') AS listed_at, m.is_sample, m.geom
FROM open_instrument m JOIN instrument x ON x.id = m.id JOIN organisation o ON o.id = m.organisation_id
LEFT JOIN instrument_type t ON t.id = m.type_id;
ALTER TABLE peers.instruments ADD PRIMARY KEY (id);
CREATE INDEX ON peers.instruments USING gist (geom);
ANALYZE peers.instruments;
"""


def run() -> Iterator[str]:
    """Measure everything at paper size, and the viewport at national size where that world is named."""
    url = os.environ.get("BENCH_PAPER_URL") or kept_world("paper")
    engine = create_engine(url)
    try:
        with engine.begin() as opened:
            for statement in FLAT.split(";\n"):
                if statement.strip():
                    opened.execute(text(statement))
        yield from _items(url, engine)
        yield from _tiles(url, engine)
        yield from _nearest(url, engine)
        yield from _views(url, engine)
    finally:
        with engine.begin() as opened:
            opened.execute(text("DROP SCHEMA IF EXISTS peers CASCADE"))
        engine.dispose()


def rounds(start: Start, url: str, ask: Ask) -> Load:
    """Return the medians of the rounds of one server."""
    found = []
    for turn in range(ROUNDS):
        with start(url) as base:
            press(base, ask(turn + WARMING), seconds=4)
            found.append(press(base, ask(turn)))
    return middle(found)


def _items(url: str, engine: Engine) -> Iterator[str]:
    def ask(prefix: str, turn: int) -> list[str]:
        return [f"{prefix}&bbox={box}&limit=100" for _, box in boxes(places(engine, COUNT, turn), range(8, 15), turn)]

    our_path = "/ogc/collections/instruments/items?f=json"
    peer_paths = {"tipg": "/collections/peers.instruments/items?f=geojson", "pygeoapi": "/collections/instruments/items?f=json"}
    asks = [box for _, box in boxes(places(engine, 12, 99), range(8, 15), 99)]
    with serving.ours(url) as base:
        expected = {box: _content(f"{base}{our_path}&bbox={box}&limit=10000") for box in asks}
    mine = rounds(serving.ours, url, partial(ask, our_path))
    for name, path in peer_paths.items():
        start = getattr(serving, name)
        with start(url) as base:
            for box in asks:
                _same(name, _content(f"{base}{path}&bbox={box}&limit=1000"), expected[box])
        yield verdict(f"100 items of a random box with the count, against {name}", mine, rounds(start, url, partial(ask, path)))


def _content(url: str) -> tuple[int, dict[int, dict[str, object]]]:
    """Return the count and the features of a page by id, coordinates to five decimals."""
    with urllib.request.urlopen(url) as answer:
        body = answer.read()
    page = json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
    rows = {}
    for feature in page["features"]:
        point = [round(number, 5) for number in feature["geometry"]["coordinates"]]
        rows[int(feature["id"])] = {**{k: v for k, v in feature["properties"].items() if k != "id"}, "point": point}
    return page["numberMatched"], rows


def _same(name: str, theirs: tuple[int, dict[int, dict[str, object]]], mine: tuple[int, dict[int, dict[str, object]]]) -> None:
    """Raise AssertionError when a peer counts or tells something else than we do: then the race would not be fair."""
    assert theirs[0] == mine[0], f"{name} counts {theirs[0]}, we count {mine[0]}"  # noqa: S101
    for key in theirs[1].keys() & mine[1].keys():
        other = {field: mine[1][key][field] for field in theirs[1][key]}
        assert other == theirs[1][key], f"{name}: {theirs[1][key]}, ours: {other}"  # noqa: S101


def _tiles(url: str, engine: Engine) -> Iterator[str]:
    def ours(zooms: range, turn: int) -> list[str]:
        return [f"/tiles/instruments/{z}/{x}/{y}.mvt" for z, x, y in tiles(places(engine, COUNT, turn), zooms, turn)]

    def theirs(zooms: range, turn: int) -> list[str]:
        return [
            f"/collections/peers.instruments/tiles/WebMercatorQuad/{z}/{x}/{y}?properties=name,type,carrier,price,precision,is_sample"
            for z, x, y in tiles(places(engine, COUNT, turn), zooms, turn)
        ]

    for name, zooms in (("raw tiles z13-15", range(13, 16)), ("tiles z6-12", range(6, 13))):
        mine, peer = rounds(serving.ours, url, partial(ours, zooms)), rounds(serving.tipg, url, partial(theirs, zooms))
        yield verdict(f"{name} against tipg", mine, peer)
        yield verdict(f"{name} against tipg, p95", mine, peer, by="p95")


def _nearest(url: str, engine: Engine) -> Iterator[str]:
    """Give the rate of the nearest twenty of a type through HTTP beside that of pgbench with the same statement."""
    with engine.connect() as opened:
        types = list(opened.execute(text("SELECT id, name_zh FROM instrument_type ORDER BY id")).all())

    def ask(turn: int) -> list[str]:
        spots = places(engine, COUNT, turn)
        return [
            f"/api/v1/instruments?type={quote(types[n % len(types)].name_zh)}&near={lon:.4f},{lat:.4f}&sort=near&limit=20"
            for n, (lon, lat) in enumerate(spots)
        ]

    mine = rounds(serving.ours, url, ask)
    peer = _pgbench(url, len(types))
    yield f"nearest 20 of a type through HTTP: ours {mine}, pgbench {peer:,.0f}/s, ratio {mine.rate / peer:.2f}"


def _middle(box: str) -> str:
    west, south, east, north = (float(side) for side in box.split(","))
    return f"{(west + east) / 2:.5f},{(south + north) / 2:.5f}"


def _pgbench(url: str, types: int) -> float:
    """Return what pgbench reaches with eight clients and the statement that the address runs."""
    from geodata.nearest import nearest_statement

    where = make_url(url)
    sql = nearest_statement(20)
    values = {"type": ":type", "lon": "(118 + :x / 10000.0)", "lat": "(27 + :y / 10000.0)"}
    script = re.sub(r"(?<!:):(\w+)", lambda found: values[found.group(1)], " ".join(sql.split()))
    body = f"\\set type random(1, {types})\n\\set x random(0, 50000)\n\\set y random(0, 40000)\n{script};\n"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "nearest.sql"
        file.write_text(body)
        words = ["pgbench", "-n", "-M", "prepared", "-c8", "-j2", "-T5", "-f", str(file)]
        words += ["-h", str(where.query.get("host") or where.host), "-U", str(where.username), str(where.database)]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return float(re.search(r"tps = ([\d.]+)", told).group(1))


def _views(url: str, engine: Engine) -> Iterator[str]:
    filters = ("", "", "&class=010000", "&kind=university", "&type=" + quote("扫描电子显微镜"), "&free=week", "&own_max=2000")

    def ask(engine: Engine, turn: int) -> list[str]:
        found = boxes(places(engine, COUNT, turn), range(7, 15), turn)
        return [f"/map/view?area={box}&view={zoom},{_middle(box)}{filters[n % len(filters)]}" for n, (zoom, box) in enumerate(found)]

    paper = rounds(serving.ours, url, partial(ask, engine))
    yield f"viewport at paper size: ours p95 {paper.p95:.0f} ms, limit 150 ms, ratio {150 / paper.p95:.2f} ({paper})"
    other = os.environ.get("BENCH_NATIONAL_URL")
    if other:
        large = create_engine(other)
        national = rounds(serving.ours, other, partial(ask, large))
        large.dispose()
        ratio = national.p95 / paper.p95
        yield f"viewport at national size: p95 {national.p95:.0f} ms, at paper size {paper.p95:.0f} ms, ratio {ratio:.2f} ({national})"
