"""What every response carries, on every route there is."""

from __future__ import annotations

import re

import pytest
from flask import url_for

from app import create_app
from tests.app.conftest import log_in, make_settings

SAMPLES = {"filename": "css/base.css", "slug": "refused"}


def addresses(app):
    for route in app.url_map.iter_rules():
        yield re.sub(r"<(?:\w+:)?(\w+)>", lambda name: SAMPLES.get(name[1], "1"), route.rule)


def test_every_route_answers_with_all_protective_headers(app, web):
    for address in {*addresses(app), "/nothing", "/api/nothing"}:
        for method in ("GET", "POST", "OPTIONS"):
            answer = web.open(address, method=method)
            policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
            assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'", address
            assert "unsafe" not in str(policy)
            assert "http" not in str(policy)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert "geolocation=(self)" in answer.headers["Permissions-Policy"]
            assert "Cache-Control" in answer.headers
            assert answer.headers["X-Request-ID"]
            assert answer.status_code != 500, address


def test_the_nonce_is_new_each_time_and_stands_in_the_page(web):
    first, second = web.get("/login"), web.get("/login")
    nonces = [re.search(r"script-src 'self' 'nonce-([\w-]+)'", one.headers["Content-Security-Policy"])[1] for one in (first, second)]
    assert nonces[0] != nonces[1]
    assert f'nonce="{nonces[0]}"' in first.get_data(as_text=True)


def test_no_page_has_inline_handlers_or_inline_styles(web, person):
    person("enterprise", "wang")
    pages = [web.get("/login"), web.get("/api/v1/docs"), web.get("/nothing")]
    log_in(web, "wang")
    for page in (*pages, web.get("/me")):
        html = page.get_data(as_text=True)
        assert not re.search(r"<[^>]+\s(style|on\w+)=", html)
        assert not re.search(r"<script(?![^>]*nonce=)", html)


def test_pages_of_a_logged_in_person_are_stored_nowhere(web, person):
    person("enterprise", "wang")
    assert web.get("/login").headers["Cache-Control"] == "private, no-cache"
    log_in(web, "wang")
    for address in ("/me", "/api/v1/me", "/nothing"):
        assert web.get(address).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ["/map/base/tiny.geojson", "/map/waters.geojson", "/api/v1/openapi.json"])
def test_what_is_alike_for_everybody_is_kept_by_browsers_whoever_is_logged_in(web, person, address):
    person("enterprise", "wang")
    stranger = web.get(address)
    log_in(web, "wang")
    for answer in (stranger, web.get(address)):
        assert answer.headers["Cache-Control"].startswith("public, max-age=")
        assert "Cookie" not in answer.headers.get("Vary", "")
        assert "Set-Cookie" not in answer.headers


def test_names_on_the_map_vary_with_the_language_that_the_cookie_keeps(web, person):
    person("enterprise", "wang")
    log_in(web, "wang")
    answer = web.get("/map/carriers.geojson?bbox=118,27,123,31")
    assert answer.headers["Cache-Control"] == "public, max-age=60"
    assert "Cookie" in answer.headers["Vary"]


def test_assets_are_kept_for_a_year_whoever_is_logged_in(app, web, person):
    person("enterprise", "wang")
    log_in(web, "wang")
    with app.test_request_context():
        address = url_for("static", filename="css/base.css")
    answer = web.get(address)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_over_https_cookies_are_bound_to_the_host_and_browsers_stay_with_https(connection):
    secure = create_app(make_settings(TLS="1"), engine=connection).test_client()
    answer = secure.get("/login?lang=en", base_url="https://map.example/", headers={"X-Forwarded-Proto": "https"})
    session, lang = (next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith(name)) for name in ("__Host-session=", "lang="))
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in session
    assert "Domain" not in session
    assert "Secure" in lang
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")


def test_the_tiles_of_tianditu_are_allowed_only_with_a_key(connection, web):
    keyed = create_app(make_settings(TIANDITU_KEY="k"), engine=connection).test_client()
    assert "tianditu" in keyed.get("/login").headers["Content-Security-Policy"]
    assert "tianditu" not in web.get("/login").headers["Content-Security-Policy"]


@pytest.mark.parametrize(("given", "kept"), [("abcdef-123456", True), ("a b", False), ("x" * 65, False), ("<script>12", False), ("", False)])
def test_a_sane_request_id_is_kept_and_any_other_replaced(web, given, kept):
    answer = web.get("/healthz", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is kept


def test_an_operators_key_puts_his_base_map_under_every_map_and_into_the_policy(connection):
    web = create_app(make_settings(TIANDITU_KEY="a-key"), engine=connection).test_client()
    answer = web.get("/")
    assert "tianditu.gov.cn" in answer.get_data(as_text=True)
    assert "tianditu.gov.cn" in answer.headers["Content-Security-Policy"]
    assert "tianditu.gov.cn" not in create_app(make_settings(), engine=connection).test_client().get("/").get_data(as_text=True)
