"""Words of joining for people, and the posted form as the facts that the domain takes. What is wrong with facts is left to `parties.facts`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.filterbar import LEVELS
from app.forms import Faults
from app.sheets import KINDS as CARRIER_KINDS
from core.errors import N_, Invalid
from geodata.regions import HOME, Region
from parties import facts as domain
from parties.carriers import Certificate
from parties.facts import Contact, Facts, Proof

KINDS: Final = {"enterprise": N_("企业"), "team": N_("创业团队"), "carrier": N_("载体")}
SIZES: Final = {"micro": N_("微型"), "small": N_("小型"), "medium": N_("中型"), "large": N_("大型")}
DOCUMENTS: Final = {"business_license": N_("营业执照"), "team_statement": N_("入驻或立项证明"), "legal_certificate": N_("法人证书或营业执照")}
ACCREDITATIONS: Final = {"cma": N_("检验检测机构资质认定（CMA）"), "cnas": N_("实验室认可（CNAS）"), "open_unit": N_("开放共享单位认定")}
STATES: Final = {
    "draft": N_("没交"),
    "submitted": N_("等核实"),
    "returned": N_("退回修改"),
    "checked": N_("已核实"),
    "refused": N_("没通过"),
    "noticed": N_("公示中"),
    "open": N_("开放"),
    "suspended": N_("暂停"),
    "withdrawn": N_("已退出"),
    "running": N_("公示中"),
    "over": N_("公示期满"),
    "stopped": N_("已停止"),
    "upheld": N_("成立"),
    "dismissed": N_("不成立"),
}
SIGNS: Final = {
    "draft": "warn",
    "submitted": "brand",
    "returned": "warn",
    "checked": "ok",
    "refused": "stop",
    "noticed": "brand",
    "open": "ok",
    "suspended": "stop",
    "withdrawn": "stop",
    "running": "brand",
    "over": "ok",
    "stopped": "stop",
}
"""Colour of a state's tag."""

SUBJECTS: Final = {
    "carrier_entry": N_("新载体"),
    "application": N_("券的申领"),
    "settlement_batch": N_("兑现拨付"),
    "enrolment": N_("企业登记"),
}
OTHER: Final = N_("其他事项")
FIELDS: Final = (
    *("kind", "name", "credit_code", "adcode", "size_class", "carrier_kind", "level", "contact_name", "contact_phone"),
    *(f"{kind}_{part}" for kind in DOCUMENTS for part in ("number", "issued_on")),
)
_LONGEST: Final = 300


def carrier_kinds() -> dict[str, str]:
    """Return the kinds of carrier that can be applied for, by code."""
    return {code: CARRIER_KINDS.get(code, N_("医疗机构")) for code in domain.CARRIER_KINDS}


def levels() -> dict[str, str]:
    """Return the levels of carriers, by code, the lowest first."""
    return {code: LEVELS[code] for code in domain.LEVELS}


def typed(form: Mapping[str, Any], names: tuple[str, ...] = FIELDS) -> dict[str, str]:
    """Return what was typed, cut to a length that a page can show again."""
    return {name: str(form.get(name, ""))[:_LONGEST] for name in names}


def facts_from(form: Mapping[str, Any]) -> tuple[Facts, Faults]:
    """Return the facts of a posted form, and the dates in it that are none, by field."""
    given, faults = {name: str(form.get(name, "")).strip() for name in FIELDS}, {}
    kind, proofs = given["kind"], []
    for document in domain.DOCUMENTS.get(kind, ()):
        field = f"{document}_issued_on"
        try:
            issued = date.fromisoformat(given[field])
        except ValueError:
            faults[field] = Invalid(field, N_("请填发证日期，例如 2024-05-20。"))
            continue
        if given[f"{document}_number"]:
            proofs.append(Proof(document, given[f"{document}_number"], issued))
    found = Facts(kind, given["name"], given["credit_code"], given["adcode"], Contact(given["contact_name"], given["contact_phone"]), tuple(proofs))
    return _complete(found, given), faults


def certificate_from(form: Mapping[str, Any]) -> Certificate:
    """Return the accreditation of a posted form; raise `Invalid` (expires_on) for a day that is none."""
    try:
        day = date.fromisoformat(str(form.get("expires_on", "")).strip())
    except ValueError:
        raise Invalid("expires_on", N_("请填到期日，例如 2028-05-20。")) from None
    return Certificate(str(form.get("accreditation_kind", "")), str(form.get("accreditation_number", "")), day)


def counties(session: Session) -> list[tuple[str, str]]:
    """Return the counties and zones of the home province: adcode and name with its city, in the order of the adcodes."""
    rows = session.execute(select(Region.adcode, Region.name_zh, Region.level, Region.parent_adcode).where(Region.adcode.startswith(HOME[:2])))
    found = {row.adcode: row for row in rows}
    inside = sorted((row for row in found.values() if row.level in ("county", "zone")), key=lambda row: row.adcode)
    return [(row.adcode, f"{found[row.parent_adcode].name_zh} {row.name_zh}" if row.parent_adcode in found else row.name_zh) for row in inside]


def _complete(found: Facts, given: Mapping[str, str]) -> Facts:
    """Keep of kind-bound fields only what fits the kind, so that a choice left over from another kind does no harm."""
    carrier, enterprise = found.kind == "carrier", found.kind == "enterprise"
    return Facts(
        found.kind,
        found.name,
        found.credit_code,
        found.adcode,
        found.contact,
        found.proofs,
        given["size_class"] if enterprise or (found.kind == "team" and given["size_class"] in domain.SIZES) else "",
        given["carrier_kind"] if carrier else "",
        given["level"] if carrier else "",
    )
