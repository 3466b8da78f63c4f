"""The rows of the sample history: the same seed gives the same ones, and they are those that the verbs themselves write."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.sample import enrol
from bookings import checkout, orders
from bookings.checkout import Wish
from bookings.orders import Given
from bookings.sample import history
from bookings.sampling import money, trade
from bookings.sampling.books import ORDER_OF_WRITING, Books, Now, write
from bookings.sampling.cast import offer_of, open_offers
from bookings.sampling.money import Scheme
from bookings.slots import sessions
from core.clock import SHANGHAI, business_date
from geodata import loading
from geodata.sample import lay
from geodata.sampling.organisations import DEMO_ENTERPRISES, YUHUAN
from vouchers import budgets, claims, lifecycle, policy, rules
from vouchers.claims import Document
from vouchers.ledger import violations
from vouchers.requests import Request

DAY = date(2026, 11, 24)
START = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def laid(app_engine):
    """Lay places, policies and persons; nothing has happened yet."""
    with app_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_facts(session)
            lay(session, "tiny", day=DAY)
            for terms in policy.seed_policies():
                policy.publish(session, terms)
            yield session, enrol(session)
        outer.rollback()


def ask(session, query, **values):
    return session.execute(text(query), values).scalar()


FINGERPRINTS = (
    "SELECT md5(string_agg(concat_ws('|', at, role, subject, event, before, after, reason, user_id), ',' ORDER BY id)) FROM audit WHERE subject <> 'world'",
    (
        "SELECT md5(string_agg(concat_ws('|', e.code, c.code, i.code, o.price, o.voucher_part, o.contract_date, o.report_on, o.state), ',' ORDER BY o.id)) FROM orders o "
        "JOIN organisation e ON e.id = o.enterprise_id JOIN organisation c ON c.id = o.carrier_id JOIN instrument i ON i.id = o.instrument_id"
    ),
    "SELECT md5(string_agg(concat_ws('|', i.code, b.span, b.state), ',' ORDER BY b.id)) FROM booking b JOIN instrument i ON i.id = b.instrument_id",
    (
        "SELECT md5(string_agg(concat_ws('|', t.kind, t.business_date, p.amount, p.source_version, p.destination_version), ',' ORDER BY p.id)) "
        "FROM posting p JOIN transfer t ON t.id = p.transfer_id"
    ),
)


def test_the_same_seed_and_day_tell_the_same_history_and_another_day_another(laid):
    session, people = laid
    found = []
    for day in (DAY, DAY, DAY - timedelta(days=9)):
        with session.begin_nested() as savepoint:
            history(session, people, day=day, services=80)
            found.append([ask(session, query) for query in FINGERPRINTS])
            savepoint.rollback()
    assert found[0] == found[1]
    assert all(one != two for one, two in zip(found[0], found[2], strict=True))


# The batch and the verbs, side by side.

BASE = 5_000_000
TABLES = (*(entity.__tablename__ for entity in ORDER_OF_WRITING), "account", "transfer", "posting")
CLOCKED = {"audit": (), "orders": (), "booking": (), "transfer": (), "request": ("at",)}
"""Columns that carry the database's own clock, by table; elsewhere it is `created_at`."""


def rewind(session):
    """Let every table of the money path give the same ids again."""
    session.execute(text("RESET ROLE"))
    for table in TABLES:
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {BASE})"))
    session.execute(text("SET ROLE irm_app"))


def written(session):
    found = {}
    for table in TABLES:
        rows = session.scalars(text(f"SELECT to_jsonb(t) FROM {table} t WHERE id > {BASE} ORDER BY id")).all()
        found[table] = [{name: value for name, value in row.items() if name not in CLOCKED.get(table, ("created_at",))} for row in rows]
    return found


class Scene:
    """One enterprise, one offer and its instants, for both ways of writing."""

    def __init__(self, session, people):
        self.session, self.people, self.officers = session, people, people.officers[YUHUAN]
        holder = ask(session, "SELECT id FROM organisation WHERE code = :code", code=DEMO_ENTERPRISES[0])
        self.enterprise = people.operators[holder]
        row = next(row for row in open_offers(session) if row.service == "test_analysis" and row.price > 20_000 and row.controller is None)
        self.offer = offer_of(row)
        self.carrier = people.operators[self.offer.carrier_id]
        self.version = policy.in_force(session, "yuhuan-2023", business_date(START))
        self.slots = [slot for n in range(6, 30) for slot in sessions(self.offer.hours, START.date() + timedelta(days=n))]

    def at(self, days):
        found = START + timedelta(days=days)
        self.session.info["now"] = found.astimezone(UTC)
        return found


