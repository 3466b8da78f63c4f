"""Counting by region: every county has its row, sums add up, and an unknown number of residents stays unknown."""

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from geodata import loading
from geodata.queries import counts_by_region
from geodata.sample import lay


@pytest.fixture(scope="module")
def world(app_engine):
    with app_engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as session:
            loading.load_facts(session)
            lay(session, "tiny", day=date(2026, 3, 2))
            yield session
        outer.rollback()


def test_counts_of_a_class_cover_every_county_and_add_up(world):
    rows = counts_by_region(world, "010000")
    assert len(rows) == 90
    exact = "SELECT count(*) FROM instrument i JOIN instrument_type k ON k.id = i.type_id WHERE i.is_open AND k.class_code LIKE '01%' AND i.adcode NOT LIKE '%00'"
    assert sum(row.instruments for row in rows) == world.execute(text(exact)).scalar()
    assert any(row.instruments == 0 and row.population for row in rows)
    assert any(row.population is None for row in rows)


def test_a_subclass_counts_what_is_in_it_and_every_class_together_is_all(world):
    subclass, whole, everything = (sum(row.instruments for row in counts_by_region(world, code)) for code in ("010100", "010000", ""))
    assert 0 < subclass < whole < everything


def test_what_is_known_only_to_the_city_counts_for_no_county(world):
    rough = world.execute(text("SELECT count(*) FROM instrument WHERE is_open AND adcode LIKE '33__00'")).scalar()
    total = world.execute(text("SELECT count(*) FROM instrument WHERE is_open AND type_id IS NOT NULL")).scalar()
    assert rough
    assert sum(row.instruments for row in counts_by_region(world)) == total - rough
