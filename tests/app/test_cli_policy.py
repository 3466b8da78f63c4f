"""What `flask policy rule` answers: the agreed cases to the fen with their deciding clause, and the cases that a stranger would try."""

import json

import pytest
from sqlalchemy import text

from app.cli import policy
from tests.vouchers.model import region
from vouchers.policy import FOLDER, publish, seed_policies


def run(app, *args):
    return app.test_cli_runner().invoke(policy.command, ["rule", *(str(arg) for arg in args)])


def ruled(app, *args):
    done = run(app, *args, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def deciding(found):
    outcome = "refuse" if any(one["outcome"] == "refuse" for one in found["clauses"]) else "limit"
    return [one["code"] for one in found["clauses"] if one["outcome"] == outcome]


GOLDEN = [
    (["yuhuan-2023", "--price", 800_000], 800_000, "tiers"),
    (["yuhuan-2023", "--price", 1_000_001], 1_000_000, "tiers"),
    (["yuhuan-2023", "--price", 3_000_000], 2_000_000, "tiers"),
    (["yuhuan-2023", "--price", 9_900_000, "--balance", 5_000_000], 5_000_000, "balance"),
    (["yuhuan-2023", "--price", 3_000_000, "--used-year", 9_000_000], 1_000_000, "per_year"),
    (["yuhuan-2023", "--price", 3_000_000, "--related"], 0, "related_party"),
    (["yuhuan-2023", "--price", 3_000_000, "--statutory"], 0, "statutory_test"),
    (["changxing-2015", "--price", 1_000_000_000, "--service", "industrial_design"], 500_000_000, "tiers"),
    (["shandong-2019", "--price", 1_000_000, "--region", "370200"], 400_000, "tiers"),
    (["shandong-2019", "--price", 1_000_000, "--region", "371500", "--carrier-region", "371500"], 900_000, "stack"),
]
OTHERS = [
    # Shandong's layer: only for holders of 聊城 with a carrier there, within what a group may get of both, the added layer cut first.
    (["shandong-2019", "--price", 1_000_000, "--region", "371500"], 600_000, "tiers"),
    (["shandong-2019", "--price", 1_000_000, "--region", "371502", "--carrier-region", "371521"], 900_000, "stack"),
    (["shandong-2019", "--price", 1_000_000, "--region", "371500", "--carrier-region", "370100"], 600_000, "tiers"),
    (["shandong-2019", "--price", 1_000_000, "--region", "370100", "--carrier-region", "371500"], 400_000, "tiers"),
    (["shandong-2019", "--price", 100_000_000, "--region", "371500", "--carrier-region", "371500"], 65_000_000, "group_per_year_total"),
    (
        ["shandong-2019", "--price", 1_000_000, "--region", "371500", "--carrier-region", "371500", "--group-used", 64_500_000],
        500_000,
        "group_per_year_total",
    ),
    (["shandong-2019", "--price", 1_000_000, "--region", "371500", "--carrier-region", "371500", "--used-year", 50_000_000], 300_000, "stack"),
    (["shandong-2019", "--price", 200_000_000], 50_000_000, "per_year"),
    (["shandong-2019", "--price", 1_000_000, "--service", "joint_rd"], 0, "service"),
    # What the law excludes no region pays, listed or not.
    (["shandong-2019", "--price", 1_000_000, "--statutory"], 0, "statutory_test"),
    (["changxing-2015", "--price", 1_000_000, "--service", "talent", "--statutory"], 0, "statutory_test"),
    # Purses.
    (["changxing-2015", "--price", 100_000_000, "--service", "talent", "--fund", "project_linked"], 50_000_000, "tiers"),
    (["changxing-2015", "--price", 100_000_000, "--service", "talent", "--fund", "increment"], 20_000_000, "fund"),
    (["changxing-2015", "--price", 100_000_000, "--service", "talent", "--fund", "increment", "--used-year", 19_000_000], 1_000_000, "fund"),
    (["changxing-2015", "--price", 100_000, "--service", "talent", "--carrier-region", "310000"], 0, "recognition"),
    (["changxing-2015", "--price", 100_000], 0, "service"),
    # A group's cap counts at least what its member used.
    (["huzhou-2017", "--price", 3_000_000, "--group-used", 19_000_000], 1_000_000, "group_per_year"),
    (["huzhou-2017", "--price", 3_000_000, "--used-year", 19_500_000], 500_000, "group_per_year"),
    (["huzhou-2017", "--price", 3_000_000, "--batch"], 0, "batch_production_test"),
    (["huzhou-2017", "--price", 3_000_000, "--region", "331083"], 0, "eligibility"),
    # Carriers from elsewhere.
    (["yuhuan-2023", "--price", 100_000, "--carrier-region", "440000"], 100_000, "tiers"),
    (["hangzhou-placeholder", "--price", 100_000, "--carrier-region", "310115"], 50_000, "tiers"),
    (["hangzhou-placeholder", "--price", 100_000, "--carrier-region", "440300"], 0, "recognition"),
    # What pays no single order.
    (["zhejiang-reward", "--price", 100_000], 0, "settlement"),
    (["delta-recognition", "--price", 100_000, "--region", "330100"], 0, "settlement"),
    (["delta-recognition", "--price", 100_000, "--region", "440100"], 0, "eligibility"),
    # Several flags at once, the smallest and the largest price.
    (["yuhuan-2023", "--price", 3_000_000, "--related", "--statutory", "--funded"], 0, "funded_by_city_project_this_or_last_year"),
    (["yuhuan-2023", "--price", 1], 1, "tiers"),
    (["huzhou-2017", "--price", 1], 0, "tiers"),
    (["yuhuan-2023", "--price", 10**13], 10_000_000, "per_year"),
    (["yuhuan-2023", "--price", 3_000_000, "--balance", 0], 0, "balance"),
]


@pytest.mark.parametrize(("args", "amount", "clause"), GOLDEN + OTHERS)
def test_a_policy_grants_to_the_fen_and_names_the_clause_that_decided(app, session, args, amount, clause):
    found = ruled(app, *args)
    assert found["amount"] == amount
    assert clause in deciding(found)
    assert sum(layer["amount"] for layer in found["layers"]) == amount


@pytest.mark.parametrize(
    ("args", "paid"),
    [
        (["shandong-2019", "--region", "371500", "--carrier-region", "371500"], {"370000": 600_004, "371500": 300_002}),
        (["hangzhou-placeholder", "--region", "330106"], {"330100": 250_002, "330106": 250_001}),
        (["hangzhou-placeholder"], {"330100": 250_002, "$district": 250_001}),
        (["yuhuan-2023", "--region", "331083"], {"331083": 1_000_003}),
    ],
)
def test_the_answer_says_who_pays_which_layer_and_the_odd_fen_is_the_funders_own(app, session, args, paid):
    found = ruled(app, *args, "--price", 1_000_007)
    assert {layer["funder"]: layer["amount"] for layer in found["layers"]} == paid
    assert all(payer in json.dumps(found["clauses"], ensure_ascii=False) for payer in paid if len(paid) > 1)


def test_the_answer_in_lines_says_the_same(app, session):
    lines = run(app, "shandong-2019", "--price", 1_000_000, "--region", "371500", "--carrier-region", "371500").output.splitlines()
    assert lines[0] == "900000"
    assert [line.split("\t")[1:3] for line in lines if line.startswith("pays")] == [["370000", "¥6,000.00"], ["371500", "¥3,000.00"]]


@pytest.mark.parametrize("price", ["0", "-1", "1.5", "1e6", "1_000", "１００", "", "abc", str(10**13 + 1), "9" * 400])
def test_a_price_that_is_none_is_a_mistake_of_usage_said_in_a_sentence(app, session, price):
    done = run(app, "yuhuan-2023", f"--price={price}")
    assert done.exit_code == 2
    assert "金额" in done.output


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["atlantis"], "yuhuan-2023"),
        (["yuhuan-2023", "--service", "massage"], "test_analysis"),
        (["yuhuan-2023", "--service", "rd"], "joint_rd"),
        (["huzhou-2017", "--service", ""], "test_analysis"),
        (["changxing-2015", "--service", "talent", "--fund", "pocket"], "project_linked increment"),
        (["yuhuan-2023", "--fund", "project_linked"], "project_linked"),
        (["yuhuan-2023", "--region", "99"], "六位"),
        (["yuhuan-2023", "--region", "990000"], "99"),
        (["yuhuan-2023", "--carrier-region", "000000"], "00"),
        (["yuhuan-2023", "--balance", "-1"], "金额"),
        (["yuhuan-2023", "--used-year", "0.5"], "金额"),
    ],
)
def test_what_there_is_not_ends_with_exit_code_two_and_names_what_there_is(app, session, args, said):
    done = run(app, *args, "--price", 100_000)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_service_that_there_is_not_gets_nothing_also_where_everything_is_allowed(app, session):
    done = run(app, "huzhou-2017", "--price", 100_000, "--service", "massage", "--json")
    assert json.loads(done.stdout)["amount"] == 0


