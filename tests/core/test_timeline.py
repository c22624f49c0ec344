"""Signs that do not fit each other: something was missed, and that is said."""

from dataclasses import replace

import pytest

from exporter.core.runtime import Coverage, UnknownReason, UnknownSpan
from exporter.core.sightings import KEPT_SECONDS
from tests.core.runtime_stories import (
    COVERAGE,
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
)

HOUR = 3600


def spans(result):
    """On and unknown, as (begin, end)."""
    on = [(segment.start_at, segment.end_at) for segment in result.segments]
    return on, [(span.start_at, span.end_at, span.reason) for span in result.unknown]


@pytest.mark.parametrize(
    ("last", "reached"),
    [
        pytest.param(start("12:00"), None, id="started again"),
        pytest.param(start("12:00", was=""), None, id="started again, without a word of before"),
        pytest.param(stop("12:00", was="stopped"), None, id="stopped although stopped"),
        pytest.param(terminate("12:00", was="stopped"), None, id="terminated when stopped"),
        pytest.param(retype("12:00", "c5.large"), None, id="only a stopped instance changes type"),
        pytest.param(start("12:00"), "11:00", id="a CPU point in between"),
        pytest.param(start("12:00"), "10:30", id="an older CPU point"),
    ],
)
def test_an_end_that_nobody_told(last, reached):
    """It was off: since its last sign of life nobody knows."""
    result = runtime(
        run("10:00"),
        start("10:40", was="running"),
        last,
        last_point_at=reached and clock(reached),
    )

    proven_until_at = max(clock("10:40"), clock(reached) if reached else 0)
    assert spans(result)[0][0] == (clock("10:00"), proven_until_at)
    assert result.unknown[0] == UnknownSpan(
        proven_until_at, clock("12:00"), UnknownReason.OS_SHUTDOWN
    )
    assert not result.segments[0].ends


def test_a_point_of_the_next_run_tells_nothing_of_the_last():
    """The newest CPU point is later than the second start, or in the slot that holds it."""
    for reached in ("12:02", "13:00"):
        result = runtime(run("10:00"), start("12:00"), stop("14:00"), last_point_at=clock(reached))

        assert seconds(result) == (2 * HOUR, 2 * HOUR, 2 * HOUR)


def test_an_end_without_a_start():
    """It was running when it was stopped for the second time: a start is missing."""
    result = runtime(run("10:00"), stop("11:00"), stop("12:00"))

    assert spans(result) == (
        [(clock("10:00"), clock("11:00"))],
        [(clock("11:00"), clock("12:00"), UnknownReason.TRAIL_GAP)],
    )


def test_two_stops_at_about_the_same_time():
    """Both calls found it running: the first one counts."""
    assert seconds(runtime(run("10:00"), stop("11:00"), stop("11:00:05"))) == (HOUR, HOUR, 0)


def test_an_inventory_may_miss_what_has_just_started():
    """It is not off, it is unknown since its start."""
    coverage = replace(COVERAGE, seen_until_at=clock("12:00"), now=clock("12:10"))
    for started, reason in (
        ("11:58", UnknownReason.OS_SHUTDOWN),
        ("11:58:01", UnknownReason.NO_INVENTORY),
    ):
        result = runtime(start(started), sighted=sighting(), coverage=coverage)

        assert result.unknown[1].start_at == clock(started)
        assert result.unknown[1].reason is reason


def test_an_end_without_a_start_after_another_sign_of_being_off():
    """The missing start is later than that."""
    result = runtime(run("10:00"), stop("11:00"), stop("11:30", was="stopped"), stop("12:00"))

    assert spans(result)[1] == [(clock("11:30"), clock("12:00"), UnknownReason.TRAIL_GAP)]


def test_a_needless_start_without_a_start():
    """It was running: a start is missing, and that of the run is not known."""
    result = runtime(run("10:00"), stop("11:00"), start("12:00", was="running"), stop("12:00:20"))

    assert spans(result) == (
        [(clock("10:00"), clock("11:00")), (clock("12:00"), clock("12:00:20"))],
        [(clock("11:00"), clock("12:00"), UnknownReason.TRAIL_GAP)],
    )
    assert not result.segments[1].begins
    assert not result.segments[1].confirmed
    assert seconds(result)[:2] == (HOUR + 20, HOUR + 20)


def test_a_needless_start_is_a_first_event_too():
    """It was running since the trail begins."""
    assert seconds(runtime(start("03:00", was="running"), stop("04:00")))[0] == 4 * HOUR


@pytest.mark.parametrize("event", [retype("03:00", "c5.large"), stop("03:00", was="stopped")])
def test_a_first_event_of_a_stopped_instance(event):
    """It was off since the trail begins."""
    result = runtime(event, start("04:00"), stop("05:00"))

    assert seconds(result) == (HOUR, HOUR, 0)


