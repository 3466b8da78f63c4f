"""Publish a listing: what a carrier opens to others on one of its instruments, or on a new one that it names at the same time.

`faults` says everything that is wrong at once, each at its field; `publish` writes or refuses. Booking, prices after a voucher and the search
index are left to the packages above.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import sha256
from itertools import pairwise
from typing import Any, Final

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.actor import Actor
from core.audit import Audit, born, move
from core.errors import N_, Forbidden, Invalid
from geodata.crs import to_wgs84
from geodata.instruments import LISTING, Instrument, InstrumentType, Listing, Service
from geodata.organisations import Organisation, Site
from geodata.regions import Region, region_at

UNITS: Final[dict[str, str]] = {"sample": N_("每件样品"), "hour": N_("每小时"), "job": N_("每次")}
WEEKDAYS: Final = ("1", "2", "3", "4", "5", "6", "7")
NEAR: Final = ("33", "31", "32", "34", "35", "36")
"""First digits of the adcodes within which an instrument may stand: Zhejiang and the provinces that touch it."""

MAX_REPORT_DAYS: Final = 90
MAX_NOTICE_HOURS: Final = 720
_CHINA_LON: Final = (73.0, 136.0)
_CHINA_LAT: Final = (3.0, 54.0)
_PERIOD: Final = re.compile(r"([01]?\d|2[0-3])[:：]([0-5]\d)\s*(?:-|–|—|~|～|至|到)\s*([01]?\d|2[0-3])[:：]([0-5]\d)")
_CODE: Final = re.compile(r"[0-9A-Za-z-]{8,100}")


@dataclass(frozen=True)
class Place:
    """Where a new instrument stands: one of the carrier's sites, or a point (degrees lon, lat) in the coordinate system `crs`."""

    site_id: int | None = None
    lon: float | None = None
    lat: float | None = None
    crs: str = "WGS84"


@dataclass(frozen=True)
class NewInstrument:
    """An instrument that is not in the list yet: type by its canonical name, `value` in fen."""

    type_name: str
    name: str
    model: str
    place: Place
    value: int | None = None


@dataclass(frozen=True)
class Offer:
    """What a carrier opens: on `instrument_id` or on `new`; price in fen per `unit`; `hours` by weekday, empty to keep those of the instrument."""

    service: str
    price: int
    unit: str
    report_days: int
    notice_hours: int
    instrument_id: int | None = None
    new: NewInstrument | None = None
    hours: dict[str, list[list[str]]] = field(default_factory=dict)


@dataclass(frozen=True)
class MyInstrument:
    """One of a carrier's instruments, to choose from."""

    id: int
    code: str
    name: str
    is_open: bool


@dataclass(frozen=True)
class ListingRow:
    """One listing of a carrier with what it is on; price in fen."""

    id: int
    instrument_id: int
    instrument: str
    service: str
    price: int
    unit: str
    report_days: int
    notice_hours: int
    state: str
    is_sample: bool


def publish(session: Session, actor: Actor, offer: Offer, *, request_id: str) -> int:
    """Write the listing (and its instrument where that is new), open it to others, and return its id; the same request id answers the same.

    Raises `Forbidden` for anybody but a carrier, `Invalid` for the first of `faults`.
    """
    if actor.role != "carrier" or actor.organisation_id is None:
        raise Forbidden(N_("仪器由载体自己上架。"))
    if not _CODE.fullmatch(request_id):
        raise Invalid("request_id", N_("请求编号要有 8 到 100 个字母、数字或短横。"))
    earlier = published(session, actor, request_id)
    if earlier is not None:
        return earlier
    for fault in faults(session, actor, offer):
        raise fault
    return _write(session, actor, offer, request=_request(actor, request_id))


def published(session: Session, actor: Actor, request_id: str) -> int | None:
    """Return the listing that this request of the actor published already, if it did."""
    query = select(Audit.subject_id).where(Audit.subject == "listing", Audit.request_id == _request(actor, request_id)).limit(1)
    return session.scalar(query)


def faults(session: Session, actor: Actor, offer: Offer) -> list[Invalid]:
    """Return everything that keeps `offer` from being published, each with its field; empty when nothing does."""
    return [*_about_service(session, offer), *_about_instrument(session, actor, offer), *_about_hours(session, offer)]


def parse_hours(text: str, name: str = "hours") -> list[list[str]]:
    """Read "9:00-12:00, 13:30-17:00" as [["09:00","12:00"],["13:30","17:00"]]; empty is closed. Raises `Invalid(name)` for anything else."""
    periods = []
    for part in filter(None, re.split(r"[,，;；、]\s*|\s{2,}", text.strip())):
        found = _PERIOD.fullmatch(part.strip())
        if not found:
            raise Invalid(name, N_("“%(part)s”不是时段。请写成 09:00-12:00，几段用逗号隔开；不开放就留空。"), part=part[:20])
        periods.append([f"{int(found[1]):02d}:{found[2]}", f"{int(found[3]):02d}:{found[4]}"])
    for start, end in periods:
        if start >= end:
            raise Invalid(name, N_("%(start)s 到 %(end)s：结束要晚于开始。"), start=start, end=end)
    for before, after in pairwise(periods):
        if before[1] > after[0]:
            raise Invalid(name, N_("%(one)s 和 %(two)s 两段重叠，或者先后写反了。"), one="-".join(before), two="-".join(after))
    return periods


