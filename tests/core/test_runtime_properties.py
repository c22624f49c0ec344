from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from exporter.core.fleet import SightedRun, Sighting
from exporter.core.runtime import Coverage, Runtime, Segment, runtime_of
from exporter.core.trail import TrailAction, TrailEvent
from tests.core.runtime_reference import ID, STARTS, Cloud, Ending, Known, TrueRun, said_at, told_at
from tests.factories import instance

BEGIN = 1_772_582_400  # an hour in 2026
HOURS = 4
END = BEGIN + HOURS * 3600
TYPES = ("m5.large", "t3.micro")

SECONDS = st.integers(BEGIN, END - 1)
ENDS = (TrailAction.STOP, TrailAction.TERMINATE, TrailAction.EVICT)


@st.composite
def junk_events(draw):
    """Events in which nothing needs to fit."""
    return [
        TrailEvent(
            f"event-{number}",
            float(draw(SECONDS)),
            draw(st.sampled_from(TrailAction)),
            ID,
            draw(st.sampled_from(["", "running", "stopped", "stopping", "pending"])),
            draw(st.sampled_from(["", *TYPES])),
            hibernates=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 8)))
    ]


@st.composite
def junk_sightings(draw):
    """Sightings as any string of inventories might leave them."""
    launches = sorted(draw(st.sets(st.integers(BEGIN - 7200, END), max_size=4)))
    runs = []
    for launched_at in launches:
        after = st.none() | st.integers(launched_at, END).map(float)
        runs.append(
            SightedRun(
                float(launched_at),
                draw(st.sampled_from(TYPES)),
                float(draw(st.integers(launched_at, END))),
                ended_at=draw(after),
                gone_at=draw(after),
                stopping_at=draw(after),
            )
        )
    seen = instance(ID, launched_at=float(launches[-1] if launches else BEGIN - 9 * 86400))
    return Sighting(seen, tuple(runs), float(BEGIN), listed=draw(st.booleans()))


@st.composite
def coverages(draw):
    """Any coverage whose parts are in order."""
    since_at, until_at = sorted((draw(SECONDS), draw(SECONDS)))
    return Coverage(
        float(since_at),
        float(until_at),
        float(draw(SECONDS)),
        float(END),
        provisional=draw(st.booleans()),
    )


JUNK = st.tuples(
    st.none() | junk_sightings(), junk_events(), coverages(), st.none() | SECONDS.map(float)
)
LOOK_SECONDS = 170
THREE_SECONDS = st.tuples(SECONDS, SECONDS, SECONDS)
EDGES = THREE_SECONDS.map(sorted)


@settings(deadline=None)
@given(JUNK)
def test_an_hour_has_3600_seconds(junk):
    """On and unknown never overlap, and neither is negative, whatever comes in."""
    runtime = runtime_of(*junk)

    for hour_at in range(BEGIN, END, 3600):
        running = runtime.running_seconds(hour_at, hour_at + 3600)
        unknown = runtime.unknown_seconds(hour_at, hour_at + 3600)
        assert running >= 0
        assert unknown >= 0
        assert running + unknown <= 3600


@settings(deadline=None)
@given(JUNK)
def test_spans_are_disjoint_and_in_order(junk):
    """No second is told twice; none of the spans is empty or later than now."""
    runtime = runtime_of(*junk)

    on = [(segment.start_at, segment.end_at) for segment in runtime.segments]
    unknown = [(span.start_at, span.end_at) for span in runtime.unknown]
    edges = sorted(on + unknown)
    assert (on, unknown) == (sorted(on), sorted(unknown))
    assert all(start_at < end_at <= END for start_at, end_at in edges)
    assert all(before[1] <= after[0] for before, after in pairwise(edges))


@settings(deadline=None)
@given(JUNK)
def test_buckets_add_up_to_the_clipped_length(junk):
    """The hours of a segment together are as long as what of it lies in them."""
    runtime = runtime_of(*junk)
    clipped = sum(
        max(0.0, min(segment.end_at, END) - max(segment.start_at, BEGIN))
        for segment in runtime.segments
    )

    hours = [runtime.running_seconds(at, at + 3600) for at in range(BEGIN, END, 3600)]

    assert sum(hours) == clipped


@settings(deadline=None)
@given(JUNK, EDGES)
def test_windows_add_up(junk, edges):
    """Two windows side by side have what the window around them has."""
    runtime = runtime_of(*junk)
    first, middle, last = edges

    for seconds in (runtime.running_seconds, runtime.billed_seconds, runtime.unknown_seconds):
        assert seconds(first, middle) + seconds(middle, last) == seconds(first, last)


