from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.power import PowerCurve
from exporter.core.scenarios.load import (
    LEVELS,
    LoadDistribution,
    counts_of,
    mean_watts,
    p95_percent,
    packed,
    points_above,
    points_in,
    points_per_week,
    tabulated,
)

POINTS = st.lists(st.integers(0, 100), min_size=1, max_size=60)
BLOCKS = st.lists(POINTS, min_size=1, max_size=6)
STRAIGHT = PowerCurve.through((10.0, 12.0, 15.0, 20.0, 25.0, 30.0))
"""10 W and 0.2 W per percent of CPU."""


def block_of(points: list[int]) -> int:
    return packed([(level, 1) for level in points])


@given(BLOCKS)
def test_blocks_add_up(blocks):
    """The sum of blocks is the block of all their points."""
    together = [point for points in blocks for point in points]

    added = sum(map(block_of, blocks))

    assert added == block_of(together)
    assert points_in(added) == len(together)
    assert list(counts_of(added)) == [together.count(level) for level in range(LEVELS)]


@given(POINTS, st.integers(0, 100))
def test_points_above_a_level_are_those_at_higher_ones(points, level):
    """A point at the level itself is not above it."""
    assert points_above(block_of(points), level) == sum(point > level for point in points)


def test_six_full_weeks_are_counted_right():
    """The most points there can be, all at one level, be it the lowest or the highest."""
    for level in (0, 100):
        block = packed([(level, 2016)]) * 6

        assert points_in(block) == 12_096
        assert points_above(block, 99) == (12_096 if level == 100 else 0)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([7], 7),
        ([0] * 20, 0),
        ([0] * 19 + [100], 0),  # one in twenty may be above
        ([0] * 18 + [100], 100),  # one in nineteen is too many
        ([0] * 18 + [50, 100], 50),
        (list(range(1, 101)), 95),
    ],
)
def test_the_95th_percentile_by_hand(points, expected):
    """It is the lowest level that at most one point in twenty is above."""
    assert p95_percent(block_of(points)) == expected


@given(POINTS)
def test_the_95th_percentile_is_the_nearest_rank(points):
    """The point at rank ceil(0.95 n) of all points in order, found by sorting them."""
    rank = ceil(95 * len(points) / 100)

    assert p95_percent(block_of(points)) == sorted(points)[rank - 1]


def weeks(*points: int) -> LoadDistribution:
    return LoadDistribution(14, tuple(packed([(1, each)] if each else []) for each in points))


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((2016, 2016, 2016, 2016), 2016),
        ((1152, 2016, 2016, 2016, 864), 2016),  # weeks that begin on another day
        ((2016, 2016, 2016, 2016, 0), 2016),  # a week that has only just begun
        ((0, 0, 288, 2016, 2016), 2016),  # launched a day before the third week's end
        ((0, 600, 600), 600),  # launched two weeks ago, and off at night since
        ((600, 0, 600, 600), 450),  # was off for a week: (600 + 0 + 600 + 600) / 4
        ((2016, 600, 600, 600), 954),  # a full first week counts
        ((0, 288), 288),
        ((0, 0), 0),
        ((), 0),
    ],
)
def test_points_per_week_are_of_whole_weeks(points, expected):
    """Weeks before its launch, and begun ones at either end, do not count as idle."""
    assert points_per_week(weeks(*points)) == expected


def test_watts_are_taken_in_the_middle_of_each_level():
    """A point that was rounded up to 10 % was 9.5 % on average: 10 + 9.5 x 0.2 W."""
    watts = tabulated(STRAIGHT)

    assert len(watts) == LEVELS
    assert watts[0] == 10.0
    assert watts[10] == pytest.approx(11.9)
    assert watts[100] == pytest.approx(29.9)


def test_another_machine_runs_at_a_multiple_of_the_cpu():
    """On half as many vCPUs 9.5 % are 19 %, and 80 % are all there is."""
    watts = tabulated(STRAIGHT, 2.0)

    assert watts[0] == 10.0
    assert watts[10] == pytest.approx(13.8)
    assert watts[80] == watts[100] == 30.0


@given(BLOCKS, st.sampled_from([1.0, 2.0, 4.0]))
def test_mean_watts_are_those_of_the_single_points(blocks, load_factor):
    """Power is taken point by point and only then averaged, over all blocks."""
    curve = PowerCurve.through((2.69, 5.43, 8.21, 11.30, 13.47, 15.16))
    loads = [max(point - 0.5, 0.0) * load_factor for points in blocks for point in points]
    expected = sum(curve.at(min(load, 100.0)) for load in loads) / len(loads)

    mean = mean_watts(sum(map(block_of, blocks)), tabulated(curve, load_factor))

    assert mean == pytest.approx(expected, rel=1e-12)
