"""Files for the browser: the right ones, kept long, compressed, and nothing beside them."""

from __future__ import annotations

import gzip
import re

from app import assets


def test_an_address_carries_the_hash_and_is_kept_for_a_year(web):
    address = re.search(r'href="(/assets/css/base\.css\?v=[0-9a-f]{16})"', web.get("/login").get_data(as_text=True))[1]
    answer = web.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


def test_without_the_right_hash_the_browser_asks_again_and_learns_that_nothing_changed(web):
    for address in ("/assets/css/base.css", "/assets/css/base.css?v=0000"):
        answer = web.get(address)
        assert "no-cache" in answer.headers["Cache-Control"]
        assert web.get(address, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_changed_file_gets_a_new_address(app, tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    with app.test_request_context():
        (tmp_path / "a.js").write_text("1")
        before = assets.asset_url("a.js")
        (tmp_path / "a.js").write_text("2")
        assert assets.asset_url("a.js") != before


def test_text_is_compressed_for_who_can_read_it(web):
    plain, packed = web.get("/assets/css/base.css"), web.get("/assets/css/base.css", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert web.get("/login", headers={"Accept-Encoding": "br"}).headers["Content-Encoding"] == "br"
    assert web.get("/api/v1/openapi.json", headers={"Accept-Encoding": "gzip"}).headers["Content-Encoding"] == "gzip"


def test_nothing_outside_can_be_reached(web):
    for name in ("../config.py", "..%2fconfig.py", "/etc/passwd", "%2e%2e/config.py", "css/../../config.py", "css", "", "leaflet/package.json"):
        assert web.get(f"/assets/{name}").status_code in {404, 308, 400}, name


def test_every_script_in_the_pages_is_served_as_script(web):
    for found in re.findall(r'(?:src|href)="(/assets/[^"]+)"', web.get("/login").get_data(as_text=True)):
        answer = web.get(found)
        assert answer.status_code == 200, found
        assert answer.mimetype in {"text/javascript", "text/css", "image/svg+xml"}
