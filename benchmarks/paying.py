"""Freezing voucher money: the domain verb against the bare SQL of one posting run by pgbench, both with one client and real commits."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.orm import Session

from benchmarks.scratch import database, line, rate
from core.db import make_engine
from tests import factories as make
from vouchers import lifecycle

_SCRIPT = """
\\set v random(1, 1000000000)
BEGIN;
INSERT INTO audit (role, subject, subject_id, event, before, after, reason, detail) VALUES ('enterprise', 'hold', 1, 'hold', '', 'held', '', '{}')
RETURNING id AS audit \\gset
SELECT ledger_post('bench-' || :client_id || '-' || :v || '-' || :audit, 'hold', now(), current_date, :audit,
                   ARRAY['available:%(voucher)s'], ARRAY['held:%(voucher)s'], ARRAY[1]::bigint[]);
COMMIT;
"""


def run() -> Iterator[str]:
    """Give holds per second through `vouchers.lifecycle.hold`, and postings per second of pgbench."""
    with database() as url:
        owner = make_engine(url, role=None)
        with Session(owner) as session:
            make.at(session, "2026-11-24T10:12+08:00")
            voucher = make.voucher(session)
            session.commit()
            holder, key = voucher.holder_id, voucher.id
        ours = _ours(url, holder, key)
        peer = _pgbench(url, key)
        owner.dispose()
        yield line("holds through the domain against the same posting by pgbench", ours, peer)


def _ours(url: str, holder: int, key: int) -> float:
    engine = make_engine(url)

    def hold(n: int) -> None:
        with Session(engine) as session:
            make.at(session, "2026-11-24T10:12+08:00")
            actor = make.Actor("enterprise", 1, holder)
            lifecycle.hold(session, actor, voucher_id=key, amount=1, reference=f"bench:{n}", request_id=f"bench-{n}")
            session.commit()

    found = rate(hold, count=200)
    engine.dispose()
    return found


def _pgbench(url: str, key: int) -> float:
    where = make_url(url)
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.sql"
        script.write_text(_SCRIPT % {"voucher": key})
        options = ["-n", "-c", "1", "-T", "5", "-f", str(script)]
        address = ["-h", str(where.query.get("host", where.host)), "-p", str(where.query.get("port", where.port or 5432)), "-U", str(where.username)]
        done = subprocess.run([_tool(), *options, *address, str(where.database)], capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    return float(found[1]) if found else float("nan")


def _tool() -> str:
    """Return pgbench of the newest PostgreSQL that is installed, or that of PATH."""
    there = sorted(Path("/usr/lib/postgresql").glob("*/bin/pgbench"))
    return str(there[-1]) if there else "pgbench"
