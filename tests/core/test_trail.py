"""What CloudTrail has told: joined over polls, sorted, without duplicates."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.fleet import Place
from exporter.core.trail import Trail, TrailAction, TrailEvent, extended

PLACE = Place("111122223333", "eu-central-1")
HOUR = 3600.0


def event(event_id: str, at: float, instance_id: str = "i-1") -> TrailEvent:
    return TrailEvent(event_id, at, TrailAction.RUN, instance_id)


EVENTS = st.builds(
    event,
    st.sampled_from(["e-1", "e-2", "e-3"]),
    st.integers(0, 40).map(float),
    st.sampled_from(["i-1", "i-2"]),
)


def test_events_of_each_instance():
    """In their order, under their instance; one call may be about several."""
    events = (event("a", 1, "i-1"), event("a", 1, "i-2"), event("b", 2, "i-1"))
    trail = Trail(PLACE, 0, 10, events)

    assert trail.by_instance() == {"i-1": (events[0], events[2]), "i-2": (events[1],)}
    assert Trail(PLACE, 0, 10, ()).by_instance() == {}


OLD = Trail(PLACE, 0 * HOUR, 10 * HOUR, (event("a", 1 * HOUR), event("b", 9.5 * HOUR)))


@pytest.mark.parametrize(
    ("previous", "since_at", "keep_since_at", "expected_since_at", "expected_ids"),
    [
        # The first poll knows what it found.
        (None, 8 * HOUR, -HOUR, 8 * HOUR, ["c"]),
        # It overlaps, or just touches: knowledge reaches as far back as before.
        (OLD, 8 * HOUR, -HOUR, 0 * HOUR, ["a", "b", "c"]),
        (OLD, 10 * HOUR, -HOUR, 0 * HOUR, ["a", "b", "c"]),
        (OLD, 0 * HOUR, -HOUR, 0 * HOUR, ["a", "b", "c"]),
        # A gap between the two: what was before it is worth nothing.
        (OLD, 10 * HOUR + 1, -HOUR, 10 * HOUR + 1, ["c"]),
        # It asked further back than was known.
        (OLD, -2 * HOUR, -5 * HOUR, -2 * HOUR, ["c"]),
        # What is too old goes.
        (OLD, 8 * HOUR, 1 * HOUR, 1 * HOUR, ["a", "b", "c"]),
        (OLD, 8 * HOUR, 2 * HOUR, 2 * HOUR, ["b", "c"]),
    ],
)
def test_a_poll_extends_what_was_known(
    previous, since_at, keep_since_at, expected_since_at, expected_ids
):
    """Knowledge is without gaps from ``since_at`` to the end of the newest poll."""
    found = [event("c", 11 * HOUR)]

    trail = extended(previous, PLACE, found, since_at, 12 * HOUR, keep_since_at)

    assert (trail.place, trail.since_at, trail.until_at) == (PLACE, expected_since_at, 12 * HOUR)
    assert [e.event_id for e in trail.events] == expected_ids


def test_late_and_repeated_events_find_their_place():
    """A poll that overlaps the one before brings known events again, and late ones between them."""
    found = [event("b", 9.5 * HOUR), event("late", 9 * HOUR), event("c", 11 * HOUR)]

    trail = extended(OLD, PLACE, found, 8 * HOUR, 12 * HOUR, 0.0)

    assert [e.event_id for e in trail.events] == ["a", "late", "b", "c"]


@given(st.lists(EVENTS), st.lists(EVENTS), st.integers(0, 20), st.integers(0, 20))
def test_events_are_sorted_and_unique(known, found, since_at, keep_since_at):
    """Whatever order and how often they come in; none is older than what is known."""
    previous = extended(None, PLACE, known, 0.0, 20.0, 0.0)
    trail = extended(previous, PLACE, found, since_at, 40.0, keep_since_at)

    assert all(a.order < b.order for a, b in pairwise(trail.events))
    assert all(e.at >= trail.since_at for e in trail.events)
    kept = {e for e in (*known, *found) if e.at >= trail.since_at}
    assert set(trail.events) == kept


@given(st.lists(EVENTS), st.integers(1, 39))
def test_two_polls_know_what_one_would(events, split_at):
    """Asking in two parts that touch gives the trail of one question, also with an overlap."""
    whole = extended(None, PLACE, events, 0.0, 40.0, 0.0)
    first = extended(None, PLACE, [e for e in events if e.at <= split_at], 0.0, split_at, 0.0)

    for since_at in (split_at, split_at - 1):
        rest = [e for e in events if e.at >= since_at]
        assert extended(first, PLACE, rest, since_at, 40.0, 0.0) == whole
