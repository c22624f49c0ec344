"""Tables of bands: how often they held what the next month brought."""

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from exporter.core.scenarios.month import DRIFT_AMOUNT_RATIO, DRIFT_FACTOR
from tests.validation.band_coverage import (
    amount_coverage,
    bootstrap_coverage,
    fitted_factor,
    median_half_width,
    ratio_coverage,
    split_fits,
)
from tests.validation.exported_savings import office_amount_held, shift_amount_held
from tests.validation.months_ahead import MONTH_DAYS, MonthAhead
from tests.validation.section import Table
from tests.validation.spread import percent
from tests.validation.zone_savings import JOBS, ZoneSavings

_FITTED = "the four of the fit"
_OTHERS = "all others"


def shift_months_table(zones: Sequence[ZoneSavings]) -> Table:
    """How often the bands of the time shift hold, by zone."""
    rows = [
        (
            *cells,
            percent(fmean(map(shift_amount_held, months)), 1),
            percent(amount_coverage(months), 1),
        )
        for cells, months in _groups(zones, lambda zone: list(zone.shift.values()))
    ]
    note = (
        f"How many of the months lay inside the band; months of {len(JOBS)} usual starts. Most of"
        " them overlap: in brackets how many would fit one after another, without a common day."
        " *Bootstrap* draws the four weeks with replacement, as is common: it says how well their"
        " own mean is known, not what the next month brings. *Half band* is half of the width of"
        " the typical (median) band of the share, in percentage points. *Grid only* is the band of"
        " grams without its allowance for errors of grid factors and PUE, which recorded hours"
        " cannot show; the published one has it, and is wider."
    )
    columns = (*_COLUMNS, "grams, grid only")
    return Table("Time shift: months inside the band", columns, tuple(rows), note)


def office_months_table(zones: Sequence[ZoneSavings]) -> Table:
    """How often the bands of office hours hold, by zone."""
    rows = [
        (
            *cells,
            percent(fmean(map(office_amount_held, months)), 1),
            percent(amount_coverage(months), 1),
            percent(amount_coverage(months, drift=0.0), 1),
        )
        for cells, months in _groups(zones, lambda zone: [zone.constant_months])
    ]
    note = (
        "How many of the months lay inside the band, of a constant load; columns as above. Here"
        " the published band of grams allows for errors of the power model too, and these are"
        " larger than what the grids changed in a month; *grid only* is without that. A grid that"
        " gets cleaner or dirtier as a whole changes the grams and hardly the share: *without"
        " drift* is what would be left of"
        f" the band if the {100 * DRIFT_AMOUNT_RATIO:g} % for it were not added."
    )
    columns = (*_COLUMNS, "grams, grid only", "grams, grid only, without drift")
    return Table("Office hours: months inside the band", columns, tuple(rows), note)


_COLUMNS = (
    "zone",
    "months",
    "share",
    "share, bootstrap",
    "share, half band",
    "grams, as published",
)


def _groups(
    zones: Sequence[ZoneSavings],
    series_of: Callable[[ZoneSavings], Sequence[Sequence[MonthAhead]]],
) -> Iterator[tuple[tuple[str, ...], Sequence[MonthAhead]]]:
    """The first cells and the months of each zone, of those of the fit, and of all others.

    Of several series of a zone the days are the same: they are counted once.
    """
    groups = [(zone.name, [zone]) for zone in zones]
    groups.append((_FITTED, [zone for zone in zones if zone.is_fitted]))
    groups.append((_OTHERS, [zone for zone in zones if not zone.is_fitted]))
    for name, each in groups:
        if each:
            series = [series_of(zone) for zone in each]
            months = [month for one in series for start in one for month in start]
            disjoint = sum(-(-len(one[0]) // MONTH_DAYS) for one in series)
            yield (
                (
                    name,
                    f"{len(months):,} ({disjoint})",
                    percent(ratio_coverage(months), 1),
                    percent(bootstrap_coverage(months), 1),
                    f"{100 * median_half_width(months):.1f}",
                ),
                months,
            )


def start_table(zones: Sequence[ZoneSavings]) -> Table:
    """How often the band of the time shift holds, by zone and usual start."""
    rows = [
        (zone.name, *(percent(ratio_coverage(zone.shift[job]), 0) for job in JOBS))
        for zone in zones
    ]
    note = (
        "How many months lay inside the band of the share. One usual start in one zone has few"
        " months that share no day: the bands of some hold too little."
    )
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
        " of the zones named, each zone and usual start counting alike, and is judged by the other"
        " two of the four."
    )
    columns = ("fitted on", "factor", "other two: time shift", "other two: office hours")
    return Table("The factor, fitted on other zones", columns, tuple(rows), note)
