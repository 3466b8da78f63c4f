"""The rows of the sample history: the same seed gives the same ones, and they are those that the verbs themselves write."""

import json
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.sample import enrol, publish_policies
from bookings import checkout, orders
from bookings.checkout import Wish
from bookings.entities import Booking, Order
from bookings.orders import Given as Handed
from bookings.sample import history
from bookings.sampling.cast import cast_of
from bookings.sampling.journal import Journal
from bookings.sampling.orders import CARRIER, CLOCK, Orders
from bookings.sampling.papers import REFUSE_REASON, RETURN_REASON, Given, History, VoucherPapers
from bookings.sampling.payday import STEPS as WEEKLY
from bookings.sampling.payday import answered, opening
from bookings.sampling.plan import Applications
from bookings.sampling.services import CLAIM_RETURN_REASON, OFF_REASONS, ServicePapers
from bookings.sampling.settlements import ACCOUNT_NAME, BANK, CONFIRMED_AFTER, NOTICE_ENDS_AFTER
from bookings.sampling.times import DAY as SECONDS
from bookings.sampling.times import NEVER
from bookings.slots import sessions
from core.audit import Audit
from core.clock import SHANGHAI, business_date
from core.money import yuan
from geodata import loading
from geodata.regions import HOME
from geodata.sample import lay
from geodata.sampling.organisations import DEMO_ENTERPRISES, YUHUAN
from geodata.sampling.world import Size
from parties import notices
from parties.notices import Notice
from vouchers import applications, batches, budgets, claims, lifecycle, payees, policy, rules, statements
from vouchers.claims import Document
from vouchers.entities import Application, Claim, Evidence, Hold, Payout, Voucher
from vouchers.ledger import violations
from vouchers.policy import Budget
from vouchers.requests import Request
from vouchers.settlement import BankAccount, BankStatement, BatchLine, SettlementBatch, StatementLine

DAY = date(2026, 11, 24)
START = datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)


@pytest.fixture(scope="module")
def laid(owner_engine):
    """Lay places, policies and persons; nothing has happened yet."""
    with owner_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_facts(session)
            lay(session, "tiny", day=DAY)
            publish_policies(session, [HOME])
            enrol(session)
            yield session
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
    found = []
    for day in (DAY, DAY, DAY - timedelta(days=9)):
        with laid.begin_nested() as savepoint:
            history(laid, HOME, day=day, size=Size(30, 450, 80, 90))
            found.append([ask(laid, query) for query in FINGERPRINTS])
            savepoint.rollback()
    assert found[0] == found[1]
    assert all(one != two for one, two in zip(found[0], found[2], strict=True))


# The batch and the verbs, side by side.

BASE = 5_000_000
PAID = (BankAccount, SettlementBatch, Notice, BankStatement, Payout, BatchLine, StatementLine)
ENTITIES = (Request, Audit, Budget, Application, Voucher, Order, Booking, Hold, Evidence, Claim, *PAID)
TABLES = (*(entity.__tablename__ for entity in ENTITIES), "account", "transfer", "posting")
CLOCKED = {"audit": (), "orders": (), "booking": (), "transfer": (), "request": ("at",)}
"""Columns that carry the database's own clock, by table; elsewhere it is `created_at`."""

PLACED = (4.0, 4.01, 4.02, 4.03)
"""Days after the start: the order that is done, the one that is called off, the one that nobody answers, the one called off too late."""


def rewind(session):
    """Let every table of the money path give the same ids again."""
    for table in TABLES:
        session.execute(text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {BASE})"))


def written(session):
    found = {}
    for table in TABLES:
        rows = session.scalars(text(f"SELECT to_jsonb(t) FROM {table} t WHERE id > {BASE} ORDER BY id")).all()
        found[table] = [{name: value for name, value in row.items() if name not in CLOCKED.get(table, ("created_at",))} for row in rows]
    return found


class Scene:
    """One enterprise, one offer and its instants, for both ways of writing."""

    def __init__(self, session):
        self.session, self.cast = session, cast_of(session, HOME, DAY)
        self.holder = self.cast.holders.codes.index(DEMO_ENTERPRISES[0])
        self.scheme = int(self.cast.holders.scheme[self.holder])
        self.version_id, self.terms = self.cast.schemes[self.scheme].version_id, self.cast.schemes[self.scheme].terms
        self.officers = self.cast.schemes[self.scheme].officers
        offers, test = self.cast.offers, self.cast.services.index("test_analysis")
        self.offer = int(np.flatnonzero((offers.service == test) & (offers.price > 20_000) & (offers.group == 0))[0])
        self.instrument, self.price = int(offers.instrument[self.offer]), int(offers.price[self.offer])
        self.need = f"示例：{self.cast.kinds[int(offers.kind[self.offer])]}"
        hours = ask(session, "SELECT hours FROM instrument WHERE id = :id", id=self.instrument)
        self.slots = [slot for n in range(6, 30) for slot in sessions(hours, START.date() + timedelta(days=n))][:4]

    def at(self, days):
        found = START + timedelta(seconds=round(days * SECONDS))
        self.session.info["now"] = found.astimezone(UTC)
        return found

    def actor(self, role, organisation):
        from core.actor import Actor

        user = ask(self.session, "SELECT user_id FROM membership WHERE organisation_id = :id AND role = :role", id=organisation, role=role)
        return Actor(role, user, organisation)

    @property
    def enterprise(self):
        return self.actor("enterprise", int(self.cast.holders.ids[self.holder]))

    @property
    def carrier(self):
        return self.actor("carrier", int(self.cast.offers.carrier[self.offer]))

    def rulings(self):
        """Say what the voucher pays of each order, the money of those before it being held."""
        free, found = 2_000_000, []
        for _ in PLACED:
            spent = sum(ruling.amount for ruling in found)
            deal = rules.Deal(
                self.price,
                "test_analysis",
                frozenset(),
                free - spent,
                spent,
                spent,
                region=YUHUAN,
                carrier_region=self.cast.offers.region[self.offer],
            )
            found.append(rules.rule(self.terms, deal))
        return found


