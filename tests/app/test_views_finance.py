"""Finance's desk and the payee's account over HTTP: a batch from opening to reconciliation, the bank's file and statement, months to the fen."""

from __future__ import annotations

import io
import re
import subprocess
from datetime import date

import pandas as pd
import pytest

from tests import factories as make
from tests.app.desks import Desks, notes, said
from vouchers import bankfile
from vouchers.batches import NOTICE_DAYS
from vouchers.journal import hledger

NUMBER = "9999 0000 1111 2222"


@pytest.fixture
def desks(session, app, clock):
    return Desks(session, app)


@pytest.fixture
def claim(desks):
    """Give the id of an approved claim of ¥1,200.00, by `finance`."""
    desks.settle(desks.order(0))
    found = desks.one("SELECT max(id) FROM claim")
    for event, by in (("check_ok", "reviewer"), ("approve", "finance")):
        assert desks.post(f"/desk/claim/{found}/{event}", {}, by=by).status_code == 303
        desks.get("/desk", by=by)  # reads what was done
    return found


def account(desks):
    given = {"bank": "示例银行", "name": "示例户名", "number": NUMBER}
    assert desks.post("/account", given).status_code == 303
    key = desks.one("SELECT max(id) FROM bank_account")
    assert desks.post(f"/account/{key}/confirm", {"again": NUMBER.replace(" ", "")}).status_code == 303
    return key


def opened(desks):
    answer = desks.post("/finance/batches", {}, by="finance")
    assert answer.status_code == 303, notes(answer)
    return int(answer.location.rsplit("/", 1)[1])


def sent(desks, clock):
    batch = opened(desks)
    for event in ("freeze", "notice"):
        assert desks.post(f"/finance/batches/{batch}/{event}", {}, by="finance").status_code == 303
    clock.passes(days=NOTICE_DAYS + 1)
    for event, by in (("sign", "finance"), ("authorise", "finance2"), ("send", "finance")):
        answer = desks.post(f"/finance/batches/{batch}/{event}", {}, by=by)
        assert answer.status_code == 303, notes(answer)
    return batch


def hand_in(desks, batch, content, name="回单.csv", by="finance"):
    return desks.post(f"/finance/batches/{batch}/statement", {"file": (io.BytesIO(content), name)}, by=by)


def paying(desks, batch):
    reference = desks.one("SELECT reference FROM batch_line WHERE batch_id = :id", id=batch)
    return f"参考号,金额,结果,银行流水号\n{reference},1200.00,成功,示例-B-1\n".encode()


def test_a_batch_goes_its_whole_way_and_the_four_figures_agree(desks, claim, clock):
    account(desks)
    batch = sent(desks, clock)
    page = desks.get(f"/finance/batches/{batch}", by="finance")
    assert "**** 2222" in said(page)
    assert "9999000011112222" not in page.text
    answer = hand_in(desks, batch, paying(desks, batch))
    assert answer.status_code == 303
    assert "回单已收，全部相符。" in notes(desks.get(f"/finance/batches/{batch}", by="finance"))
    for event in ("close", "reconcile"):
        assert desks.post(f"/finance/batches/{batch}/{event}", {}, by="finance").status_code == 303
    assert "四个数一样，到分。" in said(desks.get(f"/finance/batches/{batch}", by="finance"))
    assert "已拨付" in said(desks.get(f"/desk?kind=claim&id={claim}", by="finance"))


def test_a_payee_without_account_is_named_and_its_claim_stays_out(desks, claim):
    page = said(desks.get("/finance", by="finance"))
    assert "已批准，还不能付" in page
    assert "收款单位还没有确认收款账户" in page
    answer = desks.post("/finance/batches", {}, by="finance")
    assert (answer.status_code, "现在没有可以拨付的兑现。" in notes(answer)) == (409, True)


def test_the_first_signer_cannot_be_the_second(desks, claim, clock):
    account(desks)
    batch = opened(desks)
    for event in ("freeze", "notice"):
        desks.post(f"/finance/batches/{batch}/{event}", {}, by="finance")
    early = desks.post(f"/finance/batches/{batch}/sign", {}, by="finance")
    assert (early.status_code, "公示还没有结束，或者有异议没有处理完，不能授权。" in notes(early)) == (409, True)
    clock.passes(days=NOTICE_DAYS + 1)
    assert desks.post(f"/finance/batches/{batch}/sign", {}, by="finance2").status_code == 303
    for by in ("finance2", "finance"):  # who signed first; who approved
        assert desks.post(f"/finance/batches/{batch}/authorise", {}, by=by).status_code == 403
    assert desks.one("SELECT state FROM settlement_batch WHERE id = :id", id=batch) == "signed"


