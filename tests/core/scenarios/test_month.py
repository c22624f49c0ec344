"""Bands: what a month will bring, from four weeks."""

from itertools import permutations
from math import atan, exp, pi, sqrt
from random import Random
from statistics import mean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.bounded import Bounded
from exporter.core.scenarios.month import (
    DRIFT_FACTOR,
    STUDENT_T,
    WEEKS,
    WEEKS_PER_MONTH,
    Week,
    amount_of_month,
    ratio_of_month,
    scaled,
)

FOUR_WEEKS = [Week(10, 20), Week(12, 20), Week(8, 20), Week(10, 20)]

USED = st.floats(0.1, 1e6)
SHARES = st.floats(-1, 1)
WEEKS_OF_USE = st.lists(
    st.builds(lambda base, share: Week(base * share, base), USED, SHARES), min_size=4, max_size=4
)


def bounds(band: Bounded) -> tuple[float, float, float]:
    assert band.lower is not None
    assert band.upper is not None
    return band.lower, band.value, band.upper


def test_a_ratio_by_hand() -> None:
    """40 of 80 were saved; the weeks are 0, 2, -2 and 0 off that.

    Their deviation is sqrt((4 + 4) / 3) = 1.633. The mean of 4 weeks tells that of the 4.348 weeks
    of a month to sqrt(1/4 + 1/4.348) = 0.6928 of it, times 2.353 (Student) and 1.3 (drift):
    3.461 of the 20 that a week uses, 0.1730.
    """
    assert bounds(ratio_of_month(FOUR_WEEKS, 0.0)) == pytest.approx((0.32697, 0.5, 0.67303), 1e-4)


def test_drift_is_added_in_quadrature() -> None:
    """sqrt(0.1730^2 + 0.01^2) = 0.1733; and it is all there is where weeks are alike."""
    assert bounds(ratio_of_month(FOUR_WEEKS, 0.01)) == pytest.approx((0.32668, 0.5, 0.67332), 1e-4)
    alike = [Week(5, 20)] * 4
    assert bounds(ratio_of_month(alike, 0.01)) == pytest.approx((0.24, 0.25, 0.26))
    assert bounds(ratio_of_month(alike, 0.0)) == pytest.approx((0.25, 0.25, 0.25))


def test_a_week_counts_by_what_it_used() -> None:
    """8 of 40 is 0.2, not the mean of 0.6, 0.2 and 0: the weeks are 4, 0, -4 and 0 off 0.2.

    sqrt(32 / 3) = 3.266, times 2.119 as above, is 6.921 of the 10 that a week uses.
    """
    weeks = [Week(6, 10), Week(2, 10), Week(0, 20), Week(0, 0)]
    assert bounds(ratio_of_month(weeks, 0.0)) == pytest.approx((-0.49214, 0.2, 0.89214), 1e-4)


def test_an_amount_by_hand() -> None:
    """10 a week is 43.48 in 30.44 days; 3.461 either way is 15.05 of a month."""
    assert bounds(amount_of_month(FOUR_WEEKS)) == pytest.approx((28.4344, 43.4821, 58.5299), 1e-5)


def test_the_drift_of_an_amount_is_relative_to_it() -> None:
    """8 % of 10 a week beside 3.461: sqrt(3.461^2 + 0.8^2) = 3.552, 15.44 of a month.

    It is all there is where weeks are alike, on both sides of a loss too.
    """
    assert bounds(amount_of_month(FOUR_WEEKS, drift_ratio=0.08)) == pytest.approx(
        (28.0375, 43.4821, 58.9267), 1e-5
    )
    for saved in (10.0, -10.0):
        alike = bounds(amount_of_month([Week(saved, 20)] * 4, drift_ratio=0.08))
        assert alike == pytest.approx(
            tuple((saved + end) * 30.4375 / 7 for end in (-0.8, 0.0, 0.8))
        )


def test_the_drift_of_nothing_is_nothing() -> None:
    """What saves nothing in any week saves nothing in another season."""
    assert bounds(amount_of_month([Week(0.0, 20)] * 4, 0.3, 0.08)) == (0.0, 0.0, 0.0)