def seconds(days):
    return int(START.timestamp()) + round(days * SECONDS) if days is not None else NEVER


def column(*days):
    return np.array([seconds(one) for one in days], dtype=np.int64)


def four_orders(scene):
    """Return the orders as the sample keeps them: one done and paid after a return, one called off, one unanswered, one called off too late."""
    none, rulings = (None,) * 4, scene.rulings()
    once = {name: column(days, None, None, None) for name, days in zip(STEPS, range(40, 48), strict=True)}
    return Orders(
        application=np.ones(4, dtype=np.int64),
        holder=np.full(4, scene.holder),
        offer=np.full(4, scene.offer),
        amount=np.array([ruling.amount for ruling in rulings]),
        clauses=[json.dumps([clause.as_json() for clause in ruling.clauses], ensure_ascii=False) for ruling in rulings],
        start=np.array([int(start.timestamp()) for start, _ in scene.slots]),
        stop=np.array([int(stop.timestamp()) for _, stop in scene.slots]),
        placed=column(*PLACED),
        answer_by=column(*(days + 1 for days in PLACED)),
        accepted=column(4.2, None, None, 4.4),
        cancelled=np.array([NEVER, seconds(4.3), seconds(PLACED[2] + 1) + 600, seconds(131)]),
        off_by=np.array([CARRIER, CARRIER, CLOCK, CARRIER]),
        refused=column(*none),
        batched=opening(once["approved"]),
        bounced=column(*none),
        rebatched=column(*none),
        paid=answered(opening(once["approved"])),
        **once,
    )


STEPS = ("delivered", "confirmed", "settled", "claimed", "returned", "reclaimed", "checked", "approved")
"""What comes on the days 40 to 47; the rest of the way is the weekly batch's."""


def in_batch(scene, keys):
    """Let one voucher live its life as the sample writes it; add the keys of the requests to `keys` in order."""
    never = [NEVER, NEVER]
    applications = Applications([scene.holder] * 2, [scene.scheme] * 2, [500_000, 2_000_000], [seconds(1), seconds(2.5)])
    applications.returned, applications.resumed = [NEVER, seconds(3)], [NEVER, seconds(3.2)]
    applications.decided, applications.refused, applications.purpose = [seconds(2), seconds(3.4)], [True, False], ["示例", "示例"]
    assert len(never) == len(applications.holder)
    budget = Given(scene.scheme, 2026, seconds(0), 90_000_000)
    told, journal = History(scene.cast, [budget], applications, four_orders(scene), seconds(200)), Journal()
    money = VoucherPapers(scene.session, told, journal)
    services = ServicePapers(scene.session, told, journal, money)
    journal.write(scene.session)
    money.write()
    services.write()
    keys += scene.session.scalars(text(f"SELECT key FROM request WHERE id > {BASE} ORDER BY id"))