@settings(deadline=None)
@given(JUNK, EDGES)
def test_billed_is_never_less_than_running(junk, edges):
    """The minimum only adds."""
    runtime = runtime_of(*junk)
    first, _, last = edges

    assert runtime.billed_seconds(first, last) >= runtime.running_seconds(first, last)


@settings(deadline=None)
@given(JUNK, EDGES)
def test_a_runtime_bills_what_its_segments_bill(junk, edges):
    """Costs by type go segment by segment."""
    runtime = runtime_of(*junk)
    first, _, last = edges

    for total, part in (
        (runtime.running_seconds, Segment.running_seconds),
        (runtime.billed_seconds, Segment.billed_seconds),
    ):
        assert total(first, last) == sum(part(each, first, last) for each in runtime.segments)


@settings(deadline=None)
@given(JUNK, st.data())
def test_order_and_duplicates_do_not_matter(junk, data):
    """Pages come in any order, and an event may stand on two of them."""
    sighting, events, coverage, last_point_at = junk
    again = data.draw(st.lists(st.sampled_from(events))) if events else []
    shuffled = data.draw(st.permutations([*events, *again]))

    assert runtime_of(sighting, shuffled, coverage, last_point_at) == runtime_of(*junk)


@settings(deadline=None)
@given(JUNK)
def test_a_strict_result_knows_nothing_after_the_trail(junk):
    """Without inventories to stand in, only an end can be known there."""
    sighting, events, coverage, last_point_at = junk
    strict = replace(coverage, provisional=False)

    runtime = runtime_of(sighting, events, strict, last_point_at)

    assert runtime.running_seconds(coverage.trail_until_at, END) == 0


@settings(deadline=None)
@given(
    st.lists(st.tuples(SECONDS, st.sampled_from([TrailAction.START, *ENDS])), max_size=8).map(
        dict  # one event a second
    ),
    st.booleans(),
    st.lists(SECONDS, min_size=30, max_size=30),
)
def test_events_alone_mean_what_their_neighbours_say(told, launched, probes):
    """The state machine agrees with a look at the event before and the event after."""
    events = [TrailEvent(f"e{at}", float(at), action, ID) for at, action in told.items()]
    if launched:
        events = [e for e in events if e.at > BEGIN]
        events.append(TrailEvent("run", float(BEGIN), TrailAction.RUN, ID))
    coverage = Coverage(BEGIN, END, END, END)

    runtime = runtime_of(None, events, coverage)

    edges = [at + shift for at in told for shift in (-1, 0) if at + shift >= BEGIN]
    for second in (*probes, *edges):
        assert said_at(runtime, second) is told_at(events, second), second


@st.composite
def clouds(draw, endings=tuple(Ending), *, runs=5):
    """A true history: runs with time between them, perhaps a termination."""
    # Further apart than what counts as the same start or end.
    edges = sorted(draw(st.sets(st.integers(0, HOURS * 20 - 1), min_size=1, max_size=2 * runs)))
    instants = [BEGIN + 180 * edge for edge in edges]
    true_runs = [
        TrueRun(start_at, end_at, draw(st.sampled_from(endings)), draw(st.sampled_from(TYPES)))
        for start_at, end_at in zip(instants[::2], [*instants[1::2], None], strict=False)
    ]
    last = true_runs[-1]
    terminated_at = None
    if last.end_at is not None and draw(st.booleans()):
        later = 180 if last.ending is Ending.OS else draw(st.sampled_from([0, 180]))
        terminated_at = last.end_at + later
    return Cloud(true_runs, terminated_at)


LOOKS = st.sets(st.integers(BEGIN, END), max_size=30).map(lambda times: sorted({*times, END}))


def assert_true(runtime: Runtime, cloud: Cloud, until_at: int = END) -> None:
    """Fail where the result says of a second what is not so."""
    for second in range(BEGIN, until_at, 60):
        said = said_at(runtime, second)
        if said is not Known.UNKNOWN:
            assert (said is Known.ON) == cloud.is_on(second), (second, said)


