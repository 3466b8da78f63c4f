"""Who reaches what: every route has its line, and of every row that is not one's own one does not even learn that it exists.

The matrix is made from the router: a new route with an id in its address is in it from its first day, and fails until `Town.ids` says what a
stranger's row is.
"""

import re
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from sqlalchemy import text

from app import create_app, members
from app.access import ACCESS, unlisted
from app.audiences import PERSONS
from app.queue import JobFailure
from bookings import posting
from bookings.need_terms import Posting
from core.actor import Actor
from tests import factories as make
from tests.app.conftest import make_settings
from tests.app.desks import TODAY, Desks, said
from tests.parties.papers import applicant
from vouchers.files import EvidenceFile, EvidenceUpload

SECRET = "示例机密需求"
COUNTS = """
SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM booking), (SELECT count(*) FROM hold), (SELECT count(*) FROM posting),
       (SELECT count(*) FROM application), (SELECT count(*) FROM claim), (SELECT count(*) FROM listing), (SELECT count(*) FROM audit)
"""


class Town(Desks):
    """A scene with rows in every state, and for every role a stranger: the same role of another organisation or another region."""

    def __init__(self, session, app) -> None:
        super().__init__(session, app)
        self.claimed, self.offered = self.order(0, need=SECRET), self.order(1, need=SECRET)
        self.settle(self.claimed)
        self.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "100", "purpose": SECRET})
        self.claim, self.application = self.one("SELECT max(id) FROM claim"), self.one("SELECT max(id) FROM application")
        self.enrol("auditor", "auditor", self.bureau, region=make.YUHUAN)
        self.enrol("planner", "planner", self.bureau, region="330000")
        self.batch = make.batch(session, self.scene.carrier, file_name=SECRET).id
        elsewhere = make.region(session, "330522").adcode
        other = make.organisation(session, kind="authority", name_zh="示例别处科技局", adcode=elsewhere)
        homes = {"enterprise": make.enterprise(session, adcode=elsewhere), "carrier": make.carrier(session, adcode=elsewhere)}
        for role in PERSONS:
            region = None if role in homes else "330000" if role == "planner" else elsewhere
            self.enrol(f"strange {role}", role, homes.get(role, other), region=region)
        self.strangers = homes
        self.file, self.job, self.need = self._file(), self._job(), self._need()
        self.post("/bureau/policies/yuhuan-2023/draft", {}, by="reviewer")
        self.draft = self.one("SELECT max(id) FROM policy_draft")
        applicant(session)
        self.joining = self.one("SELECT max(id) FROM enrolment")
        self.seat = self.one(f"UPDATE membership SET is_admin = true WHERE organisation_id = {self.scene.enterprise.id} RETURNING id")
        self.invitation = self._invitation()

    def _file(self):
        """Give a file of evidence that the carrier of the scene handed in."""
        digest = sha256(SECRET.encode()).hexdigest()
        found = EvidenceFile(sha256=digest, given=digest, mime="image/png", size=1, pages=1, bands=[], read={"invoice": SECRET}, is_sample=True)
        self.session.add(found)
        self.session.flush()
        self.session.add(EvidenceUpload(file_id=found.id, organisation_id=self.scene.carrier.id))
        self.session.commit()
        return found.id

    def _invitation(self):
        """Give an invitation into the enterprise of the scene."""
        user = self.one(f"SELECT user_id FROM membership WHERE id = {self.seat}")
        secret = members.invite(self.session, Actor("enterprise", user, self.scene.enterprise.id), as_admin=False)
        self.session.commit()
        return members.invitation_of(self.session, secret)[0].id

    def _need(self):
        """Give a need that the enterprise of the scene shows to its bureau alone."""
        said = Posting(f"断口形貌 {SECRET}", visibility="private")
        made = posting.post(self.session, self.scene.buyer, said, request_id=make.key())
        self.session.commit()
        return made

    def _job(self):
        """Give a job of Yuhuan that failed."""
        values = "('default', 'do', 'x/1', '{\"name\": \"x\", \"key\": 1}', 'failed')"
        made = self.one(f"INSERT INTO jobs.procrastinate_jobs (queue_name, task_name, queueing_lock, args, status) VALUES {values} RETURNING id")
        told = {"key": SECRET, "error": "Refused", "clause": "", "region": make.YUHUAN, "times": 5, "at": datetime(2026, 11, 24, tzinfo=UTC)}
        self.session.add(JobFailure(job_id=made, name="x", **told))
        self.session.commit()
        return made

    def ids(self, name):
        """Give what may stand for a part of an address: rows of the scene, and words that lead to them."""
        found = {
            "order_id": (self.offered, self.claimed),
            "paper_id": (self.claim, self.application, self.joining),
            "subject": ("enrolment",),
            "invitation_id": (self.invitation,),
            "membership_id": (self.seat,),
            "row_id": (self.invitation, self.seat, self.joining),
            "kind": ("claim", "application"),
            "batch_id": (self.batch,),
            "file_id": (self.file,),
            "voucher_id": (self.scene.voucher.id,),
            "number": (1,),
            "draft_id": (self.draft,),
            "code": ("yuhuan-2023",),
            "job_id": (self.job,),
            "need_id": (self.need,),
            "claim_id": (self.claim,),
            "application_id": (self.application,),
            **dict.fromkeys(("campaign_id", "entry_id", "saved_id", "answer_id", "carrier_id", "organisation_id"), (1,)),
            **dict.fromkeys(("line_id", "account_id", "recovery_id", "statement_id", "budget_id"), (self.batch, 1)),
            "month": ("2026-11",),
            "event": (
                *("accept", "cancel", "deliver", "confirm", "pay_own_part", "claim", "pass", "refuse", "return", "check_ok", "approve", "pay"),
                *("edit", "withdraw", "decline", "retract", "invite", "note", "close"),
                *("counter", "agree", "dispute", "resolve", "freeze", "unfreeze", "void", "transfer"),
            ),
        }
        assert name in found, f"say what a stranger's {name} is"
        return found[name]

    def counted(self):
        return tuple(self.session.execute(text(COUNTS)).one())

    def forged(self, route):
        """Give every address of a route that leads to rows of the scene."""
        addresses = [route.rule]
        for converter, name in re.findall(r"<(?:(\w+):)?(\w+)>", route.rule):
            part = f"<{converter}:{name}>" if converter else f"<{name}>"
            addresses = [one.replace(part, str(value)) for one in addresses for value in self.ids(name)]
        return addresses

    def call(self, address, method, by):
        """Send a request that would be fine coming from the right person."""
        key = f"forged-{make.key()}"
        papers = {
            "report_number": key,
            "report_date": TODAY,
            "invoice_number": key,
            "invoice_date": TODAY,
            "payment_number": key,
            "payment_date": TODAY,
        }
        if method == "GET":
            return self.get(address, by=by)
        if address.startswith("/api/"):
            kinds = {"deliver": ["service_result"], "pay_own_part": ["invoice", "payment_proof"]}.get(address.rpartition("/")[2], [])
            plain = {f"/api/v1/{kind}/": {"reason": "示例"} for kind in ("vouchers", "applications", "budgets", "joining")}
            known = {**plain, "/api/v1/recoveries/": {"bank_reference": key, "received_on": TODAY}, "/api/v1/bank-accounts/": {"number": "99990001"}}
            offer = {
                "instrument": 1,
                "service": "test_analysis",
                "start": f"{TODAY}T09:00+08:00",
                "end": f"{TODAY}T12:00+08:00",
                "price": 1,
                "report_days": 1,
            }
            known |= {f"/api/v1/needs/{self.need}/{event}": body for event, body in {"answers": offer, "pick": {"answer": 1, "seen": 0}}.items()}
            known |= {"/api/v1/needs/": {"reason": "示例"}}
            body = next((one for start, one in known.items() if address.startswith(start)), {})
            body = body or {"reason": "示例", "documents": [{"kind": kind, "number": key, "issued_on": TODAY} for kind in kinds]}
            return self.webs[by].open(address, method=method, json=body, headers={**self.headers[by], "Idempotency-Key": key})
        more = {"price": "1", "expected_voucher": "0", "expected_own": "0", "outcome": "cancelled"}
        return self.post(address, {**papers, **more, "reason": "示例", "bank_reference": key, "received_on": TODAY, "again": "99990001"}, by=by)


