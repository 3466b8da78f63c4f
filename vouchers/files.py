"""Files of evidence: taken by their content, kept by their hash outside the web root, known again when they come a second time.

A file comes in once: `keep` judges, cleans, scans and stores it; `attach` ties it to one document of one paper. The same content is one file on
the disk, and one file proves one thing. What looks alike without being the same is found by `vouchers.twins`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, LargeBinary, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.actor import Actor
from core.db import Base, BigId, Created, Instant
from core.errors import N_, Invalid, NotFound, Refused
from parties.entities import PartyDocument
from vouchers import cleaning
from vouchers.entities import Evidence
from vouchers.filestore import Store, inspect
from vouchers.scanning import scan
from vouchers.twins import bands

KEPT_DAYS: Final = 7
"""How long a file that was handed in waits for the paper that it belongs to."""

MOST_WAITING: Final = 200
"""So many files of one organisation may wait."""

SPARED: Final = 3_600.0
"""Seconds for which a file on the disk without a row is left alone: its row may just be being written."""


class EvidenceFile(Base):
    """A stored file: its hash as kept and as given, what it looks like, what its QR code says, the scanner's word.

    `coarse` is the likeness as it lies (64 bits), `fine` that and the three turned by quarters (4 × 256 bits), `bands` their index.
    """

    __tablename__ = "evidence_file"
    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$' AND given ~ '^[0-9a-f]{64}$'", name="hashes"),
        CheckConstraint("size > 0 AND pages >= 0", name="size"),
        CheckConstraint("scanned IN ('clean', 'infected')", name="scanned"),
        Index("ix_evidence_file_bands", "bands", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        Index("ix_evidence_file_invoice", text("(read ->> 'invoice')")),
        Index("ix_evidence_file_unscanned", "id", postgresql_where=text("scanned IS NULL")),
    )
    id: Mapped[BigId]
    sha256: Mapped[str] = mapped_column(unique=True)
    given: Mapped[str] = mapped_column(index=True)
    mime: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    pages: Mapped[int]
    coarse: Mapped[int | None] = mapped_column(BigInteger)
    fine: Mapped[bytes | None] = mapped_column(LargeBinary)
    bands: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    read: Mapped[dict[str, Any]] = mapped_column(JSONB)
    scanned: Mapped[str | None]
    scanned_at: Mapped[Instant | None]
    created_at: Mapped[Created]
    is_sample: Mapped[bool] = mapped_column(default=False)


class EvidenceUpload(Base):
    """An organisation handed this file in; several may hand in the same, and only one of them can use it."""

    __tablename__ = "evidence_upload"
    file_id: Mapped[int] = mapped_column(ForeignKey("evidence_file.id", ondelete="CASCADE"), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    created_by: Mapped[int | None]
    created_at: Mapped[Created]


def keep(session: Session, actor: Actor, *, content: bytes, field: str, store: Store) -> EvidenceFile:
    """Take a file in for the actor's organisation and return it; the same content gives the same file.

    Raises `Invalid` at `field` with the reason and a way out: empty, too large, of a kind that is not taken, broken, locked, with scripts,
    infected, or larger inside than outside.
    """
    if actor.organisation_id is None:
        raise NotFound
    _check_size(content, field, store)
    _check_waiting(session, actor.organisation_id, field)
    given = sha256(content).hexdigest()
    found = _known(session, given, store) or _take_in(session, content, given, field, store)
    _check_clean(found.scanned, field)
    upload = dict(file_id=found.id, organisation_id=actor.organisation_id, created_by=actor.user_id, created_at=clock.now(session))
    keys, again = ["file_id", "organisation_id"], {"created_at": upload["created_at"]}
    session.execute(insert(EvidenceUpload).values(**upload).on_conflict_do_update(index_elements=keys, set_=again))
    return found


def attach(session: Session, actor: Actor, *, file_id: int, reference: str, kind: str, number: str = "") -> int:
    """Check that a file may prove `kind` of `reference` and return its id; the caller writes it into its row of evidence.

    Raises `NotFound` for a file that this organisation never handed in, `Refused("evidence_file")` when it already proves something else, and
    `Invalid` at `kind` when the QR code of an invoice names another number, `Refused("evidence")` when that number was used elsewhere.
    """
    own = select(EvidenceUpload.file_id).where(EvidenceUpload.organisation_id == actor.organisation_id)
    query = select(EvidenceFile).where(EvidenceFile.id == file_id, EvidenceFile.id.in_(own)).with_for_update(key_share=True, read=True)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound
    _check_clean(found.scanned, kind)
    used = session.execute(select(Evidence.reference, Evidence.kind, Evidence.number).filter_by(file_id=file_id)).one_or_none()
    if used is not None and tuple(used) != (reference, kind, number):
        raise Refused("evidence_file", N_("这份文件已经交过，用在另一份材料上。同一份文件只能用一次，请换成这份材料自己的文件。"))
    if kind == "invoice":
        _check_invoice(session, found, reference=reference, number=number)
    return found.id


def unused(session: Session) -> Sequence[int]:
    """List the files that nobody tied to a paper within `KEPT_DAYS`."""
    old = clock.now(session) - timedelta(days=KEPT_DAYS)
    waits = select(EvidenceUpload.file_id).where(EvidenceUpload.created_at >= old)
    query = select(EvidenceFile.id).where(EvidenceFile.created_at < old, EvidenceFile.id.not_in(_tied()), EvidenceFile.id.not_in(waits))
    return session.scalars(query.order_by(EvidenceFile.id).limit(1_000)).all()


def forget(session: Session, file_id: int) -> int:
    """Drop the row of an unused file and return how many were dropped; its content is swept once that is committed."""
    gone = delete(EvidenceFile).where(EvidenceFile.id == file_id, EvidenceFile.id.not_in(_tied())).returning(EvidenceFile.id)
    return len(session.scalars(gone).all())


def sweep(session: Session, store: Store) -> int:
    """Remove from the disk what no row knows, and what was never finished; return how many files.

    Each hash is looked at again under the lock that `keep` takes, so a file that is handed in at the same moment stays. A folder that belongs
    to another database is left alone: its rows are not here.
    """
    if store.owner() != session.scalar(select(func.current_database())):
        return 0
    count = store.sweep_new(older=SPARED)
    for hashes in store.hashes(older=SPARED):
        known = set(session.scalars(select(EvidenceFile.sha256).where(EvidenceFile.sha256.in_(hashes))))
        for digest in (one for one in hashes if one not in known):
            _lock(session, digest)
            if session.scalar(select(EvidenceFile.id).filter_by(sha256=digest)) is None:
                store.remove(digest)
                count += 1
    return count


def unscanned(session: Session, store: Store) -> Sequence[int]:
    """List files that no scanner has looked at, where there is a scanner."""
    if not store.clamd:
        return []
    return session.scalars(select(EvidenceFile.id).where(EvidenceFile.scanned.is_(None)).order_by(EvidenceFile.id).limit(200)).all()


def rescan(session: Session, store: Store, file_id: int) -> int:
    """Have a stored file scanned and keep the answer; return its id. What is infected is not given out any more."""
    found = session.get(EvidenceFile, file_id)
    word = scan(store.read(found.sha256), store.clamd) if found else None
    if word is not None:
        session.execute(update(EvidenceFile).where(EvidenceFile.id == file_id).values(scanned=word, scanned_at=clock.now(session)))
    return file_id


def _known(session: Session, given: str, store: Store) -> EvidenceFile | None:
    """Return the file that came before with this very content, locked against being forgotten; None when the disk has lost it."""
    query = select(EvidenceFile).filter_by(given=given).limit(1).with_for_update(key_share=True, read=True)
    found = session.scalars(query).one_or_none()
    return found if found is not None and store.path(found.sha256).exists() else None


def _take_in(session: Session, content: bytes, given: str, field: str, store: Store) -> EvidenceFile:
    """Judge, clean, scan and store new content; nothing is on the disk when it is refused."""
    mime = cleaning.kind_of(content)
    if mime is None:
        raise Invalid(field, FAULTS["kind"])
    try:
        kept = cleaning.cleaned(content, mime)
    except cleaning.Broken:
        raise Invalid(field, FAULTS["broken"]) from None
    with store.writing(kept) as fresh:
        facts = inspect("look", fresh, mime)
        if "fault" in facts:
            raise Invalid(field, FAULTS[facts["fault"]])
        word = scan(content, store.clamd)
        _check_clean(word, field)
        digest = sha256(kept).hexdigest()
        _lock(session, digest)
        earlier = session.scalars(select(EvidenceFile).filter_by(sha256=digest)).one_or_none()
        if earlier is not None and store.path(digest).exists():
            return earlier
        store.claim(session.scalar(select(func.current_database())) or "")
        store.put(digest, fresh)
    if earlier is not None:
        return earlier
    row = EvidenceFile(sha256=digest, given=given, mime=facts["mime"], size=len(kept), pages=facts["pages"], read=facts["read"], scanned=word)
    row.scanned_at = clock.now(session) if word else None
    row.coarse = int(facts["coarse"][0], 16) - (int(facts["coarse"][0], 16) >> 63 << 64) if facts["coarse"] else None  # a signed integer
    row.fine = bytes.fromhex(facts["fine"]) or None
    row.bands = sorted({band for one in facts["coarse"] for band in bands(int(one, 16))})
    session.add(row)
    session.flush()
    return row


def _check_size(content: bytes, field: str, store: Store) -> None:
    if not content:
        raise Invalid(field, N_("文件是空的。请选原来的文件。"))
    if len(content) > store.most:
        raise Invalid(field, N_("文件有 %(size)s MB，最多 %(most)s MB。请缩小图片，或者只留要用的几页。"), **_megabytes(len(content), store.most))


def _check_waiting(session: Session, organisation_id: int, field: str) -> None:
    """Refuse more when an organisation has many files lying about that it never used: a disk is not endless."""
    query = select(func.count()).where(EvidenceUpload.organisation_id == organisation_id, EvidenceUpload.file_id.not_in(_tied()))
    if (session.scalar(query) or 0) >= MOST_WAITING:
        raise Invalid(field, N_("你们有 %(most)s 份文件传了还没有用。请先用掉，或者过 %(days)s 天再传。"), most=MOST_WAITING, days=KEPT_DAYS)


def _megabytes(size: int, most: int) -> dict[str, str]:
    return {"size": f"{size / 1_000_000:.1f}", "most": f"{most / 1_000_000:.0f}"}


def _check_clean(word: str | None, field: str) -> None:
    if word == "infected":
        raise Invalid(field, N_("扫描发现这个文件带病毒，没有收。请在干净的电脑上重新扫描或导出，再交一次。"))


def _check_invoice(session: Session, found: EvidenceFile, *, reference: str, number: str) -> None:
    """Compare the number that the invoice itself carries (its QR code) with the one typed, and with all that were used."""
    read = str(found.read.get("invoice", ""))
    if not read:
        return
    if number and not read.endswith(number.replace("-", "")):
        raise Invalid("invoice", N_("发票上的二维码写的号码是 %(read)s，和填的 %(number)s 不一样。请照发票改。"), read=read, number=number)
    others = select(Evidence.id).join(EvidenceFile, EvidenceFile.id == Evidence.file_id)
    same = others.where(EvidenceFile.read["invoice"].astext == read, Evidence.reference != reference)
    if session.scalar(select(func.count()).select_from(same.subquery())):
        raise Refused("evidence", N_("编号 %(number)s 已经用在另一笔上，同一份材料不能用两次。"), number=read)


def _tied() -> Any:
    """Select the files that prove something: a step of a paper, or who an organisation is."""
    proofs = select(Evidence.file_id).where(Evidence.file_id.is_not(None))
    return proofs.union_all(select(EvidenceFile.id).where(EvidenceFile.sha256.in_(select(PartyDocument.file_sha))))


def _lock(session: Session, digest: str) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(('x' || :head)::bit(64)::bigint)"), {"head": digest[:16]})


FAULTS: Final = {
    "kind": N_("这种文件不收。请交 PDF、JPEG 或 PNG，电子发票也可以交 OFD，表格交 XLSX；网页、脚本、SVG、Word 和压缩包请先打印成 PDF。"),
    "broken": N_("文件不完整，或者里面还藏着别的东西，打不开。请重新导出或重新拍一张再交。"),
    "password": N_("文件加了密码，审核员打不开。请去掉密码再交。"),
    "script": N_("文件里带脚本或宏，不能收。请打印成新的 PDF 再交。"),
    "pages": N_("PDF 超过 200 页。请只留要用的几页。"),
    "pixels": N_("图片超过 6000 万像素。请缩小再交。"),
    "bomb": N_("文件展开以后太大，或者太久打不开，不能收。请重新导出一份普通的再交。"),
}
"""Why a file is not taken, by the code of the process that looked into it."""
