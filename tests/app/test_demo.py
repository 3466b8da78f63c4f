"""Demo persons exist in the sample world and nowhere else."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select, text

from app import create_app
from app.accounts import add_membership, add_user
from app.cli.demo import command
from app.demo import DEMO_PASSWORD
from geodata.organisations import Organisation
from tests import factories
from tests.app.conftest import REGION, log_in, make_settings


@pytest.fixture
def world(session):
    """Lay a small world: three enterprises, two carriers with instruments, two authorities."""
    for _ in range(3):
        factories.enterprise(session)
    for _ in range(2):
        factories.instrument(session)
    for _ in range(2):
        factories.organisation(session, kind="authority", adcode=REGION)
    session.commit()
    return session


def tokens(app, *args):
    return app.test_cli_runner().invoke(command, ["token", *args])


@pytest.mark.parametrize("role", ["enterprise", "carrier", "reviewer", "finance", "auditor", "planner"])
def test_tokens_of_two_persons_of_each_role_work(app, web, world, role):
    done = tokens(app, role, "--n", "2", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert len({one["who"] for one in found}) == 2
    for one in found:
        me = web.get("/api/v1/me", headers={"Authorization": f"Bearer {one['token']}"}).json
        assert (me["role"], me["organisation_id"]) == (role, one["organisation_id"])
        assert "voucher" in one


def test_three_officers_of_one_authority_can_review_approve_and_pay(app, world):
    found = json.loads(tokens(app, "reviewer", "--n", "3", "--json").output)
    assert len({one["region"] for one in found}) == len({one["organisation"] for one in found}) == 1
    assert len({one["who"] for one in found}) == 3


def test_asking_twice_gives_the_same_persons_new_tokens(app, world):
    first, second = (json.loads(tokens(app, "enterprise", "--n", "3", "--json").output) for _ in range(2))
    assert [one["who"] for one in first] == [one["who"] for one in second]
    assert {one["token"] for one in first}.isdisjoint(one["token"] for one in second)


def test_holders_of_a_voucher_come_first_and_name_it(app, session, world):
    voucher = factories.voucher(session)
    session.commit()
    (found,) = json.loads(tokens(app, "enterprise", "--json").output)
    assert (found["voucher"], found["organisation_id"]) == (voucher.code, voucher.holder_id)


def test_more_persons_than_there_are_is_refused_with_the_number(app, world):
    done = tokens(app, "enterprise", "--n", "4", "--json")
    assert done.exit_code == 1
    assert "3" in done.output


def test_outside_the_sample_world_there_is_no_token_and_no_demo_log_in(connection, session, world):
    real = create_app(make_settings(SAMPLE="none"), engine=connection)
    assert tokens(real, "enterprise", "--json").exit_code == 1
    assert "示例账号" not in real.test_client().get("/login").get_data(as_text=True)


def test_a_database_without_sample_rows_has_no_demo_persons_whatever_the_setting(app, session):
    assert tokens(app, "enterprise", "--json").exit_code == 1
    assert session.execute(text("SELECT count(*) FROM app_user")).scalar() == 0


def test_the_log_in_page_lists_the_demo_log_ins_and_they_work(web, world):
    holder = world.scalars(select(Organisation.id).where(Organisation.kind == "enterprise").limit(1)).one()
    for login in ("buyer", "sample-e-1"):
        add_membership(world, add_user(world, login, name=login, password=DEMO_PASSWORD, is_sample=True), organisation_id=holder, role="enterprise")
    world.commit()
    page = web.get("/login").get_data(as_text=True)
    assert ">buyer<" in page
    assert ">sample-e-1<" not in page
    assert DEMO_PASSWORD in page
    assert log_in(web, "sample-e-1", DEMO_PASSWORD).status_code == 303
