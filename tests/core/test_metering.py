"""One instance in one hour: seconds, energy, embodied emissions and cost."""

from collections.abc import Sequence
from dataclasses import replace
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.metering import (
    NO_POINTS,
    UNKNOWN_RATES,
    HourPoints,
    InstanceHour,
    Rates,
    billed_seconds_by_type,
    cost_usd,
    hour_of,
    instance_hour,
    points_text,
)
from exporter.core.power import PowerCurve
from exporter.core.runtime import Runtime, Segment, UnknownReason, UnknownSpan

HOUR = 3600.0
HOUR_AT = 1000 * HOUR
END_AT = HOUR_AT + HOUR
SLOT = 300.0
WATTS = (10.0, 15.0, 20.0, 26.0, 30.0, 32.0)
CURVE = PowerCurve.through(WATTS)
"""At its anchors 0, 10, 25, 50, 75 and 100 % it gives WATTS exactly."""
SMALL = Rates(CURVE, embodied_grams_per_hour=2.0, usd_per_hour=0.36)
LARGE = Rates(
    PowerCurve.through(tuple(2 * watts for watts in WATTS)),
    embodied_grams_per_hour=8.0,
    usd_per_hour=0.72,
)
RATES = {"small": SMALL, "large": LARGE}


def rates(instance_type: str) -> Rates:
    return RATES.get(instance_type, UNKNOWN_RATES)


def ran(*segments: Segment, unknown: Sequence[UnknownSpan] = ()) -> Runtime:
    return Runtime(segments, tuple(unknown))


def segment(
    start_seconds: float, end_seconds: float, instance_type: str = "small", **flags: bool
) -> Segment:
    """A run, in seconds since the begin of the hour; it neither begins nor ends by default."""
    known = {"begins": False, "ends": False} | flags
    return Segment(HOUR_AT + start_seconds, HOUR_AT + end_seconds, instance_type, **known)


def start_to_stop(start_seconds: float, end_seconds: float, kind: str = "small") -> Segment:
    return segment(start_seconds, end_seconds, kind, begins=True, ends=True)


WHOLE = ran(segment(-HOUR, 2 * HOUR))


