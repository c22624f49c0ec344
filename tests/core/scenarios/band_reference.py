"""The band of a month by a second implementation: a triple of value, lower and upper."""

from collections.abc import Sequence
from math import exp, sqrt
from statistics import fmean, stdev

Triple = tuple[float, float, float]

WIDTH = 1.3 * 2.353 * sqrt(1 / 4 + 12 * 7 / 365.25)
"""Half of the interval in standard deviations: season, Student's t for four, prediction."""

MONTH = 365.25 / 12 / 7


def share(
    saved: Sequence[float], base: Sequence[float], drift: float, sites: float = 0.0
) -> Triple:
    """Share saved of four weeks; ``drift`` and ``sites`` are half-widths of their own."""
    ratio = sum(saved) / sum(base)
    spread = stdev(s - ratio * b for s, b in zip(saved, base, strict=True)) / fmean(base)
    half = sqrt((WIDTH * spread) ** 2 + drift**2)
    lower, upper = ratio - half, min(1.0, ratio + half)
    return (
        ratio,
        ratio - sqrt((ratio - lower) ** 2 + sites**2),
        min(1.0, ratio + sqrt((upper - ratio) ** 2 + sites**2)),
    )


def amount(
    saved: Sequence[float], deviation: float = 0.0, sites: float = 0.0, drift: float = 0.0
) -> Triple:
    """Saved per month; ``deviation`` is of the logarithm, ``sites`` a half-width per month.

    ``drift`` is a share of the amount.
    """
    mean, half = fmean(saved), WIDTH * stdev(saved)
    ends = sorted((mean * exp(-1.85 * deviation), mean * exp(1.85 * deviation)))
    others = (sites / MONTH) ** 2 + (drift * mean) ** 2
    down = sqrt(half**2 + (mean - ends[0]) ** 2 + others)
    up = sqrt(half**2 + (ends[1] - mean) ** 2 + others)
    return mean * MONTH, (mean - down) * MONTH, (mean + up) * MONTH