def by_verbs(scene, keys):
    """Let the same voucher live the same life by the verbs, under the same request ids."""
    session, officers, business, carrier = scene.session, scene.officers, scene.enterprise, scene.carrier
    key = iter([one for one in keys if one.startswith("sample/")])

    def done(actor, event, order, *documents, days, reason=""):
        day = business_date(scene.at(days))
        papers = tuple(Document(kind, number, day) for kind, number in documents)
        return orders.EVENTS[event](session, actor, order_id=order, request_id=next(key), given=Handed(reason, papers))

    def decide(application, event, reason, *, days):
        scene.at(days)
        applications.decide(session, officers.reviewer, application_id=application, event=event, reason=reason, request_id=next(key))

    def place(slot, days):
        scene.at(days)
        wish = Wish(scene.instrument, *slot, "test_analysis", voucher=voucher, need=scene.need)
        return checkout.book_and_hold(session, business, wish, request_id=next(key))

    scene.at(0)
    version = policy.in_force(session, "yuhuan-2023", business_date(START))
    budgets.adopt(session, officers.approver, version=version, year=2026, amount=90_000_000, request_id=next(key))
    scene.at(1)
    refused = applications.apply(session, business, policy_code="yuhuan-2023", amount=500_000, purpose="示例", request_id=next(key))
    decide(refused, "refuse", REFUSE_REASON, days=2)
    scene.at(2.5)
    row = applications.apply(session, business, policy_code="yuhuan-2023", amount=2_000_000, purpose="示例", request_id=next(key))
    decide(row, "return", RETURN_REASON, days=3)
    scene.at(3.2)
    applications.resume(session, business, application_id=row, event="submit", request_id=next(key))
    decide(row, "pass", "", days=3.4)
    voucher = ask(session, "SELECT id FROM voucher WHERE application_id = :row", row=row)
    first, called_off, unanswered, late = (place(slot, days) for slot, days in zip(scene.slots, PLACED, strict=True))
    done(carrier, "accept", first, days=4.2)
    done(carrier, "cancel", called_off, days=4.3, reason=OFF_REASONS[CARRIER])
    done(carrier, "accept", late, days=4.4)
    scene.at(PLACED[2] + 1 + 600 / SECONDS)
    orders.timeout(session, order_id=unanswered)
    done(carrier, "deliver", first, ("service_result", f"SL-BG-{first:06d}"), days=40)
    done(business, "confirm", first, days=41)
    done(business, "pay_own_part", first, ("invoice", f"SL-FP-{first:06d}"), ("payment_proof", f"SL-HD-{first:06d}"), days=42)
    account(scene, business, next_key=lambda: next(key))
    claim = done(business, "claim", first, days=43)
    for days, event, reason in ((44, "return", CLAIM_RETURN_REASON), (46, "check_ok", "")):
        if event == "check_ok":
            done(business, "claim", first, days=45)
        scene.at(days)
        claims.review(session, officers.reviewer, claim_id=claim, event=event, reason=reason, request_id=next(key))
    scene.at(47)
    claims.approve(session, officers.approver, claim_id=claim, request_id=next(key))
    pay(scene, claim, next_key=lambda: next(key))
    session.info["now"] = datetime(2026, 6, 6, 0, 10, tzinfo=SHANGHAI).astimezone(UTC)
    lifecycle.expire(session, voucher_id=voucher)
    done(carrier, "cancel", late, days=131, reason=OFF_REASONS[CARRIER])
    session.flush()


def account(scene, business, next_key):
    """Name the account of the payee shortly before its first claim."""
    session, number = scene.session, f"9999{business.organisation_id:012d}"
    session.info["now"] = datetime.fromtimestamp(seconds(43) - 2 * CONFIRMED_AFTER, UTC)
    found = payees.enter(session, business, bank=BANK, name=ACCOUNT_NAME, number=number, request_id=next_key())
    session.info["now"] = datetime.fromtimestamp(seconds(43) - CONFIRMED_AFTER, UTC)
    payees.confirm(session, business, account_id=found, number=number, request_id=next_key())


def pay(scene, claim, next_key):
    """Pay the claim by the batch of its week, as finance and the bank do."""
    session, officers = scene.session, scene.officers
    opens = int(opening(column(47))[0])

    def at(seconds):
        session.info["now"] = datetime.fromtimestamp(seconds, UTC)

    at(opens)
    batch = batches.open_batch(session, officers.approver, request_id=next_key())
    for event in ("freeze", "notice", "sign", "authorise", "send"):
        if event == "sign":
            row = session.get_one(SettlementBatch, batch)
            last = session.get_one(Notice, row.notice_id).ends
            session.info["now"] = datetime(last.year, last.month, last.day, tzinfo=SHANGHAI) + timedelta(days=1, seconds=NOTICE_ENDS_AFTER)
            notices.end(session, notice_id=row.notice_id)
        at(opens + WEEKLY[event])
        who = officers.payer if event == "authorise" else officers.approver
        getattr(batches, event)(session, who, batch_id=batch, request_id=next_key())
    at(opens + WEEKLY["statement"])
    row = session.get_one(SettlementBatch, batch)
    line = batches.lines_of(session, batch)[0]
    head, money = "参考号,金额,结果,银行流水号,日期,失败原因", yuan(line.amount).replace(",", "")
    content = f"{head}\n{line.reference},{money},成功,SL-BF-{claim:06d},{business_date(session.info['now'])},".encode()
    statements.take(session, officers.approver, batch_id=batch, content=content, filename=f"{row.code}.csv", request_id=next_key())
    for event in ("close", "reconcile"):
        at(opens + WEEKLY[event])
        getattr(batches, event)(session, officers.approver, batch_id=batch, request_id=next_key())


def test_the_batch_writes_what_the_verbs_write(laid):
    scene, found = Scene(laid), []
    try:
        keys = []
        for way in (in_batch, by_verbs):
            rewind(laid)
            with laid.begin_nested() as savepoint:
                way(scene, keys)
                found.append(written(laid))
                assert violations(laid) == []
                savepoint.rollback()
    finally:
        laid.info.pop("now", None)
    batch, verbs = found
    for table in TABLES:
        assert batch[table] == verbs[table], table
    assert len(batch["audit"]) > 40
