"""A scene with persons who can log in, for the tests of the pages of the money path."""

from __future__ import annotations

import re
from html import unescape

from sqlalchemy import text

from app.accounts import add_membership, add_user, issue_token
from app.views import bureau, carrier, enterprise
from tests import factories as make
from tests.app.conftest import PASSWORD

TODAY = "2026-11-24"
COUNTS = "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM hold), (SELECT count(*) FROM listing), (SELECT count(*) FROM audit)"


class Desks:
    """A scene, and pages seen by its persons: `get` and `post` act for a person by name; names are made by `enrol`."""

    def __init__(self, session, app) -> None:
        for view in (enterprise, carrier, bureau):
            if view.bp.name not in app.blueprints:
                app.register_blueprint(view.bp)
        self.session, self.app, self.headers, self.webs = session, app, {}, {}
        self.scene = make.scene(session)
        self.bureau = make.organisation(session, kind="authority", name_zh="示例科技局")
        self.enrol("enterprise", "enterprise", self.scene.enterprise)
        self.enrol("carrier", "carrier", self.scene.carrier)
        for name, role in (("reviewer", "reviewer"), ("reviewer2", "reviewer"), ("finance", "finance"), ("finance2", "finance")):
            self.enrol(name, role, self.bureau, region=make.YUHUAN)

    def enrol(self, name, role, organisation, region=None):
        user = add_user(self.session, f"{name}-{make.key()}", name=f"示例{name}", password=None, is_sample=True)
        seat = add_membership(self.session, user, organisation_id=organisation.id, role=role, region=region)
        self.headers[name] = {"Authorization": f"Bearer {issue_token(self.session, seat)}"}
        self.webs[name] = self.app.test_client()
        self.session.commit()
        return user

    def get(self, path, *, by="enterprise"):
        return self.webs[by].get(path, headers=self.headers[by])

    def post(self, path, data, *, by="enterprise", key=None):
        return self.webs[by].post(path, data={"request_id": key or f"request-{make.key()}", **data}, headers=self.headers[by])

    def slot(self, nth=0, **changes):
        wish = make.wish(self.session, self.scene, nth=nth)
        facts = {"instrument": wish.instrument_id, "service": wish.service, "start": wish.start.isoformat(), "end": wish.end.isoformat()}
        return {**facts, "voucher": self.scene.voucher.id, "statutory": "no", "funded": "no", "batch": "no", **changes}

    def booking(self, nth=0, **changes):
        """Give the fields of a confirmed check-out: ¥1,200.00, all of it paid by the voucher."""
        return self.slot(nth, **{"expected_voucher": 120_000, "expected_own": 0, **changes})

    def order(self, nth=0, **changes):
        found = make.order(self.session, self.scene, nth=nth, **changes)
        self.session.commit()
        return found

    def step(self, order_id, event, by, **data):
        return self.post(f"/orders/{order_id}/{event}", data, by=by)

    def settle(self, order_id):
        """Take an order through delivery and payment and claim its voucher's part; give the answer to the claim."""
        self.step(order_id, "accept", "carrier")
        self.step(order_id, "deliver", "carrier", report_number=f"示例-报告-{order_id}", report_date=TODAY)
        self.step(order_id, "confirm", "enterprise")
        papers = {"invoice_number": f"示例-发票-{order_id}", "payment_number": f"示例-回单-{order_id}"}
        self.step(order_id, "pay_own_part", "enterprise", invoice_date=TODAY, payment_date=TODAY, **papers)
        return self.step(order_id, "claim", "enterprise")

    def counts(self):
        return tuple(self.session.execute(text(COUNTS)).one())

    def one(self, sql, **values):
        return self.session.execute(text(sql), values).scalar()


def said(answer):
    """Return the text of a page without tags, spaces folded."""
    body = re.sub(r"<(style|script).*?</\1>", " ", answer.get_data(as_text=True), flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))


def notes(answer):
    """Return the sentences in the notes of a page: what it says happened or went wrong."""
    found = re.findall(r'<div class="note [^>]*>.*?<div>(.*?)</div></div>', answer.get_data(as_text=True), flags=re.DOTALL)
    return [unescape(re.sub(r"<[^>]+>", "", one)) for one in found]


def error_at(answer, name):
    """Return the error text tied to the field `name` by aria-describedby, or "" when the field has none."""
    body = answer.get_data(as_text=True)
    field = re.search(rf'<(?:input|select|textarea)[^>]* name="{name}"[^>]*>', body)
    described = re.search(r'aria-describedby="([^"]*)"', field[0]) if field else None
    for one in described[1].split() if described else []:
        found = re.search(rf'<p class="error" id="{one}">(.*?)</p>', body, flags=re.DOTALL)
        if found:
            return unescape(re.sub(r"<[^>]+>", "", found[1])).strip()
    return ""


def value_of(answer, name):
    """Return what the input `name` of a page holds."""
    field = re.search(rf'<input[^>]* name="{name}"[^>]*>', answer.get_data(as_text=True))
    found = re.search(r'value="([^"]*)"', field[0]) if field else None
    return unescape(found[1]) if found else None


__all__ = ["COUNTS", "PASSWORD", "TODAY", "Desks", "error_at", "notes", "said", "value_of"]
