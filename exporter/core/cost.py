"""Hourly compute cost of an instance: the price of its own purchase option, OS and tenancy."""

from exporter.core.evidence import (
    Evidence,
    ExchangeRate,
    GapReason,
    PriceKey,
    SpotKey,
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
