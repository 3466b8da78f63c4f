"""What a file is by its first bytes, and the same file without what nobody should keep: places and names in a photograph, anything behind its end.

Bytes in, bytes out, linear in their number; nothing is decoded here. What is inside is read in a process of its own (`vouchers.reading`).
Pixels stay exactly as they were: segments and chunks are left out, nothing is compressed anew.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

JPEG: Final = "image/jpeg"
PNG: Final = "image/png"
PDF: Final = "application/pdf"
ZIP: Final = "application/zip"
"""A container: which of OFD and XLSX it is, its content says."""

OFD: Final = "application/ofd"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_SIGNATURES: Final = ((b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG), (b"%PDF-", PDF), (b"PK\x03\x04", ZIP))
_ORIENTATION: Final = 0x0112
_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # within a scan: neither a stuffed byte, nor a restart, nor a fill
_KEPT_SEGMENTS: Final = frozenset({0xE0, 0xE2, 0xEE})  # JFIF, colour profile, Adobe's transform: pixels look wrong without them
_KEPT_CHUNKS: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"})
_EXIF: Final = b"Exif\x00\x00"
_TAIL: Final = 1_024


class Broken(ValueError):
    """The file is not what its first bytes promise: cut off, or another file is hidden behind its end."""


def kind_of(content: bytes) -> str | None:
    """Return the MIME type that the first bytes say, or None for everything that is not taken."""
    return next((mime for signature, mime in _SIGNATURES if content.startswith(signature)), None)


def cleaned(content: bytes, mime: str) -> bytes:
    """Return the file as it is kept; raise `Broken` when it does not end where its format ends."""
    if mime == JPEG:
        return _bare(list(_segments(content)))
    if mime == PNG:
        return content[:8] + b"".join(_chunks(content))
    if mime == PDF:
        _check_tail(content)
    return content


def _segments(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the segments of a JPEG after its first marker, each with its marker, up to its end (ITU T.81, annex B)."""
    at = 2
    while True:
        if content[at : at + 1] != b"\xff" or at + 2 > len(content):
            raise Broken
        mark = content[at + 1]
        if mark == 0xFF:  # fill
            at += 1
            continue
        if mark == 0xD9:
            yield mark, b"\xff\xd9"
            return
        if at + 4 > len(content):
            raise Broken
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4])
        if mark == 0xDA:
            found = _MARKER.search(content, end)
            if found is None:
                raise Broken
            end = found.start()
        yield mark, content[at:end]
        at = end


def _bare(segments: list[tuple[int, bytes]]) -> bytes:
    """Return the JPEG without what applications and people say about the picture, but with a tag that says how it was held."""
    kept = [body for mark, body in segments if _is_needed(mark, body)]
    camera = next((body[4:] for mark, body in segments if mark == 0xE1 and body[4:10] == _EXIF), b"")
    return b"\xff\xd8" + _held(camera) + b"".join(kept)


def _is_needed(mark: int, body: bytes) -> bool:
    if mark == 0xE2:
        return body[4:8] != b"MPF\x00"  # another picture behind this one
    return mark in _KEPT_SEGMENTS or not (0xE0 <= mark <= 0xEF or mark == 0xFE)


def _held(camera: bytes) -> bytes:
    """Return a segment with the only one of a camera's tags that is needed: which way is up; nothing for a picture that stands upright."""
    from PIL import Image  # here: the worker has no pictures to clean and shall stay small

    tags = Image.Exif()
    try:
        tags.load(camera)
        turned = tags.get(_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, TypeError, struct.error):
        return b""
    if turned not in range(2, 9):
        return b""
    mine = Image.Exif()
    mine[_ORIENTATION] = turned
    body = mine.tobytes()
    body = body if body.startswith(_EXIF) else _EXIF + body
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def _chunks(content: bytes) -> Iterator[bytes]:
    """Yield what is kept of a PNG after its signature, up to IEND (ISO/IEC 15948)."""
    at = 8
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4])
        name = content[at + 4 : at + 8]
        if end > len(content):
            raise Broken
        if name in _KEPT_CHUNKS:
            yield content[at:end]
        if name == b"IEND":
            return
        at = end
    raise Broken


def _check_tail(content: bytes) -> None:
    """Raise `Broken` unless the PDF ends with its own end mark: another file behind it would be a file of two kinds."""
    head, mark, after = content.rpartition(b"%%EOF")
    if not mark or after.strip(b"\r\n\t \x00") or b"PK\x05\x06" in head[-_TAIL:]:
        raise Broken
