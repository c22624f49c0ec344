"""How busy an instance was over weeks: counts of CPU points by whole percent."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import dropwhile
from operator import mul

from exporter.core.power import PowerCurve

LEVELS = 101
"""Whole percents 0..100, points rounded up."""

LANE_BITS = 16
"""A week has 2,016 points, six of them 12,096: a count fits sixteen bits."""

ONE_IN = 20
"""One point in twenty may be above the 95th percentile."""

_LANE_MODULUS = (1 << LANE_BITS) - 1


@dataclass(frozen=True, slots=True)
class LoadDistribution:
    """CPU points of one instance by level, in blocks of at most a week, oldest first.

    A block is one integer that holds a count for each level in lanes of LANE_BITS, level 0 lowest:
    blocks add up by adding the integers, which is what makes a fleet of ten thousand affordable.
    ``days`` is on how many days there was a point.
    """

    days: int
    blocks: tuple[int, ...]


def packed(counts: Sequence[tuple[int, int]]) -> int:
    """A block from (level, count) pairs."""
    return sum(count << (LANE_BITS * level) for level, count in counts)


def counts_of(block: int) -> Sequence[int]:
    """Counts of a block by level, LEVELS of them."""
    lanes = block.to_bytes(LEVELS * LANE_BITS // 8, "little")
    return memoryview(lanes).cast("H")


def points_in(block: int) -> int:
    """Number of points."""
    # As digits add up modulo nine, lanes do modulo 2^16 - 1: their sum stays below it.
    return block % _LANE_MODULUS


def points_above(block: int, level: int) -> int:
    """Number of points at higher levels: those of which it is not sure that they are not above."""
    return points_in(block >> (LANE_BITS * (level + 1)))


def p95_percent(block: int) -> int:
    """The 95th percentile: the lowest level that at most one point in twenty is above."""
    most = points_in(block) // ONE_IN
    return bisect_left(range(LEVELS), -most, key=lambda level: -points_above(block, level))


def points_per_week(load: LoadDistribution) -> float:
    """Mean number of points of a week in which it was watched; 0 without points.

    Time before the first point does not count. The first and the last block may be of weeks that
    were not watched to the end: each is left out where it has fewer points than those between.
    """
    points = list(dropwhile(lambda count: not count, map(points_in, load.blocks)))
    whole = points[1:-1]
    if whole:
        usual = sum(whole) / len(whole)
        points = [*whole, *(end for end in (points[0], points[-1]) if end >= usual)]
    return sum(points) / len(points) if points else 0.0


def tabulated(curve: PowerCurve, load_factor: float = 1.0) -> tuple[float, ...]:
    """Watts by level of a machine that runs at ``load_factor`` times the CPU, at most at 100 %.

    Points were rounded up: on average they lie in the middle of their level, half a percent lower.
    """
    middles = (0.0, *(level - 0.5 for level in range(1, LEVELS)))
    return tuple(curve.at(middle * load_factor) for middle in middles)


def mean_watts(block: int, watts: Sequence[float]) -> float:
    """Mean power over the points of a block that has some, by watts as ``tabulated`` gives them."""
    total: float = sum(map(mul, counts_of(block), watts))
    return total / points_in(block)
