"""A file of evidence is judged by what it is, kept without what nobody should know, and proves one thing once."""

from __future__ import annotations

import os
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from datetime import timedelta
from io import BytesIO

import pytest
from PIL import Image
from sqlalchemy import text

from core.actor import Actor
from core.errors import Invalid, NotFound, Refused
from tests import factories as make
from tests.vouchers import papers
from vouchers import claims, files
from vouchers.claims import Document
from vouchers.entities import Evidence
from vouchers.files import EvidenceFile
from vouchers.filestore import Store

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
SCAN = papers.png(papers.form(1))


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "evidence")


@pytest.fixture
def firm(session) -> Actor:
    make.at(session, "2026-11-24T10:00+08:00")
    return Actor("enterprise", 7, make.enterprise(session).id)


def keep(session, actor, content, store) -> EvidenceFile:
    return files.keep(session, actor, content=content, field="invoice_file", store=store)


def stored(store: Store) -> list:
    return [path for path in store.root.rglob("*") if path.is_file() and path.name != "database"]


def with_gps(picture: Image.Image) -> bytes:
    tags = Image.Exif()
    tags[0x0112] = 6
    tags[0x010F] = "SecretCamera"
    tags.get_ifd(0x8825).update({1: "N", 2: (30.0, 15.0, 0.0), 3: "E", 4: (120.0, 10.0, 0.0)})
    return papers.jpeg(picture, exif=tags, comment=b"<script>alert(1)</script>")


def test_a_scan_is_stored_once_by_its_hash_with_pages_and_likeness(session, firm, store):
    one = keep(session, firm, SCAN, store)
    again = keep(session, firm, SCAN, store)
    assert (one.id, one.mime, one.pages, one.scanned) == (again.id, "image/png", 1, None)
    (path,) = stored(store)
    assert path == store.path(one.sha256)
    assert path.parent.parent.name == one.sha256[:2]
    assert store.read(one.sha256) == SCAN


def test_a_photograph_loses_its_place_and_its_camera_but_no_pixel_and_stays_upright(session, firm, store):
    given = with_gps(papers.form(2))
    kept = store.read(keep(session, firm, given, store).sha256)
    assert b"SecretCamera" not in kept
    assert b"<script>" not in kept
    tags = Image.open(BytesIO(kept)).getexif()
    assert dict(tags) == {0x0112: 6}
    assert not tags.get_ifd(0x8825)
    assert list(Image.open(BytesIO(kept)).tobytes()[:3000]) == list(Image.open(BytesIO(given)).tobytes()[:3000])


def test_words_in_a_png_are_left_out(session, firm, store):
    from PIL.PngImagePlugin import PngInfo

    said = PngInfo()
    said.add_text("Author", "SecretPerson")
    assert b"SecretPerson" not in store.read(keep(session, firm, papers.png(papers.form(3), pnginfo=said), store).sha256)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "空"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "不收"),
        (b"<!doctype html><script>alert(1)</script>", "不收"),
        (b"MZ\x90\x00" + bytes(500), "不收"),
        (b"GIF89a" + bytes(500), "不收"),
        (EICAR, "不收"),
        (SCAN[: len(SCAN) // 2], "不完整"),
        (papers.jpeg(papers.form(4))[:4000], "不完整"),
        (b"%PDF-1.7\n1 0 obj<<>>endobj", "不完整"),
        (papers.pdf(papers.form(5)) + papers.box(a=b"x"), "不完整"),
        (b"%PDF-1.7\n%%EOF", "不完整"),
        (papers.scripted_pdf(), "脚本"),
        (papers.flood_png(), "像素"),
        (papers.flood_jpeg(), "像素"),
        (papers.box(evil_html=b"<script>"), "不收"),
        (papers.box(xl__workbook_xml=b"x", xl__vbaProject_bin=b"x"), "脚本"),
        (papers.box(OFD_xml=bytes(120_000_000)), "展开"),
        (b"MZ" + papers.box(OFD_xml=b"x"), "不收"),
    ],
    ids=lambda value: value[:8].hex() if isinstance(value, bytes) else value,
)
def test_what_is_not_taken_is_refused_at_its_field_with_a_way_out_and_leaves_nothing(session, firm, store, content, said):
    with pytest.raises(Invalid) as no:
        keep(session, firm, content, store)
    assert no.value.field == "invoice_file"
    assert said in str(no.value)
    assert "请" in str(no.value)
    assert not stored(store)
    assert session.query(EvidenceFile).count() == 0


