"""What compute costs: list and spot prices, INVENTED, of a believable magnitude."""

from collections.abc import Collection, Mapping
from functools import lru_cache
from math import floor

from exporter.core.evidence import PriceKey, PriceQuote, SpotKey, SpotPrices, SpotQuote
from exporter.core.fleet import Place
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.simulation import hardware, noise
from exporter.simulation.post import Post

_LINUX_USD_PER_HOUR: Mapping[str, float] = {
    "t3.micro": 0.0108,
    "t3.medium": 0.043,
    "t3a.large": 0.078,
    "t4g.medium": 0.035,
    "m5.large": 0.1,
    "m5.xlarge": 0.2,
    "m5.2xlarge": 0.4,
    "m5.4xlarge": 0.8,
    "m6i.large": 0.1,
    "m6i.xlarge": 0.2,
    "m6i.2xlarge": 0.4,
    "m6g.medium": 0.04,
    "m6g.large": 0.08,
    "m7i.large": 0.105,
    "m7i.xlarge": 0.21,
    "m8a.medium": 0.06,
    "m8a.large": 0.12,
    "c5.large": 0.09,
    "c5.xlarge": 0.18,
    "c5.2xlarge": 0.36,
    "c6g.medium": 0.035,
    "c6g.large": 0.07,
    "c6g.xlarge": 0.14,
    "c7g.medium": 0.0375,
    "c7g.large": 0.075,
    "c7g.xlarge": 0.15,
    "r5.large": 0.13,
    "r5.xlarge": 0.26,
    "g4dn.xlarge": 0.55,
}
_REGION_FACTORS: Mapping[str, float] = {
    "us-east-1": 1.0,
    "eu-north-1": 1.06,
    "eu-west-1": 1.1,
    "eu-central-1": 1.18,
}
_WINDOWS_USD_PER_HOUR_PER_VCPU = 0.045
SOLD_TENANCY = "default"

_SPOT_RATIO = 0.35
_SPOT_SWING_RATIO = 0.12
SPOT_STEP_SECONDS = 6 * SECONDS_PER_HOUR
"""A price is in force for so long, from a full step since 1970 on."""

PAST_SECONDS = 50 * SECONDS_PER_DAY
_SPOT_TREND_SECONDS = 4 * SECONDS_PER_DAY


def price_key(post: Post) -> PriceKey:
    """What the list price of a post's instances depends on."""
    return PriceKey(post.place.region, post.instance_type, post.usage_operation, SOLD_TENANCY)


def list_price(key: PriceKey) -> PriceQuote:
    """The on-demand price; without one for what the simulated cloud does not sell."""
    linux = _LINUX_USD_PER_HOUR.get(key.instance_type)
    factor = _REGION_FACTORS.get(key.location)
    if linux is None or factor is None or key.tenancy != SOLD_TENANCY:
        return PriceQuote(key, None)
    if key.usage_operation == "RunInstances":
        return PriceQuote(key, round(linux * factor, 4))
    if key.usage_operation == "RunInstances:0002":
        licence = hardware.MODELS[key.instance_type].vcpus * _WINDOWS_USD_PER_HOUR_PER_VCPU
        return PriceQuote(key, round(linux * factor + licence, 4))
    return PriceQuote(key, None)


def spot_price(seed: int, key: SpotKey, at: float) -> SpotQuote | None:
    """The spot price in force at an instant; None for what is not sold as spot.

    About a third of the list price; each availability zone wanders slowly on its own.
    """
    return _spot_price(seed, key, floor(at / SPOT_STEP_SECONDS))


@lru_cache(maxsize=16_384)  # every refresh needs those of the last weeks again
def _spot_price(seed: int, key: SpotKey, step: int) -> SpotQuote | None:
    region = key.availability_zone[:-1]
    listed = list_price(PriceKey(region, key.instance_type, "RunInstances", SOLD_TENANCY))
    if listed.usd_per_hour is None or key.platform != "Linux/UNIX":
        return None
    priced_at = step * SPOT_STEP_SECONDS
    stream = noise.stream(seed, "spot", *key)
    sway = noise.wander(stream, priced_at, _SPOT_TREND_SECONDS) - 0.5
    usd_per_hour = round(listed.usd_per_hour * (_SPOT_RATIO + _SPOT_SWING_RATIO * sway), 4)
    return SpotQuote(*key, usd_per_hour, priced_at)


def spot_prices(seed: int, place: Place, keys: Collection[SpotKey], at: float) -> SpotPrices:
    """What is needed: the prices in force, and those of the last 50 days."""
    newest = floor(at / SPOT_STEP_SECONDS)
    oldest = floor((at - PAST_SECONDS) / SPOT_STEP_SECONDS)
    quotes = [
        quote
        for step in range(oldest, newest + 1)
        for key in sorted(keys)
        if (quote := spot_price(seed, key, step * SPOT_STEP_SECONDS))
    ]
    in_force = sum(quote.priced_at == newest * SPOT_STEP_SECONDS for quote in quotes)
    past = len(quotes) - in_force
    return SpotPrices(place, tuple(quotes[past:]), tuple(quotes[:past]), at)
