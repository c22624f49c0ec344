"""The auto scaling group of the web shop: four to eight servers, following the day's load."""

from functools import lru_cache
from math import ceil, floor

from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.simulation import noise, week

SMALLEST = 4
LARGEST = 8

DAY_BEGINS_SECONDS = 3 * SECONDS_PER_HOUR
"""UTC; the quietest hour of the shop, so no shift of an extra server crosses it."""

_DECISION_SECONDS = 900.0
_QUIET_SERVERS = 1.2
_BUSY_SERVERS = 6.4
_WEEKEND_RATIO = 1.05
_TREND_SECONDS = 2 * SECONDS_PER_DAY


def demand(shop_stream: int, at: float) -> float:
    """Servers' worth of load, where one server's worth keeps its CPU at the group's target."""
    busyness = week.ratios(week.Day.SHOP, _WEEKEND_RATIO)[week.slot(at)]
    trend = 0.9 + 0.2 * noise.wander(shop_stream, at, _TREND_SECONDS)
    return (_QUIET_SERVERS + _BUSY_SERVERS * busyness) * trend


def desired(shop_stream: int, at: float) -> int:
    """Servers the group keeps; it decides at every quarter of an hour."""
    decided_at = floor(at / _DECISION_SECONDS) * _DECISION_SECONDS
    return min(LARGEST, max(SMALLEST, ceil(demand(shop_stream, decided_at))))


@lru_cache(maxsize=1024)
def shifts(shop_stream: int, rank: int, day: int) -> tuple[tuple[float, float], ...]:
    """From when to when the group keeps the server of a rank, oldest first.

    ``day`` counts from 1970 and begins at DAY_BEGINS_SECONDS.
    """
    begins_at = day * SECONDS_PER_DAY + DAY_BEGINS_SECONDS
    spans: list[tuple[float, float]] = []
    for decision in range(int(SECONDS_PER_DAY / _DECISION_SECONDS)):
        at = begins_at + decision * _DECISION_SECONDS
        if desired(shop_stream, at) <= rank:
            continue
        if spans and spans[-1][1] == at:
            spans[-1] = (spans[-1][0], at + _DECISION_SECONDS)
        else:
            spans.append((at, at + _DECISION_SECONDS))
    return tuple(spans)
