"""The API describes itself, from the code, and the page is drawn from that description."""

from __future__ import annotations

import re


def test_the_document_is_openapi_3_1_of_api_v1_only(web):
    found = web.get("/api/v1/openapi.json").json
    assert found["openapi"].startswith("3.1")
    assert found["paths"]
    assert all(path.startswith("/api/v1/") for path in found["paths"])


def test_every_operation_under_api_v1_is_described_but_the_description_itself(app, web):
    described = set(web.get("/api/v1/openapi.json").json["paths"])
    routed = {re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.rule) for route in app.url_map.iter_rules() if route.rule.startswith("/api/v1/")}
    assert routed - described == {"/api/v1/openapi.json", "/api/v1/docs"}


def test_every_operation_says_what_it_does_and_that_errors_are_problems(web):
    found = web.get("/api/v1/openapi.json").json
    for path, item in found["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], f"{method} {path}"
            assert "application/problem+json" in operation["responses"]["400"]["content"], f"{method} {path}"


def test_every_reference_in_the_document_leads_somewhere(web):
    found = web.get("/api/v1/openapi.json")
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', found.get_data(as_text=True)))
    assert names <= set(found.json["components"]["schemas"])


def test_the_page_shows_every_operation_and_every_schema(web):
    found, page = web.get("/api/v1/openapi.json").json, web.get("/api/v1/docs").get_data(as_text=True)
    for path, item in found["paths"].items():
        for method in item:
            assert f"{method.upper()} {path}" in page
    for name in found["components"]["schemas"]:
        assert f'id="schema-{name}"' in page


def test_the_probes_answer(web):
    assert web.get("/healthz").json == {"status": "ok"}
    ready = web.get("/readyz")
    assert (ready.status_code == 200) == (ready.json["problems"] == [])
