"""Logging in: who gets in, what a session is worth and when it ends."""

from __future__ import annotations

import json

from sqlalchemy import select

from app import accounts
from app.accounts import LoginAttempt, LoginSession
from tests.app.conftest import PASSWORD, csrf, log_in


def test_a_person_logs_in_and_goes_on_to_the_page_she_wanted(web, person):
    person("enterprise", "wang")
    assert web.get("/me").location == "/login?next=/me"
    answer = log_in(web, "wang", next="/me")
    assert (answer.status_code, answer.location) == (303, "/me")
    assert "wang" in web.get("/me").get_data(as_text=True)


def test_the_login_is_read_without_regard_to_case_and_width(web, person):
    person("enterprise", "wang")
    assert log_in(web, " ＷＡＮＧ ").status_code == 303


def test_nobody_is_sent_to_another_site_after_logging_in(web, person):
    person("enterprise", "wang")
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/\t/evil.example", "\\\\evil"):
        assert log_in(web, "wang", next=elsewhere).location == "/"
        web.post("/logout", data={"csrf_token": csrf(web, "/me")})


def test_a_wrong_password_and_an_unknown_login_are_answered_alike(web, person):
    person("enterprise", "wang")
    wrong, unknown = log_in(web, "wang", "not this one"), log_in(web, "nobody", "not this one")
    assert wrong.status_code == unknown.status_code == 422
    assert "账号或密码不对" in wrong.get_data(as_text=True)
    assert "账号或密码不对" in unknown.get_data(as_text=True)


def test_an_unknown_login_costs_as_much_work_as_a_wrong_password(web, person, monkeypatch):
    person("enterprise", "wang")
    verified = []
    hasher = accounts._HASHER

    class Counting:
        hash = staticmethod(hasher.hash)

        @staticmethod
        def verify(stored, given):
            verified.append(stored)
            return hasher.verify(stored, given)

    monkeypatch.setattr(accounts, "_HASHER", Counting)
    log_in(web, "wang", "not this one")
    log_in(web, "nobody", "not this one")
    assert len(verified) == 2


def test_a_disabled_account_is_shut_out_at_once_even_with_an_open_session(web, person, session):
    user, _ = person("enterprise", "wang")
    log_in(web, "wang")
    user.disabled = True
    session.commit()
    assert web.get("/me").status_code == 303
    assert log_in(web, "wang").status_code == 422


def test_a_session_planted_before_logging_in_is_worth_nothing_afterwards(app, web, person):
    person("enterprise", "wang")
    csrf(web)
    planted = web.get_cookie("session").value
    log_in(web, "wang")
    assert web.get_cookie("session").value != planted
    stranger = app.test_client()
    stranger.set_cookie("session", planted)
    assert stranger.get("/me").status_code == 303


def test_logging_in_again_gives_a_new_session_and_ends_the_old_one(app, web, person, session):
    person("enterprise", "wang")
    log_in(web, "wang")
    old = web.get_cookie("session").value
    web.post("/login", data={"login": "wang", "password": PASSWORD, "csrf_token": csrf(web, "/me")})
    assert web.get("/me").status_code == 200
    stranger = app.test_client()
    stranger.set_cookie("session", old)
    assert stranger.get("/me").status_code == 303


def test_after_logging_out_a_copy_of_the_cookie_does_not_work(app, web, person):
    person("enterprise", "wang")
    log_in(web, "wang")
    copy = web.get_cookie("session").value
    assert web.post("/logout", data={"csrf_token": csrf(web, "/me")}).status_code == 303
    thief = app.test_client()
    thief.set_cookie("session", copy)
    assert thief.get("/me").status_code == 303


def test_a_session_ends_after_thirty_idle_minutes(web, person, clock):
    person("enterprise", "wang")
    log_in(web, "wang")
    for _ in range(3):
        clock.passes(minutes=29)
        assert web.get("/me").status_code == 200
    clock.passes(minutes=31)
    assert web.get("/me").status_code == 303


def test_a_session_ends_after_twelve_hours_however_busy(web, person, clock):
    person("enterprise", "wang")
    log_in(web, "wang")
    for _ in range(12 * 3 - 1):
        clock.passes(minutes=20)
        assert web.get("/me").status_code == 200
    clock.passes(minutes=20, seconds=1)
    assert web.get("/me").status_code == 303