def locate(session: Session, place: Place) -> tuple[float, float, Region]:
    """Return longitude, latitude (WGS84) and the smallest region of a point; raise `Invalid("lon")` saying what is wrong with it."""
    if place.lon is None or place.lat is None:
        raise Invalid("lon", N_("请选仪器所在的地点，或者填经度和纬度。"))
    _check_degrees(place.lon, place.lat)
    lon, lat = (float(x) for x in to_wgs84(np.array([[place.lon, place.lat]]), place.crs)[0])
    region = region_at(session, lon, lat)
    if region is None or region.adcode[:2] not in NEAR:
        text = N_("经度 %(lon)s、纬度 %(lat)s 不在浙江和邻省的范围里。请核对小数点和坐标系。")
        raise Invalid("lon", text, lon=place.lon, lat=place.lat)
    return lon, lat, region


def instruments_of(session: Session, carrier_id: int) -> list[MyInstrument]:
    """Return the instruments of a carrier by name; retired ones are left out."""
    columns = (Instrument.id, Instrument.code, Instrument.name, Instrument.is_open)
    query = select(*columns).where(Instrument.organisation_id == carrier_id, Instrument.status != "retired").order_by(Instrument.name, Instrument.id)
    return [MyInstrument(**row) for row in session.execute(query).mappings()]


def sites_of(session: Session, carrier_id: int) -> list[Site]:
    """Return the places of a carrier whose point is known, by name."""
    return list(session.scalars(select(Site).where(Site.organisation_id == carrier_id, Site.geom.is_not(None)).order_by(Site.name)))


def services(session: Session) -> list[Service]:
    """Return the service kinds that can be offered, in the order of their codes; what only groups others is left out."""
    groups = select(Service.parent).where(Service.parent.is_not(None))
    return list(session.scalars(select(Service).where(Service.code.not_in(groups)).order_by(Service.parent, Service.code)))


def type_names(session: Session) -> list[str]:
    """Return the canonical names of all instrument types, by class."""
    return list(session.scalars(select(InstrumentType.name_zh).order_by(InstrumentType.class_code, InstrumentType.id)))


def listings_of(session: Session, carrier_id: int, *, limit: int = 200) -> list[ListingRow]:
    """Return the listings of a carrier, the newest first."""
    terms = (Listing.price, Listing.unit, Listing.report_days, Listing.notice_hours, Listing.state)
    named = (Instrument.name.label("instrument"), Service.name_zh.label("service"), Instrument.is_sample)
    query = (
        select(Listing.id, Listing.instrument_id, *terms, *named)
        .join(Instrument, Instrument.id == Listing.instrument_id)
        .join(Service, Service.code == Listing.service_code)
        .where(Instrument.organisation_id == carrier_id)
        .order_by(Listing.id.desc())
        .limit(limit)
    )
    return [ListingRow(**row) for row in session.execute(query).mappings()]


def _request(actor: Actor, request_id: str) -> str:
    return f"listing:{actor.user_id or 0}:{request_id}"


def _write(session: Session, actor: Actor, offer: Offer, *, request: str) -> int:
    carrier = session.get_one(Organisation, actor.organisation_id)
    instrument = session.get_one(Instrument, offer.instrument_id) if offer.new is None else _make(session, carrier, offer.new, request=request)
    instrument.is_open = True
    if offer.hours:
        instrument.hours = offer.hours
    session.flush()
    terms = dict(price=offer.price, unit=offer.unit, report_days=offer.report_days, notice_hours=offer.notice_hours)
    row = Listing(instrument_id=instrument.id, service_code=offer.service, **terms, state="draft", created_by=actor.user_id)
    born(session, actor, row, "create", request_id=request, detail={"instrument": instrument.id, "service": offer.service, **terms})
    move(session, actor, row, LISTING, "publish", request_id=request)
    return row.id


def _make(session: Session, carrier: Organisation, new: NewInstrument, *, request: str) -> Instrument:
    """Add the instrument; its code comes from the request, so that a second press of the button cannot make a second one."""
    kind = session.scalars(select(InstrumentType).where(InstrumentType.name_zh == new.type_name.strip())).one()
    made = Instrument(
        code=f"{carrier.code}-{sha256(request.encode()).hexdigest()[:10]}",
        organisation_id=carrier.id,
        type_id=kind.id,
        name=new.name.strip(),
        model=new.model.strip() or None,
        value=new.value,
        **_position(session, new.place),
    )
    made.status, made.is_open, made.hours, made.specs = "working", True, {}, {}
    made.is_sample, made.source = carrier.is_sample, f"载体上架：{carrier.code}"
    session.add(made)
    session.flush()
    return made


