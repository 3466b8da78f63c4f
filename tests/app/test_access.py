"""Who may call what: closed by default, by role on every route there is, by row for what belongs to others."""

from __future__ import annotations

import re

import pytest

from app import access, create_app
from app.access import ACCESS, Rule, allow, safe_next
from app.audiences import PERSONS
from core.actor import PUBLIC, SYSTEM, Actor
from core.errors import NotFound
from tests.app.conftest import csrf, log_in, make_settings


def guarded(app):
    """Yield method, address and rule of every route that is not for everybody; ids in the address are 1."""
    for route in app.url_map.iter_rules():
        rule = ACCESS[route.endpoint]
        for method in route.methods - {"HEAD", "OPTIONS"} if "public" not in rule.roles else ():
            yield method, re.sub(r"<[^>]+>", "1", route.rule), rule


def test_an_application_with_an_unlisted_route_does_not_start(connection, monkeypatch):
    monkeypatch.delitem(ACCESS, "auth.me")
    with pytest.raises(RuntimeError, match=r"auth\.me"):
        create_app(make_settings(), engine=connection)


def test_a_route_that_lost_its_line_is_closed(app, web, bearer, monkeypatch):
    headers = bearer("enterprise")
    monkeypatch.delitem(ACCESS, "auth.me")
    assert web.get("/me", headers=headers).status_code == 404


def test_nobody_passes_a_guarded_route_without_logging_in(app, web):
    page = csrf(web)
    for method, address, _ in guarded(app):
        answer = web.open(address, method=method, headers={"X-CSRFToken": page})
        if address.startswith("/api/"):
            assert answer.status_code == 401, address
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        else:
            assert answer.status_code == 303, address
            assert answer.location.startswith("/login")


def test_no_role_passes_a_route_that_is_not_its_own(app, web, bearer):
    headers = {role: bearer(role) for role in PERSONS}
    for method, address, rule in guarded(app):
        for role in set(PERSONS) - set(rule.roles):
            assert web.open(address, method=method, headers=headers[role]).status_code == 403, f"{role} passed {method} {address}"


def desk_page():
    return "desk"


@pytest.fixture
def desk(app, monkeypatch):
    monkeypatch.setitem(ACCESS, "probe.desk", Rule(("reviewer", "finance"), "region", "审核台给审核员用。"))
    for address in ("/probe", "/api/probe"):
        app.add_url_rule(address, endpoint="probe.desk", view_func=desk_page)


def test_the_refusal_says_who_may_and_why(desk, web, person):
    person("enterprise", "wang")
    log_in(web, "wang")
    page = web.get("/probe")
    text = page.get_data(as_text=True)
    assert page.status_code == 403
    assert "审核台给审核员用。" in text
    assert "审核员、财务" in text
    assert "企业和创客团队" in text


def test_the_refusal_of_the_api_is_a_problem(desk, web, bearer):
    answer = web.get("/api/probe", headers=bearer("carrier"))
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert answer.json["type"] == "/problems/forbidden"


def test_the_right_role_passes(desk, web, bearer):
    assert web.get("/probe", headers=bearer("reviewer")).get_data(as_text=True) == "desk"


def test_a_wrong_token_is_refused_even_where_everybody_may(web, person):
    person("enterprise", "wang")
    log_in(web, "wang")
    answer = web.get("/api/v1/openapi.json", headers={"Authorization": "Bearer irm_no_such_token"})
    assert (answer.status_code, answer.json["type"]) == (401, "/problems/login-needed")


MINE, THEIRS = 7, 8
WANG = Actor("enterprise", 1, MINE)
REVIEWER = Actor("reviewer", 2, 9, region="330500")


@pytest.mark.parametrize(
    ("actor", "row"),
    [
        (WANG, {"owner": MINE}),
        (WANG, {"parties": (THEIRS, MINE)}),
        (WANG, {"owner": THEIRS, "parties": (MINE,)}),
        (REVIEWER, {"owner": MINE, "region": "330522"}),
        (REVIEWER, {"region": "330500"}),
        (SYSTEM, {"owner": MINE}),
    ],
)
def test_ones_own_rows_and_those_of_ones_region_are_open(actor, row):
    allow(actor, **row)


@pytest.mark.parametrize(
    ("actor", "row"),
    [
        (WANG, {"owner": THEIRS}),
        (WANG, {"parties": (THEIRS, None)}),
        (WANG, {}),
        (WANG, {"region": "330522"}),
        (Actor("carrier", 3, THEIRS, region="330500"), {"region": "330522"}),
        (REVIEWER, {"region": "330100"}),
        (REVIEWER, {"region": "330000"}),
        (REVIEWER, {"owner": MINE}),
        (PUBLIC, {"owner": None}),
        (PUBLIC, {"parties": (None, None)}),
        (Actor("reviewer", 4, None), {"region": "330522"}),
    ],
)
def test_others_rows_are_not_even_there(actor, row):
    with pytest.raises(NotFound):
        allow(actor, **row)


def test_where_to_go_on_is_always_a_path_of_this_site():
    assert safe_next("/orders/7?tab=money") == "/orders/7?tab=money"
    for other in (None, "", "orders", "//x", "/\\x", "http://x/", "/a\nb", "/ x", "\x00/"):
        assert safe_next(other) == "/"


def test_every_line_says_why_in_words():
    assert all(rule.why and rule.roles for rule in access.ACCESS.values())
