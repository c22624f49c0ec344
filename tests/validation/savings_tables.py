"""Tables of savings: what was promised, and what it came to."""

from collections.abc import Sequence
from statistics import fmean

from tests.validation.plain_office import SwitchedHour, off_ratio, saved_ratio
from tests.validation.plain_shift import Job, ShiftedDay
from tests.validation.section import Table
from tests.validation.spread import percent, quantile
from tests.validation.zone_savings import ZoneSavings

SHOWN_STARTS = (2, 10, 18)
_WEEK_HOURS = 168


def shift_table(zones: Sequence[ZoneSavings]) -> Table:
    """Oracle, promised and realised."""
    rows = [
        (zone.name, *_shift_cells(job, days))
        for zone in zones
        for job, days in zone.days.items()
        if job.start_hour in SHOWN_STARTS
    ]
    note = (
        "A job of 4 h that must have ended within 24 h of its usual start (local time). Oracle: the"
        " best start in hindsight, which nobody has and the exporter never shows. Promised: what"
        " the mean of the same hour on seven days lets expect of the start chosen by it. Realised:"
        " what that start then saved. Shares of all days together; of single days 5 % and 95 %"
        " quantile, and on how many days the chosen start was worse than the usual one."
    )
    columns = (
        "zone",
        "usual start",
        "days",
        "oracle",
        "promised",
        "realised",
        "single days",
        "worse",
    )
    return Table("Time shift: oracle, promised, realised", columns, tuple(rows), note)


def _shift_cells(job: Job, days: Sequence[ShiftedDay]) -> tuple[str, ...]:
    usual = sum(day.usual for day in days)
    single = [day.saved / day.usual for day in days]
    return (
        f"{job.start_hour:02}:00",
        f"{len(days)}",
        percent(1 - sum(day.best for day in days) / usual, 1),
        percent(_promised(days), 1),
        percent(sum(day.saved for day in days) / usual, 1),
        f"{percent(quantile(single, 0.05), 1)} to {percent(quantile(single, 0.95), 1)}",
        percent(fmean(each < 0 for each in single), 1),
    )


def _promised(days: Sequence[ShiftedDay]) -> float:
    expected = sum(day.expected_usual for day in days)
    return 1 - sum(day.expected_chosen for day in days) / expected


def office_table(zones: Sequence[ZoneSavings]) -> Table:
    """Weighted by carbon against the share of hours."""
    loads = list(zones[0].hours)
    rows = [
        (
            zone.name,
            percent(off_ratio(zone.hours[loads[0]]), 1),
            *(_office_cell(zone.hours[load]) for load in loads),
        )
        for zone in zones
    ]
    note = (
        "Monday to Friday 08:00 to 18:00 local time, from the first to the last hour. The share of"
        " hours is what is saved of costs, and the naive figure of emissions (50 of 168 h on:"
        " 70.2 %). Beside it the share of emissions, of a constant load and of recorded ones, and"
        " 5 % to 95 % quantile of single weeks."
    )
    columns = ("zone", "hours off", *loads)
    return Table("Office hours: carbon against hours", columns, tuple(rows), note)


def _office_cell(hours: Sequence[SwitchedHour]) -> str:
    weeks = [
        saved_ratio(hours[begin : begin + _WEEK_HOURS])
        for begin in range(0, len(hours) - _WEEK_HOURS + 1, _WEEK_HOURS)
    ]
    low, high = (percent(quantile(weeks, share), 1) for share in (0.05, 0.95))
    return f"{percent(saved_ratio(hours), 1)} ({low} to {high})"