def test_a_file_behind_a_picture_is_cut_off(session, firm, store):
    kept = store.read(keep(session, firm, SCAN + papers.box(a=b"x"), store).sha256)
    assert kept == SCAN


def test_the_limit_of_size_is_exact(session, firm, store):
    tight = Store(store.root, most=len(SCAN))
    keep(session, firm, SCAN, tight)
    with pytest.raises(Invalid, match="最多"):
        keep(session, firm, SCAN + b"x", tight)


def test_an_organisation_cannot_fill_the_disk_with_files_that_it_never_uses(session, firm, store, monkeypatch):
    monkeypatch.setattr(files, "MOST_WAITING", 2)
    used = keep(session, firm, SCAN, store)
    claims.add_evidence(session, firm, reference="order:1", document=document(used))
    for seed in (20, 21):
        keep(session, firm, papers.png(papers.form(seed)), store)
    with pytest.raises(Invalid, match="还没有用"):
        keep(session, firm, papers.png(papers.form(22)), store)


def test_containers_are_told_apart_by_what_is_inside(session, firm, store):
    assert keep(session, firm, papers.box(OFD_xml=b"<ofd/>"), store).mime == "application/ofd"
    assert keep(session, firm, papers.box(xl__workbook_xml=b"<w/>"), store).mime.endswith("sheet")


def document(found: EvidenceFile, number: str = "INV-1", kind: str = "invoice") -> Document:
    from datetime import date

    return Document(kind, number, date(2026, 11, 20), found.id)


def test_one_file_proves_one_thing(session, firm, store):
    found = keep(session, firm, SCAN, store)
    claims.add_evidence(session, firm, reference="order:1", document=document(found))
    claims.add_evidence(session, firm, reference="order:1", document=document(found))
    with pytest.raises(Refused) as no:
        claims.add_evidence(session, firm, reference="order:2", document=document(found, "INV-2"))
    assert no.value.clause == "evidence_file"
    assert session.query(Evidence).filter_by(file_id=found.id).count() == 1


def test_a_stranger_cannot_use_a_file_that_it_never_handed_in(session, firm, store):
    found = keep(session, firm, SCAN, store)
    stranger = Actor("enterprise", 8, make.enterprise(session).id)
    with pytest.raises(NotFound):
        claims.add_evidence(session, stranger, reference="order:2", document=document(found))
    keep(session, stranger, SCAN, store)
    claims.add_evidence(session, stranger, reference="order:2", document=document(found))


def test_the_number_in_the_code_of_an_invoice_must_be_the_number_typed(session, firm, store):
    number = "26332000000012345678"
    paper = papers.form(6, code=f"01,32,,{number},1180.00,20261120,,A1B2,")
    found = keep(session, firm, papers.pdf(paper), store)
    assert found.read == {"invoice": number, "total": "1180.00", "date": "20261120"}
    with pytest.raises(Invalid, match="二维码"):
        claims.add_evidence(session, firm, reference="order:1", document=document(found, "26332000000012345679"))
    claims.add_evidence(session, firm, reference="order:1", document=document(found, number))
    photographed = keep(session, firm, papers.jpeg(paper), store)
    assert photographed.read["invoice"] == number
    with pytest.raises(Refused) as no:
        claims.add_evidence(session, firm, reference="order:2", document=document(photographed, number))
    assert no.value.clause == "evidence"


