"""The browser's files: what is served is on a list, and what is on the list is there."""

import json
import re
from pathlib import Path

import pytest

from maps.assets import ASSETS, ROOT, asset_path, missing_assets

PROJECT = ROOT.parent
TEMPLATES = PROJECT / "app" / "templates"


@pytest.mark.parametrize("name", sorted(ASSETS))
def test_every_asset_on_the_list_is_installed(name):
    assert asset_path(name).is_file()


def test_a_missing_file_is_named_before_anybody_meets_it(tmp_path):
    assert missing_assets() == []
    assert missing_assets(tmp_path) == list(ASSETS)


@pytest.mark.parametrize("name", ["leaflet/package.json", "../package.json", "leaflet/../../package.json", "", "htmx/htmx.min.js"])
def test_nothing_beside_the_list_is_served(name):
    assert asset_path(name) is None


def test_templates_ask_only_for_assets_on_the_list():
    asked = {name for page in TEMPLATES.rglob("*.html") for name in re.findall(r"asset\(['\"]([^'\"]+)", page.read_text(encoding="utf-8"))}
    assert asked
    assert asked <= set(ASSETS)


def test_versions_are_pinned_and_the_lock_names_no_registry():
    wanted = json.loads((PROJECT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    lock = (PROJECT / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(lock)["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert all(entry.get("integrity") for name, entry in packages.items() if name)
    assert "resolved" not in lock
    assert "://" not in lock


def _text(pattern: str, folder: str) -> dict[Path, str]:
    return {path: path.read_text(encoding="utf-8") for path in (PROJECT / "app" / folder).rglob(pattern)}


@pytest.mark.parametrize("pattern", [r"\sstyle\s*=", r"\son[a-z]+\s*=\s*[\"']", r"javascript:", r"<style"])
def test_no_template_needs_what_the_security_policy_forbids(pattern):
    guilty = [path.name for path, text in _text("*.html", "templates").items() if re.search(pattern, re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL))]
    assert guilty == []


def test_every_script_element_has_a_nonce_or_is_data():
    for path, text in _text("*.html", "templates").items():
        for tag in re.findall(r"<script\b[^>]*>", text):
            assert "csp_nonce()" in tag or 'type="application/json"' in tag, (path.name, tag)


def test_scripts_set_no_markup_and_evaluate_no_text():
    for path, text in _text("*.js", "static/js").items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|\beval\(|new Function|setAttribute\(\"style\"", text), path.name


def test_style_sheets_fetch_nothing():
    for path, text in _text("*.css", "static/css").items():
        assert not re.search(r"@import|url\(\s*[\"']?(?!#|\"#)", text), path.name


def test_colours_are_named_in_one_place():
    allowed = {"#ffffff", "#0a4455", "#14232b", "#0e5a6f", "#ffbf47"}
    for path, text in _text("*.css", "static/css").items():
        if path.name != "tokens.css":
            assert set(re.findall(r"#[0-9a-f]{3,8}\b", text)) <= allowed, path.name


def test_modules_of_the_browser_stay_small():
    for path, text in _text("*.js", "static/js").items():
        assert text.count("\n") <= 320, path.name
        assert text.startswith("//"), path.name