def test_seen_running_long_after_a_stop():
    """A LaunchTime that has not moved tells that it did not stop."""
    last_run = seen(clock("10:00"), clock("13:00"), gone_at=clock("13:05"))
    result = runtime(run("10:00"), stop("11:00"), sighted=sighting(last_run))

    assert spans(result) == (
        [(clock("10:00"), clock("13:00"))],
        [(clock("13:00"), clock("13:05"), UnknownReason.OS_SHUTDOWN)],
    )
    assert not result.segments[0].confirmed


def test_still_running_long_after_a_termination():
    """The last inventory shows it: it runs, and its end is open again."""
    last_run = seen(clock("10:00"), clock("20:00"))
    coverage = replace(COVERAGE, seen_until_at=clock("20:00"))
    result = runtime(
        run("10:00"), terminate("11:00"), sighted=sighting(last_run), coverage=coverage
    )

    assert seconds(result) == (10 * HOUR, 10 * HOUR, 4 * HOUR)


def test_seen_running_although_its_type_was_changed():
    """Events that contradict the inventory twice: from the inventory on it runs."""
    result = runtime(
        run("10:00"),
        stop("11:00"),
        retype("12:00", "c5.large"),
        sighted=sighting(seen(clock("10:00"), NEXT_MIDNIGHT)),
    )

    assert result.unknown == (UnknownSpan(clock("12:00"), NEXT_MIDNIGHT, UnknownReason.TRAIL_GAP),)


@pytest.mark.parametrize("seen_at", ["10:59", "11:00:05", "11:02"])
def test_an_inventory_may_be_a_little_behind(seen_at):
    """The event's time counts."""
    last_run = seen(clock("10:00"), clock(seen_at), gone_at=clock("11:07"))

    assert seconds(runtime(run("10:00"), stop("11:00"), sighted=sighting(last_run)))[0] == HOUR


@pytest.mark.parametrize(
    ("ended_at", "gone_at"),
    [
        pytest.param(None, "10:50", id="missed by one inventory"),
        pytest.param(None, "10:59:30", id="by another clock"),
        pytest.param("11:01", "11:01", id="reason a little later"),
        pytest.param("10:59", "10:59", id="reason a little earlier"),
        pytest.param("12:00", "12:00", id="reason of something later"),
    ],
)
def test_an_end_in_the_trail_counts(ended_at, gone_at):
    """What an inventory tells of the end does not change it."""
    last_run = seen(
        clock("10:00"),
        clock("10:45"),
        ended_at=ended_at and clock(ended_at),
        gone_at=clock(gone_at),
    )

    assert seconds(runtime(run("10:00"), stop("11:00"), sighted=sighting(last_run))) == (
        HOUR,
        HOUR,
        0,
    )


def test_a_reason_older_than_what_was_seen():
    """It was running since: the end is unknown."""
    last_run = seen(clock("10:00"), clock("12:00"), ended_at=clock("11:00"), gone_at=clock("12:05"))

    assert seconds(runtime(run("10:00"), sighted=sighting(last_run))) == (2 * HOUR, 2 * HOUR, 300)


def test_a_reason_in_front_of_another_clock():
    """An end that is told counts even where the inventory seems older than it."""
    last_run = seen(
        clock("10:00"), clock("10:55"), ended_at=clock("11:00:10"), gone_at=clock("11:00")
    )

    assert seconds(runtime(run("10:00"), sighted=sighting(last_run))) == (3610, 3610, 0)


def test_an_inventory_may_be_a_little_behind_a_reason():
    """The time in the reason counts."""
    last_run = seen(
        clock("10:00"), clock("11:00:05"), ended_at=clock("11:00"), gone_at=clock("11:05")
    )

    assert seconds(runtime(run("10:00"), sighted=sighting(last_run))) == (HOUR, HOUR, 0)


@pytest.mark.parametrize(
    ("launch", "confirmed"),
    [("00:01", True), ("00:02", False), ("12:58", False), ("12:59", True)],
)
def test_a_launch_time_at_the_edge_of_the_trail(launch, confirmed):
    """Its event may be just outside of what CloudTrail covers, else it should be there."""
    coverage = Coverage(MIDNIGHT, clock("13:00"), NEXT_MIDNIGHT, NEXT_MIDNIGHT)
    last_run = seen(
        clock(launch), clock(launch) + 30, ended_at=clock(launch) + 40, gone_at=clock(launch) + 50
    )
    (segment,) = runtime(sighted=sighting(last_run), coverage=coverage).segments

    assert segment.confirmed is confirmed


