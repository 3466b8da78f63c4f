"""Files that people hand in with a form: taken at once and kept by a token, so that nobody has to choose a file again because a date was wrong.

Whose files one may see is decided here too, by the papers that they prove; what a file must be is left to `vouchers.files`.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from flask import current_app, g, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import select, text

from app import db
from app.forms import Faults
from core.errors import N_, Invalid, NotFound, Refused
from geodata.regions import is_within
from vouchers import files
from vouchers.entities import Evidence
from vouchers.files import EvidenceFile
from vouchers.filestore import Store

OFFICERS: Final = ("reviewer", "finance", "auditor")
_SALT: Final = "evidence"
_SECONDS: Final = files.KEPT_DAYS * 86_400


@dataclass(frozen=True)
class Kept:
    """A file that came with a form which is shown again: the token that stands for it, and its row."""

    token: str
    file: EvidenceFile


def store() -> Store:
    """Return where files are kept, as the settings say."""
    settings = current_app.config["SETTINGS"]
    return Store(settings.data_dir / "evidence", settings.evidence_mb * 1_000_000, settings.clamd_address)


def handed_in(*kinds: str) -> tuple[dict[str, int], Faults]:
    """Return the ids of the files of the posted form by kind of document, and what is wrong, by field (`<kind>_file`).

    A file is kept in a transaction of its own: when the form is refused for another reason, its token stands in for it (see `kept`).
    """
    found: dict[str, int] = {}
    faults: Faults = {}
    for kind in kinds:
        try:
            one = _chosen(kind) or _earlier(kind)
        except Invalid as wrong:
            faults[f"{kind}_file"] = wrong
            continue
        if one is not None:
            found[kind] = one.file.id
            _kept()[kind] = one
    return found, faults


def kept(kind: str) -> Kept | None:
    """Return the file of this kind that came with the form of this request; for the template's file field."""
    return _kept().get(kind)


def keep(content: bytes, field: str) -> EvidenceFile:
    """Keep one file for the actor's organisation, in a transaction of its own; raises `Invalid` at `field`."""
    with db.new_session(current_app) as session:
        found = files.keep(session, g.actor, content=content, field=field, store=store())
        session.commit()
        session.refresh(found)
        session.expunge(found)
    return found


def visible(file_id: int) -> EvidenceFile:
    """Return a file that the actor may see: handed in by its organisation, or proof in a case of its own or of its region.

    Raises `NotFound` for all others, `Refused` for one in which the scanner found something.
    """
    found: EvidenceFile | None = g.session.get(EvidenceFile, file_id)
    if found is None or not any(_is_mine(row) for row in g.session.execute(_CASES, {"id": file_id})):
        raise NotFound
    if found.scanned == "infected":
        raise Refused("scan", N_("扫描发现这个文件带病毒，不再给出。请让交的人重新交一份。"))
    return found


def references(file_id: int) -> list[str]:
    """Return the papers that a file proves, by their opaque names ("order:7")."""
    return list(g.session.scalars(text("SELECT reference FROM evidence WHERE file_id = :id ORDER BY id"), {"id": file_id}))


def proofs(reference: str) -> dict[str, EvidenceFile]:
    """Return the files that prove something of a paper, by kind of document, the newest of each."""
    query = select(Evidence.kind, EvidenceFile).join(EvidenceFile, EvidenceFile.id == Evidence.file_id).where(Evidence.reference == reference)
    return {row.kind: row.EvidenceFile for row in g.session.execute(query.order_by(Evidence.id))}


def _is_mine(case: Any) -> bool:
    actor = g.actor
    if actor.role not in OFFICERS:
        return actor.organisation_id is not None and actor.organisation_id in (case.one, case.other)
    return actor.region is not None and any(is_within(region, actor.region) for region in (case.funder, case.home) if region)


def _kept() -> dict[str, Kept]:
    if "evidence_kept" not in g:
        g.evidence_kept = {}
    found: dict[str, Kept] = g.evidence_kept
    return found


def _chosen(kind: str) -> Kept | None:
    given = request.files.get(f"{kind}_file")
    if given is None or not given.filename:
        return None
    with closing(given):
        content = given.stream.read()
    found = keep(content, f"{kind}_file")
    return Kept(_signer().dumps([found.id, g.actor.organisation_id]), found)


def _earlier(kind: str) -> Kept | None:
    token = request.form.get(f"{kind}_kept", "")
    if not token:
        return None
    try:
        file_id, organisation_id = _signer().loads(token, max_age=_SECONDS)
    except (BadSignature, ValueError, TypeError):
        raise Invalid(f"{kind}_file", _GONE) from None
    found = g.session.get(EvidenceFile, file_id)
    if organisation_id != g.actor.organisation_id or found is None:
        raise Invalid(f"{kind}_file", _GONE)
    return Kept(token, found)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(str(current_app.config["SECRET_KEY"]), salt=_SALT)


_GONE: Final = N_("刚才选的文件已经不在了。请再选一次。")
_CASES: Final = text("""
    SELECT u.organisation_id AS one, NULL::bigint AS other, NULL AS funder, NULL AS home FROM evidence_upload u WHERE u.file_id = :id
    UNION ALL
    SELECT o.enterprise_id, o.carrier_id, p.funder, NULL FROM evidence e JOIN orders o ON e.reference = 'order:' || o.id
    LEFT JOIN hold h ON h.reference = e.reference LEFT JOIN voucher v ON v.id = h.voucher_id LEFT JOIN policy_version p ON p.id = v.policy_version_id
    WHERE e.file_id = :id
    UNION ALL
    SELECT NULL, NULL, c.funder, NULL FROM evidence e JOIN hold h ON h.reference = e.reference JOIN claim c ON c.hold_id = h.id WHERE e.file_id = :id
    UNION ALL
    SELECT a.holder_id, NULL, p.funder, r.adcode FROM evidence e JOIN application a ON e.reference = 'application:' || a.id
    JOIN policy_version p ON p.id = a.policy_version_id JOIN organisation r ON r.id = a.holder_id WHERE e.file_id = :id
    UNION ALL
    SELECT d.organisation_id, NULL, NULL, r.adcode FROM evidence_file f JOIN party_document d ON d.file_sha = f.sha256
    JOIN organisation r ON r.id = d.organisation_id WHERE f.id = :id
""")
"""Who takes part in what a file proves: organisations, the funder, and the home of a holder or a party, whose county reviews it."""