def test_all_sessions_and_tokens_of_a_person_can_be_ended(web, person, session):
    user, membership = person("enterprise", "wang")
    log_in(web, "wang")
    token = accounts.issue_token(session, membership)
    session.commit()
    accounts.end_sessions(session, user.id)
    session.commit()
    assert web.get("/me").status_code == 303
    assert web.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_neither_session_nor_token_nor_password_is_stored_readable(web, person, session):
    user, membership = person("enterprise", "wang")
    token = accounts.issue_token(session, membership)
    log_in(web, "wang")
    with web.session_transaction() as cookie:
        held = cookie["login"]
    assert session.get(LoginSession, held) is None
    assert session.get(accounts.ApiToken, token) is None
    assert user.password_hash.startswith("$argon2id$")


def test_after_five_failures_from_one_address_even_the_right_password_waits(web, person, clock):
    person("enterprise", "wang")
    for _ in range(5):
        assert log_in(web, "wang", "not this one").status_code == 422
    braked = log_in(web, "wang")
    assert (braked.status_code, braked.headers["Retry-After"]) == (429, "900")
    clock.passes(minutes=16)
    assert log_in(web, "wang").status_code == 303


def test_a_stranger_elsewhere_does_not_lock_a_person_out(app, web, person):
    person("enterprise", "wang")
    stranger = app.test_client()
    stranger.environ_base["REMOTE_ADDR"] = "192.0.2.7"
    for _ in range(6):
        log_in(stranger, "wang", "not this one")
    assert log_in(web, "wang").status_code == 303


def test_one_address_that_tries_many_logins_is_braked(web, person):
    for number in range(accounts.LIMITS["address"]):
        assert log_in(web, f"nobody{number}", "not this one").status_code == 422
    assert log_in(web, "somebody", "not this one").status_code == 429


def test_a_success_forgets_the_failures_before_it(web, person):
    person("enterprise", "wang")
    for _ in range(4):
        log_in(web, "wang", "not this one")
    assert log_in(web, "wang").status_code == 303
    web.post("/logout", data={"csrf_token": csrf(web, "/me")})
    for _ in range(4):
        assert log_in(web, "wang", "not this one").status_code == 422


def test_attempts_name_neither_login_nor_address_and_go_after_a_day(web, session, clock):
    log_in(web, "wang", "not this one")
    (row,) = session.execute(select(LoginAttempt.login, LoginAttempt.address)).all()
    assert "wang" not in json.dumps(list(row))
    assert "127.0.0.1" not in json.dumps(list(row))
    clock.passes(days=1, hours=1)
    log_in(web, "li", "not this one")
    assert len(session.execute(select(LoginAttempt.id)).all()) == 1


def test_a_person_with_two_seats_acts_from_the_one_she_takes(web, person, session):
    user, _ = person("enterprise", "wang")
    _, others = person("carrier")
    second = accounts.add_membership(session, user, organisation_id=others.organisation_id, role="carrier")
    session.commit()
    log_in(web, "wang")
    assert web.get("/api/v1/me").json["role"] == "enterprise"
    form = {"csrf_token": csrf(web, "/me"), "next": "/me"}
    assert web.post("/me/seat", data={**form, "seat": second.id}).status_code == 303
    assert web.get("/api/v1/me").json["role"] == "carrier"
    assert web.post("/me/seat", data={**form, "seat": others.id}).status_code == 404
    assert web.post("/me/seat", data={**form, "seat": "9" * 40}).status_code == 400
    assert web.get("/api/v1/me").json["role"] == "carrier"


def test_a_bearer_token_works_until_it_expires(web, person, session, clock):
    _, membership = person("enterprise")
    session.info["now"] = clock.at
    token = accounts.issue_token(session, membership)
    session.commit()
    headers = {"Authorization": f"Bearer {token}"}
    assert web.get("/api/v1/me", headers=headers).json["organisation_id"] == membership.organisation_id
    clock.passes(days=31)
    assert web.get("/api/v1/me", headers=headers).status_code == 401
