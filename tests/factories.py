"""One factory a noun: each gives a stored row with sensible facts; keywords replace columns. Whatever a row needs is made along with it.

Rows are invented and say so in their names. Vouchers come about the way they do in life: applied for, reviewed, issued, posted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bookings import checkout, offers
from bookings.checkout import Wish
from bookings.offers import Quotation
from bookings.slots import Slot, slots
from core import clock
from core.actor import SYSTEM, Actor
from geodata.imports.entities import ImportBatch
from geodata.imports.table import Table
from geodata.instruments import Instrument, InstrumentClass, InstrumentType, Listing, Service
from geodata.organisations import Organisation, Site
from geodata.regions import Region
from vouchers import applications, budgets, policy
from vouchers.entities import Voucher
from vouchers.policy import FOLDER, Policy, PolicyVersion, seed_policies

HOURS = {str(weekday): [["09:00", "12:00"], ["13:30", "17:00"]] for weekday in range(1, 6)}
YUHUAN, HUZHOU = "331083", "330500"
_LEVELS = {"0000": "province", "00": "city"}
_number = count(1)


def at(session: Session, instant: str | datetime) -> datetime:
    """Stop the clock of `session` at an aware instant (ISO 8601 with offset) and return it."""
    found = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    session.info["now"] = found
    return found


def key() -> str:
    """Return a request id that no other request of this run has."""
    return f"test-{next(_number)}"


def region(session: Session, adcode: str = YUHUAN, **columns: Any) -> Region:
    """Give the region of `adcode`, with the city and the province above it."""
    found = session.get(Region, adcode)
    if found:
        return found
    above = next((up for up in (adcode[:4] + "00", adcode[:2] + "0000") if up != adcode and adcode[2:] != "0000"), None)
    if above:
        region(session, above)
    level = next((level for zeros, level in _LEVELS.items() if adcode.endswith(zeros)), "county")
    names = {"name_zh": f"示例区划{adcode}", "name_en": f"Sample region {adcode}"}
    return _stored(session, Region(**{"adcode": adcode, "level": level, "parent_adcode": above, "source": "示例", **names, **columns}))


def organisation(session: Session, **columns: Any) -> Organisation:
    """Give an organisation of Yuhuan: an enterprise unless `kind` says otherwise."""
    number = next(_number)
    adcode = region(session, columns.pop("adcode", YUHUAN)).adcode
    facts = {"code": f"SO-{number}", "name_zh": f"示例单位{number}", "kind": "enterprise", "adcode": adcode, "is_sample": True, "source": "示例"}
    return _stored(session, Organisation(**{**facts, **columns}))


def enterprise(session: Session, **columns: Any) -> Organisation:
    """Give an enterprise of Yuhuan."""
    return organisation(session, **{"name_zh": f"示例企业{next(_number)}", **columns})


def carrier(session: Session, **columns: Any) -> Organisation:
    """Give a carrier of Yuhuan."""
    return organisation(
        session, **{"name_zh": f"示例载体{next(_number)}", "kind": "carrier", "carrier_kind": "platform", "level": "county", **columns}
    )


def site(session: Session, owner: Organisation | None = None, **columns: Any) -> Site:
    """Give a site of `owner`, exact to the point."""
    owner = owner or carrier(session)
    facts = {"organisation_id": owner.id, "name": f"示例园区{next(_number)}", "geom": "SRID=4326;POINT(121.23 28.13)", "adcode": owner.adcode}
    return _stored(session, Site(**{**facts, "precision": "point", "source_crs": "WGS84", "source": "示例", **columns}))


def instrument_type(session: Session, name_zh: str = "场发射扫描电镜", **columns: Any) -> InstrumentType:
    """Give the instrument type of that name and its class."""
    found = session.scalars(select(InstrumentType).filter_by(name_zh=name_zh)).one_or_none()
    if found:
        return found
    names = {"name_zh": "分析仪器", "name_en": "Analytical instruments", "source": "示例"}
    session.get(InstrumentClass, "01") or _stored(session, InstrumentClass(code="01", **names))
    facts = {"id": next(_number), "name_zh": name_zh, "name_en": name_zh, "class_code": "01", "source": "示例"}
    return _stored(session, InstrumentType(**{**facts, **columns}))


def service(session: Session, code: str = "test_analysis") -> Service:
    """Give the service kind of `code`."""
    return session.get(Service, code) or _stored(session, Service(code=code, name_zh=f"示例{code}", name_en=code, source="示例"))


def instrument(session: Session, owner: Organisation | None = None, **columns: Any) -> Instrument:
    """Give a working, open instrument of `owner`, with sessions on Monday to Friday, morning and afternoon."""
    owner = owner or carrier(session)
    number = next(_number)
    place = {"geom": "SRID=4326;POINT(121.23 28.13)", "precision": "point", "source_crs": "WGS84", "adcode": owner.adcode}
    facts = {"code": f"SI-{number}", "organisation_id": owner.id, "name": f"示例仪器{number}", "status": "working", "is_open": True}
    type_id = columns.pop("type_id", None) or instrument_type(session).id
    more = {"type_id": type_id, "hours": HOURS, "specs": {}, "is_sample": True, "source": "示例"}
    return _stored(session, Instrument(**{**facts, **place, **more, **columns}))


def listing(session: Session, of: Instrument | None = None, **columns: Any) -> Listing:
    """Give an open listing of `of`: test and analysis at ¥1,200.00, report after two working days, 24 hours of notice."""
    of = of or instrument(session)
    service_code = service(session, columns.pop("service_code", "test_analysis")).code
    facts = {"instrument_id": of.id, "price": 120_000, "unit": "job", "report_days": 2, "notice_hours": 24, "state": "open"}
    return _stored(session, Listing(**{**facts, "service_code": service_code, **columns}))


def terms(code: str = "yuhuan-2023", **changes: Any) -> Policy:
    """Give the policy of `code` as its file says, with `changes`; nothing is stored."""
    found = next(one for one in seed_policies(FOLDER) if one.id == code)
    return Policy.model_validate({**found.model_dump(), **changes})


def policy_version(session: Session, code: str = "yuhuan-2023", **changes: Any) -> PolicyVersion:
    """Give the stored version of a policy; `changes` to its terms make a new version."""
    wanted = terms(code, **changes)
    region(session, wanted.region)
    region(session, wanted.funder)
    return policy.publish(session, wanted)


def budget(session: Session, version: PolicyVersion | None = None, *, amount: int = 1_000_000_000) -> int:
    """Adopt `amount` fen for this calendar year of a policy and return the budget's id."""
    version = version or policy_version(session)
    return budgets.adopt(session, SYSTEM, version=version, year=clock.today(session).year, amount=amount, request_id=key())


