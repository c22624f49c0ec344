"""Open points: taken once, in any order, until their hour is closed."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.books.meter import LATEST_POINT_SECONDS, Meter, Metered
from exporter.core.evidence import InstanceCpu, PlaceCpu
from exporter.core.metering import NO_POINTS
from tests.books.scenes import END_AT, HOUR, HOUR_AT, place_cpu, polled
from tests.factories import FRANKFURT, instance

WEB, WORKER = instance("i-web"), instance("i-worker")
SLOT = 300.0
LONG_AGO = float("-inf")


def web(*points: float | None, first_at: float = HOUR_AT, polled_at: float = END_AT) -> InstanceCpu:
    """Points in a row, oldest first; None is a gap."""
    told = {first_at + n * SLOT: p for n, p in enumerate(points) if p is not None}
    return polled(WEB, told, polled_at=polled_at)


def taken(*polls: InstanceCpu, open_since_at: float = LONG_AGO) -> Meter:
    meter = Meter()
    for poll in polls:
        meter.take(place_cpu(poll), open_since_at)
    return meter


def slots(*points: float) -> list[float | None]:
    """The first slots of an hour."""
    return [*points, *[None] * (12 - len(points))]


def test_points_come_by_hour_and_slot():
    """Across the hour: each point is in its own slot, gaps stay gaps."""
    meter = taken(web(10.0, None, 30.0, 40.0, first_at=END_AT - 2 * SLOT))

    assert list(meter.points("i-web", HOUR_AT)) == [*[None] * 10, 10.0, None]
    assert list(meter.points("i-web", END_AT)) == slots(30.0, 40.0)
    assert meter.points("i-web", HOUR_AT - HOUR) is NO_POINTS
    assert meter.points("i-other", HOUR_AT) is NO_POINTS


@pytest.mark.parametrize(
    ("percent", "kept"), [(0.0, 0.0), (99.9, 99.9), (100.0, 100), (104.2, 100)]
)
def test_more_than_all_of_a_machine_counts_as_all(percent, kept):
    """CloudWatch rounds; power ends at full load."""
    assert taken(web(percent)).points("i-web", HOUR_AT)[0] == kept


def test_a_poll_that_is_taken_again_changes_nothing():
    """The newest answer is handed in at every publication, until there is a newer one."""
    poll = web(10.0, 20.0)
    meter = taken(poll)
    assert meter.changed
    meter.changed = False

    meter.take(place_cpu(poll), LONG_AGO)

    assert not meter.changed
    assert list(meter.points("i-web", HOUR_AT)) == slots(10.0, 20.0)


def test_an_equal_poll_of_another_process_changes_nothing_either():
    """After a restart the last answer comes from its file, and most points are known."""
    before = taken(web(10.0, 20.0))
    after = Meter(dict(before.instances))

    after.take(place_cpu(web(10.0, 20.0)), LONG_AGO)

    assert after.instances == before.instances


def test_both_runs_of_an_instance_count():
    """An instance that was started again has an entry for each run."""
    earlier = polled(WEB, {HOUR_AT: 10.0})
    later = polled(instance("i-web", launched_at=HOUR_AT + 600), {HOUR_AT + 900: 20.0})
    meter = Meter()
    meter.take(place_cpu(earlier, later), LONG_AGO)
    meter.changed = False

    meter.take(place_cpu(earlier, later), LONG_AGO)

    assert not meter.changed
    assert list(meter.points("i-web", HOUR_AT)) == [10.0, None, None, 20.0, *[None] * 8]


FIRST = web(10.0, 20.0, polled_at=HOUR_AT + 600)
LATE = web(20.0, 25.0, 30.0, first_at=HOUR_AT + SLOT, polled_at=HOUR_AT + 1200)
LAST = web(None, 30.0, 40.0, first_at=HOUR_AT + 2 * SLOT, polled_at=HOUR_AT + 1800)


@pytest.mark.parametrize("polls", list(permutations([FIRST, LATE, LAST])))
def test_the_order_of_polls_does_not_matter(polls):
    """They overlap, and agree where they do; the later one also has a late point."""
    meter = taken(*polls)

    assert list(meter.points("i-web", HOUR_AT)) == slots(10.0, 20.0, 25.0, 30.0, 40.0)
    assert meter.last_point_at("i-web") == HOUR_AT + 5 * SLOT


def test_a_late_point_fills_its_gap():
    """It is in the next poll, before points that were known already."""
    meter = taken(web(10.0, None, 30.0), web(10.0, 20.0, 30.0, polled_at=END_AT + 900))

    assert list(meter.points("i-web", HOUR_AT)) == slots(10.0, 20.0, 30.0)


def test_closed_hours_are_over():
    """A point of an hour that is closed is not kept; that of an open one is."""
    meter = taken(web(10.0, 20.0, first_at=END_AT - SLOT), open_since_at=END_AT)

    assert meter.points("i-web", HOUR_AT) is NO_POINTS
    assert list(meter.points("i-web", END_AT)) == slots(20.0)
    assert meter.last_point_at("i-web") == END_AT + SLOT


def test_closing_drops_the_points_of_what_is_closed():
    """Of the instances that were in the hour; the others wait for their own place."""
    meter = taken(web(10.0, 20.0, first_at=END_AT - SLOT))
    meter.take(place_cpu(polled(WORKER, {HOUR_AT: 50.0})), LONG_AGO)
    meter.changed = False

    meter.close(["i-web", "i-unheard-of"], END_AT)

    assert meter.changed
    assert meter.points("i-web", HOUR_AT) is NO_POINTS
    assert list(meter.points("i-web", END_AT)) == slots(20.0)
    assert list(meter.points("i-worker", HOUR_AT)) == slots(50.0)
    assert meter.last_point_at("i-web") == END_AT + SLOT


def test_closing_nothing_is_no_news():
    """No hour, no instance, no write."""
    meter = Meter()
    meter.close(["i-web"], END_AT)

    assert not meter.changed


@pytest.mark.parametrize(
    ("poll", "is_metered"),
    [
        # A point after it: CloudWatch publishes in order.
        (web(10.0, first_at=END_AT - SLOT, polled_at=END_AT), True),
        (web(10.0, first_at=END_AT, polled_at=END_AT + SLOT), True),
        (web(10.0, first_at=END_AT - 2 * SLOT, polled_at=END_AT), False),
        # Without points: once none can come any more.
        (web(polled_at=END_AT + LATEST_POINT_SECONDS - 1), False),
        (web(polled_at=END_AT + LATEST_POINT_SECONDS), True),
    ],
)
def test_when_no_further_point_can_come(poll, is_metered):
    """Then an hour can be closed as far as this instance is concerned."""
    assert taken(poll).is_metered("i-web", END_AT) == is_metered
    assert not taken(poll).is_metered("i-other", END_AT)


def test_an_older_poll_does_not_undo_a_later_one():
    """The entries of two runs come one after the other, the older run's poll may be the older."""
    late = web(10.0, polled_at=END_AT + LATEST_POINT_SECONDS)
    meter = taken(late, web(10.0, polled_at=END_AT))

    assert meter.is_metered("i-web", END_AT)


