"""Fit to answer or not: each lack is a sentence that says what to do."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import text

from app.health import at_head, checks, migration_heads, missing_assets


def versions(folder: Path, *lines: str) -> Path:
    for number, under in enumerate(lines, start=1):
        (folder / f"{number}.py").write_text(f'revision: str = "{number}"\ndown_revision = {under}\n')
    return folder


def test_the_newest_migration_is_the_one_on_which_no_other_builds(tmp_path: Path):
    assert migration_heads(versions(tmp_path, "None", '"1"', '("2", "1")')) == {"3"}
    assert migration_heads(tmp_path / "none") == set()


def test_alembic_sees_the_same_newest_migration():
    from alembic.script import ScriptDirectory

    from app.cli.database import alembic_config

    assert set(ScriptDirectory.from_config(alembic_config()).get_heads()) == migration_heads()


def test_a_migrated_database_is_at_its_head_as_the_application_sees_it(session):
    assert at_head(session)


def test_a_database_behind_is_told_to_upgrade(owner_session):
    owner_session.execute(text("UPDATE alembic_version SET version_num = 'old'"))
    assert "flask db upgrade" in checks(owner_session)[0]


def test_a_database_without_a_world_is_told_to_load_one(session):
    assert "make run" in checks(session)[0]


def test_a_missing_or_outdated_browser_package_is_named(tmp_path: Path):
    (tmp_path / "package.json").write_text(json.dumps({"dependencies": {"here": "1.0.0", "old": "2.0.0", "gone": "3.0.0"}}))
    for name in ("here", "old"):
        folder = tmp_path / "node_modules" / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text('{"version": "1.0.0"}')
    assert missing_assets(tmp_path) == ["old", "gone"]
