from dataclasses import replace
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.evidence import LOAD_ANCHORS_PERCENT, GapReason, InstanceCpu
from exporter.core.fleet import Instance
from exporter.core.power import (
    MeasuredLoad,
    PowerCurve,
    average_power,
    is_newcomer,
    measured_load,
)
from tests.core.reference import REFERENCES
from tests.factories import M5_LARGE, NOW, WINDOW_END_AT, cpu, instance

CURVES = [pytest.param(curve, id=curve["name"]) for curve in REFERENCES["pchip"]]
RISES = st.lists(st.floats(0, 500), min_size=5, max_size=5)
LOADS = st.floats(0, 100)


def rising(idle_watts: float, rises: list[float]) -> PowerCurve:
    return PowerCurve.through(tuple(idle_watts + sum(rises[:i]) for i in range(6)))


@pytest.mark.parametrize("reference", CURVES)
def test_the_curve_is_pchip(reference):
    """Every load gives what scipy's PchipInterpolator gives, whatever the shape."""
    curve = PowerCurve.through(tuple(reference["watts"]))

    assert [curve.at(load) for load in reference["loads"]] == pytest.approx(
        reference["expected"], rel=1e-12
    )


@pytest.mark.parametrize("reference", CURVES)
def test_the_curve_passes_through_its_anchors(reference):
    """At an anchor the watts are the profile's own, to the last bit."""
    curve = PowerCurve.through(tuple(reference["watts"]))

    assert [curve.at(load) for load in LOAD_ANCHORS_PERCENT] == reference["watts"]


def test_an_end_slope_is_at_most_three_times_its_chord():
    """Chords of 0.1 and -0.525 W/%: the three-point formula alone would give 3.5 times."""
    curve = PowerCurve.through((10.0, 11.0, 3.125, 5.0, 6.0, 7.0))

    # Halfway: mean of the ends + step / 8 x (first slope - second slope), the second being 0.
    assert curve.at(5) == pytest.approx(10.5 + 10 / 8 * 3 * 0.1)


@given(st.floats(0.1, 500), RISES, LOADS, LOADS)
def test_power_never_falls_with_load(idle_watts, rises, one, other):
    """Rising anchors give a rising curve that stays between idle and full load."""
    curve = rising(idle_watts, rises)
    rounding = 1e-12 * curve.watts[-1]

    lower, higher = curve.at(min(one, other)), curve.at(max(one, other))

    assert lower <= higher + rounding
    assert curve.watts[0] - rounding <= lower
    assert higher <= curve.watts[-1] + rounding


@pytest.mark.parametrize("load_percent", [100.0, 100.1, 137.0, 1e9])
def test_a_load_above_100_counts_as_100(load_percent):
    """The curve is not extrapolated."""
    assert PowerCurve.through(M5_LARGE.watts).at(load_percent) == 15.16


@pytest.mark.parametrize(("name", "sign"), [("strongly concave", -1), ("strongly convex", 1)])
def test_the_curve_comes_before_the_mean(name, sign):
    """Averaging the CPU first would overstate a concave curve and understate a convex one."""
    watts = next(curve["watts"] for curve in REFERENCES["pchip"] if curve["name"] == name)
    curve = PowerCurve.through(tuple(watts))

    average = average_power(curve, MeasuredLoad((0.0, 100.0), 2)).watts

    assert average == (watts[0] + watts[-1]) / 2
    assert (average - curve.at(50)) * sign > 0


@pytest.mark.parametrize(
    ("points_percent", "expected_points", "watts", "deviation_ln"),
    [
        ((50.0,), 1, 11.30, 0.0),
        ((50.0,), 2, 11.30, 0.0),
        ((0.0, 100.0), 2, 8.925, 0.0),
        ((0.0, 10.0, 25.0, 50.0), 4, 6.9075, 0.0),
        # 5.43 and 11.30 W: sd = 5.87 / sqrt 2
        ((10.0, 50.0), 4, 8.365, 4.150717 / 8.365 * sqrt((1 - 2 / 4) / 2)),
        # 5.43 and 8.21 W, twice each: sd = sqrt(4 x 1.39^2 / 3)
        ((10.0, 25.0, 25.0, 10.0), 5, 6.82, 1.605034 / 6.82 * sqrt((1 - 4 / 5) / 4)),
        ((25.0, 25.0, 25.0, 25.0), 5, 8.21, 0.0),
    ],
)
def test_missing_points_leave_a_deviation(points_percent, expected_points, watts, deviation_ln):
    """sd/mean * sqrt((1 - n/N) / n); 0 with all points, or with no spread to see."""
    average = average_power(
        PowerCurve.through(M5_LARGE.watts), MeasuredLoad(points_percent, expected_points)
    )

    assert average.watts == pytest.approx(watts)
    assert average.utilization_deviation_ln == pytest.approx(deviation_ln, rel=1e-6)


# Ages in seconds: of the instance now, and of the instance when it was polled. The window ended a
# minute before the poll.
def launched(age_at_poll: float) -> Instance:
    return instance(launched_at=WINDOW_END_AT + 60 - age_at_poll)


def load_of(
    age_at_poll: float, polled: InstanceCpu, seconds_since_poll: float = 300
) -> MeasuredLoad | GapReason:
    now = WINDOW_END_AT + 60 + seconds_since_poll
    return measured_load(launched(age_at_poll), polled, now)