def test_the_bank_file_is_an_attachment_that_nobody_keeps_and_only_finance_gets(desks, claim, clock):
    account(desks)
    batch = sent(desks, clock)
    answer = desks.get(f"/finance/batches/{batch}/bank.csv", by="finance")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=JS-331083-")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "9999000011112222" in answer.text
    for by in ("enterprise", "carrier", "reviewer"):
        assert desks.get(f"/finance/batches/{batch}/bank.csv", by=by).status_code == 403
    assert desks.one("SELECT count(*) FROM audit WHERE subject = 'bank_file'") == 1


def test_another_region_finds_neither_batch_nor_month(desks, claim, clock):
    account(desks)
    batch = sent(desks, clock)
    desks.enrol("far", "finance", make.organisation(desks.session, kind="authority"), region=make.region(desks.session, "330106").adcode)
    assert desks.get(f"/finance/batches/{batch}", by="far").status_code == 404
    assert desks.get(f"/finance/batches/{batch}/bank.csv", by="far").status_code == 404
    assert hand_in(desks, batch, paying(desks, batch), by="far").status_code == 404
    assert desks.post(f"/finance/batches/{batch}/close", {}, by="far").status_code == 404
    assert "没有等批准的兑现" in said(desks.get("/finance", by="far"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04....", "户名,账号\n".encode(), b"\x00\x01\x02"])
def test_a_file_that_is_no_statement_is_told_and_nothing_moves(desks, claim, clock, content):
    account(desks)
    batch = sent(desks, clock)
    answer = hand_in(desks, batch, content)
    assert (answer.status_code, len(notes(answer)[0]) > 5) == (422, True)
    assert desks.one("SELECT state FROM settlement_batch WHERE id = :id", id=batch) == "sent"


def test_what_differs_is_counted_and_named(desks, claim, clock):
    account(desks)
    batch = sent(desks, clock)
    reference = desks.one("SELECT reference FROM batch_line WHERE batch_id = :id", id=batch)
    content = f"参考号,金额,结果,银行流水号\n{reference},1200.01,成功,B-1\nX-9,5.00,成功,B-2\n"
    assert hand_in(desks, batch, content.encode("gb18030")).status_code == 303
    page = desks.get(f"/finance/batches/{batch}", by="finance")
    assert "回单已收，2 行对不上，没有动钱，见下表。" in notes(page)
    for one in ("金额和发出的不一样", "不是这一批的行", "还有 1 行银行没有说到。"):
        assert one in said(page)
    again = hand_in(desks, batch, content.encode("gb18030"))
    assert (again.status_code, "这份回单已经收过一次。同一份文件不能收两次。" in notes(again)) == (409, True)


def test_everybody_sees_what_a_batch_pays_once_it_is_in_public_and_no_account(desks, claim, clock):
    account(desks)
    batch = opened(desks)
    assert desks.get(f"/settlements/{batch}", by="carrier").status_code == 404
    for event in ("freeze", "notice"):
        desks.post(f"/finance/batches/{batch}/{event}", {}, by="finance")
    page = desks.app.test_client().get(f"/settlements/{batch}")
    assert page.status_code == 200
    assert "¥1,200.00" in said(page)
    assert "2222" not in page.text
    desks.post(f"/finance/batches/{batch}/cancel", {"reason": "示例"}, by="finance")
    assert desks.get(f"/settlements/{batch}", by="carrier").status_code == 404


def test_a_step_sent_twice_with_one_form_is_one_step(desks, claim):
    account(desks)
    batch = opened(desks)
    for _ in range(2):
        assert desks.post(f"/finance/batches/{batch}/freeze", {}, by="finance", key="one-form-1").status_code == 303
    assert desks.one("SELECT row_version FROM settlement_batch WHERE id = :id", id=batch) == 1


@pytest.mark.parametrize("path", ["/finance/months/2026-13", "/finance/months/x", "/finance/batches/0", "/finance/months/1999-01"])
def test_what_does_not_exist_is_404(desks, path):
    assert desks.get(path, by="finance").status_code == 404


def test_an_account_counts_after_its_number_was_typed_twice_alike(desks):
    assert "还没有确认的收款账户" in said(desks.get("/account"))
    bad = desks.post("/account", {"bank": "示例银行", "name": "示例", "number": "=1+1"})
    assert bad.status_code == 422
    assert "账号只有数字" in said(bad)
    desks.post("/account", {"bank": "示例银行", "name": "示例", "number": NUMBER})
    key = desks.one("SELECT max(id) FROM bank_account")
    wrong = desks.post(f"/account/{key}/confirm", {"again": "99990000"})
    assert (wrong.status_code, "两次填写的账号不一样" in said(wrong)) == (422, True)
    assert desks.post(f"/account/{key}/confirm", {"again": NUMBER}, by="carrier").status_code == 404
    desks.post(f"/account/{key}/confirm", {"again": NUMBER})
    page = desks.get("/account")
    assert "**** 2222" in said(page)
    assert "9999" not in re.sub(r"\*{4} 2222", "", said(page))


def test_a_recovery_is_decided_by_one_and_received_by_another(desks, claim, clock):
    account(desks)
    batch = sent(desks, clock)
    hand_in(desks, batch, paying(desks, batch))
    assert desks.post(f"/finance/claims/{claim}/recover", {"reason": " "}, by="finance").status_code == 422
    assert desks.post(f"/finance/claims/{claim}/recover", {"reason": "示例：虚假发票"}, by="finance").status_code == 303
    case = desks.one("SELECT max(id) FROM recovery")
    back = {"bank_reference": "示例-R-1", "received_on": "2026-11-30"}
    assert desks.post(f"/finance/recoveries/{case}/back", back, by="finance").status_code == 403
    assert desks.post(f"/finance/recoveries/{case}/back", {**back, "received_on": "30.11."}, by="finance2").status_code == 422
    assert desks.post(f"/finance/recoveries/{case}/back", back, by="finance2").status_code == 303
    assert "¥0.00" in said(desks.get("/finance/months/2026-11", by="finance"))


def test_a_month_added_up_outside_is_the_desks_figure_to_the_fen(desks, claim, clock, session):
    """Pandas adds the treasury's CSV up, hledger the journal: both say what the page says."""
    account(desks)
    batch = sent(desks, clock)
    hand_in(desks, batch, paying(desks, batch))
    second = desks.order(1)
    desks.settle(second)
    page = said(desks.get("/finance/months/2026-11", by="finance"))
    shown = re.search(r"净支出 ¥([\d,.]+)", page)
    assert shown is not None
    fen = round(float(shown[1].replace(",", "")) * 100)
    table = pd.read_csv(io.StringIO(desks.get("/finance/months/2026-11/treasury.csv", by="finance").text.removeprefix("\ufeff")), dtype={"金额": str})
    assert sum(round(float(one) * 100) for one in table["金额"]) == fen == 120_000
    journal = "\n".join(hledger(session)) + "\n"
    args = ["hledger", "-f", "-", "balance", "^paid:", "^recovered:", "-b", "2026-11-01", "-e", "2026-12-01", "-O", "csv"]
    lines = subprocess.run(args, input=journal, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[-1].replace('"', "").split(",")[1] == f"CNY {fen / 100:.2f}"
    assert sum(row["amount"] for row in bankfile.month_rows(session, make.YUHUAN, date(2026, 11, 1))) == fen


def test_the_journal_with_paid_and_recovered_money_is_accepted(desks, claim, clock, session):
    account(desks)
    batch = sent(desks, clock)
    hand_in(desks, batch, paying(desks, batch))
    desks.post(f"/finance/claims/{claim}/recover", {"reason": "示例"}, by="finance")
    case = desks.one("SELECT max(id) FROM recovery")
    desks.post(f"/finance/recoveries/{case}/back", {"bank_reference": "示例-R", "received_on": "2026-11-30"}, by="finance2")
    journal = "\n".join(hledger(session)) + "\n"
    assert "account recovered:" in journal
    done = subprocess.run(
        ["hledger", "-f", "-", "check", "accounts", "commodities", "balanced", "assertions"],
        input=journal,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