def voucher(session: Session, holder: Organisation | None = None, *, face: int = 2_000_000, code: str = "yuhuan-2023") -> Voucher:
    """Issue a voucher of `face` fen to `holder` under the policy `code`, from a budget that suffices."""
    holder = holder or enterprise(session)
    version = policy_version(session, code) if not _published(session, code) else policy.in_force(session, code, clock.today(session))
    budget(session, version, amount=face)
    asked = applications.apply(session, enterprise_actor(holder), policy_code=code, amount=face, purpose="示例用途", request_id=key())
    applications.decide(session, officer("reviewer", version.funder), application_id=asked, event="pass", reason="", request_id=key())
    return session.scalars(select(Voucher).filter_by(application_id=asked)).one()


def enterprise_actor(of: Organisation, user_id: int | None = None) -> Actor:
    """Give a person who acts for an enterprise or team; the same one for the same organisation unless `user_id` says otherwise."""
    return Actor("enterprise", user_id or 1_000_000 + of.id, of.id, name="示例企业人员")


def carrier_actor(of: Organisation, user_id: int | None = None) -> Actor:
    """Give a person who acts for a carrier."""
    return Actor("carrier", user_id or 2_000_000 + of.id, of.id, name="示例载体人员")


def officer(role: Any, adcode: str = YUHUAN, user_id: int | None = None) -> Actor:
    """Give a new officer of a region: reviewer, finance, auditor or planner."""
    return Actor(role, user_id or 3_000_000 + next(_number), None, adcode, name="示例办事人员")