def test_a_published_version_rules_before_its_seed(app, session):
    for adcode in ("331083",):
        region(session, adcode)
    seed = next(one for one in seed_policies() if one.id == "yuhuan-2023")
    publish(session, type(seed).model_validate(seed.model_dump(by_alias=True) | {"tiers": [{"ratio": "0.1"}]}))
    session.commit()
    assert ruled(app, "yuhuan-2023", "--price", 1_000_000)["amount"] == 100_000
    assert session.execute(text("SELECT count(*) FROM policy_version")).scalar() == 1


def checked(app, tmp_path, text_):
    (tmp_path / "p.toml").write_bytes(text_ if isinstance(text_, bytes) else text_.encode())
    return app.test_cli_runner().invoke(policy.command, ["check", str(tmp_path / "p.toml"), "--json"])


def test_a_file_that_contradicts_itself_is_told_clause_by_clause(app, tmp_path):
    written = (FOLDER / "yuhuan-2023.toml").read_text(encoding="utf-8")
    assert checked(app, tmp_path, written).exit_code == 0
    done = checked(app, tmp_path, written.replace('payee = "enterprise"', 'payee = "carrier"').replace("months = 3", "months = 0"))
    assert done.exit_code == 1
    assert [one["clause"] for one in json.loads(done.stdout)["faults"]] == ["payee", "use_window.months"]


@pytest.mark.parametrize("text_", ["id = ", b"\xff\xfe\x00", "[" * 500])
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(app, tmp_path, text_):
    done = checked(app, tmp_path, text_)
    assert done.exit_code == 1
    assert "TOML" in done.output
    assert "Traceback" not in done.output
