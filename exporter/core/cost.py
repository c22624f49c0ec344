"""Hourly compute cost of an instance: the price of its own purchase option, OS and tenancy."""

from bisect import bisect_right
from collections import defaultdict

from exporter.core.evidence import (
    Evidence,
    ExchangeRate,
    GapReason,
    PriceKey,
    SpotKey,
    SpotPrices,
    first_reason,
)
from exporter.core.fleet import Instance, PurchaseOption


def price_key(instance: Instance) -> PriceKey:
    """What the on-demand list price of an instance depends on."""
    return PriceKey(
        instance.location, instance.instance_type, instance.usage_operation, instance.tenancy
    )


def spot_key(instance: Instance) -> SpotKey:
    """What the spot price of an instance depends on, inside its account and region."""
    return SpotKey(instance.availability_zone, instance.instance_type, instance.platform)


def needs_list_price(instance: Instance) -> bool:
    """Whether the on-demand list price is what a running instance costs."""
    return instance.purchase_option is PurchaseOption.ON_DEMAND


def cost_usd_per_hour(instance: Instance, evidence: Evidence) -> float | GapReason:
    """US dollars per running hour, or why there is none.

    A capacity block is paid in advance: it has no hourly price to look up.
    """
    if instance.purchase_option is PurchaseOption.CAPACITY_BLOCK:
        return GapReason.NO_PRICE
    if instance.purchase_option is PurchaseOption.SPOT:
        return _spot_usd_per_hour(instance, evidence)
    quote = evidence.prices.get(price_key(instance))
    if quote is None:
        return GapReason.SOURCE_DOWN
    return GapReason.NO_PRICE if quote.usd_per_hour is None else quote.usd_per_hour


def _spot_usd_per_hour(instance: Instance, evidence: Evidence) -> float | GapReason:
    prices = evidence.spot.get(instance.place)
    if prices is None:
        return GapReason.SOURCE_DOWN
    quote = prices.get(spot_key(instance))
    return GapReason.NO_PRICE if quote is None else quote.usd_per_hour


class SpotTimeline:
    """The spot prices of one place over time, sorted once so that many instants can be looked up.

    A price holds from its own instant until the next one of its key; the newest holds on.
    """

    def __init__(self, prices: SpotPrices) -> None:
        self._since_at: defaultdict[SpotKey, list[float]] = defaultdict(list)
        self._usd_per_hour: defaultdict[SpotKey, list[float]] = defaultdict(list)
        for quote in sorted((*prices.past, *prices.quotes), key=lambda quote: quote.priced_at):
            self._since_at[quote.key].append(quote.priced_at)
            self._usd_per_hour[quote.key].append(quote.usd_per_hour)

    def usd_per_hour_at(self, key: SpotKey, at: float) -> float | None:
        """US dollars per hour in force at an instant; None before the oldest known price."""
        later = bisect_right(self._since_at.get(key, []), at)
        return self._usd_per_hour[key][later - 1] if later else None


def spot_usd_at(prices: SpotPrices, key: SpotKey, at: float) -> float | None:
    """US dollars per hour in force at one instant; ask a SpotTimeline for many."""
    return SpotTimeline(prices).usd_per_hour_at(key, at)


def cost_eur_per_hour(
    usd_per_hour: float | GapReason, exchange_rate: ExchangeRate | GapReason
) -> float | GapReason:
    """Euros per hour by the dated exchange rate, or why there are none."""
    if isinstance(usd_per_hour, GapReason):
        if isinstance(exchange_rate, GapReason):
            return first_reason(usd_per_hour, exchange_rate)
        return usd_per_hour
    if isinstance(exchange_rate, GapReason):
        return exchange_rate
    return usd_per_hour / exchange_rate.usd_per_eur
