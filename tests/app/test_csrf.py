"""A stranger's page cannot write in a person's name."""

from tests.app.conftest import csrf, log_in


def test_a_form_without_the_token_is_refused(web, person):
    person("enterprise", "wang")
    log_in(web, "wang")
    for form in ({}, {"csrf_token": ""}, {"csrf_token": "forged"}):
        assert web.post("/logout", data=form).status_code == 403
    assert web.get("/me").status_code == 200


def test_the_token_of_another_session_is_refused(app, web, person):
    person("enterprise", "wang")
    log_in(web, "wang")
    assert web.post("/logout", data={"csrf_token": csrf(app.test_client())}).status_code == 403


def test_logging_in_needs_the_token_too(web, person):
    person("enterprise", "wang")
    assert web.post("/login", data={"login": "wang", "password": "x"}).status_code == 403


def test_a_call_by_cookie_needs_the_header_and_a_call_by_bearer_does_not(app, web, person, bearer, probe_write):
    person("enterprise", "wang")
    log_in(web, "wang")
    refused = web.post("/api/probe-write", json={})
    assert (refused.status_code, refused.json["type"]) == (403, "/problems/forbidden")
    assert web.post("/api/probe-write", json={}, headers={"X-CSRFToken": csrf(web, "/me")}).status_code == 200
    assert app.test_client().post("/api/probe-write", json={}, headers=bearer("enterprise")).status_code == 200