@settings(deadline=None)
@given(clouds(), LOOKS, SECONDS)
def test_what_is_said_is_true(cloud, looks, until_at):
    """Whatever inventories have missed: as far as CloudTrail reaches nothing is said wrongly.

    One thing it must have told: whether an instance was running when it was terminated.
    """
    if cloud.terminated_at is not None and cloud.terminated_at >= until_at:
        assume(cloud.runs[-1].ending is not Ending.OS)
    events = [event for event in cloud.events() if event.at < until_at]
    coverage = Coverage(BEGIN, until_at, END, END, provisional=False)

    runtime = runtime_of(cloud.sightings(looks), events, coverage)

    assert_true(runtime, cloud, until_at)


@settings(deadline=None)
@given(clouds(), LOOKS, SECONDS, st.booleans())
def test_what_is_said_is_true_of_what_inventories_see_too(cloud, looks, until_at, provisional):
    """Inventories that look often say nothing wrong either."""
    often = sorted({*looks, *range(BEGIN, END + 1, LOOK_SECONDS)})
    events = [event for event in cloud.events() if event.at < until_at]
    coverage = Coverage(BEGIN, until_at, END, END, provisional=provisional)

    runtime = runtime_of(cloud.sightings(often), events, coverage)

    assert_true(runtime, cloud)


@settings(deadline=None)
@given(clouds([Ending.STOP]), THREE_SECONDS)
def test_what_is_said_is_true_wherever_the_trail_begins(cloud, edges):
    """A history that began before the trail did is told as far as LaunchTimes prove it."""
    since_at, until_at = sorted(edges[:2])
    first_look_at = edges[2]
    # The first inventory can not tell whether what it shows as terminated ran until then.
    assume(cloud.terminated_at is None or cloud.terminated_at > first_look_at)
    looks = range(first_look_at, END + 1, LOOK_SECONDS)
    events = [event for event in cloud.events() if since_at <= event.at < until_at]
    coverage = Coverage(
        since_at, until_at, END, END, provisional=False, seen_since_at=first_look_at
    )
    sighting = cloud.sightings(looks)
    assume(sighting or events)  # otherwise nobody knows that it exists

    runtime = runtime_of(sighting, events, coverage)

    assert_true(runtime, cloud, until_at)


@settings(deadline=None)
@given(clouds([Ending.STOP]), SECONDS)
def test_without_shutdowns_from_inside_all_that_is_covered_is_known(cloud, since_at):
    """One inventory is enough to know every second since the trail begins."""
    assume(cloud.terminated_at is None)
    events = [event for event in cloud.events() if since_at <= event.at]
    coverage = Coverage(since_at, END, END, END, seen_since_at=END)
    sighting = cloud.sightings([END])
    assume(sighting or events)

    runtime = runtime_of(sighting, events, coverage)

    assert_true(runtime, cloud)
    assert runtime.unknown_seconds(since_at, END) == 0


@settings(deadline=None)
@given(clouds([Ending.STOP]), LOOKS)
def test_inventories_alone_are_exact_where_they_look_often(cloud, looks):
    """Until CloudTrail tells more, LaunchTime and StateTransitionReason give exact seconds."""
    often = sorted({*looks, *range(BEGIN, END + 1, LOOK_SECONDS)})
    coverage = Coverage(BEGIN, BEGIN, END, END)

    runtime = runtime_of(cloud.sightings(often), [], coverage)

    assert_true(runtime, cloud)
    assert runtime.unknown_seconds(BEGIN, END) == 0


@settings(deadline=None)
@given(clouds(), LOOKS)
def test_a_known_type_is_the_true_one(cloud, looks):
    """From a launch on the trail tells every type."""
    runtime = runtime_of(cloud.sightings(looks), cloud.events(), Coverage(BEGIN, END, END, END))

    for segment in runtime.segments:
        assert segment.instance_type == cloud.type_at(segment.start_at)


@settings(deadline=None)
@given(clouds(), LOOKS)
def test_what_cloudtrail_covers_is_confirmed(cloud, looks):
    """Nothing contradicts a consistent history."""
    runtime = runtime_of(cloud.sightings(looks), cloud.events(), Coverage(BEGIN, END, END, END))

    assert all(segment.confirmed for segment in runtime.segments)


@pytest.mark.parametrize("kind", [*STARTS, *ENDS])
def test_the_reference_reads_single_events(kind):
    """The reference itself: before a start it was off, before an end on."""
    event = TrailEvent("e", float(BEGIN + 60), kind, ID)
    before, after = told_at([event], BEGIN), told_at([event], BEGIN + 60)

    assert (before, after) == (
        (Known.OFF, Known.UNKNOWN) if kind in STARTS else (Known.ON, Known.OFF)
    )