@pytest.mark.parametrize(
    ("age_at_poll", "seconds_since_poll", "outcome"),
    [
        (899, 0, GapReason.TOO_YOUNG),
        (900, 0, MeasuredLoad((20.0, 30.0, 40.0), 3)),
        (899, 1, GapReason.TOO_YOUNG),
        (300, 6000, GapReason.TOO_YOUNG),
        (901, 6000, MeasuredLoad((20.0, 30.0, 40.0), 3)),
    ],
)
def test_an_instance_is_too_young_now_or_when_it_was_polled(
    age_at_poll, seconds_since_poll, outcome
):
    """Fifteen minutes must have passed since the launch, and before the poll."""
    polled = cpu(launched(age_at_poll), 20, 30, 40)

    assert load_of(age_at_poll, polled, seconds_since_poll) == outcome


def test_points_of_an_earlier_run_do_not_count():
    """An instance started again since the poll is as good as never polled."""
    polled = cpu(launched(90_000), 20, 30, 40)

    assert load_of(80_000, polled) is GapReason.TOO_YOUNG


def test_an_instance_that_was_never_polled_has_no_points():
    """Old enough, but CloudWatch was not asked or said nothing."""
    subject = instance()

    assert measured_load(subject, None, subject.launched_at + 900) is GapReason.NO_DATAPOINTS
    assert measured_load(subject, None, subject.launched_at + 899) is GapReason.TOO_YOUNG


@pytest.mark.parametrize(
    ("window_slots", "count", "enough"),
    [(3, 0, False), (3, 2, False), (3, 3, True), (5, 4, True), (36, 28, False), (36, 29, True)],
)
def test_four_of_five_points_are_enough(window_slots, count, enough):
    """At least 80 % of the window's slots must have a point."""
    outcome = load_of(90_000, cpu(launched(90_000), *[20.0] * count, window_slots=window_slots))

    expected = MeasuredLoad((20.0,) * count, window_slots) if enough else GapReason.NO_DATAPOINTS
    assert outcome == expected


@pytest.mark.parametrize(
    ("run_seconds", "outcome"),
    [
        # The run began this long before the end of a window of 6 slots.
        (6 * 300, MeasuredLoad((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), 6)),
        (6 * 300 - 1, MeasuredLoad((1.0, 2.0, 3.0, 4.0, 5.0, 6.0), 6)),
        (4 * 300 + 1, MeasuredLoad((2.0, 3.0, 4.0, 5.0, 6.0), 5)),
        (4 * 300, MeasuredLoad((3.0, 4.0, 5.0, 6.0), 4)),
        (3 * 300 + 299, MeasuredLoad((3.0, 4.0, 5.0, 6.0), 4)),
    ],
)
def test_slots_before_the_launch_do_not_count(run_seconds, outcome):
    """A slot that ended before the launch is another run's; one the run began in counts."""
    age_at_poll = run_seconds + 60
    polled = cpu(launched(age_at_poll), 1, 2, 3, 4, 5, 6, window_slots=6)

    assert load_of(age_at_poll, polled) == outcome


def test_the_slot_of_the_launch_may_lack_its_point():
    """Only slots wholly inside the run are expected to have one."""
    age_at_poll = 4 * 300 + 100 + 60
    polled = cpu(launched(age_at_poll), 3, 4, 5, 6, window_slots=6)

    assert load_of(age_at_poll, polled) == MeasuredLoad((3.0, 4.0, 5.0, 6.0), 4)


def test_points_before_the_window_do_not_count():
    """They are kept for what comes later; the estimate wants the newest slots."""
    polled = cpu(launched(90_000), 1, 2, 3, 20, 30, 40)

    assert load_of(90_000, polled) == MeasuredLoad((20.0, 30.0, 40.0), 3)
    assert load_of(90_000, replace(polled, points=polled.points[:-1])) is GapReason.NO_DATAPOINTS


def test_a_window_that_ends_a_slot_early_lacks_nothing():
    """CloudWatch publishes late: the poll then looks at the slots before, and expects those."""
    polled = cpu(launched(90_000), 20, 30, 40, window_end_at=WINDOW_END_AT - 300)

    assert load_of(90_000, polled) == MeasuredLoad((20.0, 30.0, 40.0), 3)


def test_utilization_is_capped_and_averaged():
    """Turbo clocks report over 100 %."""
    load = load_of(90_000, cpu(launched(90_000), 104, 50, 75))

    assert isinstance(load, MeasuredLoad)
    assert load.points_percent == (100.0, 50.0, 75.0)
    assert load.mean_ratio == 0.75


@pytest.mark.parametrize(
    ("age", "polled_at_age", "newcomer"),
    [
        (899, None, False),
        (899, 200, False),
        (900, None, True),
        (900, 200, True),
        (5000, 899, True),
        (5000, 900, False),
    ],
)
def test_newcomers(age, polled_at_age, newcomer):
    """Old enough for an estimate, but not polled since it is."""
    subject = instance()
    at = subject.launched_at
    polled = None if polled_at_age is None else cpu(subject, 20, polled_at=at + polled_at_age)

    assert is_newcomer(subject, polled, at + age) is newcomer


def test_a_started_instance_is_a_newcomer_again():
    """What was polled belongs to an earlier run."""
    subject = instance()
    earlier = cpu(instance(launched_at=subject.launched_at - 5000), 20, 20, 20)

    assert is_newcomer(subject, earlier, subject.launched_at + 900)


def test_the_slot_of_the_launch_does_not_stand_in_for_a_whole_one():
    """One of two whole slots has a point: 50 %, although the partly run slot has one as well."""
    subject = instance(launched_at=WINDOW_END_AT - 800)  # 100 s into the first of three slots
    polled = cpu(subject, 10, 20, 30, polled_at=subject.launched_at + 900)
    polled = replace(polled, points=polled.points[:2])

    assert measured_load(subject, polled, NOW + 300) is GapReason.NO_DATAPOINTS
