"""Bad input and failures are answered with a reason, in one shape, and never with a stack trace."""

from __future__ import annotations

import json

import pytest
from pydantic import BaseModel, Field
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.access import ACCESS, Rule
from app.api import Lon
from app.api.problem import Problem
from app.audiences import EVERYONE
from app.errors import KINDS, every_kind
from core import errors
from core.errors import Forbidden, Invalid, MapError, NotFound, Refused, RequestReused, Unavailable
from tests.app.conftest import log_in

OPEN = Rule(EVERYONE, "all", "试。")


@pytest.fixture
def raising(app, monkeypatch):
    """Add a page and an API call that raise what the test puts in."""
    todo = {}

    def view():
        raise todo["error"]

    monkeypatch.setitem(ACCESS, "probe.raise", OPEN)
    for address in ("/probe", "/api/probe"):
        app.add_url_rule(address, endpoint="probe.raise", view_func=view)
    return todo


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (Invalid("price", "金额不对。"), 422, "invalid"),
        (NotFound(), 404, "not-found"),
        (Forbidden("别人办。"), 403, "forbidden"),
        (Refused("state", "现在不行。"), 409, "refused"),
        (RequestReused(), 409, "request-reused"),
        (Unavailable("没有地图。"), 503, "unavailable"),
        (RuntimeError("secret detail"), 500, "internal"),
        (OperationalError("SELECT 1", {}, Exception("could not connect to server secret")), 503, "busy"),
    ],
)
def test_each_error_has_its_status_for_machines_and_a_page_for_people(web, raising, error, status, slug):
    raising["error"] = error
    told, page = web.get("/api/probe"), web.get("/probe")
    assert (told.status_code, told.mimetype) == (status, "application/problem+json")
    assert told.json["type"] == f"/problems/{slug}"
    assert told.json["status"] == status
    assert told.json["instance"] == "/api/probe"
    assert told.json["request_id"] == told.headers["X-Request-ID"]
    Problem.model_validate(told.json)
    assert (page.status_code, page.mimetype) == (status, "text/html")
    for answer in (told, page):
        text_of = answer.get_data(as_text=True)
        assert "Traceback" not in text_of
        assert "secret" not in text_of


def test_a_refusal_names_its_clause_and_a_bad_field_its_reason(web, raising):
    raising["error"] = Refused("cap", "超过上限 %(cap)s 元。", cap="20,000")
    told = web.get("/api/probe").json
    assert (told["clause"], told["detail"]) == ("cap", "超过上限 20,000 元。")
    raising["error"] = Invalid("price", "“%(text)s”不是金额。", text="x")
    assert web.get("/api/probe").json["errors"] == [{"field": "price", "reason": "“x”不是金额。"}]


def test_a_reason_with_markup_is_shown_as_text(web, raising):
    raising["error"] = Refused("x", "名称 %(name)s 不行。", name="<script>alert(1)</script>")
    assert "<script>alert" not in web.get("/probe").get_data(as_text=True)


def test_every_class_of_error_stands_in_the_table():
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, MapError)]
    assert {cls for cls, _ in KINDS} >= set(classes)
    for cls in classes:
        assert next(listed for listed, _ in KINDS if issubclass(cls, listed)) is cls, f"a line above shadows {cls.__name__}"


def test_the_type_of_a_problem_can_be_opened(web):
    for kind in every_kind():
        assert web.get(f"/problems/{kind.slug}").location == f"/api/v1/docs#problem-{kind.slug}"
        assert f'id="problem-{kind.slug}"' in web.get("/api/v1/docs").get_data(as_text=True)
    assert web.get("/problems/no-such").status_code == 404


class Query(BaseModel):
    limit: int = Field(20, ge=1, le=1000)
    q: str = Field("", max_length=20)
    lon: Lon = 120


class Path(BaseModel):
    number: int


class Body(BaseModel):
    instrument: int = Field(ge=1, le=2**63 - 1)
    note: str = ""


@pytest.fixture
def reading(app, monkeypatch):
    """Add two calls that read a query and a body by model, and pass them to the database."""
    from flask import g
    from flask_openapi3 import APIBlueprint

    bp = APIBlueprint("probe", __name__, url_prefix="/api/probe")

    @bp.get("/query")
    def read(query: Query):
        return {"found": g.session.execute(text("SELECT CAST(:q AS text)"), {"q": query.q}).scalar()}

    @bp.post("/body")
    def write(body: Body):
        return {"found": g.session.execute(text("SELECT CAST(:n AS bigint), CAST(:q AS text)"), {"n": body.instrument, "q": body.note}).scalar()}

    @bp.get("/number/<int:number>")
    def number(path: Path):
        return {"found": g.session.execute(text("SELECT CAST(:n AS bigint)"), {"n": path.number}).scalar()}

    for name in ("read", "write", "number"):
        monkeypatch.setitem(ACCESS, f"probe.{name}", Rule(EVERYONE, "all", "试。"))
    app.register_api(bp)


