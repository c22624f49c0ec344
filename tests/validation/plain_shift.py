"""The time shift computed a second time, without the exporter's scenarios: plain loops.

Each day a job's start is chosen by the mean of the same hour on the seven days before, as far as
those hours had ended when it usually starts, and valued with what happened. Sums that are compared
are of whole numbers: equal ones are equal.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOUR_SECONDS = 3600.0
DAYS_BACK = 7
FEWEST_DAYS_BACK = 4
SHARED_MULTIPLE = 420
"""A multiple of 4, 5, 6 and 7: means of so many whole numbers stay whole."""

PER_GRAM = 10_000


class Job(NamedTuple):
    """A daily job that usually starts at an hour of local time, and when it must have ended."""

    start_hour: int
    length_hours: int = 4
    within_hours: int = 24


class ShiftedDay(NamedTuple):
    """One day: sums of gCO2e/kWh over the job's hours.

    ``usual``, ``chosen`` and ``best`` (in hindsight) are what happened; ``expected_usual`` and
    ``expected_chosen`` are what the days before let expect.
    """

    hours_later: int
    usual: float
    chosen: float
    best: float
    expected_usual: float
    expected_chosen: float

    @property
    def saved(self) -> float:
        """What the choice saved in truth."""
        return self.usual - self.chosen


ShiftedDays = Mapping[float, ShiftedDay | None]
"""By when it was decided; None where a day cannot be judged."""


def shifted_days(grams: Mapping[float, float], time_zone: ZoneInfo, job: Job) -> ShiftedDays:
    """Every local day in a row, from that of the first hour to that of the last."""
    day = datetime.fromtimestamp(min(grams), time_zone).date()
    last = datetime.fromtimestamp(max(grams), time_zone).date()
    found: dict[float, ShiftedDay | None] = {}
    while day <= last:
        decided_at = _first_instant(day, job.start_hour, time_zone)
        found[decided_at] = _shifted_day(grams, decided_at, job)
        day += timedelta(days=1)
    return found


def _first_instant(day: date, hour: int, time_zone: ZoneInfo) -> float:
    """The first UTC hour of a local day at which the clock shows the hour, or has skipped it."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    for step in range(-27, 28):
        local = datetime.fromtimestamp(noon + step * HOUR_SECONDS, time_zone)
        if local.date() == day and local.hour >= hour:
            return noon + step * HOUR_SECONDS
    raise ValueError(f"{day} has no hour {hour} or later")


def _shifted_day(grams: Mapping[float, float], decided_at: float, job: Job) -> ShiftedDay | None:
    expected: list[int] = []
    for step in range(job.within_hours):
        mean = _expected(grams, decided_at + step * HOUR_SECONDS, decided_at)
        if mean is None:
            return None
        expected.append(mean)
    hopes, sums = [], []
    for start in range(job.within_hours - job.length_hours + 1):
        hopes.append(sum(expected[start : start + job.length_hours]))
        sums.append(_run(grams, decided_at + start * HOUR_SECONDS, job.length_hours))
    later = hopes.index(min(hopes))
    usual, chosen = sums[0], sums[later]
    if usual is None or chosen is None:
        return None
    best = min(each for each in sums if each is not None)
    promised = (hopes[start] / SHARED_MULTIPLE / PER_GRAM for start in (0, later))
    return ShiftedDay(later, usual, chosen, best, *promised)


def _expected(grams: Mapping[float, float], at: float, decided_at: float) -> int | None:
    """The mean, times SHARED_MULTIPLE x PER_GRAM."""
    before = []
    for days in range(1, DAYS_BACK + 1):
        then = at - days * 24 * HOUR_SECONDS
        if then in grams and then + HOUR_SECONDS <= decided_at:
            before.append(round(grams[then] * PER_GRAM))
    if len(before) < FEWEST_DAYS_BACK:
        return None
    return sum(before) * SHARED_MULTIPLE // len(before)


def _run(grams: Mapping[float, float], start_at: float, length: int) -> float | None:
    total = 0.0
    for step in range(length):
        at = start_at + step * HOUR_SECONDS
        if at not in grams:
            return None
        total += grams[at]
    return total
