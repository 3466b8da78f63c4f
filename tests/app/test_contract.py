"""What outsiders rely on: the shapes that scripts and other systems read, asked for as they would ask."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime

import pytest

from app.accounts import add_membership, add_user, issue_token
from app.api.items import Item
from app.api.matchmodels import CarrierOut, ConstraintOut, InstrumentOut, MatchAnswer, MatchOut, NeedOut, PartOut, TypeOut
from app.cli import geodata, ledger, match, policy
from core.db import make_engine
from geodata.organisations import Organisation
from matching.diversity import LIKE, TIE
from tests import factories as make
from tests.app.conftest import make_settings

HERE = {"lon": "121.2", "lat": "28.1"}
KINDS = ("instruments", "carriers")


@pytest.fixture
def world(session, clock):
    """Lay a market: a scene and eleven more open instruments of one type at six carriers, and what must not be found."""
    scene = make.scene(session, now=clock.at.isoformat())
    make.instrument_type(session, "扫描电子显微镜")
    for nth in range(6):
        owner = make.carrier(session, name_zh=f"示例测试所{nth}", adcode=("331083", "330106")[nth % 2])
        make.site(session, owner, geom=f"SRID=4326;POINT({120 + nth / 5} 28.5)")
        for _ in range(2):
            make.listing(session, make.instrument(session, owner, geom=f"SRID=4326;POINT({120 + nth / 5} 28.5)", type_id=_type(session)))
    make.carrier(session, name_zh="=示例公式(1)")
    make.instrument(session, is_open=False)
    session.commit()
    return scene


def _type(session):
    return make.instrument_type(session, "扫描电子显微镜").id


@pytest.fixture
def buyer(session, world):
    """Give the headers of the enterprise of the scene, which holds a voucher."""
    user = add_user(session, "buyer", name="示例人员", password=None, is_sample=True)
    token = issue_token(session, add_membership(session, user, organisation_id=world.enterprise.id, role="enterprise", region=None))
    session.commit()
    return {"Authorization": f"Bearer {token}"}


def read(web, path, *, headers=None, **query):
    answer = web.get(f"/api/v1/{path}", query_string=query, headers=headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()


def matches(web, **more):
    return read(web, "match", need="断口 扫描电镜", **{**HERE, **more})["matches"]


def test_the_contributions_of_a_match_add_up_to_its_score_and_ranks_run_from_one(web, world):
    found = matches(web)
    assert [one["rank"] for one in found] == list(range(1, len(found) + 1))
    assert len(found) == 12
    for one in found:
        assert abs(sum(part["contribution"] for part in one["parts"]) - one["score"]) < 1e-9
        assert all(part["reason"] for part in one["parts"] if part["signal"] in ("distance", "own_part", "slot"))
    for at, one in enumerate(found):
        assert all(later["score"] - one["score"] <= LIKE + TIE for later in found[at:])
        assert one["moved"] or one["score"] >= max(later["score"] for later in found[at:])


def test_a_match_has_exactly_the_documented_fields(web, world):
    answer = read(web, "match", need="断口 扫描电镜 3天内 5000元以内", **HERE)
    first = answer["matches"][0]
    assert set(answer) == set(MatchAnswer.model_fields)
    assert set(answer["need"]) == set(NeedOut.model_fields)
    for model, part in ((MatchOut, first), (PartOut, first["parts"][0]), (InstrumentOut, first["instrument"]), (CarrierOut, first["carrier"])):
        assert set(part) == set(model.model_fields)
    assert set(answer["need"]["types"][0]) == set(TypeOut.model_fields)
    assert {one["kind"] for one in answer["need"]["constraints"]} == {"deadline", "budget"}
    assert set(answer["need"]["constraints"][0]) == set(ConstraintOut.model_fields)
    MatchAnswer.model_validate(answer)


def test_a_match_names_place_region_and_the_next_slot_with_offset(web, world):
    first = matches(web)[0]
    assert re.fullmatch(r"\d{6}", first["carrier"]["region"])
    assert -180 <= first["carrier"]["lon"] <= 180
    slot = {name: datetime.fromisoformat(at) for name, at in first["next_slot"].items()}
    assert slot["start"] < slot["end"]
    assert {at.utcoffset().total_seconds() for at in slot.values()} == {8 * 3600}


def test_the_voucher_of_the_caller_lowers_the_net_price_and_nobody_elses_does(web, world, buyer):
    stranger, holder = matches(web), matches(web, headers=buyer)
    assert all(one["net_price"] == one["price"] == 120_000 for one in stranger)
    assert all(one["net_price"] == 0 for one in holder)


def test_a_net_price_is_what_the_order_then_costs(web, world, buyer):
    first = matches(web, headers=buyer)[0]
    wish = {"instrument": first["instrument"]["id"], "service": first["instrument"]["service"], **first["next_slot"], "voucher": "best"}
    made = web.post("/api/v1/orders", json=wish, headers={**buyer, "Idempotency-Key": "one"})
    assert made.status_code == 201
    assert (made.json["price"], made.json["own_part"]) == (first["price"], first["net_price"])


def test_the_limit_of_a_match_is_kept_and_cuts_the_end_only(web, world):
    everything = matches(web)
    assert [one["instrument"]["id"] for one in matches(web, limit="5")] == [one["instrument"]["id"] for one in everything[:5]]
    for wrong in ("0", "101", "x"):
        assert web.get("/api/v1/match", query_string={"need": "断口", "limit": wrong}).status_code == 400


def test_a_place_needs_both_its_numbers(web, world):
    answer = web.get("/api/v1/match?need=x&lon=120")
    assert (answer.status_code, answer.json["errors"][0]["field"]) == (422, "lat")


def test_a_vague_need_is_answered_with_a_question(web, world):
    found = read(web, "match", need="测一下")
    assert found["matches"] == []
    assert found["ask"]["ask"]
    assert found["ask"]["options"]


def pages(web, kind, **query):
    """Give all pages of a list and the totals that they named."""
    rows, totals, cursor = [], set(), ""
    while cursor is not None:
        page = read(web, kind, cursor=cursor, **query)
        rows += page["items"]
        totals.add(page["total"])
        cursor = page["next"]
    return rows, totals


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "query",
    [{}, {"bbox": "120.1,28,121.3,29"}, {"region": "330100"}, {"region": "331083"}, {"q": "示例"}, {"type": "扫描电子显微镜"}, {"type": "platform"}],
)
def test_all_pages_together_are_the_total_each_row_once(web, world, kind, query):
    rows, totals = pages(web, kind, limit="3", **query)
    assert totals == {len(rows)}
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})
    whole, _ = pages(web, kind, limit="1000", **query)
    assert rows == whole


def test_filters_keep_what_they_say(web, world):
    inside, _ = pages(web, "instruments", bbox="120.1,28,121.3,29")
    assert inside
    assert all(120.1 <= row["lon"] <= 121.3 and 28 <= row["lat"] <= 29 for row in inside)
    assert {row["region"] for row in pages(web, "carriers", region="330100")[0]} == {"330106"}
    assert {row["type"] for row in pages(web, "instruments", type="扫描电子显微镜")[0]} == {"扫描电子显微镜"}
    assert len(pages(web, "carriers", q="测试所3")[0]) == 1
    assert pages(web, "carriers", q="%")[0] == pages(web, "carriers", q="_")[0] == []


def test_pages_stay_stable_while_rows_are_added(web, session, world):
    first = read(web, "instruments", limit="5")
    before = {row["id"] for row in pages(web, "instruments")[0]}
    make.instrument(session, world.carrier)
    session.commit()
    rest, cursor = [], first["next"]
    while cursor:
        page = read(web, "instruments", limit="5", cursor=cursor)
        rest, cursor = rest + page["items"], page["next"]
    assert before <= {row["id"] for row in first["items"] + rest}
    assert not {row["id"] for row in first["items"]} & {row["id"] for row in rest}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_come_as_geojson_points(web, world, kind):
    answer = web.get(f"/api/v1/{kind}?format=geojson&limit=1000")
    rows, _ = pages(web, kind)
    assert answer.mimetype == "application/geo+json"
    assert answer.json["type"] == "FeatureCollection"
    assert answer.json["numberMatched"] == len(rows)
    found = {one["id"]: one for one in answer.json["features"]}
    for row in rows:
        geometry = found[row["id"]]["geometry"]
        assert (geometry and geometry["type"], geometry and geometry["coordinates"]) == (
            ("Point", [row["lon"], row["lat"]]) if row["lon"] is not None else (None, None)
        )
        assert found[row["id"]]["properties"]["code"] == row["code"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_rows_come_as_csv_with_total_cursor_and_no_formula(web, world, kind):
    answer = web.get(f"/api/v1/{kind}?format=csv&limit=4")
    rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).removeprefix("\ufeff"))))
    page = read(web, kind, limit="4")
    assert [int(row["id"]) for row in rows] == [row["id"] for row in page["items"]]
    assert (answer.headers["X-Total"], answer.headers["X-Next"]) == (str(page["total"]), page["next"])
    everything = web.get(f"/api/v1/{kind}?format=csv&limit=1000").get_data(as_text=True)
    assert "\n=示例公式" not in everything
    assert not re.search(r",[=+@]", everything)


@pytest.mark.parametrize("kind", KINDS)
def test_a_csv_without_rows_still_has_its_head(web, world, kind):
    full, empty = (web.get(f"/api/v1/{kind}?format=csv&q={q}").get_data(as_text=True).splitlines() for q in ("", "没有这个名字"))
    assert empty == full[:1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"), ("limit=1001", "limit"), ("cursor=zz", "cursor"), ("cursor=aWQ6LTE=", "cursor"), ("bbox=1,2,3", "bbox"), ("bbox=3,2,1,4", "bbox"),
        ("bbox=nan,1,2,3", "bbox"), ("region=33", "region"), ("region=三三一零八三", "region"), ("format=xml", "format"), ("q=" + "x" * 101, "q"),
    ],
)  # fmt: skip
def test_a_parameter_that_cannot_be_used_is_named(web, kind, query, field):
    answer = web.get(f"/api/v1/{kind}?{query}")
    assert (answer.status_code in {400, 422}, answer.mimetype) == (True, "application/problem+json")
    assert [one["field"] for one in answer.json["errors"]] == [field]
    assert answer.json["errors"][0]["reason"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "query",
    [
        "", "bbox=120.1,28,121.3,29", "type=扫描电子显微镜&type=没有", "kind=platform&kind=university", "level=county", "class=010000", "region=330100",
        "max_price=120000", "max_price=119999", "max_price=test_analysis:120000", "max_price=other:5", "near=120.4,28.5&within=30000", "free=week", "q=测试所3",
        "bbox=120.1,28,121.3,29&kind=platform&max_price=120000&free=week",
    ],
)  # fmt: skip
def test_the_export_of_a_list_has_the_rows_that_its_total_counts(web, world, kind, query):
    listed = web.get(f"/api/v1/{kind}?limit=1000&{query}").get_json()
    whole = web.get(f"/api/v1/{kind}/export?format=geojson&{query}")
    table = web.get(f"/api/v1/{kind}/export?{query}")
    rows = list(csv.DictReader(io.StringIO(table.get_data(as_text=True).removeprefix("\ufeff"))))
    assert (whole.mimetype, table.mimetype) == ("application/geo+json", "text/csv")
    assert f"filename={kind}.csv" in table.headers["Content-Disposition"]
    told = json.loads(whole.get_data())
    assert [one["id"] for one in told["features"]] == [int(row["id"]) for row in rows] == [one["id"] for one in listed["items"]]
    assert told["numberReturned"] == listed["total"] == len(rows)
    assert all(row["marking"] for row in rows if row["is_sample"] == "true")


def test_a_filter_given_again_takes_what_fits_either_and_filters_narrow_what_they_name(web, world):
    everything = read(web, "instruments", limit="1000")
    assert read(web, "instruments", kind=["platform", "university"])["total"] == everything["total"]
    assert read(web, "instruments", kind="university")["total"] == 0
    cheap = read(web, "instruments", max_price="119999", limit="1000")
    assert cheap["total"] == 0
    assert read(web, "instruments", max_price="120000", limit="1000")["total"] == sum(1 for one in everything["items"] if one["price"] == 120_000)


def test_instruments_by_distance_come_nearest_first_in_pages(web, world):
    query = {"sort": "near", "near": "121.2,28.1"}
    rows, totals = pages(web, "instruments", limit="3", **query)
    assert totals == {len(rows)}
    assert [one["distance_m"] for one in rows] == sorted(one["distance_m"] for one in rows)
    assert [one["id"] for one in rows] == [one["id"] for one in pages(web, "instruments", limit="1000", **query)[0]]
    assert {one["type"] for one in read(web, "instruments", type="扫描电子显微镜", **query)["items"]} == {"扫描电子显微镜"}


@pytest.mark.parametrize("path", ["instruments", "instruments/export", "carriers", "carriers/export"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("near=120,30", "within"), ("within=5", "near"), ("near=x&within=5", "near"), ("near=nan,1&within=5", "near"), ("near=181,1&within=5", "near"),
        ("within=-1&near=1,1", "within"), ("within=inf&near=1,1", "within"), ("class=01", "class"), ("class=０１００００", "class"), ("free=month", "free"),
        ("max_price=-1", "max_price"), ("max_price=a:b", "max_price"), ("max_price=9999999999999999999", "max_price"), ("max_price=²", "max_price"),
        ("type=" + "x" * 61, "type.0"), ("&".join(["kind=x"] * 21), "kind"),
    ],
)  # fmt: skip
def test_a_filter_that_cannot_be_meant_is_named(web, path, query, field):
    answer = web.get(f"/api/v1/{path}?{query}")
    assert answer.status_code in {400, 422}, query
    assert [one["field"] for one in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    "query", ["sort=near", "sort=near&near=1,2&cursor=aWQ6NQ==", "sort=near&near=1,2&format=csv", "sort=x", "cursor=bmVhcjoxOjI="]
)
def test_an_order_that_cannot_be_had_is_refused(web, query):
    answer = web.get(f"/api/v1/instruments?{query}")
    assert answer.status_code in {400, 422}
    assert answer.json["errors"][0]["field"] in {"near", "cursor", "sort"}


@pytest.mark.parametrize("kind", KINDS)
def test_one_item_has_the_fields_of_the_list_and_more(web, world, kind):
    listed = read(web, kind)["items"][0]
    Item.model_validate(listed)
    found = read(web, f"{kind}/{listed['id']}")
    Item.model_validate(found)
    assert set(found) > set(listed)
    assert {name: found[name] for name in listed if name != "instruments"} == {name: value for name, value in listed.items() if name != "instruments"}
    assert found["region_name"]


def test_an_instrument_that_is_closed_is_in_no_list_but_has_its_page(web, session, world):
    closed = make.instrument(session, world.carrier, is_open=False)
    session.commit()
    assert closed.id not in {row["id"] for row in pages(web, "instruments")[0]}
    assert read(web, f"instruments/{closed.id}")["is_open"] is False


def test_an_enterprise_is_no_carrier(web, session, world):
    assert web.get(f"/api/v1/carriers/{world.enterprise.id}").status_code == 404
    names = {row["id"] for row in pages(web, "carriers")[0]}
    assert names == set(session.scalars(Organisation.__table__.select().with_only_columns(Organisation.id).where(Organisation.kind == "carrier")))


def test_the_description_holds_together(app, web):
    found = web.get("/api/v1/openapi.json").json
    names = set()
    for path, item in found["paths"].items():
        for operation in item.values():
            assert operation["operationId"] not in names
            names.add(operation["operationId"])
            inside = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert inside == set(re.findall(r"{(\w+)}", path))
            assert all(one["required"] for one in operation.get("parameters", []) if one["in"] == "path")
            assert {code for code in operation["responses"] if code.startswith("2")}
            assert all(answer["description"] for answer in operation["responses"].values())
            assert all(name in found["components"]["securitySchemes"] for one in operation.get("security", []) for name in one)


def run(app, group, *args, **more):
    done = app.test_cli_runner().invoke(group.command, [str(arg) for arg in args], **more)
    return done.exit_code, done.stdout


def test_needs_are_answered_with_types_one_json_line_each(app):
    code, said = run(app, match, "types", "-", "--json", input="断口\n测一下\r\n\n扫描电镜\n")
    lines = [json.loads(line) for line in said.splitlines()]
    assert (code, len(lines)) == (0, 4)
    assert lines[0][0]["type"] == lines[3][0]["type"] == "扫描电子显微镜"
    assert set(lines[0][0]) == {"type", "score", "why"}
    assert [one["score"] for one in lines[0]] == sorted((one["score"] for one in lines[0]), reverse=True)
    assert set(lines[1]) == set(lines[2]) == {"ask", "options"}
    assert json.loads(run(app, match, "types", "断口", "--json")[1]) == lines[0]


def test_a_line_in_another_encoding_does_not_end_the_others(app):
    code, said = run(app, match, "types", "-", "--json", input="断口\n".encode("gbk") + "断口\n".encode())
    assert (code, len(said.splitlines())) == (0, 2)
    assert json.loads(said.splitlines()[1])[0]["type"] == "扫描电子显微镜"


COMMANDS = (
    (geodata, "locate", "120", "30"),
    (policy, "rule", "yuhuan-2023", "--price", "100"),
    (ledger, "check"),
    (ledger, "export"),
)


@pytest.mark.parametrize(("group", "args"), [(one[0], one[1:]) for one in COMMANDS])
@pytest.mark.parametrize("trouble", ["no database", "no tables"])
def test_a_command_without_its_database_ends_with_a_sentence(request, empty_url, group, args, trouble):
    from app import create_app

    engine = make_engine("postgresql+psycopg://x@127.0.0.1:1/x" if trouble == "no database" else empty_url, role=None)
    done = create_app(make_settings(), engine=engine).test_cli_runner().invoke(group.command, list(args))
    engine.dispose()
    assert done.exit_code == 1
    assert done.exception is None or isinstance(done.exception, SystemExit)
    assert done.stderr.startswith("Error: ")
    assert "。" in done.stderr


@pytest.mark.parametrize(
    ("group", "args"),
    [
        (geodata, ("locate", "nan", "30")),
        (geodata, ("locate", "120", "91")),
        (geodata, ("locate", "x", "1")),
        (geodata, ("regions", "--province", "33")),
        (policy, ("rule", "yuhuan-2023", "--price", "0")),
        (policy, ("rule", "yuhuan-2023", "--price", "1.5")),
        (policy, ("rule", "yuhuan-2023", "--price", "1", "--region", "浙江省浙江省")),
        (policy, ("rule", "yuhuan-2023", "--price", "1", "--carrier-region", "33")),
        (ledger, ("export", "--format", "beancount")),
    ],
)
def test_a_value_that_cannot_be_meant_is_a_mistake_of_usage(app, group, args):
    assert run(app, group, *args)[0] == 2
