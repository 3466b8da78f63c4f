"""Invoices that never were, as a scan, as PDF and as a photograph of the paper on a table; and files that are not what they say."""

from __future__ import annotations

import io
import random
import zipfile

import numpy as np
import zxingcpp
from PIL import Image, ImageDraw, ImageFilter, ImageFont


def form(seed: int, *, code: str = "") -> Image.Image:
    """Draw an invoice: one form, filled in by `seed`; `code` is the text of its QR code."""
    chance = random.Random(seed)
    paper = Image.new("L", (1240, 800), 255)
    draw, small, large = ImageDraw.Draw(paper), ImageFont.load_default(28), ImageFont.load_default(40)
    draw.text((450, 40), "SAMPLE INVOICE", font=large, fill=0)
    draw.rectangle((60, 160, 1180, 740), outline=0, width=3)
    for y in (260, 560, 640):
        draw.line((60, y, 1180, y), fill=0, width=2)
    for x in (420, 560, 700, 940):
        draw.line((x, 260, x, 560), fill=0, width=2)
    draw.text((820, 60), "No " + "".join(chance.choices("0123456789", k=20)), font=small, fill=0)
    for y in (175, 215, *range(270, 270 + 45 * chance.randint(1, 6), 45), 660):
        draw.text((80, y), "".join(chance.choices("ABCDEFGHIJ klmnop", k=chance.randint(20, 50))), font=small, fill=0)
    draw.text((700, 590), f"{chance.randint(100, 99999)}.00", font=small, fill=0)
    if code:
        drawn = zxingcpp.create_barcode(code, zxingcpp.BarcodeFormat.QRCode).to_image(scale=4)
        paper.paste(Image.fromarray(np.asarray(drawn)), (80, 5))
    return paper


def photo(paper: Image.Image, seed: int) -> bytes:
    """Photograph a paper: turned by up to four degrees on a dark table, in uneven light, a little blurred, as JPEG."""
    chance, noise = random.Random(seed), np.random.default_rng(seed)
    width, height = paper.size
    turned = Image.merge("LA", (paper, Image.new("L", paper.size, 255))).rotate(chance.uniform(-4, 4), expand=True, resample=Image.Resampling.BICUBIC)
    table = Image.new("L", (int(width * 1.3), int(height * 1.4)), chance.randint(30, 90))
    table.paste(turned.getchannel(0), (int(width * chance.uniform(0.05, 0.15)), int(height * chance.uniform(0.05, 0.2))), turned.getchannel(1))
    light = np.linspace(chance.uniform(0.7, 0.9), chance.uniform(0.7, 0.9), table.width)
    seen = np.asarray(table) * light + noise.normal(0, 5, (table.height, table.width))
    return jpeg(Image.fromarray(seen.clip(0, 255).astype("uint8")).filter(ImageFilter.GaussianBlur(0.8)), quality=60)


def jpeg(picture: Image.Image, **more: object) -> bytes:
    """Return the picture as JPEG."""
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", **more)
    return out.getvalue()


def png(picture: Image.Image, **more: object) -> bytes:
    """Return the picture as PNG."""
    out = io.BytesIO()
    picture.save(out, "PNG", **more)
    return out.getvalue()


def pdf(*pictures: Image.Image) -> bytes:
    """Return the pictures as pages of a PDF."""
    out = io.BytesIO()
    first, *rest = (picture.convert("RGB") for picture in pictures)
    first.save(out, "PDF", save_all=True, append_images=rest)
    return out.getvalue()


def box(**entries: bytes) -> bytes:
    """Return a ZIP with the entries, "__" in a name standing for "/" and "_" for "."."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in entries.items():
            made.writestr(name.replace("__", "/").replace("_", "."), content)
    return out.getvalue()


def scripted_pdf() -> bytes:
    """Return a PDF of one page that runs JavaScript when it is opened."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R/Names<</JavaScript<</Names[(a) 4 0 R]>>>>/OpenAction 4 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>",
        b"<</S/JavaScript/JS(app.alert\\(1\\))>>",
    ]
    return assembled(objects)


def assembled(objects: list[bytes]) -> bytes:
    """Return a PDF of numbered objects, the first of them its catalogue."""
    out, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, one in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj" % number + one + b"endobj\n"
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    return bytes(out + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table))


def flood_png() -> bytes:
    """Return a small PNG that claims 40,000 × 40,000 pixels."""
    import struct
    import zlib

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def flood_jpeg() -> bytes:
    """Return a JPEG whose header claims 65,000 × 65,000 pixels."""
    whole = bytearray(jpeg(form(1).resize((60, 40))))
    at = whole.index(b"\xff\xc0")
    whole[at + 5 : at + 9] = b"\xfd\xe8\xfd\xe8"
    return bytes(whole)