@pytest.fixture
def town(session, app, clock):
    return Town(session, app)


@pytest.fixture
def app(connection):
    return create_app(make_settings(), engine=connection)


@pytest.fixture
def clock(app):
    from tests.app.conftest import Clock

    app.extensions["clock"] = Clock()
    return app.extensions["clock"]


def owned(app):
    """Yield route, method and rule of everything with somebody's row in its address."""
    for route in app.url_map.iter_rules():
        rule = ACCESS[route.endpoint]
        if route.arguments and "public" not in rule.roles:
            for method in sorted(route.methods - {"HEAD", "OPTIONS"}):
                yield route, method, rule


def test_every_route_has_a_line_and_every_line_a_route(app):
    routes = {rule.endpoint for rule in app.url_map.iter_rules()}
    assert unlisted(app) == set()
    assert ACCESS.keys() - routes == set(), "lines without a route"


def test_a_stranger_in_the_right_role_finds_nothing_and_changes_nothing(town, app):
    before, wrong, tried = town.counted(), {}, 0
    for route, method, rule in owned(app):
        for role in rule.roles:
            for address in town.forged(route):
                answer = town.call(address, method, f"strange {role}")
                tried += 1
                if answer.status_code != 404 or SECRET in answer.get_data(as_text=True):
                    wrong[f"strange {role} {method} {address}"] = answer.status_code
    assert wrong == {}
    assert tried > 60
    assert town.counted() == before


def test_nobody_in_another_role_gets_further_than_the_door(town, app):
    before, wrong = town.counted(), {}
    for route, method, rule in owned(app):
        for role in set(PERSONS) - set(rule.roles):
            for address in town.forged(route):
                answer = town.call(address, method, role)
                if answer.status_code != 403 or SECRET in answer.get_data(as_text=True):
                    wrong[f"{role} {method} {address}"] = answer.status_code
    assert wrong == {}
    assert town.counted() == before


