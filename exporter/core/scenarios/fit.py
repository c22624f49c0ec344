"""Whether a CPU load stays below a level, and how sure that is from the weeks seen."""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from exporter.core.scenarios.load import ONE_IN, points_above, points_in

FEWEST_BLOCKS = 2
"""One block alone says nothing of how much blocks differ."""

_STUDENT_T = (6.314, 2.920, 2.353, 2.132, 2.015)
"""95 % quantiles of Student's t with one to five degrees of freedom: up to six blocks."""


class Fit(NamedTuple):
    """Whether the 95th percentile of CPU is at most a level: each implies the next.

    ``surely`` and ``possibly`` ask whether it holds at the upper and at the lower 95 % bound of
    the share of points above the level.
    """

    surely: bool
    likely: bool
    possibly: bool


def fit_below(blocks: Sequence[int], level: int) -> Fit:
    """How well a load with FEWEST_BLOCKS or more non-empty blocks fits below a level.

    The percentile is at most the level when at most one point in twenty is above: when
    sum(above - points / 20) over the blocks is at most 0. Blocks are taken as a sample of weeks;
    the deviation of the sum is that of a ratio estimator (Cochran, Sampling Techniques, 1977, 6.4),
    sqrt(W / (W - 1) x sum of (above - share x points)^2), so that a short block does not count as
    an unusual one. W is the number of blocks of equal length that would say as much (Kish),
    sum(points)^2 / sum(points^2), rounded down. With W equal blocks all of this is the plain
    deviation of a sum.
    """
    counts = [(points_above(block, level), points_in(block)) for block in blocks if block]
    above = sum(count for count, _ in counts)
    points = sum(count for _, count in counts)
    weeks = max(FEWEST_BLOCKS, points * points // sum(count * count for _, count in counts))
    # In whole numbers, times 20 x points: a load without any spread is not rounded out of a tie.
    excess = (ONE_IN * above - points) * points
    squares = sum((more * points - above * count) ** 2 for more, count in counts)
    quantile = _STUDENT_T[min(weeks - 1, len(_STUDENT_T)) - 1]
    margin = ONE_IN * quantile * sqrt(squares * weeks / (weeks - 1))
    return Fit(excess + margin <= 0, excess <= 0, excess - margin <= 0)
