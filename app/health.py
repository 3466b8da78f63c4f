"""Is the service fit to answer? Checks that say each problem as a sentence; the routes /healthz and /readyz are made elsewhere.

Cheap enough for a probe each second: two small queries and a handful of file looks; nothing is imported for it.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from core.errors import N_

ROOT = Path(__file__).resolve().parent.parent
HALF = N_("示例世界还没有装完。请等它装完，或再运行一次 make run 接着装。")
_REVISION = re.compile(r"^(revision|down_revision)\b[^=]*=\s*(.*)$", re.MULTILINE)
_NAME = re.compile(r"""["']([^"']+)["']""")


@cache
def migration_heads(folder: Path = ROOT / "migrations" / "versions") -> frozenset[str]:
    """Return the revisions of `folder` that no other builds on, read from the files' text: importing Alembic would cost half a second."""
    own: set[str] = set()
    under: set[str] = set()
    for file in folder.glob("*.py"):
        for key, value in _REVISION.findall(file.read_text(encoding="utf-8")):
            (own if key == "revision" else under).update(_NAME.findall(value))
    return frozenset(own - under)


def at_head(session: Session) -> bool:
    """Tell whether the database has exactly the newest migrations; an empty database has none."""
    if session.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
        return not migration_heads()
    return set(session.execute(text("SELECT version_num FROM alembic_version")).scalars()) == migration_heads()


def has_world(session: Session) -> bool:
    """Tell whether there is anything to show: a region and an organisation."""
    return bool(session.execute(text("SELECT EXISTS (SELECT FROM region) AND EXISTS (SELECT FROM organisation)")).scalar())


def is_whole(session: Session) -> bool:
    """Tell whether no load of a sample world was begun and not finished."""
    return not session.execute(text("SELECT EXISTS (SELECT FROM world WHERE finished_at IS NULL)")).scalar()


def missing_assets(root: Path = ROOT) -> list[str]:
    """Return the browser packages of package.json that are not under node_modules in the version asked for."""
    wanted: dict[str, str] = json.loads((root / "package.json").read_text(encoding="utf-8"))["dependencies"]
    return [name for name, version in wanted.items() if _version(root / "node_modules" / name) != version]


def _version(folder: Path) -> str | None:
    try:
        found: str = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
    except (OSError, ValueError, KeyError):
        return None
    return found


def checks(session: Session, root: Path = ROOT) -> list[str]:
    """Return what keeps the service from answering, each a sentence (message id) with what to do; empty when it is fit."""
    return _database(session) + ([N_("网页素材不全。请运行 bin/assets。")] if missing_assets(root) else [])


def _database(session: Session) -> list[str]:
    try:
        if not at_head(session):
            return [N_("数据库结构不是最新的。请运行 flask db upgrade。")]
        if not is_whole(session):
            return [HALF]
        return [] if has_world(session) else [N_("数据库里还没有地区和机构。请导入数据，或用 make run 装入示例数据。")]
    except SQLAlchemyError:
        return [N_("数据库没有回答。请查看数据库是否在运行。")]
