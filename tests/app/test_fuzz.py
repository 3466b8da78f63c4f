"""Whatever a stranger sends to any route there is: an answer with a reason, in the shape that goes with the path, never a failure of ours."""

from __future__ import annotations

import time

import pytest

from app.views.uploads import STEPS
from bookings import posting
from bookings.orders import DOCUMENTS
from tests import factories as make
from tests.app.desks import TODAY, Desks
from tests.app.fuzzing import Attack, fault
from tests.bookings.needs import answer, deal, wanted

SOUND = {
    "need": "断口 扫描电镜", "sort": "best", "limit": "20", "format": "json", "bbox": "118,27,123,31", "q": "电", "region": "330000", "lon": "120.1", "lat": "30.2",
    "detail": "tiny", "filename": "css/base.css", "slug": "refused", "statutory": "no", "funded": "no", "batch": "no", "expected_voucher": 120_000, "expected_own": 0,
    "reason": "示例理由", "policy": "yuhuan-2023", "amount": "100", "purpose": "示例", "report_number": "示例-1", "report_date": TODAY, "invoice_number": "示例-2",
    "invoice_date": TODAY, "payment_number": "示例-3", "payment_date": TODAY, "bank_reference": "示例-4", "unit": "job", "report_days": 2, "notice_hours": 24,
    "price": "1200", "type": "", "documents": [], "attributes": [], "crs": "WGS84", "hours_1": "9:00-12:00", "login": "x", "password": "y", "sure": "yes",
    "text": "断口形貌", "visibility": "public", "answer_hours": 48, "words": "示例怪词检测", "note": "示例依据", "title": "示例批次", "days": "28", "evenness": "30",
    "version": 1, "seen": 0, "name": "示例名", "address": "need=断口", "source": "posted", "type0": "扫描电子显微镜", "weight0": "3",
}  # fmt: skip
PATH = ("accept", "deliver", "confirm", "pay_own_part")
DOING = {"deliver": "carrier", "accept": "carrier"}


@pytest.fixture
def attack(session, app, clock, monkeypatch):
    """Give an attack in a world where an order stands at each step, and an application and a claim wait at the bureau."""
    desks = Desks(session, app)
    for role in ("auditor", "planner"):
        desks.enrol(role, role, desks.bureau, region="331083")
    steps = {
        "report_number": "示例-9",
        "report_date": TODAY,
        "invoice_number": "示例-8",
        "invoice_date": TODAY,
        "payment_number": "示例-7",
        "payment_date": TODAY,
    }
    cases = []
    for reached, event in enumerate((*PATH, "claim")):
        order = desks.order(reached)
        for nth, done in enumerate(PATH[:reached]):
            desks.step(
                order, done, DOING.get(done, "enterprise"), **{**steps, **{k: f"{v}-{order}-{nth}" for k, v in steps.items() if k.endswith("number")}}
            )
        papers = [{"kind": kind, "number": f"示例-{event}-{kind}", "issued_on": TODAY} for kind in DOCUMENTS.get(event, ())]
        cases.append({"order_id": order, "event": event, "role": DOING.get(event, "enterprise"), "documents": papers})
    settled = cases[-1]["order_id"]
    desks.step(settled, "claim", "enterprise")
    claim = desks.one("SELECT max(id) FROM claim")
    desks.post("/vouchers/apply", {"policy": "yuhuan-2023", "amount": "100", "purpose": "示例用途"})
    application = desks.one("SELECT max(id) FROM application")
    cases += [
        {"kind": "claim", "paper_id": claim, "event": "check_ok", "role": "reviewer"},
        {"kind": "application", "paper_id": application, "event": "pass", "role": "reviewer"},
        {"order_id": settled},
        *_posted(desks),
        *({"batch_id": make.batch(desks.session, desks.scene.carrier).id, "step": step, "role": "carrier"} for step in STEPS),
    ]
    slot = desks.slot(9)
    ids = {"instrument_id": slot["instrument"], "id": slot["instrument"], "organisation_id": desks.scene.carrier.id}
    found = Attack(app, {**SOUND, **slot, **ids, "slot": f"{slot['start']}/{slot['end']}"}, tuple(cases), {**desks.headers, "public": {}})
    found.listen(monkeypatch)
    return found


def _posted(desks):
    """Give a need with an answer for each who may act on it, and what else an officer or a person keeps by its number."""
    of = deal(desks.session, scene=desks.scene)
    sent = answer(desks.session, of, nth=12)
    by = {"enterprise": "edit", "carrier": "decline", "reviewer": "note"}
    desks.post("/saved/keep", {"address": "need=断口形貌", "name": "示例", "request_id": "keep-123456"})
    desks.post("/lexicon", {"words": "示例怪词", "kind": "measurand", "type0": "扫描电子显微镜", "weight0": "3", "note": "示例"}, by="carrier")
    data = {"title": "示例", "source": "posted", "days": "28", "part": "50", "evenness": "30"}
    posting.post(desks.session, desks.scene.buyer, wanted(), request_id="open-123456")
    desks.post("/campaigns", data, by="reviewer")
    kept = {"saved_id": "saved_search", "entry_id": "lexicon_entry", "campaign_id": "campaign"}
    found = {name: desks.one(f"SELECT max(id) FROM {table}") for name, table in kept.items()}
    assert all(found.values()), found
    needs = [{"need_id": of.need, "role": role, "event": event, "answer": sent} for role, event in by.items()]
    return [*needs, *({name: key, "event": "adopt"} for name, key in found.items())]


def shoot(attack, connection, shots, *, seconds):
    """Send shots, each undone again, for so many seconds at most; give what went wrong, alike ones once."""
    wrong, until = {}, time.monotonic() + seconds
    for shot in shots:
        if time.monotonic() > until:
            break
        with connection.begin_nested() as undo:
            answer = shot.sent(attack.app.test_client())
            answer.get_data()  # a file is read to its end before what it reads is undone
            undo.rollback()
        said = fault(shot, answer)
        if said:
            wrong.setdefault((said[:60], shot.method, shot.path[:12]), str(shot))
    return wrong


def test_no_field_of_any_route_fails_on_a_value_that_nobody_meant(attack, connection):
    assert shoot(attack, connection, attack.plain(), seconds=10) == {}  # this also tells which fields there are
    shots = list(attack.each())
    attack.random.shuffle(shots)
    assert len(shots) > 1_000
    assert shoot(attack, connection, shots, seconds=19) == {}


def test_no_route_fails_on_a_request_that_is_broken_as_a_whole(attack, connection):
    assert shoot(attack, connection, attack.plain(), seconds=10) == {}
    assert shoot(attack, connection, attack.mixed(), seconds=3) == {}
