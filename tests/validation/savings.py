"""Savings on recorded data: computed a second time, and bands against the months that followed."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from exporter.core.scenarios.month import DRIFT_AMOUNT_RATIO, DRIFT_FACTOR, DRIFT_RATIO
from tests.validation.band_coverage import (
    amount_coverage,
    bootstrap_coverage,
    ratio_coverage,
    split_fits,
)
from tests.validation.band_tables import (
    fit_table,
    office_months_table,
    shift_months_table,
    start_table,
)
from tests.validation.cpu_hours import PATTERNS as CPU_PATTERNS
from tests.validation.grid_hours import PATTERNS as GRID_PATTERNS
from tests.validation.load_weeks import load_weeks
from tests.validation.months_ahead import MONTH_DAYS, MonthAhead
from tests.validation.savings_tables import office_table, shift_table
from tests.validation.section import Section, Verdict
from tests.validation.spread import percent
from tests.validation.zone_hours import zone_hours
from tests.validation.zone_savings import ZoneSavings, zone_savings

PATTERNS = (*GRID_PATTERNS, *CPU_PATTERNS)
"""The files it rests on."""

TITLE = "Savings: time shift and office hours"
NEGLIGIBLE = 1e-9
LEAST, MOST = 0.80, 0.97
_BAR = f"{percent(LEAST, 0)} to {percent(MOST, 0)}"

_TEXT = (
    """Two of the scenarios of [the business case](explanation/business-case.md). *Time shift*: a
daily job starts when the grid was cleanest at that hour over the seven days before. *Office
hours*: machines are off at night and at weekends. Of both the exporter publishes the share of the
emissions that is saved and the grams saved per month, each with a 90 % band for the month to come.
It judges by the newest four usable weeks of the last six: at least 90 % of the hours of such a
week are known, or six of its seven days can be judged.""",
    """**Recorded**: the hourly carbon intensities and the CPU series of the section before (life
cycle where the file has it; Ireland's quarter-hours as means of hours). **Composed**: the loads of
office hours, recorded CPU through the power curve of an m5.large, as a typical week laid on the
local clock of each zone. Each zone is taken by itself, with nothing but its own hours: of 2024
(DE, GB, US-MIDA-PJM, US-CAL-CISO, SG), 2023 (FR, IE) and 2021 (PL and SE, by production), half a
year to a year each, SG three months. They were published after the fact: what was corrected since
counts as known at the time.""",
    """The second implementation computes days, weeks, shares and bands from the same hours in
plain loops; it knows nothing of the exporter's scenarios. The exporter gets all recorded hours at
every evaluation, those after the decision too: where it chose by one of them, the figures would
differ.""",
    f"""A *month* is the {MONTH_DAYS} days after a midnight (UTC) before which there are four usable
weeks: at that midnight the exporter would have published a band. The band *holds* the month when
what was really saved in those days lies inside it. Three numbers of the band were fitted to hours
of 2024 of DE, GB, US-MIDA-PJM and US-CAL-CISO (*the four zones of the fit*): the spread of four
weeks is taken {DRIFT_FACTOR:g} times, and a drift from month to month is added in quadrature, of
{100 * DRIFT_RATIO:g} percentage point to a share and of {100 * DRIFT_AMOUNT_RATIO:g} % to grams.
The other zones have no part in the fit.""",
)


def section(data: Path) -> Section:
    """Check the savings."""
    hours, left_out = zone_hours(data)
    loads = load_weeks(data)
    found = [zone_savings(zone, loads) for zone in hours]
    short = [f"{zone.name} (less than two months)" for zone in found if not zone.has_months]
    zones = [zone for zone in found if zone.has_months]
    reasons = [*left_out, *short]
    told = (f"Left out: {', '.join(reasons)}.",) if reasons else ()
    if not zones:
        return Section(TITLE, (*_TEXT, *told), (), ())
    tables = (
        shift_table(zones),
        office_table(zones),
        shift_months_table(zones),
        start_table(zones),
        office_months_table(zones),
    )
    split = tuple(_split(zones))
    return Section(
        TITLE,
        (*_TEXT, *told),
        (*tables, fit_table(zones)) if split else tables,
        (*_agreement(zones), *_coverage(zones), *split),
    )


def _agreement(zones: Sequence[ZoneSavings]) -> Iterator[Verdict]:
    for claim, differences in (
        (
            "Back-test of the time shift: chosen starts, and what they and the usual ones came to",
            [each for zone in zones for each in zone.differences.days],
        ),
        (
            "Shares and amounts with their bands, of every month",
            [each for zone in zones for each in zone.differences.bands],
        ),
        (
            "Whole evaluations: shares of emissions with bands, grams per month, share of costs",
            [each for zone in zones for each in zone.differences.outcomes],
        ),
    ):
        yield Verdict(
            f"{claim}: as the second implementation has them, within {NEGLIGIBLE:.0e}",
            f"greatest difference {max(differences):.0e} (n = {len(differences):,})",
            max(differences) <= NEGLIGIBLE,
        )


def _coverage(zones: Sequence[ZoneSavings]) -> Iterator[Verdict]:
    fitted = [zone for zone in zones if zone.is_fitted]
    others = [zone for zone in zones if not zone.is_fitted]
    for whose, each in (("the four zones of the fit", fitted), ("all other zones", others)):
        if each:
            shift = [month for zone in each for month in zone.shift_months]
            office = [month for zone in each for month in zone.constant_months]
            yield from _held(f"Time shift, {whose}", shift)
            yield from _held(f"Office hours, {whose}", office)
    if fitted:
        yield _inside(
            "Time shift, each of the four zones of the fit by itself: the 90 % band of the share"
            f" holds {_BAR} of the months",
            [ratio_coverage(zone.shift_months) for zone in fitted],
            f"n = {len(fitted)} zones",
        )
    naive = bootstrap_coverage([month for zone in zones for month in zone.shift_months])
    yield Verdict(
        "Time shift, all zones: a bootstrap of the four weeks holds less than half of the months",
        percent(naive),
        naive < 0.5,
    )


def _held(whose: str, months: Sequence[MonthAhead]) -> Iterator[Verdict]:
    samples = f"n = {len(months):,}"
    yield _inside(
        f"{whose}: the 90 % band of the share holds {_BAR} of the months",
        [ratio_coverage(months)],
        samples,
    )
    yield _inside(
        f"{whose}: the 90 % band of grams holds {_BAR} of the months even without its allowance for"
        " errors of power, grid factors and PUE",
        [amount_coverage(months)],
        samples,
    )


def _split(zones: Sequence[ZoneSavings]) -> Iterator[Verdict]:
    """Only where all four zones of the fit are there."""
    fits = list(split_fits([zone for zone in zones if zone.is_fitted]))
    if len(fits) == 6:
        yield _inside(
            f"The factor ({DRIFT_FACTOR:g}) fitted on any two of the four zones instead: on the"
            f" other two the time shift's band of the share holds {_BAR} of the months",
            [fit.shift for fit in fits],
            f"n = {len(fits)} fits",
        )


def _inside(claim: str, shares: Sequence[float], samples: str) -> Verdict:
    least, most = min(shares), max(shares)
    found = percent(least) if least == most else f"{percent(least)} to {percent(most)}"
    return Verdict(claim, f"{found} ({samples})", least >= LEAST and most <= MOST)
