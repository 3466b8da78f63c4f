"""A web machine whose clock is a day off pays, expires and dates by the database's clock, as every other machine does."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from core.clock import business_date

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)

BUY = """
import sys, time
from datetime import datetime
from sqlalchemy.orm import Session
from core.db import make_engine
from tests.vouchers import model
from vouchers.entities import Hold, Voucher
engine = make_engine(sys.argv[1])
with Session(engine) as session:
    model.fund(session, model.version(session))
    voucher = model.issued(session, model.organisation(session))
    made = session.get_one(Hold, model.held(session, session.get_one(model.Organisation, voucher.holder_id), voucher, amount=100))
    print(datetime.now().isoformat()[:10], voucher.issued_on, made.year)
    session.commit()
engine.dispose()
"""


@pytest.mark.skipif(LIBRARY is None, reason="libfaketime is not installed: apt-get install faketime")
@pytest.mark.parametrize("shift", ["+1d", "-1d", "+366d"])
def test_a_machine_whose_clock_is_off_buys_on_the_databases_day(committed_db, shift: str) -> None:
    environ = {**os.environ, "LD_PRELOAD": str(LIBRARY), "FAKETIME": shift, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", BUY, committed_db.url], cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-600:]
    machine, issued, year = done.stdout.split()
    with committed_db.session() as session:
        today = business_date(session.scalar(text("SELECT clock_timestamp()")))
    assert machine != datetime.now(UTC).date().isoformat(), "the machine's clock was not off"
    assert (issued, int(year)) == (today.isoformat(), today.year)
