"""Text that PostGIS has written, passed through to the client: packed lightly where the client takes it, and not looked at again."""

from __future__ import annotations

import zlib
from typing import Final

from flask import Response, request

LIGHT: Final = 2
"""Level of compression: JSON of many like rows shrinks to a sixth at a third of the work of the usual level."""

WORTH: Final = 1_000
"""Bytes from which packing pays."""

_GZIP: Final = 31  # zlib: the largest window, with the head and the end of a gzip file


def passed(text: str, content_type: str) -> Response:
    """Answer `text` as `content_type`, as gzip where the client takes that."""
    body = text.encode()
    if len(body) < WORTH or not request.accept_encodings["gzip"]:
        return Response(body, content_type=content_type)
    response = Response(zlib.compress(body, LIGHT, _GZIP), content_type=content_type)
    response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    return response
