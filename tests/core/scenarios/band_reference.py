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
    off = sqrt(half**2 + (drift * mean) ** 2 + (sites / MONTH) ** 2)
    lower, upper = with_scale(mean, mean - off, mean + off, deviation)
    return mean * MONTH, lower * MONTH, upper * MONTH


def with_scale(value: float, lower: float, upper: float, deviation: float) -> tuple[float, float]:
    """Bounds wider by what the whole amount may be off: in quadrature, as long as that is possible.

    No product of an amount within the bounds and of a factor within its own is further out.
    """
    factor = exp(1.85 * deviation)
    ends = sorted((value / factor, value * factor))
    down = sqrt((value - lower) ** 2 + (value - ends[0]) ** 2)
    up = sqrt((upper - value) ** 2 + (ends[1] - value) ** 2)
    least = lower / factor if lower > 0 else lower * factor
    most = upper * factor if upper > 0 else upper / factor
    return max(value - down, least), min(value + up, most)
