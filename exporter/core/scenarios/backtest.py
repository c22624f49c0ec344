"""Back-test of a daily job that may be put off: decided by what was known, valued by what happened.

Each past day is decided when the job usually starts. What is known then are the hours that have
ended: an hour ahead is expected to be as the mean of the same hour on the seven days before (the
same UTC hour: the sun does not change its clocks). The best hour in hindsight is never looked for.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil
from zoneinfo import ZoneInfo

from exporter.core.scenarios.plan import DeferrableLoad
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

PROFILE_DAYS = 7

FEWEST_PROFILE_DAYS = 4
"""Days of which the same hour must be known for an hour to be expected."""

TIE_RATIO = 1e-9
"""Sums that differ by less are equal: the same numbers added in another order are not identical."""


@dataclass(frozen=True, slots=True)
class BacktestDay:
    """One day: when it was decided, the start chosen then, and what both starts came to.

    ``date`` is the local day of the usual start, which is also when it is decided. ``usual`` and
    ``chosen`` are sums of intensities, gCO2e/kWh x h: grams for each kilowatt drawn at the meter.
    """

    date: date
    decided_at: float
    start_at: float
    usual: float
    chosen: float


def backtest(
    hours: Mapping[float, float],
    load: DeferrableLoad,
    time_zone: ZoneInfo,
    from_at: float,
    until_at: float,
) -> tuple[BacktestDay, ...]:
    """The usable days decided from ``from_at`` on whose deadline was by ``until_at``, oldest first.

    ``hours`` are one zone's gCO2e/kWh by the hour's begin; those before ``from_at`` count as known
    to the first days. A day is left out where an hour before the deadline could not be expected,
    or an hour of the usual or the chosen run is not known.
    """
    latest_at = until_at - load.within_hours * SECONDS_PER_HOUR
    found: list[BacktestDay] = []
    for day in _dates(time_zone, from_at, until_at):
        decided_at = usual_start_at(day, load, time_zone)
        if from_at <= decided_at <= latest_at:
            found += _backtested(day, decided_at, hours, load)
    return tuple(found)


def newest_date(load: DeferrableLoad, time_zone: ZoneInfo, until_at: float) -> date:
    """The newest local day whose deadline was by an instant."""
    latest_at = until_at - load.within_hours * SECONDS_PER_HOUR
    day = _local_date(time_zone, until_at)
    while usual_start_at(day, load, time_zone) > latest_at:
        day -= timedelta(days=1)
    return day


def usual_start_at(day: date, load: DeferrableLoad, time_zone: ZoneInfo) -> float:
    """The first whole UTC hour at or after the usual start; intensities are of whole UTC hours.

    A local time that a change of clocks skips or repeats is read as zoneinfo does with fold=0:
    02:00 in Berlin is 01:00 UTC (03:00 there) on the day that skips it, and the first of the two
    on a day that has it twice.
    """
    local = datetime.combine(day, time(load.start_hour), time_zone)
    return ceil(local.timestamp() / SECONDS_PER_HOUR) * SECONDS_PER_HOUR


def _dates(time_zone: ZoneInfo, from_at: float, until_at: float) -> Iterator[date]:
    """Every local day that the period touches."""
    day, last = _local_date(time_zone, from_at), _local_date(time_zone, until_at)
    while day <= last:
        yield day
        day += timedelta(days=1)


def _local_date(time_zone: ZoneInfo, at: float) -> date:
    return datetime.fromtimestamp(at, time_zone).date()


def _backtested(
    day: date, decided_at: float, hours: Mapping[float, float], load: DeferrableLoad
) -> Iterator[BacktestDay]:
    """The day, or nothing where it is not usable."""
    start_at = _chosen_start_at(hours, load, decided_at)
    if start_at is None:
        return
    usual, chosen = _run(hours, decided_at, load.hours), _run(hours, start_at, load.hours)
    if usual is not None and chosen is not None:
        yield BacktestDay(day, decided_at, start_at, usual, chosen)


def _chosen_start_at(
    hours: Mapping[float, float], load: DeferrableLoad, decided_at: float
) -> float | None:
    """The start with the smallest expected sum, the earliest of equals; None if not all known."""
    expected: list[float] = []
    for ahead in range(load.within_hours):
        mean = _expected(hours, decided_at + ahead * SECONDS_PER_HOUR, decided_at)
        if mean is None:
            return None
        expected.append(mean)
    starts = range(load.within_hours - load.hours + 1)
    sums = [sum(expected[start : start + load.hours]) for start in starts]
    least = min(sums)
    enough = least + TIE_RATIO * abs(least)
    earliest = next(start for start in starts if sums[start] <= enough)
    return decided_at + earliest * SECONDS_PER_HOUR


def _expected(hours: Mapping[float, float], hour_at: float, decided_at: float) -> float | None:
    """Mean of the same hour on the days before, as far as it had ended by the decision."""
    same_hours = (hour_at - back * SECONDS_PER_DAY for back in range(1, PROFILE_DAYS + 1))
    ended = [at for at in same_hours if at + SECONDS_PER_HOUR <= decided_at]
    known = [hours[at] for at in ended if at in hours]
    return sum(known) / len(known) if len(known) >= FEWEST_PROFILE_DAYS else None


def _run(hours: Mapping[float, float], start_at: float, length: int) -> float | None:
    """Sum over the hours of a run; None unless all are known."""
    run = [start_at + n * SECONDS_PER_HOUR for n in range(length)]
    return sum(hours[at] for at in run) if all(at in hours for at in run) else None
