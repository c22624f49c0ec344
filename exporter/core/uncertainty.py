"""Bounds: how far the truth may lie from an estimate.

Every error is taken as a factor, log-normal, with a standard deviation of its logarithm (``_ln``).
lower = x exp(-K S), upper = x exp(+K S), S^2 = the sum of the squared deviations. One K = 1.85 for
a nominal coverage of 0.90: checked end to end on SPECpower machines and real grid hours it covers
90.2-92.5 %, where the textbook's 1.645 covers 86.7-89.3 % because tails are heavier than normal.
docs/calculations.md lists each coefficient with its source.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import exp, hypot, log, sqrt

from exporter.core.evidence import Embodied, GridHistory, GridIntensity
from exporter.core.snapshot import Bounded
from exporter.core.units import SECONDS_PER_HOUR

COVERAGE_FACTOR = 1.85
COVERAGE_RATIO = 0.90

MODEL_DEVIATION_LN = 0.1  # a bias all types share: Boavizta against Teads, median 0.85
ALLOCATION_DEVIATION_LN = 0.10  # vCPU share against the host's own power, 16 guests
PUE_DEVIATION_LN = 0.03  # year-to-year 2.2 % of AWS's published regional figures, and rounding
MEASURED_GRID_DEVIATION_LN = 0.05  # factors, flow tracing, later correction (judgement)

_POWER_DEVIATIONS_LN = ((0.0, 0.36), (0.10, 0.26), (0.50, 0.29), (1.0, 0.24))
_BURSTABLE_IDLE_DEVIATION_LN = 0.5  # oversubscribed hosts: the idle share is likely overstated
# Hours since the newest CPU point; tests/benchmarks/cpu_age.py fits them on recorded CPU series.
_CPU_AGE_DEVIATIONS_LN = (
    (0.0, 0.0),
    (1 / 12, 0.10),
    (0.25, 0.20),
    (0.5, 0.24),
    (1.0, 0.25),
    (2.0, 0.27),
    (3.0, 0.29),
    (6.0, 0.32),
    (12.0, 0.33),
    (24.0, 0.40),
)

_SAME_HOUR_MEAN_DEVIATIONS_LN = {
    # 28-day mean of the same hour against the truth, by grid zone.
    "DE": 0.35,
    "GB": 0.43,
    "US-CAL-CISO": 0.19,
    "AU-NSW": 0.12,
    "US-MIDA-PJM": 0.08,
    "ZA": 0.03,
}
_FORECAST_DEVIATION_LN = 0.11  # the largest of five zones, forecasts 0 to 23 hours ahead
_UNKNOWN_ESTIMATE_DEVIATION_LN = max(_SAME_HOUR_MEAN_DEVIATIONS_LN.values())

TYPE_REFERENCE_LOAD_RATIO = 0.5


def _interpolated(table: Sequence[tuple[float, float]], x: float) -> float:
    """Piecewise linear, held constant outside the table."""
    if x <= table[0][0]:
        return table[0][1]
    for (left, low), (right, high) in pairwise(table):
        if x <= right:
            return low + (high - low) * (x - left) / (right - left)
    return table[-1][1]


def type_deviation_ln(load_ratio: float, *, burstable: bool) -> float:
    """What instances of one type share of the power model's error, at a load 0..1.

    The whole error of the power model, less the part that all types share.
    """
    table = _POWER_DEVIATIONS_LN
    if burstable:
        table = ((0.0, _BURSTABLE_IDLE_DEVIATION_LN), *table[1:])
    power = _interpolated(table, load_ratio)
    return sqrt(power * power - MODEL_DEVIATION_LN * MODEL_DEVIATION_LN)


def cpu_age_deviation_ln(age_seconds: float) -> float:
    """Power may have moved since the newest CPU point; fitted on recorded CPU traces."""
    return _interpolated(_CPU_AGE_DEVIATIONS_LN, age_seconds / SECONDS_PER_HOUR)


_DAY_HOURS = 24


def grid_age_deviation_ln(
    history: GridHistory, intensity: GridIntensity, now: float
) -> float | None:
    """What the grid may have moved since the hour in force; None without a history.

    1.25 times the root mean square of the hourly steps of ln C over the last 24 hours, times
    k^0.8, k the hours since the hour's own time and at least 1. On 16 zones, 2023-24, its 90 %
    interval covers 92 % at one hour and 97 % at six.
    """
    hours = [h for h in history.hours[-_DAY_HOURS:] if h.grams_per_kilowatt_hour > 0]
    steps = [
        log(after.grams_per_kilowatt_hour / before.grams_per_kilowatt_hour)
        for before, after in pairwise(hours)
        if after.valid_at - before.valid_at == SECONDS_PER_HOUR
    ]
    if not steps:
        return None
    root_mean_square = sqrt(sum(step * step for step in steps) / len(steps))
    age_hours = max(1.0, (now - intensity.valid_at) / SECONDS_PER_HOUR)
    return 1.25 * root_mean_square * float(age_hours**0.8)


def grid_estimate_deviation_ln(intensity: GridIntensity) -> float:
    """How far the provider's own estimate may be off, by its method; the larger where unknown."""
    if not intensity.estimated:
        return MEASURED_GRID_DEVIATION_LN
    method = intensity.method.upper()
    if "FORECAST" in method:
        return _FORECAST_DEVIATION_LN
    if method == "TIME_SLICER_AVERAGE":
        return _SAME_HOUR_MEAN_DEVIATIONS_LN.get(
            intensity.grid_zone, _UNKNOWN_ESTIMATE_DEVIATION_LN
        )
    return _UNKNOWN_ESTIMATE_DEVIATION_LN


def embodied_deviation_ln(embodied: Embodied) -> float:
    """The provider's minimum and maximum read as a uniform distribution of the logarithm."""
    return log(embodied.upper_grams_per_hour / embodied.lower_grams_per_hour) / (2 * sqrt(3))


def combined_ln(*deviations_ln: float) -> float:
    """Independent deviations, added in quadrature."""
    return hypot(*deviations_ln)


def bounded(value: float, deviation_ln: float) -> Bounded:
    """The value with its bounds."""
    factor = exp(COVERAGE_FACTOR * deviation_ln)
    return Bounded(value, value / factor, value * factor)
