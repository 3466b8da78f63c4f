"""Seal, sign and give out: what the worker does for `vouchers.seal`, with the key and the folder that the settings name.

One file a chain, `roots-<first head>.jsonl`: it is only ever added to. Copy it to where the operator of the database cannot write.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy.orm import Session

from app.config import Settings, kept_secret
from core.errors import N_, Unavailable
from vouchers import roots, seal


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the key that signs, made at the first call; raise `Unavailable` when the file does not hold one."""
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(kept_secret(settings.audit_key_file)))
    except (ValueError, OSError):
        raise Unavailable(N_("审计密钥文件 %(file)s 不能用：里面要是 64 个十六进制字符。"), file=str(settings.audit_key_file)) from None


def due(session: Session) -> list[int]:
    """Return the block that is to be sealed or published next, if any."""
    return seal.due(session) or roots.unpublished(session)[:1]


def seal_and_sign(session: Session) -> int:
    """Seal what waits and sign what is sealed, in the caller's transaction; return the number of the block, 0 for none."""
    made = seal.seal(session)
    roots.publish(session, signing_key(_settings()))
    return made


def unwritten(session: Session) -> list[int]:
    """Return the newest published block when the file does not have it yet."""
    newest = next(roots.published(session, newest=1), None)
    return [newest.block] if newest and newest.block > _written(file_of(session)) else []


def write(session: Session) -> int:
    """Add to the file what is committed and not in it yet; return the number of lines."""
    file = file_of(session)
    lines = [one.line() for one in roots.published(session, after=_written(file))]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="ascii") as opened:
        opened.writelines(f"{line}\n" for line in lines)
        opened.flush()
        os.fsync(opened.fileno())
    return len(lines)


def file_of(session: Session) -> Path:
    """Return the file of this database's chain."""
    first = session.get(seal.Block, 1)
    return _settings().audit_dir / f"roots-{first.head.hex()[:16] if first else 'none'}.jsonl"


def _written(file: Path) -> int:
    """Return the last block in the file; a line that a power cut left half written is cut off first."""
    if not file.exists():
        return 0
    whole = file.read_text("ascii")
    kept = whole[: whole.rfind("\n") + 1]
    if kept != whole:
        file.write_text(kept, "ascii")
    lines = kept.splitlines()
    return roots.read(lines[-1:])[0].block if lines else 0


def _settings() -> Settings:
    """Read the settings anew; the address of the database is not asked for."""
    return Settings.from_env({**os.environ, "DATABASE_URL": "postgresql://nobody@/nowhere"})
