"""Fifty clients of the real service at once on one voucher and on one budget; answers that get lost on the way; exact money, never a 500."""

import http.client
import json
import time
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from app.accounts import Membership, issue_token
from tests.journeys.apart import site as site  # noqa: PLC0414 (a fixture is used by its name)
from tests.journeys.apart import world_url as world_url  # noqa: PLC0414 (a fixture is used by its name)
from tests.journeys.conftest import today
from vouchers.ledger import violations

CROWD = 50
SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def books(world_url):
    """Give the owner's session factory on the service's database; the books must be sound at the end."""
    engine = create_engine(world_url)
    yield lambda: Session(engine)
    with Session(engine) as session:
        assert violations(session) == []
    engine.dispose()


def call(site, path, token, body, key):
    """Post JSON and return the status and the answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": key}
    wanted = urllib.request.Request(site + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(wanted, timeout=120) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


def at_once(act):
    """Run `act(n)` for a crowd at once and return the answers."""
    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(act, range(CROWD)))


def tokens(session, login=None, *, funder="331083", many=1):
    """Return tokens of enterprises whose county is the funder's, or of one person."""
    query = """SELECT m.id FROM membership m JOIN app_user u ON u.id = m.user_id JOIN organisation o ON o.id = m.organisation_id
               WHERE CASE WHEN CAST(:login AS text) IS NULL THEN m.role = 'enterprise' AND o.adcode = :funder ELSE u.login = :login END
               ORDER BY m.id DESC LIMIT :many"""
    seats = list(session.scalars(text(query), {"login": login, "funder": funder, "many": many}))
    found = [issue_token(session, session.get_one(Membership, seat)) for seat in seats]
    session.commit()
    return found


def slots(session, voucher):
    """Return bodies for fifty orders on different free hours of working instruments that this voucher may pay."""
    query = """SELECT i.id, l.service_code FROM instrument i JOIN listing l ON l.instrument_id = i.id AND l.state = 'open'
               WHERE i.is_open AND i.status = 'working' AND l.service_code = 'test_analysis' AND l.price > 20000
                 AND i.hours::text LIKE '%09:00%'
                 AND NOT EXISTS (SELECT FROM booking b WHERE b.instrument_id = i.id AND b.span && tstzrange(:start, :end))
               ORDER BY l.price DESC, i.id LIMIT :many"""
    day = today() + timedelta(days=8 - today().isoweekday())  # the Monday after
    start = datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)
    rows = session.execute(text(query), {"many": CROWD, "start": start, "end": start + timedelta(hours=1)}).all()
    return [
        {"instrument": key, "service": service, "voucher": voucher, "start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        for key, service in rows
    ]


def voucher_of(session, login):
    query = """SELECT v.id, b.available FROM voucher v JOIN voucher_balance b ON b.voucher_id = v.id JOIN membership m ON m.organisation_id = v.holder_id
               JOIN app_user u ON u.id = m.user_id WHERE u.login = :login AND v.state = 'active' ORDER BY b.available DESC LIMIT 1"""
    return session.execute(text(query), {"login": login}).one()


def test_fifty_clients_spend_one_voucher_to_the_last_fen(site, books):
    with books() as session:
        voucher, before = voucher_of(session, "enterprise")
        [token] = tokens(session, "enterprise")
        wishes = slots(session, voucher)
    assert len(wishes) == CROWD
    found = at_once(lambda n: call(site, "/api/v1/orders", token, wishes[n], f"crowd-{n}"))
    assert {status for status, _ in found} <= {201, 409}, Counter(status for status, _ in found)
    spent = sum(answer["voucher_part"] for status, answer in found if status == 201)
    again = at_once(lambda n: call(site, "/api/v1/orders", token, wishes[n], f"crowd-{n}"))
    assert [answer["id"] for status, answer in again if status == 201][: len([1 for s, _ in found if s == 201])]
    assert [a["id"] for s, a in found if s == 201] == [again[n][1]["id"] for n, (s, _) in enumerate(found) if s == 201], "a retry answers the same"
    with books() as session:
        after = session.execute(text("SELECT available FROM voucher_balance WHERE voucher_id = :id"), {"id": voucher}).scalar()
    assert spent > 0
    assert after == before - spent - sum(a["voucher_part"] for n, (s, a) in enumerate(again) if s == 201 and found[n][0] != 201)


def test_fifty_enterprises_reserve_one_budget_exactly(site, books):
    with books() as session:
        [finance] = tokens(session, "finance")
        crowd = tokens(session, many=CROWD)
        budget, free = session.execute(
            text(
                "SELECT b.id, m.free FROM budget b JOIN budget_balance m ON m.budget_id = b.id WHERE b.funder = '331083' AND b.year = :y AND b.fund = ''"
            ),
            {"y": today().year},
        ).one()
    room = 12 * 500_000 + 123
    status, answer = call(site, f"/api/v1/budgets/{budget}/revise", finance, {"change": room - free, "reason": "示例：演练"}, "crowd-budget")
    assert (status, answer["free"]) == (200, room)
    wish = {"policy": "yuhuan-2023", "amount": 500_000, "purpose": "示例：新材料检测"}
    found = at_once(lambda n: call(site, "/api/v1/applications", crowd[n % len(crowd)], wish, f"crowd-budget-{n}"))
    states = Counter(answer.get("state", answer.get("type")) if status == 201 else status for status, answer in found)
    assert states["county_review"] <= 12
    assert {status for status, _ in found} <= {201, 409}
    with books() as session:
        left = session.execute(text("SELECT free FROM budget_balance WHERE budget_id = :id"), {"id": budget}).scalar()
    assert left == room - 500_000 * states["county_review"]
    assert states["county_review"] == 12 or states["waitlisted"] == 0


def test_an_answer_that_is_lost_is_answered_the_same_and_paid_once(site, books):
    with books() as session:
        voucher, before = voucher_of(session, "enterprise2")
        [token] = tokens(session, "enterprise2")
        wishes = slots(session, voucher)[:6]
    for n, wish in enumerate(wishes):
        cut(site, token, wish, f"lost-{n}")
    time.sleep(2)
    found = [call(site, "/api/v1/orders", token, wish, f"lost-{n}") for n, wish in enumerate(wishes)]
    assert {status for status, _ in found} <= {201, 409}
    with books() as session:
        after = session.execute(text("SELECT available FROM voucher_balance WHERE voucher_id = :id"), {"id": voucher}).scalar()
        placed = session.execute(text("SELECT count(*) FROM request WHERE key LIKE 'lost-%' AND verb = 'order'")).scalar()
    paid = [answer for status, answer in found if status == 201]
    assert placed == len(paid) > 0
    assert after == before - sum(answer["voucher_part"] for answer in paid)


def cut(site, token, body, key):
    """Send a whole request and hang up before the answer."""
    line = http.client.HTTPConnection(urlsplit(site).netloc, timeout=30)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Idempotency-Key": key}
    line.request("POST", "/api/v1/orders", json.dumps(body), headers)
    time.sleep(0.02)
    line.close()
