"""What giving up a condition brings, where a type has more instruments than are looked at: a number that is only a beginning says so."""

from __future__ import annotations

import pytest

from matching import relaxing
from matching.hard import Check
from matching.relaxing import Field, relaxations
from tests import factories as make

CHEAP = Check("budget", "1500元以内", "m.price <= 150000", local=True)
PAPER = Check("qualification", "要CMA", "EXISTS (SELECT FROM accreditation a WHERE a.organisation_id = m.organisation_id)")


def lay(session, name, prices):
    """Lay one instrument a price, each of its own carrier, the next farther north than the last; return the type's id."""
    kind = make.instrument_type(session, name)
    for n, price in enumerate(prices):
        one = make.instrument(session, type_id=kind.id, geom=f"SRID=4326;POINT(121 {28 + n / 10})")
        make.listing(session, one, price=price)
    return kind.id


@pytest.mark.parametrize(("ceiling", "told"), [(3, "3+"), (4, "4+"), (5, "4"), (2_000, "4")])
def test_a_count_that_ends_at_the_ceiling_says_that_there_are_more(session, monkeypatch, ceiling, told):
    kind = lay(session, "示例试验机", [200_000] * 4)
    monkeypatch.setattr(relaxing, "LOOKED_AT", ceiling)
    (one,) = relaxations(session, Field((kind,), relaxing.MIDDLE), (CHEAP,))
    assert (one.keys, one.params["n"], one.params["instruments"]) == (("budget",), told, told)
    assert (one.n, one.instruments) == (int(told.rstrip("+")),) * 2


def test_a_type_that_was_cut_is_told_though_nothing_of_it_is_left(session, monkeypatch):
    """The nearest of the cut type miss price and paper, so giving up one of the two brings none of them; farther ones nobody looked at."""
    cut = lay(session, "示例试验机", [200_000] * 4)
    whole = lay(session, "示例天平", [100_000])
    monkeypatch.setattr(relaxing, "LOOKED_AT", 3)
    found = relaxations(session, Field((cut, whole), relaxing.MIDDLE), (CHEAP, PAPER))
    assert [(one.keys, one.params["n"]) for one in found] == [(("qualification",), "1+")]
