"""How often bands of a month hold what the month brought, and what factor would be fitted."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from statistics import fmean, median
from typing import NamedTuple

from exporter.core.scenarios.month import DRIFT_AMOUNT_RATIO, DRIFT_FACTOR, DRIFT_RATIO
from tests.validation.months_ahead import MonthAhead
from tests.validation.plain_band import CENTRAL_RATIO, amount_half_width, half_width
from tests.validation.zone_savings import ZoneSavings

FACTOR_STEP = 0.05


def ratio_coverage(months: Sequence[MonthAhead], factor: float = DRIFT_FACTOR) -> float:
    """Share of the months whose realised share lies inside the band."""
    return fmean(
        month.ratio_error <= half_width(month.evidence.ratio_spread, factor, DRIFT_RATIO)
        for month in months
    )


def amount_coverage(months: Sequence[MonthAhead], drift: float = DRIFT_AMOUNT_RATIO) -> float:
    """The same of grams, by the band that holds the grid's changes and no error of the model."""
    return fmean(
        month.amount_error <= amount_half_width(month.evidence, DRIFT_FACTOR, drift)
        for month in months
    )


def bootstrap_coverage(months: Sequence[MonthAhead]) -> float:
    """The same of shares, by a bootstrap of the four weeks."""
    bounds = [(month.ratio, month.evidence.bootstrapped()) for month in months]
    return fmean(lower <= ratio <= upper for ratio, (lower, upper) in bounds)


def median_half_width(months: Iterable[MonthAhead]) -> float:
    """Half of the typical band of a share."""
    return median(
        half_width(month.evidence.ratio_spread, DRIFT_FACTOR, DRIFT_RATIO) for month in months
    )


class Fit(NamedTuple):
    """The factor that some zones ask for, and the months of the others with it."""

    fitted_on: Sequence[str]
    factor: float
    shift: float
    office: float


def split_fits(zones: Sequence[ZoneSavings]) -> Iterator[Fit]:
    """Every two of the zones, looked at with the factor of the two, on the other zones."""
    for pair in combinations(zones, 2):
        others = [zone for zone in zones if zone not in pair]
        factor = fitted_factor(pair)
        yield Fit(
            [zone.name for zone in pair],
            factor,
            ratio_coverage([month for zone in others for month in zone.shift_months], factor),
            ratio_coverage([month for zone in others for month in zone.constant_months], factor),
        )


def fitted_factor(zones: Sequence[ZoneSavings]) -> float:
    """The smallest factor that holds nine months in ten; every zone and usual start counts alike.

    Office hours count as one usual start more.
    """
    series = [months for zone in zones for months in (*zone.shift.values(), zone.constant_months)]
    step = 0
    while fmean(ratio_coverage(each, step * FACTOR_STEP) for each in series) < CENTRAL_RATIO:
        step += 1
    return step * FACTOR_STEP
