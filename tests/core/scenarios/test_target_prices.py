import pytest

from exporter.core.evidence import PriceKey, PriceQuote
from exporter.core.scenarios.target_prices import TargetPrices
from tests.core.scenarios.scenes import key

HERE = key().price_key
THERE = HERE._replace(location="eu-west-1")


def quotes(**usd: float | None) -> dict[PriceKey, PriceQuote]:
    """Quotes by place: here=0.1, there=None (not sold)."""
    keys = {"here": HERE, "there": THERE}
    return {keys[place]: PriceQuote(keys[place], price) for place, price in usd.items()}


@pytest.mark.parametrize(
    ("prices", "ratio", "unsold", "wishes"),
    [
        (quotes(here=0.1, there=0.12), 1.2, False, set()),
        (quotes(here=0.1, there=None), None, True, set()),
        (quotes(there=None), None, True, set()),  # it stays: no need to know its price
        (quotes(here=None, there=None), None, True, set()),
        (quotes(here=None, there=0.12), None, False, set()),
        (quotes(here=0.0, there=0.12), None, False, set()),
        (quotes(here=0.1, there=0.0), 0.0, False, set()),
        (quotes(here=0.1), None, False, {THERE}),
        (quotes(there=0.12), None, False, {HERE}),
        ({}, None, False, {HERE, THERE}),
    ],
)
def test_what_is_known_of_a_price(prices, ratio, unsold, wishes):
    """A multiple, not sold there, not priced here, or a wish for what was never answered."""
    found = TargetPrices.of([HERE], "eu-west-1", prices)

    assert found.cost_ratios.get(HERE) == (None if ratio is None else pytest.approx(ratio))
    assert found.unsold == ({HERE} if unsold else set())
    assert found.wishes == wishes
    assert found.knows(HERE) is (ratio is not None or unsold)
