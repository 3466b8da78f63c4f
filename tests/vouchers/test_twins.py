"""The same invoice on a photograph is found among a hundred thousand others, and another invoice on the same form is not taken for it."""

from __future__ import annotations

import random
from datetime import date

import pytest
from sqlalchemy import text

from core.actor import Actor
from tests import factories as make
from tests.vouchers import papers
from vouchers import claims, files, twins
from vouchers.claims import Document
from vouchers.filestore import Store
from vouchers.reading import likeness


def apart(one: str, other: str) -> int:
    return (int(one, 16) ^ int(other, 16)).bit_count()


def test_a_photograph_is_nearer_to_its_paper_than_any_other_filling_of_the_form(tmp_path):
    from io import BytesIO

    from PIL import Image

    scans = [likeness(papers.form(seed)) for seed in range(8)]
    photos = [likeness(Image.open(BytesIO(papers.photo(papers.form(seed), seed)))) for seed in range(8)]
    same = [(apart(a[0][0], b[0][0]), apart(a[1][:64], b[1][:64])) for a, b in zip(scans, photos, strict=True)]
    other = [apart(a[1][:64], b[1][turn : turn + 64]) for place, a in enumerate(scans) for b in scans[:place] for turn in range(0, 256, 64)]
    assert max(coarse for coarse, _ in same) <= twins.COARSE
    assert max(fine for _, fine in same) <= twins.FINE < min(other)


def test_every_hash_within_the_limit_shares_a_band():
    chance = random.Random(1)
    for _ in range(300):
        one = chance.getrandbits(64)
        other = one
        for bit in chance.sample(range(64), twins.COARSE):
            other ^= 1 << bit
        assert set(twins.near(twins.bands(one))) & set(twins.bands(other))


def test_the_same_invoice_as_pdf_and_as_photograph_is_shown_to_the_reviewer(session, tmp_path):
    make.at(session, "2026-11-24T10:00+08:00")
    store, firm = Store(tmp_path), Actor("enterprise", 7, make.enterprise(session).id)
    paper = papers.form(1)
    first, second, third = (
        files.keep(session, firm, content=content, field="f", store=store)
        for content in (papers.pdf(paper), papers.photo(paper, 5), papers.png(papers.form(2)))
    )
    for number, found in enumerate((first, second, third), 1):
        claims.add_evidence(session, firm, reference=f"order:{number}", document=Document("invoice", f"N-{number}", date(2026, 11, 1), found.id))
    (twin,) = twins.twins(session, "order:2")
    assert (twin.file_id, twin.other_id, twin.other_reference, twin.other_kind) == (second.id, first.id, "order:1", "invoice")
    assert twins.twins(session, "order:3") == []


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photograph_taken_from_the_side_is_found_too(session, tmp_path, quarters):
    make.at(session, "2026-11-24T10:00+08:00")
    store, firm = Store(tmp_path), Actor("enterprise", 7, make.enterprise(session).id)
    paper = papers.form(3)
    first = files.keep(session, firm, content=papers.png(paper), field="f", store=store)
    second = files.keep(session, firm, content=papers.photo(paper.rotate(90 * quarters, expand=True), 2), field="f", store=store)
    assert [found for found, _ in twins.alike(session, second.id)] == [first.id]
    assert [found for found, _ in twins.alike(session, first.id)] == [second.id]


@pytest.mark.parametrize("count", [100_000])
def test_a_twin_among_many_is_found_through_the_index(owner_session, count):
    owner_session.execute(_MANY, {"count": count})
    owner_session.execute(text("ANALYZE evidence_file"))
    mine = owner_session.execute(text("SELECT min(id) FROM evidence_file")).scalar_one()
    owner_session.execute(_TWIN, {"id": mine})
    assert [distance for _, distance in twins.alike(owner_session, mine)] == [0]
    plan = owner_session.execute(text("EXPLAIN SELECT id FROM evidence_file WHERE bands && ARRAY[1,2,3]")).scalars().all()
    assert "ix_evidence_file_bands" in " ".join(plan)


_MANY = text("""
    INSERT INTO evidence_file (sha256, given, mime, size, pages, coarse, fine, bands, read, is_sample)
    SELECT h, h, 'image/png', 1, 1, ('x' || left(h, 16))::bit(64)::bigint, decode(repeat(h, 4), 'hex'),
           ARRAY(SELECT place << 16 | ('x' || substr(h, 1 + 16 * turn + 4 * (3 - place), 4))::bit(16)::int
                 FROM generate_series(0, 3) place, generate_series(0, 3) turn), '{}', true
    FROM (SELECT encode(sha256(n::text::bytea), 'hex') AS h FROM generate_series(1, :count) n) made
""")
_TWIN = text("""
    INSERT INTO evidence_file (sha256, given, mime, size, pages, coarse, fine, bands, read, is_sample)
    SELECT repeat('ab', 32), repeat('cd', 32), mime, size, pages, coarse # 5, fine, bands, read, true
    FROM evidence_file WHERE id = :id
""")