def test_a_termination_of_a_stopped_instance_is_not_the_end_of_its_run():
    """Its reason carries the time of the termination; CloudTrail tells what it was before."""
    last_run = seen(clock("10:00"), clock("11:00"), ended_at=clock("11:04"), gone_at=clock("11:05"))
    result = runtime(
        run("10:00"),
        terminate("11:04", was="stopped"),
        sighted=sighting(last_run, listed=False),
    )

    assert seconds(result) == (HOUR, HOUR, 240)


def test_the_time_of_the_event_counts_for_the_start():
    """A LaunchTime within two minutes is the same start; the event alone has the type."""
    last_run = replace(seen(clock("10:00:40"), clock("10:59")), instance_type="")
    (segment,) = runtime(run("10:00"), stop("11:00"), sighted=sighting(last_run)).segments

    assert (segment.start_at, segment.instance_type) == (clock("10:00"), "m5.large")


def test_a_launch_time_far_from_the_start():
    """It is another start: how the first one ended is unknown."""
    result = runtime(
        run("10:00"), stop("11:00"), sighted=sighting(seen(clock("10:05"), clock("10:55")))
    )

    assert spans(result) == (
        [(clock("10:05"), clock("11:00"))],
        [(clock("10:00"), clock("10:05"), UnknownReason.OS_SHUTDOWN)],
    )


def test_a_launch_time_belongs_to_the_nearest_start():
    """Two starts within a minute: the inventory has seen the second."""
    last_run = seen(clock("10:01:01"), clock("12:00"), gone_at=clock("12:05"))
    result = runtime(
        run("10:00"), stop("10:00:20"), start("10:01"), sighted=sighting(last_run, listed=False)
    )

    assert spans(result)[0] == [
        (clock("10:00"), clock("10:00:20")),
        (clock("10:01"), clock("12:00")),
    ]


def test_two_launch_times_share_no_start():
    """The one further away is a start of its own."""
    runs = [
        seen(clock("10:00:30"), clock("10:00:30"), ended_at=clock("10:01"), gone_at=clock("10:02")),
        seen(clock("10:02"), clock("12:00"), gone_at=clock("12:05")),
    ]
    result = runtime(start("10:02"), stop("12:00"), sighted=sighting(*runs))

    assert spans(result)[0] == [
        (clock("10:00:30"), clock("10:01")),
        (clock("10:02"), clock("12:00")),
    ]


def test_what_an_inventory_saw_of_a_run_that_was_overtaken():
    """An end that inventories noticed only after the next start is not that of the next run."""
    runs = [seen(clock("10:00"), clock("10:55"), gone_at=clock("11:20"))]
    result = runtime(run("10:00"), start("11:10"), stop("12:00"), sighted=sighting(*runs))

    assert spans(result) == (
        [(clock("10:00"), clock("10:55")), (clock("11:10"), clock("12:00"))],
        [(clock("10:55"), clock("11:10"), UnknownReason.OS_SHUTDOWN)],
    )


def test_a_stop_that_inventories_remember_no_more():
    """It ended without an event longer ago than inventories remember: off for that long."""
    launched_at = MIDNIGHT - 10 * 86400
    coverage = replace(COVERAGE, trail_since_at=MIDNIGHT - 20 * 86400)
    known = sighting()
    forgotten = replace(known, instance=replace(known.instance, launched_at=launched_at))
    begin = replace(start("12:00"), at=launched_at)

    result = runtime(begin, sighted=forgotten, coverage=coverage)

    assert result.unknown[-1].end_at == NEXT_MIDNIGHT - KEPT_SECONDS


def test_what_happens_after_now_has_not_happened():
    """Events of a clock that is ahead do not count yet."""
    coverage = Coverage(MIDNIGHT, clock("11:00"), clock("11:00"), clock("11:00"))
    result = runtime(
        run("10:00"),
        stop("11:30"),
        start("11:40"),
        coverage=coverage,
        sighted=sighting(seen(clock("10:00"), clock("11:00"))),
    )

    assert spans(result) == ([(clock("10:00"), clock("11:00"))], [])


def test_an_eviction_after_a_stop():
    """It ends nothing."""
    assert seconds(runtime(run("10:00"), stop("11:00"), evict("11:30"))) == (HOUR, HOUR, 0)


def test_hibernating_into_the_next_start():
    """Clocks that differ do not make it run twice at a time."""
    runs = [
        seen(clock("10:00"), clock("10:25"), gone_at=clock("10:32"), stopping_at=clock("10:32")),
        seen(clock("10:31:30"), NEXT_MIDNIGHT),
    ]
    result = runtime(
        run("10:00"), stop("10:30", hibernates=True), start("10:31"), sighted=sighting(*runs)
    )

    assert spans(result)[0] == [
        (clock("10:00"), clock("10:32")),
        (clock("10:32"), NEXT_MIDNIGHT),
    ]