def test_the_scale_widens_an_amount_like_any_bound() -> None:
    """Weeks alike, deviation 0.1: exp(-+1.85 x 0.1) of the amount, 0.8311 and 1.2032."""
    lower, value, upper = bounds(amount_of_month([Week(10, 20)] * 4, 0.1))
    assert (lower / value, upper / value) == pytest.approx((0.831104, 1.203218))
    assert value == pytest.approx(10 * 30.4375 / 7)


def test_scale_and_spread_add_in_quadrature() -> None:
    """Both as far below and as far above as the other: sqrt(2) times as far together."""
    below, above = 10 * (1 - exp(-0.1)), 10 * (exp(0.1) - 1)
    by_weeks = Bounded(10, 10 - below, 10 + above)
    assert bounds(scaled(by_weeks, 0.1 / 1.85)) == pytest.approx(
        (10 - sqrt(2) * below, 10, 10 + sqrt(2) * above)
    )


def test_a_loss_is_scaled_outwards() -> None:
    """The scale makes a loss larger or smaller; it never turns the bounds around."""
    gain, loss = scaled(Bounded(10), 0.2), scaled(Bounded(-10), 0.2)
    assert bounds(loss) == pytest.approx((-bounds(gain)[2], -10, -bounds(gain)[0]))


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        # In quadrature 100 - sqrt(99^2 + 42.15^2) = -7.6 below; 1 / 1.7285 is the least there is.
        (Bounded(100.0, 1.0, 199.0), (1 / 1.7285, 100.0, 100 + sqrt(99**2 + 72.85**2))),
        # A loss, the other way around.
        (Bounded(-100.0, -199.0, -1.0), (-100 - sqrt(99**2 + 72.85**2), -100.0, -1 / 1.7285)),
        # A loss of 1 is one of 1.7285 at most, where nearly everything is saved.
        (Bounded(100.0, -1.0, 201.0), (-1.7285, 100.0, 100 + sqrt(101**2 + 72.85**2))),
        # 50 is far from 0: 100 - sqrt(50^2 + 42.15^2) = 34.6 is within what is possible.
        (
            Bounded(100.0, 50.0, 150.0),
            (100 - sqrt(50**2 + 42.15**2), 100.0, 100 + sqrt(50**2 + 72.85**2)),
        ),
    ],
)
def test_the_scale_makes_no_saving_a_loss(
    amount: Bounded, expected: tuple[float, float, float]
) -> None:
    """It multiplies: by exp(-+1.85 x 0.2958), 1.7285 or 1 / 1.7285; no bound is beyond that."""
    assert bounds(scaled(amount, 0.2958)) == pytest.approx(expected, rel=1e-4)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 2))
def test_a_bound_keeps_its_sign(value: float, below: float, above: float, scale_ln: float) -> None:
    """Whatever the scale: as many amounts are above 0 as before."""
    amount = Bounded(value, value - below, value + above)
    lower, _, upper = bounds(scaled(amount, scale_ln))
    assert (lower > 0) == (value - below > 0)
    assert (upper < 0) == (value + above < 0)


def test_student_t_is_the_quantile_it_says() -> None:
    """Its distribution function for three degrees of freedom has a closed form: 95 %."""
    x = STUDENT_T / sqrt(3)
    assert WEEKS == 4
    assert 0.5 + (x / (1 + x * x) + atan(x)) / pi == pytest.approx(0.95, abs=2e-5)


def test_holds_nine_of_ten_months_that_are_like_the_weeks() -> None:
    """Drawn weeks, and a month of the same kind: 90 % are held without the factor for drift."""
    random = Random(20260304)  # noqa: S311 - a repeatable draw
    held = 0
    for _ in range(4000):
        weeks = [random.gauss(10, 2) for _ in range(4)]
        month = random.gauss(10, 2 / sqrt(WEEKS_PER_MONTH))
        lower, value, upper = bounds(ratio_of_month([Week(each, 20) for each in weeks], 0.0))
        half_width = (upper - lower) / 2 / DRIFT_FACTOR
        held += value - half_width <= month / 20 <= value + half_width
    assert held / 4000 == pytest.approx(0.90, abs=0.015)


