"""A world strewn over the province from a seed: carriers and instruments of every kind, exact, rough or without a place, on offer or not, booked or not."""

from __future__ import annotations

import random
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import Range

from bookings.entities import BOOKING, Booking
from bookings.slots import sessions
from core import clock
from core.actor import SYSTEM
from core.audit import born, move
from tests import factories as make

KINDS, LEVELS = ("university", "institute", "company", "platform"), ("national", "province", "city", "county", None)
REGIONS = ("331083", "330522", "330106", "330110")
SERVICES = ("test_analysis", "joint_rd", "certification", "instrument_sharing")
TYPES = ("扫描电子显微镜", "显微硬度计", "气相色谱仪", "万能材料试验机")
CLASSES = ("010100", "010200", "020300", "030000")
PLACES = ((121.23, 28.13), (119.91, 31.01), (120.13, 30.27), (119.95, 30.25))
WEEK = tuple(str(day) for day in range(1, 8))
PERIODS = (["08:30", "11:30"], ["13:00", "17:00"], ["18:00", "21:00"])


class Scatter:
    """What was strewn: the instruments, whatever their state, and the random source for whoever goes on."""

    def __init__(self, session, seed=1, *, instruments=160, now="2026-11-24T10:12+08:00") -> None:
        self.session, self.dice = session, random.Random(seed)
        make.at(session, now)
        for code in SERVICES:
            make.service(session, code)
        self._classes()
        self.types = [make.instrument_type(session, name, class_code=code) for name, code in zip(TYPES, CLASSES, strict=True)]
        self.carriers = [self._carrier(nth) for nth in range(14)]
        self.instruments = [self._instrument(nth) for nth in range(instruments)]
        self._book()
        session.flush()

    def _classes(self) -> None:
        for code in CLASSES:
            query = "INSERT INTO instrument_class (code, name_zh, name_en, source) VALUES (:code, :code, :code, '示例') ON CONFLICT DO NOTHING"
            self.session.execute(text(query), {"code": code})

    def _carrier(self, nth):
        kind, level = self.dice.choice(KINDS), self.dice.choice(LEVELS)
        return make.carrier(self.session, carrier_kind=kind, level=level, adcode=REGIONS[nth % len(REGIONS)])

    def _instrument(self, nth):
        dice, owner = self.dice, self.dice.choice(self.carriers)
        lon, lat = dice.choice(PLACES)
        if dice.random() < 0.7:
            lon, lat = lon + dice.gauss(0, 0.3), lat + dice.gauss(0, 0.25)
        found = make.instrument(
            self.session,
            owner,
            type_id=dice.choice(self.types).id,
            name=f"示例{dice.choice(('电镜', '硬度计', '色谱'))}{nth}",
            geom=None if dice.random() < 0.04 else f"SRID=4326;POINT({lon} {lat})",
            precision=dice.choice(("point", "point", "point", "city")),
            adcode=dice.choice((owner.adcode, None)),
            status=dice.choice(("working",) * 9 + ("maintenance",)),
            is_open=dice.random() < 0.9,
            hours=self.hours(),
        )
        for service in dice.sample(SERVICES, dice.choice((0, 1, 1, 2))):
            state = dice.choice(("open", "open", "open", "suspended"))
            make.listing(self.session, found, service_code=service, price=dice.choice((dice.randrange(1, 900) * 1000, 120_000)), state=state)
        return found

    def hours(self):
        """Give opening hours: none, one weekday, or some."""
        days = self.dice.sample(WEEK, self.dice.choice((0, 1, 2, 3, 5)))
        return {day: [list(period) for period in PERIODS[: self.dice.randrange(1, 4)]] for day in days}

    def _book(self) -> None:
        """Book some instruments through the week, some of them in full."""
        today = clock.today(self.session)
        for one in self.dice.sample(self.instruments, len(self.instruments) // 2):
            share = self.dice.choice((0.4, 0.9, 1.0))
            for day in range(9):
                for opens, closes in sessions(one.hours, today + timedelta(days=day)):
                    if self.dice.random() < share:
                        self.book(one, opens, closes)

    def book(self, one, opens, closes, *, given_back=False):
        """Take a span of an instrument, and give it back where that is asked for."""
        row = Booking(instrument_id=one.id, span=Range(opens, closes), state="requested", created_at=clock.now(self.session))
        born(self.session, SYSTEM, row, "request", request_id=make.key())
        if given_back:
            move(self.session, SYSTEM, row, BOOKING, "timeout", request_id=make.key())
