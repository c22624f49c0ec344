from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.cost import (
    SpotTimeline,
    cost_eur_per_hour,
    cost_usd_per_hour,
    needs_list_price,
    price_key,
    spot_key,
    spot_usd_at,
)
from exporter.core.evidence import (
    ExchangeRate,
    GapReason,
    PriceKey,
    PriceQuote,
    SpotKey,
    SpotPrices,
    SpotQuote,
)
from exporter.core.fleet import PurchaseOption
from tests.factories import FRANKFURT, NOW, evidence, instance

SPOT: dict[str, Any] = {"purchase_option": PurchaseOption.SPOT}
PRICES = {
    key: PriceQuote(key, usd_per_hour)
    for key, usd_per_hour in (
        (PriceKey("eu-central-1", "m5.large", "RunInstances", "default"), 0.115),
        (PriceKey("eu-central-1", "m5.large", "RunInstances:0002", "default"), 0.207),
        (PriceKey("eu-central-1", "m5.large", "RunInstances", "dedicated"), 0.122),
        (PriceKey("eu-central-1", "c6g.xlarge", "RunInstances", "default"), 0.1552),
        (PriceKey("eu-central-1-ham-1", "m5.large", "RunInstances", "default"), 0.144),
        (PriceKey("eu-central-1", "m5.large", "RunInstances:0102", "default"), None),
    )
}
SPOT_PRICES = SpotPrices(
    FRANKFURT,
    (
        SpotQuote("eu-central-1a", "m5.large", "Linux/UNIX", 0.041, NOW),
        SpotQuote("eu-central-1b", "m5.large", "Linux/UNIX", 0.047, NOW),
        SpotQuote("eu-central-1a", "m5.large", "Windows", 0.133, NOW),
    ),
)


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ({}, 0.115),
        ({"platform": "Windows", "usage_operation": "RunInstances:0002"}, 0.207),
        ({"tenancy": "dedicated"}, 0.122),
        ({"instance_type": "c6g.xlarge"}, 0.1552),
        ({"availability_zone": "eu-central-1-ham-1a"}, 0.144),
        ({"usage_operation": "RunInstances:0102"}, GapReason.NO_PRICE),
        ({"tenancy": "host"}, GapReason.SOURCE_DOWN),
        (SPOT, 0.041),
        (SPOT | {"availability_zone": "eu-central-1b"}, 0.047),
        (SPOT | {"platform": "Windows"}, 0.133),
        (SPOT | {"availability_zone": "eu-central-1c"}, GapReason.NO_PRICE),
        (SPOT | {"platform": "Red Hat Enterprise Linux"}, GapReason.NO_PRICE),
        (SPOT | {"instance_type": "c6g.xlarge"}, GapReason.NO_PRICE),
        (SPOT | {"account_id": "444455556666"}, GapReason.SOURCE_DOWN),
        ({"purchase_option": PurchaseOption.CAPACITY_BLOCK}, GapReason.NO_PRICE),
    ],
)
def test_cost_is_the_price_of_what_was_bought(changes, cost):
    """By purchase option, system, tenancy and zone, and never by a relative of these."""
    facts = evidence(prices=PRICES, spot=[SPOT_PRICES])

    assert cost_usd_per_hour(instance(**changes), facts) == cost


def test_keys_name_what_a_price_depends_on():
    """They are what the prices are asked for by."""
    subject = instance(availability_zone="eu-central-1-ham-1a", tenancy="dedicated")

    assert price_key(subject) == PriceKey(
        "eu-central-1-ham-1", "m5.large", "RunInstances", "dedicated"
    )
    assert spot_key(subject) == SpotKey("eu-central-1-ham-1a", "m5.large", "Linux/UNIX")


@pytest.mark.parametrize("option", PurchaseOption)
def test_only_on_demand_instances_need_a_list_price(option):
    """No other price is asked for."""
    needed = needs_list_price(instance(purchase_option=option))

    assert needed == (option is PurchaseOption.ON_DEMAND)


@pytest.mark.parametrize(
    ("usd", "rate", "eur"),
    [
        (0.115, ExchangeRate(1.25, NOW, "ecb"), 0.092),
        (GapReason.NO_PRICE, ExchangeRate(1.25, NOW, "ecb"), GapReason.NO_PRICE),
        (0.115, GapReason.NOT_CONFIGURED, GapReason.NOT_CONFIGURED),
        (0.115, GapReason.NO_EXCHANGE_RATE, GapReason.NO_EXCHANGE_RATE),
        (GapReason.NO_PRICE, GapReason.NO_EXCHANGE_RATE, GapReason.NO_PRICE),
        (GapReason.NO_PRICE, GapReason.SOURCE_DOWN, GapReason.SOURCE_DOWN),
        (GapReason.SOURCE_DOWN, GapReason.NOT_CONFIGURED, GapReason.NOT_CONFIGURED),
    ],
)
def test_euros_need_a_price_and_a_rate(usd, rate, eur):
    """Without either there are none, and the reason is the one that comes first."""
    assert cost_eur_per_hour(usd, rate) == pytest.approx(eur)


POOL = SpotKey("eu-central-1a", "m5.large", "Linux/UNIX")


def spot_quote(usd_per_hour, priced_at, zone="eu-central-1a"):
    return SpotQuote(zone, "m5.large", "Linux/UNIX", usd_per_hour, priced_at)


@pytest.mark.parametrize(
    ("at", "usd"),
    [(99, None), (100, 0.04), (199, 0.04), (200, 0.05), (299, 0.05), (300, 0.06), (9e9, 0.06)],
)
def test_spot_price_at_an_instant(at, usd):
    """Each price holds from its own instant to the next; before the oldest nothing is known."""
    prices = SpotPrices(
        FRANKFURT,
        quotes=(spot_quote(0.06, 300),),
        past=(spot_quote(0.04, 100), spot_quote(0.01, 150, "eu-central-1b"), spot_quote(0.05, 200)),
    )

    assert spot_usd_at(prices, POOL, at) == usd
    assert spot_usd_at(prices, POOL._replace(platform="Windows"), at) is None


@given(
    changes=st.dictionaries(st.integers(0, 1000), st.floats(0.001, 1.0), max_size=30),
    instants=st.lists(st.integers(-10, 1010), max_size=30),
)
def test_spot_timeline_against_a_search(changes, instants):
    """The same as walking through all prices, in whatever order they are held."""
    quotes = tuple(spot_quote(usd, at) for at, usd in changes.items())
    timeline = SpotTimeline(SpotPrices(FRANKFURT, quotes[:1], quotes[1:]))

    for at in instants:
        before = [since_at for since_at in changes if since_at <= at]
        expected = changes[max(before)] if before else None
        assert timeline.usd_per_hour_at(POOL, at) == expected
