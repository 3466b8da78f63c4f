"""How often the hot pages ask the database: pinned, and the same whether a market has one instrument or forty."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from sqlalchemy import event, text

from app import create_app
from matching import lexiconbook
from tests import factories as make
from tests.app.conftest import Clock, make_settings
from tests.app.desks import Desks

TYPE = "扫描电子显微镜"
BOX = "area=118,27,123,31&view=7,120,29"
NEED = urlencode({"need": "断口 扫描电镜"})
KNOWN = 2
"""Queries that recognise a person: the token, the person with all seats."""

HOT = {
    ("nobody", "/"): 9,
    ("enterprise", "/"): KNOWN + 17,
    ("nobody", f"/?{NEED}"): 8,
    ("enterprise", f"/?{NEED}"): KNOWN + 14,
    ("nobody", "/instruments/{instrument}"): 3,
    ("enterprise", "/instruments/{instrument}"): KNOWN + 8,
    ("nobody", "/carriers/{carrier}"): 1,
    ("enterprise", "/checkout?{slot}"): KNOWN + 13,
    ("enterprise", "/vouchers"): KNOWN + 7,
    ("enterprise", "/orders"): KNOWN + 2,
    ("enterprise", "/orders/{order}"): KNOWN + 5,
    ("carrier", "/carrier"): KNOWN + 5,
    ("reviewer", "/desk?of=claim"): KNOWN + 9,
    ("finance", "/desk?of=claim"): KNOWN + 9,
    ("planner", "/planner"): KNOWN + 6,
    ("nobody", "/?place=330106"): 11,
    ("nobody", f"/map/view?{BOX}"): 7,
    ("enterprise", f"/map/view?{BOX}"): KNOWN + 12,
    ("enterprise", f"/map/view?{BOX}&own_max=600&free=week&sort=own"): KNOWN + 15,
    ("nobody", f"/map/view?{BOX}&facets=1&lon=121&lat=28&within=50"): 7,
    ("nobody", f"/map/view?{BOX}&{NEED}"): 4,
    ("nobody", "/map/carriers.geojson?bbox=118,27,123,31"): 1,
    ("nobody", f"/api/v1/match?{NEED}"): 3,
    ("enterprise", f"/api/v1/match?{NEED}"): KNOWN + 8,
    ("nobody", "/api/v1/instruments"): 1,
    ("nobody", "/api/v1/carriers"): 1,
    ("enterprise", "/api/v1/orders"): KNOWN + 1,
    ("enterprise", "/api/v1/vouchers"): KNOWN + 1,
}
"""Who opens what → how many queries, that for the instant left out: a test stops the clock."""

SHAPE = """
INSERT INTO region_shape (adcode, detail, geom)
VALUES ('330106', 'tiny', ST_Multi(ST_MakeEnvelope(120, 30, 121, 31, 4326)))
"""


class Market(Desks):
    """A scene whose instrument is what the need asks for, with a count of what is asked of the database."""

    def __init__(self, session, app, connection) -> None:
        super().__init__(session, app)
        self.enrol("planner", "planner", self.bureau, region="330000")
        self.headers["nobody"], self.webs["nobody"] = {}, app.test_client()
        self.connection, self.asked = connection, []
        make.budget(session)  # or applications would wait, and what comes after waits behind them
        self.scene.instrument.type_id = make.instrument_type(session, TYPE).id
        make.site(session, self.scene.enterprise)
        self.settle(self.order(0))
        self.first, self.next = self.order(1), 4

    def grow(self):
        """Add what makes a market larger: instruments, carriers with sites, enterprises with vouchers, orders of the scene's parties."""
        for nth in range(12):
            owner = make.carrier(self.session)
            make.site(self.session, owner)
            make.listing(self.session, make.instrument(self.session, owner, type_id=make.instrument_type(self.session, TYPE).id))
            if nth < 4:
                make.listing(self.session, make.instrument(self.session, self.scene.carrier, type_id=make.instrument_type(self.session, TYPE).id))
                self.settle(self.order(self.next))
                self.order(self.next + 1)
                self.next += 2
                self.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "100", "purpose": "示例用途"})
        make.voucher(self.session)
        self.session.commit()

    def count(self, who, path):
        """Open a page and return how many queries it sent, savepoints aside."""
        slot = {name: value for name, value in self.slot(2).items() if name in ("instrument", "service", "start", "end")}
        ids = {"instrument": self.scene.instrument.id, "carrier": self.scene.carrier.id, "order": self.first, "slot": urlencode(slot)}
        self.asked.clear()
        self.session.expire_all()
        event.listen(self.connection, "before_cursor_execute", self._note)
        answer = self.get(path.format(**ids), by=who)
        event.remove(self.connection, "before_cursor_execute", self._note)
        assert answer.status_code == 200, f"{who} {path}: {answer.status_code}"
        return len(self.asked)

    def _note(self, _connection, _cursor, statement, *_more):
        if not re.match(r"\s*(SAVEPOINT|RELEASE|ROLLBACK)", statement):
            self.asked.append(" ".join(statement.split()))


@pytest.fixture
def market(session, connection, monkeypatch):
    lexiconbook.refresh(session, at_once=True)
    monkeypatch.setattr(lexiconbook, "LOOK", 3_600.0)  # else whichever page comes two seconds later asks once more
    app = create_app(make_settings(), engine=connection)
    app.extensions["clock"] = Clock()
    found = Market(session, app, connection)
    found.get("/?place=330106", by="nobody")  # how far the land reaches and what places are called is read once a process
    return found


def test_the_hot_pages_ask_exactly_as_often_as_is_written_here_in_a_small_market_and_in_a_larger_one(market):
    assert {(who, path): market.count(who, path) for who, path in HOT} == HOT
    market.grow()
    assert {(who, path): market.count(who, path) for who, path in HOT} == HOT


def test_a_further_usable_voucher_costs_two_queries_where_prices_after_vouchers_are_shown(market):
    before = market.count("enterprise", f"/api/v1/match?{NEED}")
    for _ in range(3):
        make.voucher(market.session, market.scene.enterprise, face=500_000)
    market.session.commit()
    assert market.count("enterprise", f"/api/v1/match?{NEED}") == before + 2 * 3


def test_the_base_map_is_written_once_until_a_region_changes(market):
    first = market.get("/map/base/tiny.geojson", by="nobody")
    assert market.count("nobody", "/map/base/tiny.geojson") == 1  # is it still the same?
    make.region(market.session, "330106")
    market.session.commit()
    assert market.count("nobody", "/map/base/tiny.geojson") == 2
    market.session.execute(text(SHAPE))
    market.session.commit()
    assert market.get("/map/base/tiny.geojson", by="nobody").data != first.data
    assert market.count("nobody", "/map/base/tiny.geojson") == 1
