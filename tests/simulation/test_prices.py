from itertools import pairwise

import pytest

from exporter.core.evidence import PriceKey, SpotKey, SpotQuote
from exporter.core.fleet import Place
from exporter.simulation import fleet, prices

LINUX, WINDOWS = "RunInstances", "RunInstances:0002"
START_AT = 1_780_000_000.0 // 21600 * 21600


def listed(
    location: str = "eu-central-1",
    kind: str = "m5.large",
    operation: str = LINUX,
    tenancy: str = "default",
) -> float | None:
    return prices.list_price(PriceKey(location, kind, operation, tenancy)).usd_per_hour


def quoted(key: SpotKey, at: float) -> SpotQuote:
    quote = prices.spot_price(7, key, at)
    assert quote is not None
    return quote


def test_price_depends_on_region_and_operating_system() -> None:
    """Frankfurt, Ireland, Stockholm and Virginia in this order; Windows costs more than Linux."""
    assert listed("us-east-1") == 0.1
    assert listed("eu-north-1") == pytest.approx(0.106)
    assert listed("eu-west-1") == pytest.approx(0.11)
    assert listed("eu-central-1") == pytest.approx(0.118)
    assert listed(operation=WINDOWS) == pytest.approx(0.118 + 2 * 0.045)


@pytest.mark.parametrize(
    ("kind", "half"),
    [
        ("m5.4xlarge", "m5.2xlarge"),
        ("m5.2xlarge", "m5.xlarge"),
        ("m5.xlarge", "m5.large"),
        ("c7g.large", "c7g.medium"),
        ("r5.xlarge", "r5.large"),
    ],
)
def test_half_the_size_costs_half(kind: str, half: str) -> None:
    """But for rounding: types that nobody runs have prices too."""
    for location in ("us-east-1", "eu-north-1", "eu-west-1", "eu-central-1"):
        price = listed(location, kind)
        assert price is not None
        assert listed(location, half) == pytest.approx(price / 2, abs=0.0001)


def test_the_whole_fleet_is_sold_in_stockholm() -> None:
    """So that a move there has a cost: every type and operation in use, Windows included."""
    for post in fleet.posts(7, 100):
        assert listed("eu-north-1", post.instance_type, post.usage_operation) is not None


@pytest.mark.parametrize(
    "unsold",
    [
        {"location": "ap-east-1"},
        {"kind": "z9.huge"},
        {"operation": "RunInstances:0010"},
        {"operation": ""},
        {"tenancy": "dedicated"},
    ],
)
def test_what_is_not_sold_has_no_price(unsold: dict[str, str]) -> None:
    """There is no price instead of a wrong one."""
    assert listed(**unsold) is None


def test_quote_carries_its_key() -> None:
    """The answer says what it is the price of."""
    key = PriceKey("eu-west-1", "r5.large", LINUX, "default")

    assert prices.list_price(key).key == key


def test_spot_costs_about_a_third_and_wanders_slowly() -> None:
    """Between 29 and 41 percent of the list price, a few percent a step, each zone on its own."""
    key = SpotKey("us-east-1a", "c5.xlarge", "Linux/UNIX")
    quotes = [quoted(key, START_AT + step * 21600) for step in range(168)]
    ratios = [quote.usd_per_hour / 0.18 for quote in quotes]
    other = quoted(key._replace(availability_zone="us-east-1b"), START_AT)

    assert 0.285 < min(ratios) < max(ratios) < 0.415
    assert max(ratios) - min(ratios) > 0.03
    assert all(abs(b - a) < 0.02 for a, b in pairwise(ratios))
    assert other.usd_per_hour != quotes[0].usd_per_hour
    assert {quote.key for quote in quotes} == {key}


def test_spot_price_is_in_force_since_its_own_time() -> None:
    """Asked at any time of its six hours it is the same quote."""
    key = SpotKey("eu-west-1c", "c5.xlarge", "Linux/UNIX")
    early, late = (quoted(key, START_AT + after) for after in (0, 21599))

    assert early == late
    assert early.priced_at == START_AT


@pytest.mark.parametrize(
    "key",
    [
        SpotKey("us-east-1a", "z9.huge", "Linux/UNIX"),
        SpotKey("us-east-1a", "c5.xlarge", "Windows"),
        SpotKey("mars-1a", "c5.xlarge", "Linux/UNIX"),
    ],
)
def test_what_is_not_sold_as_spot_has_no_quote(key: SpotKey) -> None:
    """There is no quote instead of a wrong one."""
    assert prices.spot_price(7, key, START_AT) is None


def test_past_spot_prices_of_fifty_days_are_told() -> None:
    """Oldest first, each until the next; the oldest was in force fifty days ago."""
    at = START_AT + 100
    place = Place("444455556666", "us-east-1")
    keys = [SpotKey(f"us-east-1{zone}", "c5.xlarge", "Linux/UNIX") for zone in "ab"]
    answer = prices.spot_prices(7, place, keys[::-1], at)

    assert (answer.place, answer.asked_at) == (place, at)
    assert answer.quotes == tuple(quoted(key, at) for key in keys)
    assert answer.past == tuple(
        quoted(key, START_AT - back * 21600) for back in range(200, 0, -1) for key in keys
    )


def test_nothing_needed_has_no_prices() -> None:
    """Neither now nor before; nor has what is not sold."""
    place = Place("444455556666", "us-east-1")
    for keys in (set[SpotKey](), {SpotKey("us-east-1a", "z9.huge", "Linux/UNIX")}):
        answer = prices.spot_prices(7, place, keys, START_AT)
        assert (answer.quotes, answer.past) == ((), ())
