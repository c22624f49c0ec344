"""Office hours computed a second time, without the exporter's scenarios: hour by hour."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

FIRST_HOUR, END_HOUR = 8, 18
SATURDAY = 5


class SwitchedHour(NamedTuple):
    """One hour: what is emitted in it by what always runs, and whether that would be on."""

    hour_at: float
    grams: float
    is_on: bool

    @property
    def saved(self) -> float:
        """What switching off saves."""
        return 0.0 if self.is_on else self.grams


def switched_hours(
    grams: Mapping[float, float], time_zone: ZoneInfo, watts: Mapping[tuple[int, int], float]
) -> list[SwitchedHour]:
    """Every hour with an intensity, Monday to Friday 08:00-18:00 local time being on.

    ``watts`` is the load by local weekday (Monday is 0) and hour. gCO2e at a PUE of 1.
    """
    found = []
    for hour_at in sorted(grams):
        local = datetime.fromtimestamp(hour_at, time_zone)
        on = local.weekday() < SATURDAY and FIRST_HOUR <= local.hour < END_HOUR
        kilowatt_hours = watts[local.weekday(), local.hour] / 1000
        found.append(SwitchedHour(hour_at, kilowatt_hours * grams[hour_at], on))
    return found


def saved_ratio(hours: Iterable[SwitchedHour]) -> float:
    """Share of the emissions that switching off saves."""
    saved = total = 0.0
    for hour in hours:
        total += hour.grams
        saved += hour.saved
    return saved / total


def off_ratio(hours: Iterable[SwitchedHour]) -> float:
    """The naive share: that of the hours."""
    told = [hour.is_on for hour in hours]
    return told.count(False) / len(told)
