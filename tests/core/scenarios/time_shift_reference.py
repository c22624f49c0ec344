"""A second implementation of the time shift: by calendar and exact fractions, one day at a time."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from math import sqrt
from typing import NamedTuple
from zoneinfo import ZoneInfo

from exporter.core.scenarios.plan import DeferrableLoad
from tests.core.scenarios import band_reference
from tests.core.scenarios.band_reference import Triple

HOUR = timedelta(hours=1)


class Day(NamedTuple):
    """A local day, its usual and chosen start, and both sums."""

    date: date
    decided: datetime
    start: datetime
    usual: Fraction
    chosen: Fraction


class Shift(NamedTuple):
    """Figures of four weeks."""

    ratio: Triple
    per_month: Triple
    samples: int
    worse_ratio: float


def days(
    grid: Mapping[datetime, int],
    load: DeferrableLoad,
    zone: ZoneInfo,
    begin: datetime,
    end: datetime,
) -> Iterator[Day]:
    """Usable days between two instants."""
    day = begin.date() - timedelta(days=2)
    while day <= end.date() + timedelta(days=2):
        usual = datetime(day.year, day.month, day.day, load.start_hour, tzinfo=zone).astimezone(UTC)
        while usual.minute:
            usual += timedelta(minutes=15)
        deadline = usual + load.within_hours * HOUR
        found = begin <= usual and deadline <= end and _decide(grid, load, usual)
        if found:
            usual_sum = _emitted(grid, usual, load.hours)
            chosen_sum = _emitted(grid, found, load.hours)
            if usual_sum is not None and chosen_sum is not None:
                yield Day(day, usual, found, usual_sum, chosen_sum)
        day += timedelta(days=1)


def newest(load: DeferrableLoad, zone: ZoneInfo, end: datetime) -> date:
    """The last local day that was over by an instant; what its grid was like does not matter."""
    always = {end + n * HOUR: 1 for n in range(-24 * 14, 1)}
    return max(day.date for day in days(always, load, zone, end - 5 * 24 * HOUR, end))


def _decide(grid: Mapping[datetime, int], load: DeferrableLoad, now: datetime) -> datetime | None:
    """The best start by the profile of what has ended by now; None where it has holes."""
    past = {at: grams for at, grams in grid.items() if at + HOUR <= now}
    if any(_profile(past, now + n * HOUR) is None for n in range(load.within_hours)):
        return None
    best: tuple[Fraction, datetime] | None = None
    start = now
    while start + load.hours * HOUR <= now + load.within_hours * HOUR:
        total = sum(
            (_profile(past, start + n * HOUR) or Fraction(0) for n in range(load.hours)),
            Fraction(0),
        )
        if best is None or total < best[0]:
            best = (total, start)
        start += HOUR
    assert best is not None
    return best[1]


def _profile(past: Mapping[datetime, int], at: datetime) -> Fraction | None:
    """Mean of the hours at this time of day, one to seven days before."""
    seen = [past[at - timedelta(days=n)] for n in range(1, 8) if at - timedelta(days=n) in past]
    return Fraction(sum(seen), len(seen)) if len(seen) > 3 else None


def _emitted(grid: Mapping[datetime, int], start: datetime, hours: int) -> Fraction | None:
    values = [grid.get(start + n * HOUR) for n in range(hours)]
    return None if None in values else Fraction(sum(value or 0 for value in values))


def shift(found: list[Day], newest: date, load: DeferrableLoad, pue_ratio: float) -> Shift | None:
    """Figures of the newest four usable weeks of six; None if there are not so many."""
    weeks: list[list[Day]] = []
    for back in range(6):
        last = newest - timedelta(days=7 * back)
        week = [day for day in found if last - timedelta(days=6) <= day.date <= last]
        if len(week) >= 6 and len(weeks) < 4:
            weeks.append(week)
    if len(weeks) < 4:
        return None
    grams = load.watts / 1000 * pue_ratio
    saved, base = [], []
    for week in weeks:
        scale = grams * 7 / len(week)
        saved.append(scale * float(sum(day.usual - day.chosen for day in week)))
        base.append(scale * float(sum(day.usual for day in week)))
    used = [day for week in weeks for day in week]
    return Shift(
        band_reference.share(saved, base, drift=0.01),
        band_reference.amount(saved, deviation=sqrt(0.05**2 + 0.03**2), drift=0.08),
        len(used),
        len([day for day in used if day.chosen > day.usual]) / len(used),
    )
