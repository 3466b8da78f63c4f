"""What somebody states about an organisation that wants to join, and everything that is wrong with it, each fault at its field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.errors import N_, Invalid
from geodata.organisations import Organisation, credit_code
from geodata.regions import Region

KINDS: Final = ("enterprise", "team", "carrier")
SIZES: Final = ("micro", "small", "medium", "large")
CARRIER_KINDS: Final = ("university", "institute", "company", "hospital", "platform", "testing_center", "key_lab", "enterprise_lab")
LEVELS: Final = ("county", "city", "province", "national")
DOCUMENTS: Final[dict[str, tuple[str, ...]]] = {
    "enterprise": ("business_license",),
    "team": ("team_statement",),
    "carrier": ("legal_certificate",),
}
"""Kinds of document that an organisation of a kind must hand in."""

ACCREDITATIONS: Final = ("cma", "cnas", "open_unit")
_NAME: Final = (2, 100)
_PHONE: Final = re.compile(r"\+?[0-9][0-9 \-]{5,19}")
_NUMBER: Final = re.compile(r"[^\s\x00-\x1f].{0,78}[^\s\x00-\x1f]")


@dataclass(frozen=True)
class Proof:
    """A document: kind, number as printed, date of issue; sha-256 of the file where there is one."""

    kind: str
    number: str
    issued_on: date
    file_sha: str | None = None


@dataclass(frozen=True)
class Contact:
    """Whom the officer may ask: personal, kept out of every audit record."""

    name: str
    phone: str


@dataclass(frozen=True)
class Facts:
    """What an applicant states. `credit_code` may be empty for a team; `size_class` is empty for carriers, `carrier_kind` and `level` for others."""

    kind: str
    name: str
    credit_code: str
    adcode: str
    contact: Contact
    proofs: tuple[Proof, ...] = ()
    size_class: str = ""
    carrier_kind: str = ""
    level: str = ""


def code_of(facts: Facts) -> str | None:
    """Return the checked credit code, None where a team has none; raise `Invalid` (credit_code)."""
    if not facts.credit_code.strip():
        if facts.kind == "team":
            return None
        raise Invalid("credit_code", N_("请填营业执照或法人证书上的统一社会信用代码。"))
    return credit_code(facts.credit_code)


def faults(session: Session, facts: Facts, *, own_id: int | None = None) -> list[Invalid]:
    """Return everything that is wrong, one fault a field; `own_id` is the organisation that is being corrected."""
    found: dict[str, Invalid] = {}
    for fault in (*_about_itself(facts), *_about_code(session, facts, own_id), *_about_place(session, facts), *_about_proofs(session, facts)):
        found.setdefault(fault.field, fault)
    return list(found.values())


def _about_itself(facts: Facts) -> Iterator[Invalid]:
    least, most = _NAME
    if facts.kind not in KINDS:
        yield Invalid("kind", N_("请选单位的性质。"))
    if not least <= len(facts.name.strip()) <= most:
        yield Invalid("name", N_("请填单位全称，%(least)s 到 %(most)s 个字，和证照一致。"), least=least, most=most)
    if facts.kind == "enterprise" and facts.size_class not in SIZES:
        yield Invalid("size_class", N_("请选企业规模；不清楚就看上一年的统计报表。"))
    if facts.kind == "carrier" and facts.carrier_kind not in CARRIER_KINDS:
        yield Invalid("carrier_kind", N_("请选载体的种类。"))
    if facts.kind == "carrier" and facts.level not in LEVELS:
        yield Invalid("level", N_("请选认定的级别；没有认定过的选“县级”。"))
    if not 2 <= len(facts.contact.name.strip()) <= 50:
        yield Invalid("contact_name", N_("请填联系人，2 到 50 个字。"))
    if not _PHONE.fullmatch(facts.contact.phone.strip()):
        yield Invalid("contact_phone", N_("请填联系电话，例如 0576-12345678。只有办这件事的审核员能看。"))


def _about_code(session: Session, facts: Facts, own_id: int | None) -> Iterator[Invalid]:
    try:
        code = code_of(facts)
    except Invalid as wrong:
        yield wrong
        return
    if code is None:
        return
    other = session.scalar(select(Organisation.id).where(Organisation.credit_code == code, Organisation.id != (own_id or 0)))
    if other is not None:
        yield Invalid("credit_code", N_("这个代码的单位已经登记。请找本单位的管理员邀请你加入；不知道是谁，可以问当地科技局。"))


def _about_place(session: Session, facts: Facts) -> Iterator[Invalid]:
    region = session.get(Region, facts.adcode) if re.fullmatch(r"[0-9]{6}", facts.adcode) else None
    if region is None or region.level not in ("county", "zone"):
        yield Invalid("adcode", N_("请选登记地的县（市、区）。"))


def _about_proofs(session: Session, facts: Facts) -> Iterator[Invalid]:
    today, given = clock.today(session), {proof.kind: proof for proof in facts.proofs}
    for kind in DOCUMENTS.get(facts.kind, ()):
        if kind not in given:
            yield Invalid(f"{kind}_number", N_("请填这份证照的编号。"))
    for kind, proof in given.items():
        if kind not in DOCUMENTS.get(facts.kind, ()):
            yield Invalid(f"{kind}_number", N_("这类单位不用交这种证照。"))
        elif not _NUMBER.fullmatch(proof.number.strip()):
            yield Invalid(f"{kind}_number", N_("请填这份证照的编号，2 到 80 个字符。"))
        elif not date(1949, 10, 1) <= proof.issued_on <= today:
            yield Invalid(f"{kind}_issued_on", N_("发证日期不能在今天以后。请照证照填。"))
