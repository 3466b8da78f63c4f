"""What an instrument reaches is held against what is asked: in Python and in SQL alike, and never by an older text than the one that stands."""

from itertools import product

import pytest
from sqlalchemy import text

from matching import speclimits
from matching.limits import Limit
from matching.specfit import Known, known, states, violations
from tests import factories as make


def ask(op, low=None, high=None, quantity="力", unit="N"):
    return Limit(quantity, op, low, high, unit, "")


@pytest.mark.parametrize(
    ("specs", "limit", "state"),
    [
        ({"最大力": "600 kN"}, ask(">=", 300e3), "met"),
        ({"最大力": "100 kN"}, ask(">=", 300e3), "violated"),
        ({"精度等级": "1 级"}, ask(">=", 300e3), "unknown"),
        ({}, ask(">=", 300e3), "unknown"),
        ({"分辨率": "3.0 nm@30 kV"}, ask("<=", None, 3e-9, "分辨率", "m"), "met"),
        ({"分辨率": "3.0 nm@30 kV"}, ask("<=", None, 1e-9, "分辨率", "m"), "violated"),
        ({"温度范围": "-40～150℃"}, ask("covers", 233.15, 423.15, "温度", "K"), "met"),
        ({"温度范围": "-40～150℃"}, ask("covers", 213.15, 423.15, "温度", "K"), "violated"),
        ({"加速电压": "0.5–30 kV"}, ask("covers", 20e3, 20e3, "加速电压", "V"), "met"),
    ],
)
def test_a_figure_says_how_far_an_instrument_goes(specs, limit, state):
    assert states([limit], known(specs)) == (state,)
    assert violations([limit], known(specs)) == ((limit,) if state == "violated" else ())


def test_the_database_says_what_the_arithmetic_says(session):
    one = make.listing(session, make.instrument(session)).instrument_id
    readings = [Known("力", low, high, "N", finer) for low, high, finer in product((None, 1.0, 5.0), (None, 5.0, 9.0), (False, True))]
    limits = [ask(op, low, high) for op, low, high in ((">=", 5.0, None), ("<=", None, 2.0), ("covers", 1.0, 9.0), ("covers", 5.0, 5.0))]
    put = text("INSERT INTO instrument_limit VALUES (:i, 0, :quantity, :low, :high, :si_unit, :finer, '')")
    for reading, limit in product(readings, limits):
        session.execute(text("DELETE FROM instrument_limit WHERE instrument_id = :i"), {"i": one})
        names = ("quantity", "low", "high", "si_unit", "finer")
        session.execute(put, {"i": one, **{name: getattr(reading, name) for name in names}})
        sql, values = speclimits.fits_sql(limit, "x")
        truth = session.scalar(text(f"SELECT {sql} FROM open_instrument m WHERE m.id = :i"), {"i": one, **values})
        assert truth is (states([limit], [reading]) == ("met",)), (reading, limit)


def test_a_changed_text_is_read_anew_and_counts_as_not_stated_until_then(session):
    one = make.instrument(session, specs={"最大力": "100 kN"})
    session.flush()
    speclimits.read_all(session)
    high = text("SELECT high FROM instrument_limit WHERE instrument_id = :i")
    assert session.scalar(high, {"i": one.id}) == 100e3
    session.execute(text("""UPDATE instrument SET specs = '{"最大力": "600 kN"}' WHERE id = :i"""), {"i": one.id})
    assert session.scalar(high, {"i": one.id}) is None
    assert speclimits.unread(session) == [1]
    speclimits.read_all(session)
    assert session.scalar(high, {"i": one.id}) == 600e3
    assert speclimits.unread(session) == []
    assert session.execute(text("SELECT * FROM instrument_limit_drift")).all() == []