def _position(session: Session, place: Place) -> dict[str, Any]:
    if place.site_id is not None:
        site = session.get_one(Site, place.site_id)
        return dict(site_id=site.id, geom=site.geom, precision=site.precision, source_crs=site.source_crs, adcode=site.adcode)
    lon, lat, region = locate(session, place)
    return dict(geom=f"SRID=4326;POINT({lon} {lat})", precision="point", source_crs=place.crs, adcode=region.adcode)


def _about_service(session: Session, offer: Offer) -> Iterator[Invalid]:
    if offer.service not in {row.code for row in services(session)}:
        yield Invalid("service", N_("请选一种服务。"))
    if offer.price <= 0:
        yield Invalid("price", N_("价格要大于 0。"))
    if offer.unit not in UNITS:
        yield Invalid("unit", N_("请选计价单位：每件样品、每小时或每次。"))
    if not 0 <= offer.report_days <= MAX_REPORT_DAYS:
        yield Invalid("report_days", N_("出报告的天数要在 0 到 %(most)s 之间。"), most=MAX_REPORT_DAYS)
    if not 0 <= offer.notice_hours <= MAX_NOTICE_HOURS:
        yield Invalid("notice_hours", N_("取消要提前的小时数要在 0 到 %(most)s 之间。"), most=MAX_NOTICE_HOURS)


def _about_instrument(session: Session, actor: Actor, offer: Offer) -> Iterator[Invalid]:
    if offer.new is not None:
        yield from _about_new(session, actor, offer.new)
        return
    found = session.get(Instrument, offer.instrument_id) if offer.instrument_id else None
    if found is None or found.organisation_id != actor.organisation_id:
        yield Invalid("instrument", N_("请选你们自己的一台仪器，或者选“新的一台”。"))
    elif found.status != "working":
        yield Invalid("instrument", N_("“%(name)s”现在停机，修好后再上架。"), name=found.name)
    elif found.geom is None:
        yield Invalid("instrument", N_("“%(name)s”还没有位置，别人找不到它。请按“新的一台”填上位置。"), name=found.name)
    elif session.scalar(select(Listing.id).filter_by(instrument_id=found.id, service_code=offer.service)):
        yield Invalid("service", N_("“%(name)s”的这种服务已经上过架了。请换一种服务。"), name=found.name)


def _about_new(session: Session, actor: Actor, new: NewInstrument) -> Iterator[Invalid]:
    known = list(session.scalars(select(InstrumentType.name_zh)))
    if new.type_name.strip() not in known:
        near = get_close_matches(new.type_name.strip(), known, n=3, cutoff=0.4)
        hint = "、".join(near) or "、".join(sorted(known)[:3])
        yield Invalid("type", N_("没有名为“%(name)s”的仪器类型。从列表里选一种，例如：%(near)s。"), name=new.type_name.strip()[:40], near=hint)
    if not 0 < len(new.name.strip()) <= 100:
        yield Invalid("name", N_("请填仪器名称，最多 100 个字。"))
    if len(new.model.strip()) > 100:
        yield Invalid("model", N_("型号最多 100 个字。"))
    if new.place.site_id is None:
        try:
            locate(session, new.place)
        except Invalid as wrong:
            yield wrong
    elif new.place.site_id not in {site.id for site in sites_of(session, actor.organisation_id or 0)}:
        yield Invalid("site", N_("请选你们自己的一个地点，或者填经度和纬度。"))


def _about_hours(session: Session, offer: Offer) -> Iterator[Invalid]:
    if offer.hours and not set(offer.hours) <= set(WEEKDAYS):
        yield Invalid("hours_1", N_("星期要在 1 到 7 之间。"))
    kept = session.get(Instrument, offer.instrument_id) if offer.new is None and offer.instrument_id else None
    if not offer.hours and not (kept is not None and kept.hours):
        yield Invalid("hours_1", N_("至少填一天的开放时间，别人才约得到。"))


def _check_degrees(lon: float, lat: float) -> None:
    """Name the usual mistakes of a point typed by hand: zero, swapped, in other units."""
    if lon == 0 and lat == 0:
        raise Invalid("lon", N_("经度和纬度都是 0：这个点在大西洋里，多半是没有填。"))
    (west, east), (south, north) = _CHINA_LON, _CHINA_LAT
    if west <= lat <= east and south <= lon <= north:
        raise Invalid("lon", N_("经度和纬度像是填反了：经度应在 118 到 123 之间，你填的是 %(lon)s。"), lon=lon)
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise Invalid("lon", N_("经度 %(lon)s、纬度 %(lat)s 不是度数。请填十进制的度，例如 120.15、30.28。"), lon=lon, lat=lat)