@pytest.fixture
def clamd():
    """A scanner on the loopback that speaks clamd's INSTREAM and knows one virus."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    asked, _ = server.accept()
                except OSError:
                    return
                with asked, asked.makefile("rb") as stream:
                    assert stream.readline() in (b"nINSTREAM\n", b"zINSTREAM\0")
                    body = b""
                    while size := struct.unpack("!L", stream.read(4))[0]:
                        body += stream.read(size)
                    asked.sendall(b"stream: Eicar-Test-Signature FOUND\n" if EICAR in body else b"stream: OK\n")

        threading.Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_the_scanner_is_asked_and_its_word_is_kept(session, firm, store, clamd):
    armed = Store(store.root, clamd=clamd)
    assert keep(session, firm, SCAN, armed).scanned == "clean"
    with pytest.raises(Invalid, match="病毒"):
        keep(session, firm, papers.png(papers.form(8)) + EICAR, armed)


def test_a_file_that_came_while_the_scanner_was_away_is_scanned_later(session, firm, store, clamd):
    absent = Store(store.root, clamd="127.0.0.1:1")
    found = keep(session, firm, SCAN, absent)
    assert found.scanned is None
    armed = Store(store.root, clamd=clamd)
    assert list(files.unscanned(session, armed)) == [found.id]
    files.rescan(session, armed, found.id)
    session.refresh(found)
    assert found.scanned == "clean"
    assert not files.unscanned(session, armed)


def test_files_that_nobody_used_are_forgotten_and_swept(session, firm, store):
    used, lost = keep(session, firm, SCAN, store), keep(session, firm, papers.png(papers.form(9)), store)
    claims.add_evidence(session, firm, reference="order:1", document=document(used))
    session.info["now"] += timedelta(days=8)
    session.connection().exec_driver_sql("RESET ROLE")
    session.connection().exec_driver_sql("UPDATE evidence_file SET created_at = created_at - interval '9 days'")
    session.connection().exec_driver_sql("SET ROLE irm_app")
    assert list(files.unused(session)) == [lost.id]
    assert files.forget(session, used.id) == 0
    gone = lost.sha256
    assert files.forget(session, lost.id) == 1
    old = time.time() - 7_200
    for path in stored(store):
        os.utime(path, (old, old))
    (store.root / "database").write_text("another")
    assert files.sweep(session, store) == 0
    (store.root / "database").write_text(session.scalar(text("SELECT current_database()")))
    assert files.sweep(session, store) == 1
    assert not store.path(gone).exists()
    assert store.path(used.sha256).exists()


def test_a_writer_that_is_killed_leaves_no_half_file(store):
    slow = (
        "import sys, time, pathlib; from vouchers.filestore import Store\n"
        "with Store(pathlib.Path(sys.argv[1])).writing(b'x' * 5_000_000) as fresh: print('written', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", slow, str(store.root)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"written\n"
        writer.kill()
    assert [path.parent.name for path in stored(store)] == ["new"]
    assert not list(store.hashes(older=-1))
    assert store.sweep_new(older=-60) == 1


def test_pages_are_drawn_by_us_and_kept(session, firm, store):
    found = keep(session, firm, papers.pdf(papers.form(10), papers.form(11)), store)
    assert found.pages == 2
    drawn = store.page(found.sha256, found.mime, 2)
    assert drawn.startswith(b"\x89PNG")
    assert store.page(found.sha256, found.mime, 2) == drawn
    assert store.page(found.sha256, found.mime, 3) is None
    assert re.fullmatch(r"[0-9a-f]{64}\.2\.png", next(path.name for path in stored(store) if path.suffix))


def test_two_who_hand_in_the_same_file_at_once_store_it_once(committed_db, store):
    with committed_db.session() as session:
        firms = [Actor("enterprise", 7, make.enterprise(session).id) for _ in range(2)]
        session.commit()
    found = []

    def hand_in(firm: Actor) -> None:
        with committed_db.session() as session:
            found.append(keep(session, firm, SCAN, store).id)
            session.commit()

    threads = [threading.Thread(target=hand_in, args=(firm,)) for firm in firms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == 1
    assert len(stored(store)) == 1
