"""Files for the browser: our own under `app/static` and those that `maps.assets` maps from installed packages, at `/assets/<name>?v=<hash>`.

The hash of the content is part of every address that we write, so browsers may keep a file for a year. Compression is Flask-Compress's.
"""

from __future__ import annotations

import mimetypes
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, cast

from flask import Flask, Response, request, url_for
from flask_compress import Compress
from werkzeug.security import safe_join

from core.errors import NotFound
from maps.assets import asset_path

LONGEST: Final = 255  # bytes of a name that a file system takes
STATIC: Final = Path(__file__).parent / "static"
_YEAR: Final = 31_536_000  # seconds
_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".webmanifest": "application/manifest+json"}


def init_app(app: Flask) -> None:
    """Serve the files of `app` as endpoint `static`, so that `url_for("static", filename=…)` carries the hash, and compress answers."""
    app.config.update(COMPRESS_ALGORITHM=["br", "gzip"], COMPRESS_STREAMS=False, COMPRESS_MIMETYPES=_COMPRESSED)
    Compress(app)
    app.add_url_rule("/assets/<path:filename>", endpoint="static", view_func=serve)
    app.url_defaults(_with_hash)
    app.jinja_env.globals.update(asset=asset_url, asset_url=asset_url)


def asset_url(name: str) -> str:
    """Return the address of a file by its name under `app/static` or in `maps.assets`, with the hash of its content."""
    return url_for("static", filename=name)


def serve(filename: str) -> Response:
    """Return the file; kept for a year under its own hash, asked for again each time under any other address."""
    path = find(filename)
    if path is None:
        raise NotFound
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    response = Response(path.read_bytes(), mimetype=kind)
    version = digest(path, path.stat().st_mtime_ns)
    response.set_etag(version)
    response.cache_control.public = True
    if request.args.get("v") == version:
        response.cache_control.max_age = _YEAR
        response.cache_control.immutable = True
    else:
        response.cache_control.no_cache = True
    return cast("Response", response.make_conditional(request))


def find(name: str) -> Path | None:
    """Return the file called `name`, or None; nothing outside the two places can be named, and no name longer than a file's."""
    if len(name.encode()) > LONGEST:
        return None
    inside = safe_join(str(STATIC), name)
    if inside and Path(inside).is_file():
        return Path(inside)
    mapped = asset_path(name)
    return mapped if mapped and mapped.is_file() else None


@cache
def digest(path: Path, _changed: int) -> str:
    """Return 16 hexadecimal digits that stand for the content of `path` as of `_changed` (nanoseconds), read once."""
    return sha256(path.read_bytes()).hexdigest()[:16]


def _with_hash(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static" and "v" not in values:
        path = find(values.get("filename", ""))
        if path is not None:
            values["v"] = digest(path, path.stat().st_mtime_ns)


_COMPRESSED: Final = [
    "text/html",
    "text/css",
    "text/plain",
    "text/csv",
    "text/javascript",
    "application/json",
    "application/geo+json",
    "application/problem+json",
    "application/manifest+json",
    "image/svg+xml",
]
