"""What the worker does with files of evidence: scan those that no scanner saw, and sweep the folder. Outside Flask: settings come by environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache

from sqlalchemy.orm import Session

from app.config import Settings
from vouchers import files
from vouchers.filestore import Store


@cache
def store() -> Store:
    """Return where files are kept; the address of the database is not asked for."""
    settings = Settings.from_env({**os.environ, "DATABASE_URL": "postgresql://nobody@/nowhere"})
    return Store(settings.data_dir / "evidence", settings.evidence_mb * 1_000_000, settings.clamd_address)


def unscanned(session: Session) -> Sequence[int]:
    """List files that no scanner has looked at, where there is one."""
    return files.unscanned(session, store())


def rescan(session: Session, key: int) -> int:
    """Have one file scanned."""
    return files.rescan(session, store(), key)


def sweepable(_session: Session) -> Sequence[int]:
    """Say that the folder may be swept, where there is one."""
    return [1] if store().root.is_dir() else []


def sweep(session: Session, _key: int) -> int:
    """Sweep the folder and return how many files went."""
    return files.sweep(session, store())
