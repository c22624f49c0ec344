"""Every month in a recording: what was known at its begin, and what it brought."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.validation.plain_band import Evidence
from tests.validation.plain_office import SwitchedHour
from tests.validation.plain_shift import HOUR_SECONDS, Job, ShiftedDays

DAY_SECONDS = 86400.0
MONTH_DAYS = 30
MONTH_RATIO = 365.25 / 12 / MONTH_DAYS
"""The published month is a little longer than the days looked at."""

WEEKS = 4
MOST_WEEKS = 6
WEEK_DAYS, WEEK_HOURS = 7, 168
FEWEST_DAYS, FEWEST_HOURS = 6, 0.9 * WEEK_HOURS


class MonthAhead(NamedTuple):
    """The evidence at a midnight UTC, and what was saved and used in the 30 days after it."""

    begin_at: float
    evidence: Evidence
    saved: float
    used: float

    @property
    def ratio(self) -> float:
        """The share that was saved."""
        return self.saved / self.used

    @property
    def ratio_error(self) -> float:
        """By how much the weeks before were off."""
        return abs(self.ratio - self.evidence.ratio)

    @property
    def amount(self) -> float:
        """What was saved, per month."""
        return self.saved * MONTH_RATIO

    @property
    def amount_error(self) -> float:
        """By how much the amount of the weeks before was off."""
        return abs(self.amount - self.evidence.amount)


class Step(NamedTuple):
    """A day or an hour, what would have been saved in it, and what was used; None if unknown."""

    begin_at: float
    end_at: float
    saved: float | None
    used: float | None


def shift_months(days: ShiftedDays, job: Job) -> list[MonthAhead]:
    """Months of a daily job: at a midnight, days count whose whole window lies behind it."""
    window_seconds = job.within_hours * HOUR_SECONDS
    steps = [
        Step(at, at + window_seconds, day.saved, day.usual)
        if day
        else Step(at, at + window_seconds, None, None)
        for at, day in days.items()
    ]
    while steps and steps[-1].used is None:
        steps.pop()  # its window ends after the recording
    return list(_months(steps, WEEK_DAYS, FEWEST_DAYS))


def office_months(hours: Sequence[SwitchedHour]) -> list[MonthAhead]:
    """Months of what is switched off outside office hours."""
    told: Mapping[float, SwitchedHour] = {hour.hour_at: hour for hour in hours}
    at, steps = hours[0].hour_at, []
    while at <= hours[-1].hour_at:
        hour = told.get(at)
        saved, used = (hour.saved, hour.grams) if hour else (None, None)
        steps.append(Step(at, at + HOUR_SECONDS, saved, used))
        at += HOUR_SECONDS
    return list(_months(steps, WEEK_HOURS, FEWEST_HOURS))


def _months(steps: Sequence[Step], length: int, fewest: float) -> Iterator[MonthAhead]:
    """A month at each midnight that has four usable weeks before and thirty days after it."""
    if not steps:
        return
    begins = [step.begin_at for step in steps]
    ends = [step.end_at for step in steps]
    begin_at = -(-begins[0] // DAY_SECONDS) * DAY_SECONDS
    covered_until_at = begins[-1] + WEEK_DAYS * DAY_SECONDS / length
    while begin_at + MONTH_DAYS * DAY_SECONDS <= covered_until_at:
        evidence = _evidence(steps[: bisect_right(ends, begin_at)], length, fewest)
        first = bisect_left(begins, begin_at)
        after = bisect_left(begins, begin_at + MONTH_DAYS * DAY_SECONDS)
        brought = _sums(steps[first:after], 0.9 * (after - first))
        if evidence and brought:
            yield MonthAhead(begin_at, evidence, *brought)
        begin_at += DAY_SECONDS


def _evidence(past: Sequence[Step], length: int, fewest: float) -> Evidence | None:
    """The newest four of six weeks, counted back."""
    found: list[tuple[float, float]] = []
    for number in range(1, MOST_WEEKS + 1):
        begin = len(past) - number * length
        if (
            begin >= 0
            and len(found) < WEEKS
            and (week := _sums(past[begin : begin + length], fewest))
        ):
            found.append(week)
    if len(found) < WEEKS:
        return None
    return Evidence([saved for saved, _ in found], [used for _, used in found])


def _sums(steps: Sequence[Step], fewest: float) -> tuple[float, float] | None:
    """Saved and used of all, as if those unknown were like the others; None if too many are."""
    saved = [step.saved for step in steps if step.saved is not None]
    used = [step.used for step in steps if step.used is not None]
    if not saved or len(saved) < fewest:
        return None
    return sum(saved) * len(steps) / len(saved), sum(used) * len(steps) / len(used)
