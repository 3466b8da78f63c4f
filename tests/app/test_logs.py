"""One line a request, with what an operator needs and nothing that is personal."""

from __future__ import annotations

import json

import pytest
from flask import g
from sqlalchemy import text

from app.access import ACCESS, Rule
from app.audiences import EVERYONE
from tests.app.conftest import log_in


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_request_is_one_line_with_route_status_time_user_and_role(web, person, capsys):
    user, _ = person("enterprise", "wang")
    log_in(web, "wang")
    capsys.readouterr()
    answer = web.get("/me?x=1")
    (line,) = lines(capsys)
    assert line.pop("ms") >= 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": answer.headers["X-Request-ID"],
        "method": "GET",
        "route": "/me",
        "status": 200,
        "user": user.id,
        "role": "enterprise",
    }


def test_positions_names_passwords_and_addresses_stay_out(web, person, capsys):
    person("enterprise", "wang")
    log_in(web, "wang")
    web.get("/healthz?lon=120.2&lat=30.3&need=secret")
    web.get("/problems/a-private-word")
    said = capsys.readouterr().out
    for private in ("120.2", "30.3", "secret", "a-private-word", "wang", "correct horse", "127.0.0.1", "示例"):
        assert private not in said


def test_nobody_can_write_a_line_of_their_own(web, capsys):
    web.get("/x%0A%7B%22event%22:%22forged%22%7D", headers={"User-Agent": "forged", "X-Request-ID": 'aaaaaaaa{"event":"forged"}'})
    web.open("/healthz", method="FORGED")
    assert all("forged" not in json.dumps(line).lower() for line in lines(capsys))


def test_a_failure_is_logged_with_its_trace_under_the_id_that_the_person_sees(app, web, capsys, monkeypatch):
    def fails():
        raise RuntimeError("broken inside\nforged line")

    monkeypatch.setitem(ACCESS, "probe.fails", Rule(EVERYONE, "all", "试。"))
    app.add_url_rule("/fails", endpoint="probe.fails", view_func=fails)
    answer = web.get("/fails")
    failure, request = lines(capsys)
    assert (failure["event"], failure["level"], request["status"]) == ("failed", "error", 500)
    assert "broken inside" in failure["exception"]
    assert failure["request_id"] == request["request_id"] == answer.headers["X-Request-ID"]
    assert answer.headers["X-Request-ID"] in answer.get_data(as_text=True)


def test_the_trace_of_a_failed_statement_does_not_repeat_the_row(app, web, capsys, monkeypatch):
    def fails():
        g.session.execute(text("INSERT INTO app_user (login, name, is_sample, disabled) VALUES ('zhang.private', NULL, true, false)"))

    monkeypatch.setitem(ACCESS, "probe.fails", Rule(EVERYONE, "all", "试。"))
    app.add_url_rule("/fails", endpoint="probe.fails", view_func=fails)
    assert web.get("/fails").status_code == 500
    said = capsys.readouterr().out
    assert "NotNullViolation" in said
    assert "Failing row" not in said


@pytest.mark.parametrize("level", ["warning", "error"])
def test_a_higher_level_silences_the_requests(connection, capsys, level):
    from app import create_app
    from tests.app.conftest import make_settings

    create_app(make_settings(LOG_LEVEL=level), engine=connection).test_client().get("/healthz")
    assert lines(capsys) == []