def by_seconds(runtime: Runtime, points: HourPoints) -> tuple[float, float]:
    """Measured seconds and joules, added up second by second; segments in whole seconds."""
    watts = []
    for second in range(int(HOUR)):
        at = HOUR_AT + second
        percent = points[second // 300]
        for each in runtime.segments:
            curve = rates(each.instance_type).curve
            if each.start_at <= at < each.end_at and percent is not None and curve:
                watts.append(curve.at(percent))
    return float(len(watts)), fsum(watts)


@pytest.mark.parametrize(
    ("at", "hour_at"),
    [
        (0.0, 0.0),
        (3599.999, 0.0),
        (3600.0, 3600.0),
        (1_800_000_001.5, 1_800_000_000.0),
        (-1.0, -3600.0),
    ],
)
def test_the_hour_of_an_instant(at, hour_at):
    """UTC, half-open: its first instant belongs to it, its last does not."""
    assert hour_of(at) == hour_at


def test_an_hour_of_points():
    """Two slots at each anchor: 300 s of each slot's own watts, not those of the mean load."""
    points = (0, 0, 10, 10, 25, 25, 50, 50, 75, 75, 100, 100)

    hour = instance_hour(WHOLE, points, rates, HOUR_AT)

    assert (hour.running_seconds, hour.billed_seconds) == (3600, 3600)
    assert (hour.unknown_seconds, hour.measured_seconds) == (0, 3600)
    assert hour.energy_joules == pytest.approx(600 * sum(WATTS))
    assert (hour.embodied_grams, hour.cost_usd) == (2.0, 0.36)


@pytest.mark.parametrize(
    ("start", "end", "seconds", "joules"),
    [
        # 10:07:30 to 10:11:00 is 150 s of the second slot and 60 s of the third.
        (450, 660, 210, 150 * 15 + 60 * 20),
        # Inside one slot.
        (10, 30, 20, 20 * 10),
        # The third slot's last second and the fourth slot's first: the fourth has no point.
        (899, 901, 1, 20),
        # Only where there is no point.
        (1000, 3600, 0, 0),
        # From the hour before into the one after.
        (-500, 5000, 900, 300 * (10 + 15 + 20)),
        # Not in this hour at all.
        (-500, 0, 0, 0),
        (3600, 4000, 0, 0),
    ],
)
def test_a_point_stands_for_the_running_seconds_of_its_slot(start, end, seconds, joules):
    """Slots 0 to 2 have points at 10, 15 and 20 W; nothing is carried over the gap after them."""
    points = (0.0, 10.0, 25.0, *[None] * 9)

    hour = instance_hour(ran(segment(start, end)), points, rates, HOUR_AT)

    assert hour.measured_seconds == seconds
    assert hour.energy_joules == pytest.approx(joules)
    assert hour.running_seconds == max(0, min(end, 3600) - max(start, 0))


SECONDS = st.integers(0, 3600)
POINTS = st.lists(st.none() | st.floats(0, 100), min_size=12, max_size=12)
TYPES = st.sampled_from(["small", "large", "unheard-of"])


@st.composite
def runtimes(draw: st.DrawFn) -> Runtime:
    """Disjoint runs in whole seconds around the hour."""
    edges = sorted(draw(st.sets(st.integers(-600, 4200), max_size=8)))
    spans = zip(edges[::2], edges[1::2], strict=False)
    return ran(
        *(
            segment(start, end, draw(TYPES), begins=draw(st.booleans()), ends=draw(st.booleans()))
            for start, end in spans
        )
    )


@given(runtimes(), POINTS)
def test_energy_is_the_sum_over_seconds(runtime, points):
    """Each running second with a point and a curve counts the watts of its slot, once."""
    seconds, joules = by_seconds(runtime, points)

    hour = instance_hour(runtime, points, rates, HOUR_AT)

    assert hour.measured_seconds == seconds
    assert hour.energy_joules == pytest.approx(joules, rel=1e-9)
    assert hour.measured_seconds <= hour.running_seconds <= HOUR
    assert hour.billed_seconds >= hour.running_seconds


@given(runtimes(), POINTS, SECONDS)
def test_only_what_ran_since_an_instant_counts(runtime, points, since):
    """The hour is the part before it and the part after: seconds, energy, cost and embodied."""
    cut = tuple(
        part
        for each in runtime.segments
        for part in (
            Segment(each.start_at, min(each.end_at, HOUR_AT + since), each.instance_type),
            Segment(max(each.start_at, HOUR_AT + since), each.end_at, each.instance_type),
        )
        if part.start_at < part.end_at
    )
    later = ran(*(each for each in cut if each.start_at >= HOUR_AT + since))

    hour = instance_hour(runtime, points, rates, HOUR_AT, HOUR_AT + since)

    expected = instance_hour(later, points, rates, HOUR_AT)
    assert hour.running_seconds == expected.running_seconds
    assert hour.measured_seconds == pytest.approx(expected.measured_seconds)
    assert hour.energy_joules == pytest.approx(expected.energy_joules, rel=1e-9)
    assert hour.embodied_grams == pytest.approx(expected.embodied_grams)


@given(runtimes(), POINTS)
def test_parts_of_a_run_add_up(runtime, points):
    """A run that is told in two segments is worth the same as in one."""
    halves = []
    for each in runtime.segments:
        middle_at = each.start_at + (each.end_at - each.start_at) // 2
        halves += [
            Segment(each.start_at, middle_at, each.instance_type, begins=False, ends=False),
            Segment(middle_at, each.end_at, each.instance_type, begins=False, ends=False),
        ]
    whole = ran(*(replace(each, begins=False, ends=False) for each in runtime.segments))

    one = instance_hour(whole, points, rates, HOUR_AT)
    two = instance_hour(ran(*halves), points, rates, HOUR_AT)

    for name in ("running_seconds", "billed_seconds", "measured_seconds", "energy_joules"):
        assert getattr(two, name) == pytest.approx(getattr(one, name), rel=1e-9)
    assert two.embodied_grams == pytest.approx(one.embodied_grams)
    assert two.cost_usd == pytest.approx(one.cost_usd)


@given(runtimes())
def test_hours_add_up_to_the_whole_time(runtime):
    """Running and billed seconds of three hours in a row are those of the time they cover."""
    hours = [
        instance_hour(runtime, NO_POINTS, rates, HOUR_AT + offset) for offset in (-HOUR, 0.0, HOUR)
    ]

    whole = (HOUR_AT - HOUR, HOUR_AT + 2 * HOUR)
    assert sum(h.running_seconds for h in hours) == runtime.running_seconds(*whole)
    assert sum(h.billed_seconds for h in hours) == pytest.approx(runtime.billed_seconds(*whole))


@pytest.mark.parametrize(
    ("runs", "running", "billed"),
    [
        # 20 s are billed as 60 s; energy and embodied emissions are those of 20 s.
        ([start_to_stop(0, 20)], 20, 60),
        ([start_to_stop(0, 20), start_to_stop(60, 80)], 40, 120),
        ([start_to_stop(0, 60)], 60, 60),
        ([start_to_stop(0, 5400)], 3600, 3600),
        # It goes on: what it will be billed is not known yet.
        ([segment(0, 20, begins=True)], 20, 20),
        # It began before what is known.
        ([segment(0, 20, ends=True)], 20, 20),
        # What a start lacks to the minimum belongs to the hour of the start: 20 of 60 s are here.
        ([start_to_stop(3590, 3610)], 10, 50),
        ([start_to_stop(-10, 10)], 10, 10),
    ],
)
def test_each_start_has_a_minimum(runs, running, billed):
    """At 0.36 USD an hour a billed second costs 0.0001 USD."""
    hour = instance_hour(ran(*runs), (50.0,) * 12, rates, HOUR_AT)

    assert (hour.running_seconds, hour.billed_seconds) == (running, billed)
    assert hour.cost_usd == pytest.approx(billed * 0.0001)
    assert hour.embodied_grams == pytest.approx(2.0 * running / 3600)
    assert hour.energy_joules == pytest.approx(26.0 * running)


def test_a_type_that_changes_inside_the_hour():
    """Half an hour small, ten minutes stopped, twenty minutes large: each part at its own rates."""
    runtime = ran(segment(0, 1800), segment(2400, 3600, "large"))

    hour = instance_hour(runtime, (10.0,) * 12, rates, HOUR_AT)

    assert (hour.running_seconds, hour.measured_seconds) == (3000, 3000)
    assert hour.energy_joules == pytest.approx(1800 * 15 + 1200 * 30)
    assert hour.embodied_grams == pytest.approx(2.0 / 2 + 8.0 / 3)
    assert hour.cost_usd == pytest.approx(0.36 / 2 + 0.72 / 3)
    assert billed_seconds_by_type(runtime, HOUR_AT, END_AT) == {"small": 1800, "large": 1200}


LACKING = {
    "curve": Rates(None, 2.0, 0.36),
    "embodied": Rates(CURVE, None, 0.36),
    "price": Rates(CURVE, 2.0, None),
}


@pytest.mark.parametrize("lacking", LACKING)
def test_a_rate_that_is_missing_for_a_part_of_the_hour(lacking):
    """No energy for those seconds only; no cost and no embodied emissions at all: no half sums."""
    known = {"small": SMALL, "other": LACKING[lacking]}
    runtime = ran(segment(0, 1800), segment(1800, 3600, "other"))

    hour = instance_hour(runtime, (0.0,) * 12, known.__getitem__, HOUR_AT)

    assert hour.running_seconds == 3600
    assert hour.measured_seconds == (1800 if lacking == "curve" else 3600)
    assert hour.energy_joules == pytest.approx(hour.measured_seconds * 10.0)
    assert hour.embodied_grams == (None if lacking == "embodied" else pytest.approx(2.0))
    assert hour.cost_usd == (None if lacking == "price" else pytest.approx(0.36))


def test_a_rate_that_no_second_needs():
    """A type before or after the hour does not matter to it; nor does any in an empty hour."""
    runtime = ran(segment(-600, 0, "unheard-of"), segment(0, 1800), segment(3600, 4000, "other"))

    hour = instance_hour(runtime, (0.0,) * 12, rates, HOUR_AT)

    assert hour.cost_usd == pytest.approx(0.18)
    assert hour.embodied_grams == pytest.approx(1.0)
    nothing = instance_hour(ran(segment(-600, 0, "unheard-of")), NO_POINTS, rates, HOUR_AT)
    assert nothing == InstanceHour(0, 0, 0, 0, 0, 0, 0)


def test_the_minimum_of_a_start_needs_a_price_as_well():
    """A run that ended in the second it began runs for no time and is billed for a minute."""
    hour = instance_hour(ran(start_to_stop(0, 0, "unheard-of")), NO_POINTS, rates, HOUR_AT)

    assert (hour.running_seconds, hour.billed_seconds, hour.cost_usd) == (0, 60, None)


@pytest.mark.parametrize(
    ("billed", "usd"),
    [
        ({}, 0.0),
        ({"small": 1800.0}, 0.18),
        ({"small": 1800.0, "large": 3600.0}, 0.9),
        ({"small": 1800.0, "unheard-of": 1.0}, None),
        ({"unheard-of": 0.0}, 0.0),
    ],
)
def test_cost_of_billed_seconds(billed, usd):
    """Price of each type; unknown where one that counts has none."""
    assert cost_usd(billed, rates) == (None if usd is None else pytest.approx(usd))


def test_unknown_time_is_neither_running_nor_billed():
    """It is told beside them, as far as it is inside the hour and what counts."""
    span = UnknownSpan(HOUR_AT + 3000, END_AT + 500, UnknownReason.OS_SHUTDOWN)
    runtime = ran(segment(0, 3000), unknown=[span])

    hour = instance_hour(runtime, (0.0,) * 12, rates, HOUR_AT)
    later = instance_hour(runtime, (0.0,) * 12, rates, HOUR_AT, HOUR_AT + 3300)

    assert (hour.running_seconds, hour.unknown_seconds) == (3000, 600)
    assert hour.energy_joules == pytest.approx(3000 * 10)
    assert (later.running_seconds, later.unknown_seconds) == (0, 300)


@pytest.mark.parametrize(
    ("running", "points", "is_measured"),
    [
        (3600, 12, True),
        (3600, 10, True),  # 50 of 60 minutes
        (3600, 9, False),  # 45 of 60 minutes are less than 80 %
        (1800, 5, True),
        (1800, 4, False),
        (300, 1, True),
        (240, 0, False),
    ],
)
def test_an_hour_is_measured_by_four_fifths_of_its_running_time(running, points, is_measured):
    """The instance runs from the begin of the hour, and has its first points."""
    slots = [0.0] * points + [None] * (12 - points)

    assert instance_hour(ran(segment(0, running)), slots, rates, HOUR_AT).is_measured == is_measured


def test_without_a_curve_nothing_is_measured():
    """However many points there are."""
    hour = instance_hour(ran(segment(0, 3600, "unheard-of")), (0.0,) * 12, rates, HOUR_AT)

    assert (hour.measured_seconds, hour.energy_joules, hour.is_measured) == (0, 0, False)
    assert (hour.embodied_grams, hour.cost_usd) == (None, None)


@pytest.mark.parametrize(
    ("percent", "text"),
    [
        (None, "--"),
        (0.0, "00"),
        (-0.0, "00"),
        (0.001, "01"),
        (1.0, "01"),
        (12.0, "0c"),
        (12.3, "0d"),
        (99.2, "64"),
        (100.0, "64"),
        (100.4, "64"),
    ],
)
def test_points_as_text(percent, text):
    """Two digits a point: percent rounded up, so that 0 is idle and 100 is the top."""
    assert points_text([percent]) == text
    assert points_text([percent, None, percent]) == f"{text}--{text}"


@given(POINTS)
def test_points_as_text_can_be_read_back(points):
    """Always 24 characters; each pair is less than one percent above its point."""
    text = points_text(points)

    assert len(text) == 24
    for number, percent in enumerate(points):
        pair = text[2 * number : 2 * number + 2]
        if percent is None:
            assert pair == "--"
        else:
            assert int(pair, 16) - 1 < percent <= int(pair, 16)