def test_an_instance_that_was_never_polled_has_no_last_point():
    """Nor one without a single point."""
    assert Meter().last_point_at("i-web") is None
    assert taken(web()).last_point_at("i-web") is None


def test_what_nobody_asks_about_is_forgotten():
    """With all that was kept to recognise its polls."""
    old, new = web(10.0, polled_at=END_AT), polled(WORKER, {HOUR_AT: 1.0}, polled_at=END_AT + 1)
    meter = taken(old, new)
    meter.changed = False

    meter.forget_before(END_AT + 1)

    assert meter.changed
    assert set(meter.instances) == {"i-worker"}
    assert len(meter._taken) == 1


POLLS = st.lists(
    st.builds(
        lambda first, points, later: web(
            *points, first_at=HOUR_AT + first * SLOT, polled_at=END_AT + later
        ),
        st.integers(-12, 24),
        st.lists(st.floats(0, 100), max_size=30),
        st.integers(0, 9000),
    ),
    max_size=6,
)


@given(POLLS, st.integers(-2, 3))
def test_the_newest_poll_of_a_slot_counts(polls, open_hours):
    """Whatever polls overlap: each open slot has what was told of it last, closed ones nothing."""
    open_since_at = HOUR_AT + open_hours * HOUR
    meter = taken(*polls, open_since_at=open_since_at)
    told = {p.start_at: p.utilization_percent for poll in polls for p in poll.points}

    for hour in range(-3, 6):
        hour_at = HOUR_AT + hour * HOUR
        expected = [told.get(hour_at + n * SLOT) for n in range(12)]
        is_open = hour_at >= open_since_at
        assert list(meter.points("i-web", hour_at)) == (expected if is_open else slots())


def test_restored_points_are_as_they_were():
    """What another process left is open here."""
    left = {"i-web": Metered(END_AT, HOUR_AT + SLOT, {HOUR_AT: slots(10.0)})}
    meter = Meter(left)

    assert list(meter.points("i-web", HOUR_AT)) == slots(10.0)
    assert meter.last_point_at("i-web") == HOUR_AT + SLOT
    assert meter.is_metered("i-web", END_AT - LATEST_POINT_SECONDS)
    assert not meter.changed
    meter.take(PlaceCpu(FRANKFURT, ()), LONG_AGO)
    assert not meter.changed
