"""Look into a file that somebody handed in, in a process of its own with little memory and time: whatever it does to its reader, it does to this one.

`python -m vouchers.reading look PATH MIME` prints one line of JSON: the facts, or {"fault": code}. `page PATH MIME NUMBER OUT` draws one page
as PNG. The caller is `vouchers.files`. Only PNG that we drew ourselves is ever shown within a page of ours.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import zipfile
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from vouchers.cleaning import JPEG, OFD, PDF, PNG, XLSX, ZIP
from vouchers.filestore import SECONDS

MOST_PIXELS: Final = 60_000_000
MOST_PAGES: Final = 200
MOST_UNPACKED: Final = 100_000_000
"""Bytes that a container may unpack to."""

MOST_ENTRIES: Final = 5_000
MEMORY: Final = 1_500_000_000
WIDE: Final = 1_400
"""Pixels of the longer side of a drawn page."""

_LONGEST: Final = 14_400  # points, the limit of the PDF standard


class Fault(Exception):
    """Why a file is not taken, as a code of `vouchers.files.FAULTS`."""


def limit() -> None:
    """Bound this process's memory, time and files; no core is written."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000_000, 50_000_000))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def look(path: str, mime: str) -> dict[str, Any]:
    """Return the facts of a file: mime, pages, coarse and fine likenesses as hex, what its QR code says; raise `Fault`."""
    if mime == ZIP:
        return {"mime": _container(path), "pages": 0, "coarse": [], "fine": "", "read": {}}
    if mime == PDF:
        pages = _check_pdf(path)
        picture = _pdf_page(path, 1)
    else:
        pages, picture = 1, _picture(path, mime)
    coarse, fine = likeness(picture)
    return {"mime": mime, "pages": pages, "coarse": coarse, "fine": fine, "read": invoice(_codes(picture))}


def page(path: str, mime: str, number: int, out: str) -> None:
    """Draw page `number` (from 1) as PNG into `out`; an image is its own only page."""
    picture = _pdf_page(path, number) if mime == PDF else _picture(path, mime)
    picture.thumbnail((WIDE, WIDE * 2))
    picture.convert("RGB").save(out, "PNG")


def likeness(picture: Image.Image) -> tuple[list[str], str]:
    """Return the perceptual hashes of what is on the paper, as it lies and turned by one to three quarters: four of 64 bits, four of 256 in a row.

    Hashes are hex; DCT of the picture, median as threshold. The paper is cut out of the table that it lies on, so that a photograph and a scan
    of it come out alike.
    """
    import imagehash

    paper = _paper(ImageOps.autocontrast(picture.convert("L")))
    turned = [paper, *(paper.transpose(way) for way in (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270))]
    return [str(imagehash.phash(one, hash_size=8)) for one in turned], "".join(str(imagehash.phash(one, hash_size=16)) for one in turned)


def invoice(codes: Iterable[str]) -> dict[str, str]:
    """Return number, total (yuan) and date of the first code in the layout of Chinese invoices: "01,32,code,number,total,yyyymmdd,check,…"."""
    for code in codes:
        parts = [part.strip() for part in code.split(",")]
        if len(parts) >= 6 and parts[0] == "01" and parts[3].isascii() and parts[3].isdigit() and len(parts[3]) in (8, 20):
            return {"invoice": parts[2] + parts[3], "total": parts[4][:20], "date": parts[5][:8]}
    return {}


def _paper(gray: Image.Image) -> Image.Image:
    """Return the bright sheet within a gray picture laid flat, its corners pulled to those of a rectangle. The whole where none stands out."""
    small = gray.copy()
    small.thumbnail((500, 500))
    values = np.asarray(small.filter(ImageFilter.MedianFilter(5)))
    bright = values > _otsu(values)
    if not 0.15 < bright.mean() < 0.93:
        return gray
    y, x = np.nonzero(bright)
    corners = [int(found) for found in ((x + y).argmin(), (x - y).argmin(), (x + y).argmax(), (x - y).argmax())]
    scale = gray.width / small.width
    quad = [(float(x[at] * scale), float(y[at] * scale)) for at in corners]  # upper left, lower left, lower right, upper right
    if _area(quad) < 0.5 * bright.sum() * scale * scale:
        return gray
    wide = round(max(math.dist(quad[0], quad[3]), math.dist(quad[1], quad[2])))
    high = round(max(math.dist(quad[0], quad[1]), math.dist(quad[3], quad[2])))
    flat = [value for corner in quad for value in corner]
    return gray.transform((max(wide, 1), max(high, 1)), Image.Transform.QUAD, flat, Image.Resampling.BILINEAR)


