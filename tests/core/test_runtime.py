"""The 27 cases of docs/cloudtrail-methodology.md; the numbers of the tests are those of its table.

What never reaches the core (failed calls, reboots, other accounts) is refused when CloudTrail's
answers are read: here such a case shows what is left of it.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exporter.core.fleet import Instance, InstanceState, Place, SightedRun
from exporter.core.runtime import (
    Coverage,
    Runtime,
    Segment,
    UnknownReason,
    UnknownSpan,
    runtime_of,
)
from exporter.core.sightings import sighted
from exporter.core.trail import Trail, TrailAction, extended
from tests.core.runtime_stories import (
    COVERAGE,
    ID,
    MIDNIGHT,
    NEXT_MIDNIGHT,
    clock,
    evict,
    retype,
    run,
    runtime,
    seconds,
    seen,
    sighting,
    start,
    stop,
    terminate,
    told,
)
from tests.factories import DUBLIN, FRANKFURT, instance

HOUR = 3600
DAY = 86400
EVER = float("inf")


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([run("10:00"), terminate("11:30")], (5400, 5400, 0), id="1 run, terminate"),
        pytest.param([run("10:00"), stop("10:00:20")], (20, 60, 0), id="2 shorter than a minute"),
        pytest.param(
            [run("10:00"), stop("10:00:20"), start("10:01"), stop("10:01:20")],
            (40, 120, 0),
            id="3 each start has its own minimum",
        ),
        pytest.param([stop("03:00")], (3 * HOUR, 3 * HOUR, 0), id="7 first event is a stop"),
        pytest.param([terminate("03:00")], (3 * HOUR, 3 * HOUR, 0), id="7 or a termination"),
        pytest.param(
            [start("03:00"), stop("05:00")], (2 * HOUR, 2 * HOUR, 0), id="8 first event is a start"
        ),
        pytest.param(
            [run("10:00"), start("10:30", was="running"), terminate("11:30")],
            (5400, 5400, 0),
            id="9 start of a running instance",
        ),
        *(
            pytest.param(
                [run("10:00"), stop("10:30"), stop("10:40", was=was)],
                (1800, 1800, 0),
                id=f"10 stopped twice, {was or 'unknown'}",
            )
            for was in ("stopping", "stopped", "")
        ),
        pytest.param(
            [run("10:00"), terminate("11:30")],
            (5400, 5400, 0),
            id="11 a failed stop at 10:30 is not an event",
        ),
        pytest.param([run("10:00"), evict("11:30")], (5400, 5400, 0), id="15 spot interruption"),
        pytest.param(
            [run("10:00"), terminate("11:30")], (5400, 5400, 0), id="16 by autoscaling: as 1"
        ),
    ],
)
def test_events_alone(events, expected):
    """Where CloudTrail tells of all starts and ends, its seconds are the runtime."""
    assert seconds(runtime(*events)) == expected


@pytest.mark.parametrize(
    "launched_at",
    [
        pytest.param(MIDNIGHT - 5 * DAY, id="4 launched five days before"),
        pytest.param(MIDNIGHT - 100 * DAY, id="5 launched more than 90 days ago"),
    ],
)
@pytest.mark.parametrize("trail_since_at", [MIDNIGHT, MIDNIGHT - 2 * DAY])
def test_running_without_an_event(launched_at, trail_since_at):
    """4 and 5: the LaunchTime of a running instance proves the whole window of 48 hours."""
    coverage = replace(COVERAGE, trail_since_at=trail_since_at)
    result = runtime(sighted=sighting(seen(launched_at, NEXT_MIDNIGHT)), coverage=coverage)

    assert seconds(result, NEXT_MIDNIGHT - 2 * DAY) == (2 * DAY, 2 * DAY, 0)
    assert result.segments == (Segment(launched_at, NEXT_MIDNIGHT, "m5.large", ends=False),)
    assert result.unknown == (UnknownSpan(-EVER, launched_at, UnknownReason.NO_TRAIL),)


@pytest.mark.parametrize(
    "runs",
    [
        pytest.param([], id="nothing is remembered of its last run"),
        pytest.param(
            [
                seen(
                    clock("08:00", 1),
                    clock("08:00", 1),
                    ended_at=clock("09:00", 1),
                    gone_at=MIDNIGHT,
                )
            ],
            id="its last run ended before",
        ),
    ],
)
def test_stopped_without_an_event(runs):
    """6: stopped since before the window means no second in it."""
    assert seconds(runtime(sighted=sighting(*runs))) == (0, 0, 0)


def test_stop_first_with_the_launch_known():
    """7: the LaunchTime decides since when it ran: before the window, or inside it."""
    for launched_at, expected in ((clock("12:00", 3), 3 * HOUR), (clock("01:00"), 2 * HOUR)):
        last_run = seen(launched_at, clock("02:58"), gone_at=clock("03:03"))
        result = runtime(stop("03:00"), sighted=sighting(last_run))

        assert seconds(result) == (expected, expected, 0)
        assert result.segments[0].start_at == launched_at


def test_start_first_and_still_running():
    """8: nothing before the start, everything since."""
    result = runtime(start("03:00"), sighted=sighting(seen(clock("03:00:02"), NEXT_MIDNIGHT)))

    assert seconds(result) == (21 * HOUR, 21 * HOUR, 0)
    assert result.segments == (Segment(clock("03:00"), NEXT_MIDNIGHT, "m5.large", ends=False),)


def test_a_reboot_is_no_event():
    """12: it neither ends nor begins a run, so the core has no word for it."""
    assert "RebootInstances" not in set(TrailAction)


def shown(state: InstanceState, reason: str = "") -> Instance:
    """The instance as an inventory returns it."""
    return instance(ID, state=state, launched_at=clock("10:00"), state_transition_reason=reason)


SHUT_DOWN_FROM_INSIDE = pytest.mark.parametrize(
    "last_shown",
    [
        pytest.param([InstanceState.STOPPED], id="13 stopped"),
        pytest.param([InstanceState.TERMINATED], id="14 terminated"),
        pytest.param([], id="14 gone"),
    ],
)


def shut_down(last_shown, reason="", **changes) -> Runtime:
    """Seen running at 11:00 and not any more at 11:05."""
    known = sighted((), [shown(InstanceState.RUNNING)], clock("11:00"), clock("11:00:01"))
    found = [shown(state, reason) for state in last_shown]
    known = sighted(known, found, clock("11:05"), clock("11:05:01"))
    return runtime_of(
        known[0],
        [run("10:00")],
        replace(COVERAGE, **{k: v for k, v in changes.items() if k != "last_point_at"}),
        changes.get("last_point_at"),
    )


@SHUT_DOWN_FROM_INSIDE
def test_the_end_is_unknown(last_shown):
    """It ended between the last inventory that showed it running and the next."""
    result = shut_down(last_shown)

    assert seconds(result) == (HOUR, HOUR, 301)
    assert result.unknown == (
        UnknownSpan(clock("11:00"), clock("11:05:01"), UnknownReason.OS_SHUTDOWN),
    )


@SHUT_DOWN_FROM_INSIDE
def test_a_cpu_point_narrows_it_down(last_shown):
    """Until the end of the last slot with a point it ran."""
    result = shut_down(last_shown, last_point_at=clock("11:02"))

    assert seconds(result) == (HOUR + 120, HOUR + 120, 181)


@SHUT_DOWN_FROM_INSIDE
def test_a_later_cpu_point_tells_of_the_begin_of_its_slot(last_shown):
    """It ended inside that slot."""
    result = shut_down(last_shown, last_point_at=clock("11:07"))

    assert seconds(result) == (HOUR + 120, HOUR + 120, 181)


@SHUT_DOWN_FROM_INSIDE
def test_meanwhile_cloudtrail_may_still_explain_it(last_shown):
    """Until the trail covers the time the reason is another, the seconds are the same."""
    result = shut_down(last_shown, trail_until_at=clock("11:01"))

    assert seconds(result) == (HOUR, HOUR, 301)
    assert {span.reason for span in result.unknown} == {UnknownReason.NO_TRAIL}


@SHUT_DOWN_FROM_INSIDE
def test_what_is_gone_can_not_have_been_started_again(last_shown):
    """Since the last inventory a stopped instance may run again."""
    result = shut_down(last_shown, seen_until_at=clock("23:00"), trail_until_at=clock("23:00"))

    assert seconds(result, clock("12:00"))[2] == (
        HOUR if InstanceState.STOPPED in last_shown else 0
    )


@SHUT_DOWN_FROM_INSIDE
def test_the_reason_may_carry_the_time(last_shown):
    """Then the end is exact; an instance that is not returned carries nothing."""
    result = shut_down(last_shown, "User initiated (2026-03-04 11:03:00 GMT)")

    expected = (HOUR + 180, HOUR + 180, 0) if last_shown else (HOUR, HOUR, 301)
    assert seconds(result) == expected


def test_five_instances_of_one_call():
    """17: one event, five machines."""
    ids = [f"i-{number}" for number in range(5)]
    events = [run("10:00", event_id="run", instance_id=each) for each in ids]
    events += [terminate("11:30", event_id="end", instance_id=each) for each in ids]
    trail = extended(None, FRANKFURT, events, MIDNIGHT, NEXT_MIDNIGHT, MIDNIGHT)

    results = [runtime_of(None, told_of, COVERAGE) for told_of in trail.by_instance().values()]

    assert [seconds(result) for result in results] == [(5400, 5400, 0)] * 5


def test_another_type_after_a_stop():
    """18: each segment has its own type."""
    result = runtime(
        run("10:00"), stop("11:00"), retype("11:10", "c5.large"), start("12:00"), stop("12:30")
    )

    assert [(s.instance_type, s.end_at - s.start_at) for s in result.segments] == [
        ("m5.large", HOUR),
        ("c5.large", 1800),
    ]


def test_order_and_repetition():
    """19: pages in any order, an event on two pages: the same runtime."""
    events = [run("10:00"), stop("10:30"), start("11:00"), stop("11:30")]
    mixed = [events[2], events[0], events[3], events[2], events[1], events[0]]

    assert runtime(*mixed) == runtime(*events)
    assert seconds(runtime(*mixed)) == (HOUR, HOUR, 0)


def test_across_two_buckets():
    """20: one second each, and the rest of the minute in the bucket of the start."""
    result = runtime(run("10:59:59"), stop("11:00:01"))

    assert seconds(result, clock("10:00"), clock("11:00")) == (1, 59, 0)
    assert seconds(result, clock("11:00"), clock("12:00")) == (1, 1, 0)
    assert seconds(result) == (2, 60, 0)


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        ("10:00", "11:00", (3600, 3600, 0)),
        ("10:00", "10:00:01", (1, 1, 0)),
        ("09:00", "10:00", (0, 0, 0)),
        ("10:59:59", "12:00", (1, 1, 0)),
        ("11:00", "12:00", (0, 0, 0)),
    ],
)
def test_a_window_edge_at_an_event(begin, end, expected):
    """21: windows and runs hold their start and not their end."""
    result = runtime(run("10:00"), stop("11:00"))

    assert seconds(result, clock(begin), clock(end)) == expected


@pytest.mark.parametrize(
    ("stopping_at", "end"),
    [("10:34", "10:34"), (None, "10:30"), ("10:29:58", "10:30")],
)
def test_hibernation(stopping_at, end):
    """22: it draws power and is billed until it has stopped, as far as inventories show it."""
    last_run = seen(
        clock("10:00"),
        clock("10:29"),
        ended_at=clock("10:30"),
        gone_at=clock("10:34:01"),
        stopping_at=None if stopping_at is None else clock(stopping_at),
    )
    result = runtime(run("10:00"), stop("10:30", hibernates=True), sighted=sighting(last_run))

    expected = clock(end) - clock("10:00")
    assert seconds(result) == (expected, expected, 0)


def test_stopping_without_hibernation_is_off():
    """22: an ordinary stop counts from the call."""
    last_run = seen(
        clock("10:00"), clock("10:29"), gone_at=clock("10:34"), stopping_at=clock("10:34")
    )

    assert seconds(runtime(run("10:00"), stop("10:30"), sighted=sighting(last_run)))[0] == 1800


def test_events_of_other_instances_and_places():
    """23: each place has its own trail, each instance its own events of it."""
    foreign = [run("10:00"), terminate("10:05"), terminate("10:10", instance_id="i-0other")]
    own = [run("10:00"), terminate("11:30")]
    trails = {
        place: extended(None, place, events, MIDNIGHT, NEXT_MIDNIGHT, MIDNIGHT)
        for place, events in {
            DUBLIN: foreign,
            Place("444455556666", FRANKFURT.region): foreign,
            FRANKFURT: [*own, foreign[2]],
        }.items()
    }

    assert isinstance(trails[FRANKFURT], Trail)
    result = runtime(*trails[FRANKFURT].by_instance()[ID])

    assert seconds(result) == (5400, 5400, 0)


def test_running_again_without_a_start():
    """24: the LaunchTime wins, and the segment is flagged."""
    last_run = seen(clock("12:00"), NEXT_MIDNIGHT)
    result = runtime(run("10:00"), stop("10:30"), sighted=sighting(last_run))

    assert seconds(result) == (12.5 * HOUR, 12.5 * HOUR, 0)
    assert [segment.confirmed for segment in result.segments] == [True, False]


def test_denied():
    """25: without CloudTrail nothing is known, whatever inventories show."""
    result = runtime(sighted=sighting(seen(MIDNIGHT, NEXT_MIDNIGHT)), coverage=None)

    assert seconds(result) == (0, 0, DAY)
    assert result == Runtime((), (UnknownSpan(-EVER, EVER, UnknownReason.NO_TRAIL),))


def test_a_mac_runs_like_any_other():
    """26: its host is billed for a day at least; it is the type that tells to leave it out."""
    result = runtime(run("10:00", instance_type="mac2.metal"), terminate("11:30"))

    assert seconds(result) == (5400, 5400, 0)
    assert result.segments[0].instance_type == "mac2.metal"


def test_the_day_that_summer_time_begins():
    """27: 2026-03-29 has 23 hours in Berlin and 24 buckets here."""
    begin_at = datetime(2026, 3, 29, tzinfo=UTC).timestamp()
    end_at = datetime(2026, 3, 30, tzinfo=UTC).timestamp()
    coverage = Coverage(begin_at, end_at, end_at, end_at)
    result = runtime(sighted=sighting(seen(MIDNIGHT, end_at)), coverage=coverage)

    buckets = [begin_at + HOUR * number for number in range(24)]

    assert buckets[-1] + HOUR == end_at
    assert [result.running_seconds(at, at + HOUR) for at in buckets] == [HOUR] * 24


def test_an_interrupted_spot_instance_that_ec2_starts_again():
    """Interrupted by a stop, it starts without any call: the LaunchTime tells of it."""
    result = runtime(
        run("10:00"), evict("11:00"), sighted=sighting(seen(clock("13:00"), NEXT_MIDNIGHT))
    )

    assert seconds(result) == (12 * HOUR, 12 * HOUR, 0)


@pytest.mark.parametrize(
    ("coverage", "expected"),
    [
        pytest.param(COVERAGE, (14 * HOUR, 14 * HOUR, 0), id="seen until now"),
        pytest.param(
            replace(COVERAGE, seen_until_at=clock("20:00")),
            (10 * HOUR, 10 * HOUR, 4 * HOUR),
            id="not seen for four hours",
        ),
        pytest.param(
            replace(COVERAGE, trail_until_at=clock("18:00")),
            (14 * HOUR, 14 * HOUR, 0),
            id="inventories stand in",
        ),
        pytest.param(
            replace(COVERAGE, trail_until_at=clock("18:00"), provisional=False),
            (8 * HOUR, 8 * HOUR, 6 * HOUR),
            id="inventories do not count",
        ),
    ],
)
def test_until_when_a_running_instance_is_known(coverage, expected):
    """The end of what is known is the end of the segment; the rest is unknown."""
    shown_until_at = coverage.seen_until_at
    result = runtime(
        run("10:00"), sighted=sighting(seen(clock("10:00"), shown_until_at)), coverage=coverage
    )

    assert seconds(result) == expected
    assert not result.segments[-1].ends
    assert result.segments[-1].confirmed == (result.segments[-1].end_at <= coverage.trail_until_at)


@pytest.mark.parametrize("provisional", [True, False])
def test_terminated_is_known_for_good(provisional):
    """No inventory and no event can change it any more."""
    coverage = Coverage(
        MIDNIGHT, clock("12:00"), clock("12:00"), NEXT_MIDNIGHT, provisional=provisional
    )

    result = runtime(run("10:00"), terminate("11:30"), coverage=coverage)

    assert seconds(result) == (5400, 5400, 0)
    assert result.unknown == ()


def test_stopped_may_have_been_started_since():
    """Where neither inventories nor CloudTrail reach, a stopped instance may run again."""
    coverage = Coverage(MIDNIGHT, clock("12:00"), clock("13:00"), NEXT_MIDNIGHT)
    last_run = seen(clock("10:00"), clock("11:25"), gone_at=clock("11:32"))

    result = runtime(run("10:00"), stop("11:30"), sighted=sighting(last_run), coverage=coverage)

    assert seconds(result) == (5400, 5400, 11 * HOUR)
    assert result.unknown[0].reason is UnknownReason.NO_INVENTORY


def test_a_point_of_cpu_later_than_the_last_inventory():
    """CloudWatch may answer when EC2 does not: so long it ran."""
    coverage = replace(COVERAGE, seen_until_at=clock("12:00"))
    last_run = seen(clock("10:00"), clock("12:00"))

    result = runtime(
        run("10:00"),
        sighted=sighting(last_run),
        coverage=coverage,
        last_point_at=clock("12:30"),
    )

    assert seconds(result, end=clock("13:00")) == (2.5 * HOUR, 2.5 * HOUR, 1800)


def test_started_since_the_last_inventory():
    """An event tells of the start, nothing yet of what came then."""
    coverage = Coverage(MIDNIGHT, clock("12:30"), clock("12:00"), clock("12:40"))
    for sighted_before in (None, sighting()):
        result = runtime(start("12:10"), sighted=sighted_before, coverage=coverage)

        assert seconds(result) == (0, 0, 1800)
        assert result.unknown[-1].reason is UnknownReason.NO_INVENTORY


def test_an_instance_that_no_inventory_has_shown():
    """Launched, never seen, no end: at the last inventory it was gone, nobody knows since when."""
    result = runtime(run("10:00"), coverage=replace(COVERAGE, seen_until_at=clock("12:00")))

    assert seconds(result) == (0, 0, 2 * HOUR)
    assert result.unknown[0].reason is UnknownReason.OS_SHUTDOWN


def test_several_runs_of_inventories_alone():
    """LaunchTime and StateTransitionReason are exact while CloudTrail lags."""
    runs = [
        seen(clock("08:00"), clock("08:55"), ended_at=clock("09:00"), gone_at=clock("09:01")),
        seen(clock("10:00"), clock("10:25"), ended_at=clock("10:30"), gone_at=clock("10:31")),
        seen(clock("12:00"), clock("14:00")),
    ]
    coverage = Coverage(MIDNIGHT, clock("07:00"), clock("14:00"), clock("14:00"))

    result = runtime(sighted=sighting(*runs), coverage=coverage)

    assert seconds(result) == (3.5 * HOUR, 3.5 * HOUR, 0)
    assert not any(segment.confirmed for segment in result.segments)


def test_between_two_runs_before_the_trail():
    """Another run may have been missed there: LaunchTimes prove the runs themselves only."""
    runs = [
        seen(clock("08:00", 1), clock("08:55", 1), ended_at=clock("09:00", 1)),
        seen(clock("12:00", 3), NEXT_MIDNIGHT),
    ]

    result = runtime(sighted=sighting(*runs))

    assert seconds(result, clock("08:00", 1)) == (
        37 * HOUR,
        37 * HOUR,
        clock("12:00", 3) - clock("09:00", 1),
    )


@pytest.mark.parametrize(
    ("seen_since_at", "unknown"),
    [
        pytest.param(clock("12:00", 1), 0, id="inventories have not shown it before"),
        pytest.param(clock("12:05"), 12 * HOUR, id="the first inventory shows it"),
    ],
)
def test_a_launch_that_cloudtrail_does_not_cover_yet(seen_since_at, unknown):
    """It is a new instance, or one that was stopped and started; then it may have run before."""
    coverage = Coverage(
        MIDNIGHT, clock("11:50"), clock("12:05"), clock("12:05"), seen_since_at=seen_since_at
    )
    new = replace(sighting(seen(clock("12:00"), clock("12:05"))), first_at=clock("12:05"))

    assert seconds(runtime(sighted=new, coverage=coverage)) == (300, 300, unknown)


def test_where_a_type_is_told_nowhere():
    """A first event that is a stop, and an instance that no inventory has shown."""
    (segment,) = runtime(stop("03:00")).segments

    assert segment == Segment(MIDNIGHT, clock("03:00"), "", begins=False)


def test_the_type_of_a_run_of_which_only_the_end_was_seen():
    """What an inventory shows of a stopped instance may be the type it was changed to."""
    last_run = SightedRun(
        clock("10:00"), "c5.large", clock("10:00"), clock("11:00"), clock("11:20")
    )

    changed = runtime(
        start("10:00"), stop("11:00"), retype("11:10", "c5.large"), sighted=sighting(last_run)
    )
    unchanged = runtime(start("10:00"), stop("11:00"), sighted=sighting(last_run))

    assert changed.segments[0].instance_type == ""
    assert unchanged.segments[0].instance_type == "c5.large"


def test_events_of_one_second():
    """Within a second a launch comes first and an end last."""
    result = runtime(
        terminate("10:00", event_id="a"),
        run("10:00", event_id="b"),
        told(TrailAction.STOP, "09:00"),
    )

    assert result == Runtime((), ())
