"""What a thing may cost so that no more than a sum remains after my vouchers: the same answer as asking for each price."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bookings.checkout import Purse, Terms
from bookings.limits import NOBODY, groups, own_limits
from core.money import MAX_FEN
from tests import factories as make
from vouchers.policy import Caps, Services, Tier
from vouchers.queries import VoucherRow
from vouchers.rules import Deal

CODES = ("test_analysis", "joint_rd", "certification", "training")
RELATED, OTHER = 77, 78
RATIOS = ("0", "0.1", "0.333333", "0.5", "0.999999", "1")


@st.composite
def purses(draw):
    bounds = sorted(draw(st.sets(st.integers(1, 5_000), max_size=2)))
    tiers = tuple(Tier(upto=upto, ratio=Decimal(draw(st.sampled_from(RATIOS)))) for upto in [*bounds, None])
    assume(any(tier.ratio for tier in tiers))
    allow = draw(st.one_of(st.just(("*",)), st.sets(st.sampled_from(CODES), min_size=1).map(tuple)))
    deny = draw(st.sampled_from(((), CODES[:1]))) if allow == ("*",) else ()
    services = Services(allow=allow, deny=deny, deny_if=draw(st.sampled_from(((), ("related_party",)))))
    caps = Caps(per_year=draw(st.one_of(st.none(), st.integers(1, 6_000))))
    policy = make.terms(tiers=[tier.model_dump() for tier in tiers], services=services.model_dump(), caps=caps.model_dump())
    deal = Deal(0, "", balance=draw(st.integers(1, 4_000)), used_year=draw(st.integers(0, 6_000)))
    return Purse(VOUCHER, policy, deal)


DAY = date(2026, 11, 24)
VOUCHER = VoucherRow(1, "示例", "示例", "示例", 1, 1, "331083", 1, "active", DAY, DAY, DAY, 1, 1, 0, 0, 0, 0, 0, is_sample=True)
TERMS = st.builds(
    lambda found, related: Terms(tuple(found), related), st.lists(purses(), max_size=3), st.sampled_from((frozenset(), frozenset({RELATED})))
)


def own(terms, price, service, carrier):
    return price - terms.choose(price, service, carrier_id=carrier)[1].amount


def limits(terms, most):
    """Return the limit of each service at each of two carriers."""
    found = own_limits(terms, CODES, most)
    sides = {carrier: dict(found.related_prices if carrier in found.related else found.prices) for carrier in (RELATED, OTHER)}
    return [(service, carrier, side[service]) for carrier, side in sides.items() for service in CODES]


@settings(deadline=None)
@given(TERMS, st.integers(0, 12_000))
def test_a_limit_is_the_dearest_price_of_which_no_more_remains(terms, most):
    for service, carrier, found in limits(terms, most):
        assert found == 0 or own(terms, found, service, carrier) <= most
        assert own(terms, found + 1, service, carrier) > most


@settings(deadline=None)
@given(TERMS, st.integers(0, 12_000), st.lists(st.integers(1, 16_000), max_size=8))
def test_an_offer_is_within_its_limit_exactly_when_the_checkout_leaves_no_more_to_pay(terms, most, prices):
    for service, carrier, found in limits(terms, most):
        for price in prices:
            assert (price <= found) == (own(terms, price, service, carrier) <= most)


@settings(deadline=None)
@given(TERMS, st.lists(st.integers(1, 16_000), min_size=2, max_size=12))
def test_what_remains_to_be_paid_never_falls_when_the_price_rises(terms, prices):
    for service in CODES:
        owns = [own(terms, price, service, OTHER) for price in sorted(prices)]
        assert owns == sorted(owns)


@settings(deadline=None)
@given(TERMS)
def test_every_service_stands_in_one_group_on_each_side(terms):
    found = groups(terms, CODES)
    for side in {group.is_related for group in found}:
        assert sorted(code for group in found if group.is_related is side for code in group.services) == sorted(CODES)
    assert not any(group.is_related for group in found) or terms.related


def test_without_a_voucher_the_price_is_what_remains():
    found = own_limits(Terms((), frozenset({RELATED})), CODES, 12_345)
    assert dict(found.prices) == dict.fromkeys(CODES, 12_345)
    assert found.related == ()


def test_the_largest_sum_that_can_be_typed_needs_no_long_search():
    terms = Terms((Purse(VOUCHER, make.terms(), Deal(0, "", balance=2_000_000)),), frozenset())
    found = own_limits(terms, CODES, MAX_FEN)
    assert own(terms, dict(found.prices)["test_analysis"], "test_analysis", NOBODY) <= MAX_FEN
