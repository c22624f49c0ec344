"""How busy each hour of the week is, relative to the busiest; every curve is invented."""

from enum import Enum
from functools import lru_cache

from exporter.core.units import CPU_SLOT_SECONDS
from exporter.simulation import berlin

_SLOTS_PER_HOUR = 12
_SLOTS_PER_DAY = 24 * _SLOTS_PER_HOUR
_SLOTS_PER_WEEK = 7 * _SLOTS_PER_DAY


class Day(Enum):
    """Busyness at each full local hour, 0..1."""

    SHOP = (
        *(0.25, 0.18, 0.13, 0.10, 0.09, 0.11, 0.18, 0.30, 0.45, 0.58, 0.66, 0.70),
        *(0.74, 0.70, 0.66, 0.66, 0.70, 0.78, 0.88, 0.97, 1.00, 0.90, 0.66, 0.42),
    )
    OFFICE = (
        *(0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.05, 0.25, 0.60, 0.90, 1.00, 0.95),
        *(0.60, 0.80, 1.00, 0.95, 0.85, 0.60, 0.30, 0.12, 0.05, 0.02, 0.00, 0.00),
    )
    NIGHT = (
        *(0.60, 1.00, 1.00, 1.00, 0.95, 0.50, 0.05, 0.00, 0.00, 0.00, 0.00, 0.00),
        *(0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00, 0.10),
    )
    FLAT = (1.0,) * 24


@lru_cache(maxsize=64)
def ratios(day: Day, weekend_ratio: float) -> tuple[float, ...]:
    """Busyness of each five-minute slot of the week, for ``slot``.

    Straight lines between the full hours; Saturday and Sunday are scaled by ``weekend_ratio``.
    """
    hours = [
        level * (1.0 if berlin.is_working_day(date) else weekend_ratio)
        for date in range(7)
        for level in day.value
    ]
    return tuple(
        before + (after - before) * step / _SLOTS_PER_HOUR
        for before, after in zip(hours, hours[1:] + hours[:1], strict=True)
        for step in range(_SLOTS_PER_HOUR)
    )


def slot(at: float) -> int:
    """Which slot of the local week an instant lies in; the week begins as 1970 did, on Thursday."""
    return int((at + berlin.offset_seconds(at)) // CPU_SLOT_SECONDS) % _SLOTS_PER_WEEK
