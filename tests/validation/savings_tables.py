"""What the section on savings shows."""

from collections.abc import Sequence
from statistics import fmean

from exporter.core.scenarios.month import DRIFT_FACTOR
from tests.validation.band_coverage import (
    amount_coverage,
    bootstrap_coverage,
    fitted_factor,
    median_half_width,
    ratio_coverage,
    split_fits,
)
from tests.validation.exported_savings import shift_amount_held
from tests.validation.months_ahead import MONTH_DAYS, MonthAhead
from tests.validation.plain_office import SwitchedHour, off_ratio, saved_ratio
from tests.validation.plain_shift import Job, ShiftedDay
from tests.validation.section import Table
from tests.validation.spread import percent, quantile
from tests.validation.zone_savings import JOBS, ZoneSavings

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


def coverage_table(zones: Sequence[ZoneSavings]) -> Table:
    """How often the bands hold, by zone."""
    groups = [(zone.name, [zone]) for zone in zones]
    fitted = [zone for zone in zones if zone.is_fitted]
    others = [zone for zone in zones if not zone.is_fitted]
    groups += [(name, each) for name, each in ((_FITTED, fitted), (_OTHERS, others)) if each]
    rows = [(name, *_coverage_cells(each)) for name, each in groups]
    note = (
        "At each midnight (UTC) after four weeks (of the time shift, with six usual starts): the"
        f" band published then, and the {MONTH_DAYS} days after it. Most months share days with"
        " others: in brackets how many do not. *Bootstrap* draws the four weeks with replacement,"
        " as is common: it says how well their own mean is known, not what the next month brings."
        " *Grid only* is the band of grams without the error of the power model, the grid's"
        " factors and the PUE, which recorded hours cannot be wrong about: the published one is"
        " wider; of the time shift, which has no power model, it is shown too. The last column is"
        " half of the median band, in points."
    )
    columns = (
        "zone",
        "months",
        "time shift: share",
        "grams, published",
        "grams, grid only",
        "bootstrap",
        "± points",
        "office hours: share",
        "grams, grid only",
        "bootstrap",
        "± points",
    )
    return Table("Months inside the band", columns, tuple(rows), note)


_FITTED = "the four of the fit"
_OTHERS = "all others"


def _coverage_cells(zones: Sequence[ZoneSavings]) -> tuple[str, ...]:
    shift = [month for zone in zones for month in zone.shift_months]
    office = [month for zone in zones for month in zone.constant_months]
    return (
        f"{len(office):,} ({sum(_disjoint(zone.constant_months) for zone in zones)})",
        percent(ratio_coverage(shift), 1),
        percent(fmean(map(shift_amount_held, shift)), 1),
        percent(amount_coverage(shift), 1),
        percent(bootstrap_coverage(shift), 1),
        f"{100 * median_half_width(shift):.1f}",
        percent(ratio_coverage(office), 1),
        percent(amount_coverage(office), 1),
        percent(bootstrap_coverage(office), 1),
        f"{100 * median_half_width(office):.1f}",
    )


def _disjoint(months: Sequence[MonthAhead]) -> int:
    return -(-len(months) // MONTH_DAYS)


def start_table(zones: Sequence[ZoneSavings]) -> Table:
    """How often the band of the time shift holds, by zone and usual start."""
    rows = [
        (zone.name, *(percent(ratio_coverage(zone.shift[job]), 0) for job in JOBS))
        for zone in zones
    ]
    note = "Of one usual start in one zone there are few months: the bands of some hold too little."
    columns = ("zone", *(f"{job.start_hour:02}:00" for job in JOBS))
    return Table("Time shift: months inside the band, by usual start", columns, tuple(rows), note)


def fit_table(zones: Sequence[ZoneSavings]) -> Table:
    """What the factor would be, fitted on fewer zones."""
    fitted = [zone for zone in zones if zone.is_fitted]
    others = [zone for zone in zones if not zone.is_fitted]
    rows = [
        (
            " and ".join(fit.fitted_on),
            f"{fit.factor:.2f}",
            percent(fit.shift, 1),
            percent(fit.office, 1),
        )
        for fit in split_fits(fitted)
    ]
    for name, each in ((_FITTED, fitted), (_OTHERS, others)):
        if each:
            rows.append((name, f"{fitted_factor(each):.2f}", "", ""))
    note = (
        f"The published bands take {DRIFT_FACTOR:g} times the spread of the four weeks, a factor"
        " found on the same four zones that they are judged by above. Here the factor (in steps of"
        " 0.05, the drift beside it left as it is) is the least one that holds 90 % of the months"
        " of the zones named, and is judged by the other two of the four."
    )
    columns = ("fitted on", "factor", "other two: time shift", "other two: office hours")
    return Table("The factor, fitted on other zones", columns, tuple(rows), note)
