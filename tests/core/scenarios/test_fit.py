from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.scenarios.fit import Fit, fit_below
from exporter.core.scenarios.load import p95_percent, packed

SURELY, LIKELY = Fit(surely=True, likely=True, possibly=True), Fit(False, True, True)  # noqa: FBT003 - in the order of the fields
POSSIBLY, NOT = Fit(False, False, True), Fit(False, False, False)  # noqa: FBT003 - as above

POINTS = st.lists(st.integers(0, 100), min_size=1, max_size=40)
BLOCKS = st.lists(POINTS, min_size=2, max_size=6)
LEVEL = st.integers(0, 99)


def blocks_of(weeks: list[list[int]]) -> list[int]:
    return [packed([(level, 1) for level in week]) for week in weeks]


def weeks_with(*above: int, points: int = 100) -> list[int]:
    """Blocks of equal length with so many points above 40 %."""
    return [packed([(90, each), (10, points - each)]) for each in above]


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        ((0, 0, 0, 0), SURELY),
        # Always 4 %: the weeks agree, there is no doubt. The same at exactly 5 %, and above it.
        ((4, 4, 4, 4), SURELY),
        ((5, 5, 5, 5), SURELY),
        ((6, 6, 6, 6), NOT),
        # 4.5 % on average. Sum of squares about 4.5: 6.25 + 0.25 + 2.25 + 2.25 = 11, standard
        # deviation sqrt(11 / 3) = 1.915, of the sum of four 3.830, times 2.353 = 9.01. The sum is
        # 18 - 20 = -2: from -11 to +7.
        ((2, 4, 6, 6), LIKELY),
        # 5.25 %: 21 - 20 = +1. Squares 18.06 + 0.56 + 0.56 + 7.56 = 26.75, margin
        # 2.353 x 2 x sqrt(26.75 / 3) = 14.1.
        ((1, 6, 6, 8), POSSIBLY),
        # 2.75 %: 11 - 20 = -9, margin 2.353 x 2 x 0.5 = 2.4.
        ((2, 3, 3, 3), SURELY),
        # 10 %: 40 - 20 = +20, margin 2.353 x 2 x sqrt(150 / 3) = 33.3: one bad week of four.
        ((5, 5, 10, 20), POSSIBLY),
        # 15 %: 60 - 20 = +40, the same margin.
        ((10, 10, 15, 25), NOT),
    ],
)
def test_four_weeks_by_hand(above, expected):
    """One point in twenty may be above: by the points, and at both bounds of 90 %."""
    assert fit_below(weeks_with(*above), 40) == expected


@pytest.mark.parametrize(
    ("above", "expected"),
    [
        # Two weeks: 8 - 10 = -2, margin 6.314 x sqrt(2) x sqrt(2 / 1) = 12.6.
        ((3, 5), LIKELY),
        # Six weeks, 1..3 %: 12 - 30 = -18, margin 2.015 x sqrt(6) x sqrt(4 / 5) = 4.4.
        ((1, 1, 2, 2, 3, 3), SURELY),
        # Two weeks of 7 and 5: 12 - 10 = +2, margin 12.6. Four such: +4, margin 5.4.
        ((7, 5), POSSIBLY),
        ((7, 5, 7, 5), POSSIBLY),
        # Five: 31 - 25 = +6, margin 2.132 x sqrt(5) x sqrt(4.8 / 4) = 5.2.
        ((7, 5, 7, 5, 7), NOT),
    ],
)
def test_fewer_weeks_say_less(above, expected):
    """Student's t is of as many degrees of freedom as there are weeks, less one."""
    assert fit_below(weeks_with(*above), 40) == expected


def test_a_short_block_is_no_unusual_one():
    """A day of nothing above beside three weeks of nothing above leaves no doubt."""
    blocks = [packed([(10, points)]) for points in (288, 2016, 2016, 2016)]

    assert fit_below(blocks, 40) == SURELY


def test_a_short_block_makes_nothing_surer():
    """Beside four weeks a single point is no fifth one.

    Four weeks of 1,000 points: 148 - 200 = -52, sum of squares 4 x 10^2. The margin of four is
    2.353 x sqrt(4 / 3 x 400) = 54.3, that of five would be 2.132 x sqrt(5 / 4 x 400) = 47.7.
    """
    four = weeks_with(27, 47, 27, 47, points=1000)

    assert fit_below(four, 40) == LIKELY
    assert fit_below([*four, *weeks_with(0, points=1)], 40) == LIKELY


def test_empty_blocks_are_no_evidence():
    """Weeks before the first point make nothing surer."""
    blocks = weeks_with(2, 4, 6, 6)

    assert fit_below([0, 0, *blocks], 40) == fit_below(blocks, 40)


@given(BLOCKS, LEVEL)
def test_it_likely_fits_where_the_percentile_says_so(weeks, level):
    """That is the same question asked of all points at once."""
    blocks = blocks_of(weeks)

    assert fit_below(blocks, level).likely == (p95_percent(sum(blocks)) <= level)


@given(BLOCKS, LEVEL)
def test_each_answer_implies_the_next(weeks, level):
    """What fits surely fits likely, what fits likely fits possibly."""
    surely, likely, possibly = fit_below(blocks_of(weeks), level)

    assert surely <= likely <= possibly


@given(
    st.lists(st.lists(st.integers(0, 100), min_size=25, max_size=25), min_size=4, max_size=4), LEVEL
)
def test_blocks_of_equal_length_are_a_plain_sample(weeks, level):
    """Sum of x = above - points / 20, plus and minus t x sqrt(4) x its standard deviation."""
    x = [sum(point > level for point in week) - len(week) / 20 for week in weeks]
    margin = 2.353 * 2 * stdev(x)
    upper, lower = 4 * mean(x) + margin, 4 * mean(x) - margin

    found = fit_below(blocks_of(weeks), level)

    # Where a bound is 0 but for rounding, either answer is right.
    assert found.surely == (upper <= 0) or abs(upper) < 1e-9
    assert found.possibly == (lower <= 0) or abs(lower) < 1e-9


@given(BLOCKS, LEVEL, st.data())
def test_a_busier_load_never_fits_better(weeks, level, data):
    """Raising any point never makes it fit below a level that it did not fit below."""
    week = data.draw(st.integers(0, len(weeks) - 1))
    point = data.draw(st.integers(0, len(weeks[week]) - 1))
    raised = [list(each) for each in weeks]
    raised[week][point] = data.draw(st.integers(weeks[week][point], 100))

    assert fit_below(blocks_of(raised), level).likely <= fit_below(blocks_of(weeks), level).likely


@given(BLOCKS, LEVEL)
def test_a_higher_level_never_fits_worse(weeks, level):
    """More room is more room."""
    blocks = blocks_of(weeks)

    assert fit_below(blocks, level).likely <= fit_below(blocks, level + 1).likely