BAD_QUERIES = {
    "limit=0": ("limit", "不能小于 1。"),
    "limit=1001": ("limit", "不能大于 1000。"),
    "limit=ten": ("limit", "要是整数。"),
    f"limit={'9' * 5000}": ("limit", "这个整数太大。"),
    "lon=nan": ("lon", "不能大于 180.0。"),
    "lon=1e999": ("lon", "不能大于 180.0。"),
    "lon=181": ("lon", "不能大于 180.0。"),
    f"q={'x' * 21}": ("q", "最多 20 个字。"),
}


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_parameter_that_cannot_be_used_is_named_with_its_reason(web, reading, query):
    told = web.get(f"/api/probe/query?{query}")
    assert (told.status_code, told.mimetype, told.json["type"]) == (400, "application/problem+json", "/problems/malformed")
    assert [(one["field"], one["reason"]) for one in told.json["errors"]] == [BAD_QUERIES[query]]


@pytest.mark.parametrize("query", ["q=%00", "q=a%00b", "%00=1", "q=%ED%A0%80%00", "x=1&q=%E4%BD%A0%00"])
def test_text_that_no_column_can_hold_is_turned_away(web, reading, query):
    assert web.get(f"/api/probe/query?{query}").status_code == 400


@pytest.mark.parametrize("raw", ["q=%FF", "q=%ED%A0%80", "q=%", "q=%zz", "&&&", "q=\xff\xfe", "q=1&q=2", "=", "?" * 300])
def test_a_query_in_broken_encoding_is_read_as_far_as_it_goes(web, reading, raw):
    assert web.get("/api/probe/query", query_string=raw).status_code in {200, 400}


def test_a_number_too_large_for_the_column_is_malformed(web, reading):
    assert web.get(f"/api/probe/number/{10**30}").status_code == 400
    assert web.get(f"/api/probe/number/{'9' * 4000}").status_code == 400
    assert web.get(f"/api/probe/number/{'9' * 5000}").status_code in {400, 404}


BAD_BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"12",
    b"\xff\xfe{}",
    b'{"instrument": NaN}',
    b'{"instrument": 1e400}',
    b'{"instrument": ' + b"9" * 6000 + b"}",
    b'{"instrument": 9223372036854775808}',
    b'{"instrument": 1, "note": "\\u0000"}',
    b'{"instrument": 1, "note": "\\ud800"}',
    b'{"instrument": 1, "note\\u0000": 1}',
    b"[" * 200_000,
    b'{"a":' * 20_000,
]


@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_body_that_cannot_be_read_is_malformed(app, web, reading, bearer, body):
    answer = web.post("/api/probe/body", data=body, headers=bearer("enterprise"), content_type="application/json")
    assert (answer.status_code, answer.json["type"]) == (400, "/problems/malformed"), answer.get_data(as_text=True)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded", "", "nonsense"])
def test_a_body_of_another_kind_is_malformed(web, reading, bearer, kind):
    answer = web.post("/api/probe/body", data=b'{"instrument": 1}', headers=bearer("enterprise"), content_type=kind)
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_a_body_beyond_the_limit_is_too_large(web, reading, bearer):
    answer = web.post("/api/probe/body", data=b" " * 1_000_001, headers=bearer("enterprise"), content_type="application/json")
    assert (answer.status_code, answer.json["type"]) == (413, "/problems/too-large")


def test_a_wrong_method_is_told_which_ones_work(web, reading):
    answer = web.delete("/api/probe/query")
    assert (answer.status_code, answer.json["type"]) == (405, "/problems/method-not-allowed")
    assert "GET" in answer.headers["Allow"]


def test_an_unknown_address_is_a_problem_under_api_and_a_page_elsewhere(web):
    assert web.get("/api/v9/x").mimetype == "application/problem+json"
    page = web.get("/x")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert web.get("/x%00y").status_code == 400


def test_a_form_with_unusable_text_is_turned_away(web, person):
    assert log_in(web, "wa\x00ng").status_code == 400


def test_reports_of_browsers_are_small_and_logged(web, capsys):
    report = {"csp-report": {"effective-directive": "script-src", "blocked-uri": "https://x.example/a?token=1", "document-uri": "/p?lon=120"}}
    assert web.post("/csp-report", data=json.dumps(report), content_type="application/csp-report").status_code == 204
    line = next(json.loads(one) for one in capsys.readouterr().out.splitlines() if '"csp"' in one)
    assert line["blocked_uri"] == "https://x.example/a"
    assert web.post("/csp-report", data=b"x" * 8001).status_code == 413
    assert web.post("/csp-report", data=b"[1]").status_code == 204