def in_batch(scene, keys):
    """Let one voucher live its life in the books of the sample; add the keys of the requests to `keys` in order."""
    books, officers = Books(scene.session), scene.officers
    scheme = Scheme(scene.version.id, scene.version.terms)
    money.adopt(Now(books, scene.at(0)), officers.approver, scheme=scheme, year=2026, amount=90_000_000)
    refused = money.apply(Now(books, scene.at(1)), scene.enterprise, scheme=scheme, amount=500_000, purpose="示例")
    money.decide(Now(books, scene.at(2)), officers.reviewer, row=refused, event="refuse", scheme=scheme, reason="示例")
    row = money.apply(Now(books, scene.at(2)), scene.enterprise, scheme=scheme, amount=2_000_000, purpose="示例")
    money.decide(Now(books, scene.at(3)), officers.reviewer, row=row, event="return", scheme=scheme, reason="示例")
    money.resume(Now(books, scene.at(3)), scene.enterprise, row=row)
    purse = money.decide(Now(books, scene.at(3)), officers.reviewer, row=row, event="pass", scheme=scheme)
    deals = []
    for slot in scene.slots[:4]:
        spent = sum(deal.order["voucher_part"] for deal in deals)
        ruling = rules.rule(scheme.terms, rules.Deal(scene.offer.price, scene.offer.service, frozenset(), purse.available, spent, spent))
        wish = Wish(scene.offer.instrument_id, *slot, scene.offer.service, voucher=purse.row["id"], need="示例")
        deals.append(trade.place(Now(books, scene.at(4)), scene.enterprise, wish, offer=scene.offer, purse=purse, ruling=ruling))
    done, called_off, unanswered, late = deals
    trade.accept(Now(books, scene.at(4.2)), scene.carrier, deal=done)
    trade.cancel(Now(books, scene.at(4.3)), scene.carrier, deal=called_off, reason="示例")
    trade.accept(Now(books, scene.at(4.4)), scene.carrier, deal=late)
    trade.timeout(Now(books, scene.at(5.5)), deal=unanswered)
    trade.deliver(Now(books, scene.at(40)), scene.carrier, deal=done, number="SL-1")
    trade.confirm(Now(books, scene.at(41)), scene.enterprise, deal=done)
    trade.settle(Now(books, scene.at(42)), scene.enterprise, deal=done, numbers=("SL-2", "SL-3"))
    claim = trade.claim(Now(books, scene.at(43)), scene.enterprise, deal=done)
    money.review(Now(books, scene.at(44)), officers.reviewer, row=claim, event="return", reason="示例")
    trade.claim(Now(books, scene.at(45)), scene.enterprise, deal=done)
    money.review(Now(books, scene.at(46)), officers.reviewer, row=claim, event="check_ok")
    money.approve(Now(books, scene.at(47)), officers.approver, row=claim)
    money.pay(Now(books, scene.at(48)), officers.payer, row=claim, purse=purse, bank_reference="SL-9")
    money.expire(Now(books, scene.at(130)), purse=purse)
    trade.cancel(Now(books, scene.at(131)), scene.carrier, deal=late, reason="示例")
    write(books)
    keys += [request["key"] for request in books.rows[Request]]


def by_verbs(scene, keys):
    """Let the same voucher live the same life by the verbs, under the same request ids."""
    session, officers, business = scene.session, scene.officers, scene.enterprise
    key = iter([one for one in keys if one.startswith("sample/")])

    def done(actor, event, order, *documents, days, reason=""):
        day = business_date(scene.at(days))
        papers = tuple(Document(kind, number, day) for kind, number in documents)
        return orders.EVENTS[event](session, actor, order_id=order, request_id=next(key), given=Given(reason, papers))

    def decide(application, event, *, days, reason="示例"):
        scene.at(days)
        lifecycle.decide(session, officers.reviewer, application_id=application, event=event, reason=reason, request_id=next(key))

    scene.at(0)
    budgets.adopt(session, officers.approver, version=scene.version, year=2026, amount=90_000_000, request_id=next(key))
    scene.at(1)
    refused = lifecycle.apply(session, business, policy_code="yuhuan-2023", amount=500_000, purpose="示例", request_id=next(key))
    decide(refused, "refuse", days=2)
    row = lifecycle.apply(session, business, policy_code="yuhuan-2023", amount=2_000_000, purpose="示例", request_id=next(key))
    decide(row, "return", days=3)
    lifecycle.resume(session, business, application_id=row, event="submit", request_id=next(key))
    decide(row, "pass", days=3, reason="")
    voucher = ask(session, "SELECT id FROM voucher WHERE application_id = :row", row=row)
    scene.at(4)
    placed = [
        checkout.book_and_hold(
            session, business, Wish(scene.offer.instrument_id, *slot, scene.offer.service, voucher=voucher, need="示例"), request_id=next(key)
        )
        for slot in scene.slots[:4]
    ]
    first, called_off, unanswered, late = placed
    done(scene.carrier, "accept", first, days=4.2)
    done(scene.carrier, "cancel", called_off, days=4.3, reason="示例")
    done(scene.carrier, "accept", late, days=4.4)
    scene.at(5.5)
    orders.timeout(session, order_id=unanswered)
    done(scene.carrier, "deliver", first, ("service_result", "SL-1"), days=40)
    done(business, "confirm", first, days=41)
    done(business, "pay_own_part", first, ("invoice", "SL-2"), ("payment_proof", "SL-3"), days=42)
    claim = done(business, "claim", first, days=43)
    scene.at(44)
    claims.review(session, officers.reviewer, claim_id=claim, event="return", reason="示例", request_id=next(key))
    done(business, "claim", first, days=45)
    scene.at(46)
    claims.review(session, officers.reviewer, claim_id=claim, event="check_ok", reason="", request_id=next(key))
    scene.at(47)
    claims.approve(session, officers.approver, claim_id=claim, request_id=next(key))
    scene.at(48)
    claims.pay(session, officers.payer, claim_id=claim, bank_reference="SL-9", request_id=next(key))
    scene.at(130)
    lifecycle.expire(session, voucher_id=voucher)
    scene.at(131)
    done(scene.carrier, "cancel", late, days=131, reason="示例")
    session.flush()


def test_the_batch_writes_what_the_verbs_write(laid):
    scene = Scene(*laid)
    session, found = scene.session, []
    try:
        keys = []
        for way in (in_batch, by_verbs):
            rewind(session)
            with session.begin_nested() as savepoint:
                way(scene, keys)
                found.append(written(session))
                assert violations(session) == []
                savepoint.rollback()
    finally:
        session.info.pop("now", None)
    batch, verbs = found
    for table in TABLES:
        assert batch[table] == verbs[table], table
    assert len(batch["audit"]) > 40
