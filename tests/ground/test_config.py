"""Settings: read once, checked, and every one of them documented."""

from __future__ import annotations

import re
import stat
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest

from app.config import ROOT, ROWS, Settings, kept_secret
from core.errors import Invalid

SECRET = "s" * 32
SERVER = "postgresql://owner:word@db.example/map"


def settings(**more: str) -> Settings:
    return Settings.from_env({"SECRET_KEY": SECRET, "DATABASE_URL": SERVER} | more)


def test_the_operations_page_lists_every_setting_as_the_program_has_it():
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    assert listed == [(row.name, f"`{row.default}`" if row.default else "empty", row.meaning) for row in ROWS]


def test_each_setting_has_its_row():
    assert [row.name.lower() for row in ROWS] == [field.name for field in fields(Settings)]


def test_without_any_setting_the_service_is_for_this_machine_alone():
    found = settings()
    assert (found.port, found.host, found.sample, found.workers, found.tls) == (8000, "127.0.0.1", "small", 2, False)
    assert (found.sample_date, found.map_approval_number, found.locale) == (None, "", "zh_CN")


def test_every_usual_spelling_of_a_database_address_is_taken():
    for scheme in ("postgres", "postgresql", "postgresql+psycopg", "postgresql+psycopg2"):
        assert settings(DATABASE_URL=SERVER.replace("postgresql", scheme)).database_url == "postgresql+psycopg://owner:word@db.example/map"


def test_a_sample_date_is_a_date():
    assert settings(SAMPLE_DATE="2026-03-01").sample_date == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"), ("PORT", "65536"), ("PORT", "80a"), ("PORT", "８０"), ("WORKERS", "0"), ("SAMPLE", "huge"), ("SAMPLE_DATE", "1.3.2026"),
        ("SECRET_KEY", "short"), ("LOG_LEVEL", "loud"), ("TLS", "yes"), ("LOCALE", "fr"), ("DATABASE_URL", "sqlite:///x.db"), ("DATABASE_URL", "db"),
    ],
)  # fmt: skip
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str):
    with pytest.raises(Invalid) as refused:
        settings(**{name: value})
    assert refused.value.field == name
    assert name in str(refused.value)


def test_a_password_of_the_database_is_never_repeated_in_a_refusal():
    with pytest.raises(Invalid) as refused:
        settings(DATABASE_URL="mysql://owner:hidden-word@db/map")
    assert "hidden-word" not in str(refused.value)


def test_the_secret_is_made_once_and_is_for_its_owner_only(tmp_path: Path):
    file = tmp_path / "kept" / "secret"
    first = kept_secret(file)
    assert len(first) >= 32
    assert kept_secret(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]
