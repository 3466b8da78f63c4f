"""The disk under the files of evidence: one file a hash, written whole or not at all; and the process in which strange files are looked into.

Nothing of it is reachable by an address of the web. `root/aa/bb/<sha256>` holds the content, `<sha256>.<n>.png` a drawn page, `root/new` what is
being written. A file that lost its writer stays in `new` and is swept.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from core.errors import N_, Unavailable

SECONDS: Final = 20
"""Seconds of computing that looking into one file may take."""

_HOME: Final = Path(__file__).resolve().parent.parent
_NAME: Final = re.compile(r"([0-9a-f]{64})(\.\d+\.png)?")
_QUIET: Final = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
"""All that the reading process knows of its surroundings: no secrets, and no threads that would each ask for memory."""


@dataclass(frozen=True)
class Store:
    """Where files are kept, the largest one in bytes, and the address of clamd ("" for none)."""

    root: Path
    most: int = 10_000_000
    clamd: str = ""

    def path(self, sha256: str) -> Path:
        """Return where the content of this hash lies, or would lie."""
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def claim(self, database: str) -> None:
        """Write down to which database the folder belongs, once: another one must never sweep it."""
        if not self.owner():
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            (self.root / "database").write_text(database)

    def owner(self) -> str:
        """Return the name of the database to which the folder belongs, "" for a folder that nobody used yet."""
        mark = self.root / "database"
        return mark.read_text() if mark.exists() else ""

    def read(self, sha256: str) -> bytes:
        """Return the content; raise `Unavailable` when the disk has lost it."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise Unavailable(N_("这份材料的文件不在存储里。请找运维从备份恢复。")) from None

    def put(self, sha256: str, fresh: Path) -> None:
        """Give a written file its name. The rename is atomic, and folder and file are on the disk when this returns."""
        there = self.path(sha256)
        there.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh.replace(there)
        for folder in (there.parent, there.parent.parent, self.root):
            _sync(folder)

    @contextmanager
    def writing(self, content: bytes) -> Iterator[Path]:
        """Yield a file with `content` that is whole and on the disk; it is gone afterwards unless it was given a name."""
        folder = self.root / "new"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = folder / secrets.token_hex(16)
        try:
            with fresh.open("xb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            yield fresh
        finally:
            fresh.unlink(missing_ok=True)

    def page(self, sha256: str, mime: str, number: int) -> bytes | None:
        """Return page `number` as PNG, drawn at the first call and kept beside the file; None when it cannot be drawn."""
        kept = self.path(sha256).with_name(f"{sha256}.{number}.png")
        if not kept.exists():
            with self.writing(b"") as fresh:
                if "fault" in inspect("page", self.path(sha256), mime, str(number), str(fresh)):
                    return None
                fresh.replace(kept)
        return kept.read_bytes()

    def remove(self, sha256: str) -> None:
        """Take a file and its drawn pages from the disk."""
        there = self.path(sha256)
        for one in there.parent.glob(f"{sha256}*"):
            one.unlink(missing_ok=True)

    def hashes(self, *, older: float) -> Iterator[list[str]]:
        """Yield the hashes on the disk, folder by folder, leaving out what changed within the last `older` seconds."""
        before = time.time() - older
        for folder in sorted(self.root.glob("[0-9a-f][0-9a-f]")):
            found = (one for one in folder.glob("*/*") if _NAME.fullmatch(one.name))
            yield sorted({one.name[:64] for one in found if _age(one) < before})

    def sweep_new(self, *, older: float) -> int:
        """Remove what was being written when its writer died; return how many files."""
        gone = [one for one in (self.root / "new").glob("*") if _age(one) < time.time() - older]
        for one in gone:
            one.unlink(missing_ok=True)
        return len(gone)


def inspect(verb: str, path: Path, mime: str, *more: str) -> dict[str, Any]:
    """Run `vouchers.reading` on a file and return its line; {"fault": "bomb"} when it ran out of time or memory, or crashed."""
    command = [sys.executable, "-m", "vouchers.reading", verb, str(path.absolute()), mime, *more]
    try:
        done = subprocess.run(  # noqa: S603 (our own module, arguments without a shell)
            command, cwd=_HOME, env=_QUIET, stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS * 2, check=False
        )
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {"fault": "bomb"}
    except (subprocess.TimeoutExpired, ValueError):
        found = {"fault": "bomb"}
    return found


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
