"""Publishing a listing: what is wrong is told at its field, what is right is open to others at once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.audit import Audit
from core.errors import Forbidden, Invalid
from geodata.instruments import Instrument, Listing
from geodata.listings import NewInstrument, Offer, Place, faults, listings_of, locate, parse_hours, publish, services
from tests import factories as make

WEEK = {"1": [["09:00", "12:00"]]}
BOX = "SRID=4326;MULTIPOLYGON(((121 28, 121.5 28, 121.5 28.4, 121 28.4, 121 28)))"
HERE = Place(lon=121.23, lat=28.13)


@pytest.fixture
def carrier(session):
    make.region(session, make.YUHUAN, geom=BOX)
    make.instrument_type(session, "扫描电子显微镜")
    make.service(session, "test_analysis")
    return make.carrier(session)


@pytest.fixture
def seller(carrier):
    return make.carrier_actor(carrier)


def offer(**changes):
    new = NewInstrument("扫描电子显微镜", "示例扫描电镜", "示例-300", HERE, 350_000_000)
    facts = {"service": "test_analysis", "price": 120_000, "unit": "job", "report_days": 5, "notice_hours": 24, "new": new, "hours": WEEK}
    return Offer(**{**facts, **changes})


def new(**changes):
    return replace(offer().new, **changes)


def fields(session, actor, wanted):
    return {one.field for one in faults(session, actor, wanted)}


def test_a_new_instrument_is_listed_open_and_placed_in_its_county(session, seller, carrier):
    number = publish(session, seller, offer(), request_id="request-1")
    row = session.get_one(Listing, number)
    made = session.get_one(Instrument, row.instrument_id)
    assert (row.state, row.price, row.created_by) == ("open", 120_000, seller.user_id)
    assert (made.is_open, made.adcode, made.precision, made.hours, made.value) == (True, make.YUHUAN, "point", WEEK, 350_000_000)
    assert made.organisation_id == carrier.id
    assert made.is_sample
    events = session.query(Audit.event, Audit.before, Audit.after).filter_by(subject="listing", subject_id=number).order_by(Audit.id).all()
    assert [tuple(one) for one in events] == [("create", "", "draft"), ("publish", "draft", "open")]


def test_the_same_request_publishes_once(session, seller):
    first = publish(session, seller, offer(), request_id="request-1")
    assert publish(session, seller, offer(), request_id="request-1") == first
    assert session.query(Listing).count() == session.query(Instrument).count() == 1


def test_an_instrument_of_ones_own_is_opened_and_keeps_its_hours(session, seller, carrier):
    mine = make.instrument(session, carrier, is_open=False)
    number = publish(session, seller, offer(new=None, instrument_id=mine.id, hours={}), request_id="request-1")
    assert session.get_one(Listing, number).instrument_id == mine.id
    assert (mine.is_open, mine.hours) == (True, make.HOURS)
    assert [row.instrument for row in listings_of(session, carrier.id)] == [mine.name]


def test_hours_given_for_an_old_instrument_replace_its_own(session, seller, carrier):
    mine = make.instrument(session, carrier)
    publish(session, seller, offer(new=None, instrument_id=mine.id), request_id="request-1")
    assert mine.hours == WEEK


def test_a_place_of_the_carrier_gives_the_point(session, seller, carrier):
    place = make.site(session, carrier, precision="township")
    number = publish(session, seller, offer(new=new(place=Place(site_id=place.id))), request_id="request-1")
    made = session.get_one(Instrument, session.get_one(Listing, number).instrument_id)
    assert (made.site_id, made.precision, made.adcode) == (place.id, "township", make.YUHUAN)


def test_only_a_carrier_publishes(session, carrier):
    with pytest.raises(Forbidden):
        publish(session, make.enterprise_actor(make.enterprise(session)), offer(), request_id="request-1")


def test_everything_that_is_wrong_is_told_at_once(session, seller):
    wrong = offer(
        service="nothing", price=0, unit="kilo", report_days=91, notice_hours=-1, hours={}, new=NewInstrument("望远镜", " ", "m" * 101, Place())
    )
    assert fields(session, seller, wrong) == {"service", "price", "unit", "report_days", "notice_hours", "hours_1", "type", "name", "model", "lon"}
    with pytest.raises(Invalid):
        publish(session, seller, wrong, request_id="request-1")
    assert session.query(Listing).count() == session.query(Instrument).count() == 0


def test_somebody_elses_or_a_broken_instrument_cannot_be_listed(session, seller, carrier):
    foreign, broken, lost = (
        make.instrument(session),
        make.instrument(session, carrier, status="maintenance"),
        make.instrument(session, carrier, geom=None),
    )
    for one in (foreign.id, broken.id, lost.id, 10**12, None):
        assert "instrument" in fields(session, seller, offer(new=None, instrument_id=one))
    foreign_site = make.site(session)
    assert fields(session, seller, offer(new=new(place=Place(site_id=foreign_site.id)))) == {"site"}


def test_the_same_service_is_not_listed_twice_on_one_instrument(session, seller, carrier):
    mine = make.instrument(session, carrier)
    publish(session, seller, offer(new=None, instrument_id=mine.id), request_id="request-1")
    assert fields(session, seller, offer(new=None, instrument_id=mine.id)) == {"service"}


def test_a_group_of_services_is_not_a_service(session):
    make.service(session, "test")
    make.service(session, "test_analysis").parent = "test"
    session.flush()
    assert [one.code for one in services(session)] == ["test_analysis"]


def test_an_unknown_type_is_answered_with_near_ones(session, seller):
    found = faults(session, seller, offer(new=new(type_name="扫描电镜")))
    assert "扫描电子显微镜" in str(found[0])


@pytest.mark.parametrize(
    ("lon", "lat", "said"),
    [
        (0, 0, "都是 0"),
        (28.13, 121.23, "填反了"),
        (2.35, 48.85, "不在浙江"),
        (116.4, 39.9, "不在浙江"),
        (12123, 2813, "不是度数"),
        (None, 28.1, "请选仪器所在"),
    ],
)
def test_the_usual_mistakes_of_a_point_are_named(session, carrier, lon, lat, said):
    with pytest.raises(Invalid) as wrong:
        locate(session, Place(lon=lon, lat=lat))
    assert (wrong.value.field, said in str(wrong.value)) == ("lon", True)


def test_a_point_from_another_map_is_carried_to_wgs84(session, carrier):
    lon, _, region = locate(session, Place(lon=121.2348, lat=28.1275, crs="GCJ-02"))
    assert region.adcode == make.YUHUAN
    assert 0.003 < 121.2348 - lon < 0.006
    with pytest.raises(Invalid):
        locate(session, replace(HERE, crs="mars"))


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("9:00-12:00", [["09:00", "12:00"]]),
        ("09：00—12：00，13:30～17:00", [["09:00", "12:00"], ["13:30", "17:00"]]),
        ("08:00至11:30; 14:00到17:00", [["08:00", "11:30"], ["14:00", "17:00"]]),
        ("  ", []),
    ],
)
def test_hours_are_read_as_people_write_them(given, read):
    assert parse_hours(given) == read


@pytest.mark.parametrize("given", ["25:00-26:00", "12:00-09:00", "09:00-12:00,11:00-13:00", "上午", "9-12", "13:00-14:00,09:00-10:00"])
def test_hours_that_cannot_be_are_told_at_their_day(given):
    with pytest.raises(Invalid) as wrong:
        parse_hours(given, "hours_3")
    assert wrong.value.field == "hours_3"