@given(WEEKS_OF_USE, st.floats(0, 0.1))
def test_agrees_with_textbook_statistics(weeks: list[Week], drift_ratio: float) -> None:
    """The half-width from the deviations as the standard library computes them."""
    factor = 1.3 * 2.353 * sqrt(1 / 4 + 7 / 30.4375)
    total = sum(week.base for week in weeks)
    ratio = sum(week.saved for week in weeks) / total
    off = stdev([week.saved - ratio * week.base for week in weeks]) * factor / (total / 4)
    half_width = sqrt(off * off + drift_ratio * drift_ratio)
    expected = (ratio - half_width, ratio, min(1.0, ratio + half_width))
    assert bounds(ratio_of_month(weeks, drift_ratio)) == pytest.approx(expected, 1e-6, 1e-9)
    saved = [week.saved for week in weeks]
    per_month = 30.4375 / 7
    half_width = sqrt((factor * stdev(saved)) ** 2 + (drift_ratio * mean(saved)) ** 2)
    assert bounds(amount_of_month(weeks, drift_ratio=drift_ratio)) == pytest.approx(
        tuple(per_month * (mean(saved) + sign * half_width) for sign in (-1, 0, 1)),
        rel=1e-6,
        abs=1e-6,
    )


@given(WEEKS_OF_USE, st.floats(0, 0.5), st.floats(0, 0.1))
def test_bounds_enclose_the_value(weeks: list[Week], scale_ln: float, drift_ratio: float) -> None:
    """No value is outside its bounds, and no share saved is above one."""
    lower, value, upper = bounds(ratio_of_month(weeks, drift_ratio))
    assert lower <= value <= max(upper, 1.0)
    assert upper <= 1.0
    lower, value, upper = bounds(amount_of_month(weeks, scale_ln, drift_ratio))
    assert lower <= value <= upper


@given(WEEKS_OF_USE, st.floats(0.01, 100), st.floats(0, 0.5))
def test_a_ratio_has_no_unit_and_an_amount_has_one(
    weeks: list[Week], unit: float, scale_ln: float
) -> None:
    """The same weeks in another unit: the same ratio, the amount in that unit."""
    others = [Week(week.saved * unit, week.base * unit) for week in weeks]
    assert bounds(ratio_of_month(others, 0.01)) == pytest.approx(
        bounds(ratio_of_month(weeks, 0.01)), rel=1e-6, abs=1e-9
    )
    expected = bounds(amount_of_month(weeks, scale_ln, 0.08))
    assert bounds(amount_of_month(others, scale_ln, 0.08)) == pytest.approx(
        tuple(bound * unit for bound in expected), 1e-6, 1e-9
    )


@given(WEEKS_OF_USE)
def test_the_order_of_weeks_does_not_matter(weeks: list[Week]) -> None:
    """Each order of the four weeks gives the same band."""
    expected = bounds(ratio_of_month(weeks, 0.01))
    for order in permutations(weeks):
        assert bounds(ratio_of_month(order, 0.01)) == pytest.approx(expected, 1e-6, 1e-9)


@given(WEEKS_OF_USE, st.floats(0, 0.3), st.floats(0, 0.3), st.floats(0, 0.3))
def test_more_error_never_narrows_a_band(
    weeks: list[Week], scale_ln: float, more_ln: float, drift_ratio: float
) -> None:
    """A larger deviation of the scale, or a drift, only moves the bounds outwards."""
    lower, _, upper = bounds(amount_of_month(weeks, scale_ln))
    wider_lower, _, wider_upper = bounds(amount_of_month(weeks, scale_ln + more_ln, drift_ratio))
    slack = 1e-9 * max(1.0, abs(lower), abs(upper))
    assert wider_lower <= lower + slack
    assert upper - slack <= wider_upper
