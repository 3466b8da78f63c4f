"""The exported journal: another program adds up our books and agrees to the fen, and notices when a line is missing."""

import subprocess

import pytest

from tests import factories
from vouchers.journal import hledger


@pytest.fixture
def journal(session):
    holder = factories.enterprise(session)
    factories.voucher(session, holder, face=1_234_567)
    factories.voucher(session, holder, face=100)
    return "\n".join(hledger(session)) + "\n"


def checked(journal, *args):
    return subprocess.run(["hledger", "-f", "-", *args], input=journal, capture_output=True, text=True, check=False)


def test_hledger_accepts_the_journal_with_its_assertions(journal):
    done = checked(journal, "check", "accounts", "commodities", "balanced", "assertions")
    assert done.returncode == 0, done.stderr


def test_hledger_adds_up_the_same_money(journal):
    done = checked(journal, "balance", "available", "--depth", "1", "--no-total")
    assert done.stdout.split()[:2] == ["CNY", "12346.67"]
    assert checked(journal, "balance", "--depth", "1").stdout.split()[-1] == "0"


def test_hledger_notices_a_missing_transfer(journal):
    paragraphs = journal.split("\n\n")
    issued = next(n for n, one in enumerate(paragraphs) if " reserve " in one.splitlines()[0])
    done = checked("\n\n".join(paragraphs[:issued] + paragraphs[issued + 1 :]), "check")
    assert done.returncode != 0
    assert "assertion" in done.stderr


def test_an_empty_ledger_is_an_empty_journal(session):
    assert not [line for line in hledger(session) if line.startswith(("account", "20"))]


def test_a_request_id_cannot_break_out_of_its_comment(session):
    factories.voucher(session)
    assert all("\n" not in line for line in hledger(session))
