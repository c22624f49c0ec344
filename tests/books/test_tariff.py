"""What a running hour means: power curve, embodied emissions, and the price of its own kind."""

from dataclasses import replace

import pytest

from exporter.core.accrual import Facility
from exporter.core.evidence import GapReason, PriceKey, PriceQuote, SpotPrices, SpotQuote
from exporter.core.fleet import PurchaseOption
from exporter.core.metering import UNKNOWN_RATES
from exporter.core.power import PowerCurve
from tests.books.scenes import HOUR, USD_PER_HOUR, WEB, facts, place_facts, sighted, tariff
from tests.factories import (
    DUBLIN,
    FRANKFURT,
    M5_LARGE,
    NOW,
    T3_MICRO,
    WEB_PRICE,
    hardware,
    instance,
)

SPOT = instance("i-spot", purchase_option=PurchaseOption.SPOT)


def rates_of(subject, instance_type="m5.large", at=NOW, **changes):
    return tariff(facts(place_facts(sighted(subject)), **changes)).rates(subject, at)(instance_type)


def test_rates_of_a_web_server():
    """The curve through the profile's watts, its embodied emissions and the list price."""
    found = rates_of(WEB)

    assert found.curve == PowerCurve.through(M5_LARGE.watts)
    assert found.embodied_grams_per_hour == 0.46
    assert found.usd_per_hour == USD_PER_HOUR


@pytest.mark.parametrize(
    ("changes", "lacking"),
    [
        ({"profiles": {}}, ("curve", "embodied_grams_per_hour")),
        (
            {"profiles": {"m5.large": replace(M5_LARGE, watts=(), power_gap=GapReason.NO_PROFILE)}},
            ("curve",),
        ),
        (
            {"profiles": {"m5.large": replace(M5_LARGE, embodied=None)}},
            ("embodied_grams_per_hour",),
        ),
        # Its processors are not all that draws power.
        ({"hardware": {"m5.large": hardware("m5.large", accelerators=1)}}, ("curve",)),
        ({"prices": {}}, ("usd_per_hour",)),
        ({"prices": {WEB_PRICE: PriceQuote(WEB_PRICE, None)}}, ("usd_per_hour",)),
    ],
)
def test_what_is_not_known_is_none(changes, lacking):
    """And nothing else with it; without a description of the hardware there is a profile."""
    found = rates_of(WEB, **changes)

    names = ("curve", "embodied_grams_per_hour", "usd_per_hour")
    assert tuple(name for name in names if getattr(found, name) is None) == lacking


@pytest.mark.parametrize(
    "other",
    [
        replace(WEB, region="eu-west-1", availability_zone="eu-west-1a"),
        replace(WEB, usage_operation="RunInstances:0002"),
        replace(WEB, tenancy="dedicated"),
        replace(WEB, availability_zone="eu-central-1-ham-1a"),
        replace(WEB, purchase_option=PurchaseOption.CAPACITY_BLOCK),
        replace(WEB, purchase_option=PurchaseOption.SPOT),
    ],
)
def test_the_price_is_that_of_its_own_kind(other):
    """Another place, system, tenancy or purchase option is another price; the power is the same."""
    found = rates_of(other)

    assert found.usd_per_hour is None
    assert found.curve == PowerCurve.through(M5_LARGE.watts)


def test_rates_are_looked_up_by_the_type_of_the_run():
    """What an instance was before it was resized has rates of its own."""
    small = PriceKey("eu-central-1", "t3.micro", "RunInstances", "default")
    known = facts(
        place_facts(sighted(WEB)),
        profiles={"m5.large": M5_LARGE, "t3.micro": T3_MICRO},
        prices={WEB_PRICE: PriceQuote(WEB_PRICE, 0.12), small: PriceQuote(small, 0.012)},
    )

    found = tariff(known).rates(WEB, NOW)

    assert found("m5.large").usd_per_hour == 0.12
    assert found("t3.micro").usd_per_hour == 0.012
    assert found("t3.micro").embodied_grams_per_hour == 0.11
    assert found("x1.32xlarge") == UNKNOWN_RATES
    assert found("m5.large") is found("m5.large")


def quote(usd: float, at: float, **changes) -> SpotQuote:
    return replace(SpotQuote("eu-central-1a", "m5.large", "Linux/UNIX", usd, at), **changes)


QUOTES = SpotPrices(
    FRANKFURT,
    quotes=(quote(0.05, NOW - HOUR), quote(0.9, NOW - HOUR, availability_zone="eu-central-1b")),
    past=(quote(0.03, NOW - 9 * HOUR), quote(0.04, NOW - 3 * HOUR)),
)


@pytest.mark.parametrize(
    ("hours_ago", "usd_per_hour"),
    [(0, 0.05), (1, 0.05), (2, 0.04), (3, 0.04), (3.5, 0.03), (9, 0.03), (9.5, None)],
)
def test_a_spot_price_is_the_one_in_force(hours_ago, usd_per_hour):
    """At the instant asked for, in its own zone; before the oldest known price there is none."""
    known = facts(place_facts(sighted(SPOT), spot=QUOTES))

    found = tariff(known).rates(SPOT, NOW - hours_ago * HOUR)

    assert found("m5.large").usd_per_hour == usd_per_hour
    assert found("m5.large").embodied_grams_per_hour == 0.46
    assert found("c5.large").usd_per_hour is None


def test_a_capacity_block_has_no_spot_price():
    """It was paid for in advance, whatever the pool costs."""
    block = replace(SPOT, purchase_option=PurchaseOption.CAPACITY_BLOCK)
    known = facts(place_facts(sighted(block), spot=QUOTES))

    assert tariff(known).rates(block, NOW)("m5.large").usd_per_hour is None


def test_spot_prices_are_those_of_the_place():
    """Another account or region has other ones, even of a zone with the same name."""
    elsewhere = place_facts(place=DUBLIN, spot=replace(QUOTES, place=DUBLIN))
    known = facts(place_facts(sighted(SPOT)), elsewhere)

    assert tariff(known).rates(SPOT, NOW)("m5.large").usd_per_hour is None


@pytest.mark.parametrize(
    ("subject", "facility"),
    [
        (WEB, Facility("DE", 1.25)),
        (
            replace(WEB, region="eu-west-1", availability_zone="eu-west-1a"),
            Facility("IE", 1.5),
        ),
        # A Local Zone is neither its region's data centre nor on its grid for certain.
        (replace(WEB, availability_zone="eu-central-1-ham-1a"), Facility("", None)),
        (replace(WEB, region="me-south-1", availability_zone="me-south-1a"), Facility("", None)),
    ],
)
def test_where_it_is(subject, facility):
    """Grid zone and PUE of its location, empty or None where the operator has to say them."""
    assert tariff().facility(subject) == facility