def test_without_logging_in_every_row_is_behind_the_door(town, app):
    town.headers["nobody"], town.webs["nobody"] = {}, app.test_client()
    for route, method, _ in owned(app):
        for address in town.forged(route):
            answer = town.call(address, method, "nobody")
            if address.startswith("/api/"):
                assert answer.status_code == 401, address
            elif method == "GET":
                assert (answer.status_code, answer.location.startswith("/login?next=/")) == (303, True), address
            else:
                assert (answer.status_code, answer.location) == (303, "/login?next=/"), address


def test_the_lists_of_a_stranger_hold_nothing_of_others(town):
    names = [SECRET, town.scene.enterprise.name_zh, town.scene.voucher.code]
    pages = {"enterprise": ("/orders", "/vouchers", "/api/v1/orders", "/api/v1/vouchers"), "carrier": ("/carrier", "/api/v1/orders")}
    officers = dict.fromkeys(("reviewer", "finance", "auditor"), ("/desk",))
    for role, addresses in {**pages, **officers}.items():
        for address in addresses:
            own, strange = (town.get(address, by=by) for by in (role, f"strange {role}"))
            assert own.status_code == strange.status_code == 200
            seen, known = (said(one) if one.mimetype == "text/html" else one.get_data(as_text=True) for one in (strange, own))
            assert [name for name in names if name in seen] == [], f"strange {role} {address}"
            assert [name for name in names if name in known], f"{role} {address}"


def test_the_desk_opens_no_paper_of_another_region(town):
    for role in ("reviewer", "finance", "auditor"):
        for kind, paper in (("claim", town.claim), ("application", town.application)):
            assert town.get(f"/desk?kind={kind}&id={paper}", by=role).status_code == 200
            assert town.get(f"/desk?kind={kind}&id={paper}", by=f"strange {role}").status_code == 404


def test_anothers_voucher_pays_nothing_for_me(town):
    slot = town.slot(3, expected_voucher=120_000, expected_own=0)
    before = town.counted()
    for voucher in (town.scene.voucher.id, town.scene.voucher.code):
        answer = town.post("/checkout", {**slot, "voucher": voucher}, by="strange enterprise")
        assert answer.status_code == 404
        assert town.get(f"/vouchers?voucher={voucher}", by="strange enterprise").status_code == 404
    assert town.counted() == before


def test_an_application_of_another_cannot_be_taken_back(town):
    before = town.counted()
    for event in ("withdraw", "submit"):
        answer = town.post("/vouchers/apply", {"application": town.application, "event": event}, by="strange enterprise")
        assert answer.status_code == 404
    assert town.counted() == before


def test_an_instrument_of_another_cannot_be_listed(town):
    form = {"instrument": town.scene.instrument.id, "service": "test_analysis", "price": "1", "unit": "job", "report_days": 1, "notice_hours": 1}
    before = town.counted()
    assert town.post("/carrier/listings/new", form, by="strange carrier").status_code == 422
    assert town.counted() == before


def test_whom_one_acts_for_cannot_be_said_in_the_request(town):
    forged = {
        "enterprise_id": town.scene.enterprise.id,
        "organisation_id": town.scene.enterprise.id,
        "holder_id": town.scene.enterprise.id,
        "role": "finance",
    }
    query = "&".join(f"{name}={value}" for name, value in forged.items())
    heads = {**town.headers["strange enterprise"], "X-Organisation": str(town.scene.enterprise.id), "X-Role": "finance"}
    web = town.webs["strange enterprise"]
    assert web.get(f"/api/v1/vouchers?{query}", headers=heads).json == {"items": []}
    assert web.get(f"/api/v1/me?{query}", headers=heads).json["organisation_id"] == town.strangers["enterprise"].id
    wish = {name: value for name, value in town.slot(4).items() if name in ("instrument", "service", "start", "end")}
    body = {**wish, "instrument": int(wish["instrument"]), **forged}
    answer = web.post("/api/v1/orders", json=body, headers={**heads, "Idempotency-Key": make.key()})
    assert (answer.status_code, {one["field"] for one in answer.json["errors"]}) == (400, set(forged))


def test_a_key_of_another_answers_nothing_of_his(town):
    wish = {name: value for name, value in town.slot(5).items() if name in ("instrument", "service", "start", "end")} | {"voucher": None}
    sent = {"json": wish, "headers": {**town.headers["enterprise"], "Idempotency-Key": "same-key-1"}}
    mine = town.webs["enterprise"].post("/api/v1/orders", **sent)
    theirs = town.webs["strange enterprise"].post(
        "/api/v1/orders", json=wish, headers={**town.headers["strange enterprise"], "Idempotency-Key": "same-key-1"}
    )
    assert (mine.status_code, theirs.status_code, theirs.json["clause"]) == (201, 409, "slot_taken")
    assert mine.json["code"] not in theirs.get_data(as_text=True)