def _area(quad: list[tuple[float, float]]) -> float:
    """Return the area of a polygon (shoelace formula)."""
    turned = quad[1:] + quad[:1]
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(quad, turned, strict=True))) / 2


def _otsu(values: np.ndarray[Any, Any]) -> int:
    """Return the gray value that parts dark from bright best (Otsu 1979)."""
    counts = np.bincount(values.ravel(), minlength=256).astype(float)
    below = counts.cumsum()
    sums = (counts * np.arange(256)).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = (sums[-1] * below / below[-1] - sums) ** 2 / (below * (below[-1] - below))
    return int(np.nanargmax(np.where(np.isfinite(spread), spread, -1)))


def _codes(picture: Image.Image) -> list[str]:
    import zxingcpp

    return [found.text for found in zxingcpp.read_barcodes(picture.convert("L"))]


def _picture(path: str, mime: str) -> Image.Image:
    """Return the decoded image, the right way up; its size is judged before a pixel is read."""
    kind = {JPEG: "JPEG", PNG: "PNG"}[mime]
    try:
        with Image.open(path, formats=(kind,)) as found:
            if found.width * found.height > MOST_PIXELS:
                raise Fault("pixels")
            found.load()
            return ImageOps.exif_transpose(found)
    except Image.DecompressionBombError:
        raise Fault("pixels") from None
    except (OSError, ValueError, SyntaxError, EOFError):
        raise Fault("broken") from None


def _check_pdf(path: str) -> int:
    """Return how many pages a PDF has; raise `Fault` for passwords, scripts, too many or too large pages."""
    import pypdfium2 as pdfium
    from pypdfium2 import raw

    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as wrong:
        raise Fault("password" if "assword" in str(wrong) or getattr(wrong, "err_code", 0) == raw.FPDF_ERR_PASSWORD else "broken") from None
    if raw.FPDFDoc_GetJavaScriptActionCount(document) > 0:
        raise Fault("script")
    if len(document) == 0:
        raise Fault("broken")
    if len(document) > MOST_PAGES:
        raise Fault("pages")
    return len(document)


def _pdf_page(path: str, number: int) -> Image.Image:
    import pypdfium2 as pdfium

    try:
        found = pdfium.PdfDocument(path)[number - 1]
        width, height = found.get_size()
        if not 0 < max(width, height) <= _LONGEST:
            raise Fault("broken")
        drawn: Image.Image = found.render(scale=WIDE / max(width, height), may_draw_forms=False).to_pil()
    except (pdfium.PdfiumError, IndexError, ValueError):
        raise Fault("broken") from None
    return drawn


def _container(path: str) -> str:
    """Return which container a ZIP is: OFD or XLSX, everything in it unpacked once against a limit and thrown away."""
    try:
        with zipfile.ZipFile(path) as box:
            entries = box.infolist()
            _check_entries(entries)
            left = MOST_UNPACKED
            for entry in entries:
                with box.open(entry) as part:
                    while block := part.read(1 << 20):
                        left -= len(block)
                        if left < 0:
                            raise Fault("bomb")
            names = {entry.filename for entry in entries}
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError, ValueError):
        raise Fault("broken") from None
    if any("vbaproject" in name.lower() for name in names):
        raise Fault("script")
    return next((mime for inside, mime in _CONTAINERS if inside in names), "") or _unknown()


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_ENTRIES or sum(entry.file_size for entry in entries) > MOST_UNPACKED:
        raise Fault("bomb")
    if any(entry.flag_bits & 1 for entry in entries):
        raise Fault("password")
    if not entries or min(entry.header_offset for entry in entries) != 0:
        raise Fault("broken")


def _unknown() -> str:
    raise Fault("kind")


_CONTAINERS: Final = (("OFD.xml", OFD), ("xl/workbook.xml", XLSX))


def main(arguments: list[str]) -> None:
    """Do what the command line says and print one line of JSON."""
    limit()
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    verb, path, mime, *more = arguments
    try:
        if verb == "page":
            page(path, mime, int(more[0]), more[1])
        said = look(path, mime) if verb == "look" else {}
    except Fault as fault:
        said = {"fault": str(fault)}
    except MemoryError:
        said = {"fault": "bomb"}
    sys.stdout.write(json.dumps(said) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