@dataclass(frozen=True)
class Scene:
    """All that one order needs: the two parties and their persons, an instrument with an open listing, and the enterprise's voucher."""

    enterprise: Organisation
    carrier: Organisation
    instrument: Instrument
    listing: Listing
    voucher: Voucher
    buyer: Actor
    seller: Actor


def scene(session: Session, *, face: int = 2_000_000, code: str = "yuhuan-2023", now: str | None = "2026-11-24T10:12+08:00") -> Scene:
    """Lay out a scene on a Tuesday morning, unless `now` says otherwise (None: the database's own clock)."""
    if now:
        at(session, now)
    buyer, seller = enterprise(session, adcode=terms(code).region), carrier(session)
    opened = instrument(session, seller)
    return Scene(
        buyer, seller, opened, listing(session, opened), voucher(session, buyer, face=face, code=code), enterprise_actor(buyer), carrier_actor(seller)
    )


def free_slots(session: Session, of: Instrument, *, days: int = 21) -> list[Slot]:
    """Give the sessions of an instrument that lie ahead, as if nobody had booked any."""
    now = clock.now(session)
    return [slot for slot in slots(of.hours, clock.business_date(now) + timedelta(days=1), days=days, taken=(), now=now) if slot.state == "free"]


def wish(session: Session, of: Scene, *, nth: int = 0, **changes: Any) -> Wish:
    """Give the wish to book the `nth` session ahead in a scene with its voucher."""
    slot = free_slots(session, of.instrument)[nth]
    facts = {"instrument_id": of.instrument.id, "start": slot.start, "end": slot.end, "service": "test_analysis", "voucher": of.voucher.id}
    return Wish(**{**facts, **changes})


def order(session: Session, of: Scene, *, nth: int = 0, **changes: Any) -> int:
    """Book the `nth` session ahead in a scene and return the order's id."""
    return checkout.book_and_hold(session, of.buyer, wish(session, of, nth=nth, **changes), request_id=key())


def quotation(session: Session, of: Scene, *, nth: int = 0, **changes: Any) -> int:
    """Let the carrier of a scene draft an offer of the `nth` session ahead to its enterprise, at ¥1,000.00; return the order's id."""
    slot = free_slots(session, of.instrument)[nth]
    facts = {"enterprise": of.enterprise.code, "instrument_id": of.instrument.id, "service": "test_analysis", "start": slot.start, "end": slot.end}
    return offers.draft(session, of.seller, Quotation(**{**facts, "price": 100_000, "report_days": 2, **changes}), request_id=key())


def batch(session: Session, owner: Organisation | None = None, **columns: Any) -> ImportBatch:
    """Give the draft of an import of `owner`: a file of one row."""
    owner = owner or carrier(session)
    table = Table("csv", ("仪器名称",), (("示例仪器",),), (2,))
    facts = {"organisation_id": owner.id, "file_name": "示例.csv", "file_kind": "csv", "digest": "0", "rows": 1, "settings": {}, "report": {}}
    return _stored(session, ImportBatch(**{**facts, "content": table.packed(), "state": "draft", "is_sample": True, **columns}))


def _published(session: Session, code: str) -> bool:
    return session.scalars(select(PolicyVersion.id).filter_by(policy=code).limit(1)).first() is not None


def _stored(session: Session, row: Any) -> Any:
    session.add(row)
    session.flush()
    return row
