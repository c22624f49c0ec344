"""From weeks of evidence to what a month will bring, with a 90 % band.

The band is a prediction interval for the mean of a month of weeks like the four observed: their
spread, with Student's t for four weeks, times a factor, and a drift beside it, because grids change
with the season. On 2024's hours of DE, GB, US-MIDA-PJM and US-CAL-CISO a bootstrap of the same four
weeks, which only says how well their own mean is known, holds the share saved in the next 30 days
in 42 % of the cases (time shift) and 27 % (office hours); this band in 90 % (83-97 % by zone) and
87 % (82-94 %). Explained in docs/explanation/business-case.md, measured in
docs/validation-results.md.
"""

from collections.abc import Sequence
from math import exp, hypot, sqrt
from typing import NamedTuple

from exporter.core.bounded import Bounded
from exporter.core.scenarios.outcome import DAYS_PER_MONTH
from exporter.core.uncertainty import COVERAGE_FACTOR

WEEKS = 4
"""Weeks of evidence: 28 days, the least that says something about a month."""

WEEKS_PER_MONTH = DAYS_PER_MONTH / 7

STUDENT_T = 2.353
"""95 % quantile of Student's t with WEEKS - 1 degrees of freedom."""

DRIFT_FACTOR = 1.3
"""How much wider the band has to be because the next month is of another season; fitted."""

DRIFT_RATIO = 0.01
"""What a share of emissions moves from month to month even where four weeks hardly differ."""

DRIFT_AMOUNT_RATIO = 0.08
"""What an amount of emissions moves from month to month, relative to itself; fitted.

Where a grid gets cleaner as a whole, fewer grams are saved and about the same share. Without this
the band, its scale taken for true, holds the grams that office hours save in 79 % of the months of
the four zones, with it in 86 % (73-95 % by zone), and in 91 % on five other zones.
"""


class Week(NamedTuple):
    """What would have been saved in a week, and what was used without it; in USD or gCO2e."""

    saved: float
    base: float


def ratio_of_month(weeks: Sequence[Week], drift_ratio: float) -> Bounded:
    """Share saved: of the sums, so that a week counts by what it used; at most 1.

    ``drift_ratio`` is DRIFT_RATIO for emissions, and 0 for costs, which have no season.
    """
    base = sum(week.base for week in weeks)
    ratio = sum(week.saved for week in weeks) / base
    residuals = [week.saved - ratio * week.base for week in weeks]
    half_width = hypot(_half_width(residuals) / (base / len(weeks)), drift_ratio)
    return Bounded(ratio, ratio - half_width, min(1.0, ratio + half_width))


def amount_of_month(
    weeks: Sequence[Week], scale_ln: float = 0.0, drift_ratio: float = 0.0
) -> Bounded:
    """Amount saved per month; ``scale_ln`` is the deviation (ln) of the amounts' own scale.

    A scale error multiplies every week alike: it widens an amount, and cancels in a ratio.
    ``drift_ratio`` is DRIFT_AMOUNT_RATIO for emissions, and 0 for costs, which have no season.
    """
    mean = sum(week.saved for week in weeks) / len(weeks)
    spread = _half_width([week.saved - mean for week in weeks])
    half_width = hypot(spread, drift_ratio * mean)
    month = scaled(Bounded(mean, mean - half_width, mean + half_width), scale_ln)
    assert month.lower is not None  # noqa: S101 - for the type checker
    assert month.upper is not None  # noqa: S101 - for the type checker
    per_month = WEEKS_PER_MONTH
    return Bounded(month.value * per_month, month.lower * per_month, month.upper * per_month)


def scaled(amount: Bounded, scale_ln: float) -> Bounded:
    """The amount with an error of its scale added to its bounds, in quadrature.

    Not beyond the product of both ends: a scale makes a saving smaller, it never makes it a loss.
    """
    value = amount.value
    lower = value if amount.lower is None else amount.lower
    upper = value if amount.upper is None else amount.upper
    factors = (exp(-COVERAGE_FACTOR * scale_ln), exp(COVERAGE_FACTOR * scale_ln))
    below = hypot(value - lower, value - min(value * factor for factor in factors))
    above = hypot(upper - value, max(value * factor for factor in factors) - value)
    return Bounded(
        value,
        max(value - below, min(lower * factor for factor in factors)),
        min(value + above, max(upper * factor for factor in factors)),
    )


def _half_width(residuals: Sequence[float]) -> float:
    """Half of the prediction interval of a month's weekly mean."""
    count = len(residuals)
    deviation = sqrt(sum(residual * residual for residual in residuals) / (count - 1))
    return DRIFT_FACTOR * STUDENT_T * deviation * sqrt(1 / count + 1 / WEEKS_PER_MONTH)
