"""How busy an instance was over weeks: counts of CPU points by whole percent."""

from collections.abc import Sequence
from dataclasses import dataclass

LEVELS = 101
"""Whole percents 0..100, points rounded up."""

LANE_BITS = 16
"""A week has 2,016 points, six of them 12,096: a count fits sixteen bits."""


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
