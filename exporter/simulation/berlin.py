"""Wall clock in Berlin: the company's working hours follow it, summer and winter.

Computed, not looked up: a machine without the tz database has no ``ZoneInfo("Europe/Berlin")``.
The rule is Directive 2000/84/EC: one hour forward at 01:00 UTC on the last Sunday of March, back
at 01:00 UTC on the last Sunday of October.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import floor

from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

_SATURDAY = 5


def offset_seconds(at: float) -> float:
    """How far the wall clock is ahead of UTC."""
    return _offset_seconds(floor(at / SECONDS_PER_HOUR))


@lru_cache(maxsize=4096)
def _offset_seconds(hour: int) -> float:
    at = hour * SECONDS_PER_HOUR
    year = datetime.fromtimestamp(at, UTC).year
    summer = _last_sunday_at(year, 3) <= at < _last_sunday_at(year, 10)
    return 2 * SECONDS_PER_HOUR if summer else SECONDS_PER_HOUR


def _last_sunday_at(year: int, month: int) -> float:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return (last - timedelta(days=(last.weekday() + 1) % 7)).timestamp()


def day(at: float) -> int:
    """The local date, as days since 1970-01-01."""
    return int((at + offset_seconds(at)) // SECONDS_PER_DAY)


def is_working_day(day: int) -> bool:
    """Monday to Friday; public holidays are not modelled."""
    return (day + 3) % 7 < _SATURDAY  # 1970-01-01 was a Thursday


def instant(day: int, hour: float) -> float:
    """When the wall clock shows ``hour`` on a local date; not for the hours that change skips."""
    wall = day * SECONDS_PER_DAY + hour * SECONDS_PER_HOUR
    return wall - offset_seconds(wall - SECONDS_PER_HOUR)
