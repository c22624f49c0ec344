"""The exchange rate, INVENTED: set each working day at 16:00 in Berlin, as the ECB does."""

from exporter.core.evidence import ExchangeRate
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.simulation import berlin, noise

_SET_AT_HOUR = 16
_LOWEST_USD_PER_EUR = 1.08
_SPAN_USD_PER_EUR = 0.04
_TREND_SECONDS = 30 * SECONDS_PER_DAY


def rate(seed: int, at: float) -> ExchangeRate:
    """The rate last set; weekends carry Friday's."""
    day = berlin.day(at - _SET_AT_HOUR * SECONDS_PER_HOUR)
    while not berlin.is_working_day(day):
        day -= 1
    as_of_at = day * SECONDS_PER_DAY
    drift = noise.wander(noise.stream(seed, "exchange rate"), as_of_at, _TREND_SECONDS)
    usd_per_eur = round(_LOWEST_USD_PER_EUR + _SPAN_USD_PER_EUR * drift, 4)
    return ExchangeRate(usd_per_eur, as_of_at, "ecb")
