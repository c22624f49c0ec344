import math
from itertools import chain, cycle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.evidence import CpuPoint, InstanceCpu, MeteredRun, PlaceCpu
from exporter.core.fleet import Place
from exporter.sources.aws.cpu_poll import CpuPoll
from tests.factories import instance

PLACE = Place("111122223333", "eu-central-1")
END = 1_774_778_400.0  # a whole hour, so the end of a slot
NOW = END + 130.0
HOUR = 3600.0
INTERVAL = 900.0


def run(instance_id="a", launched_at=0.0, ended_at=None):
    return MeteredRun(instance(instance_id, launched_at=launched_at), ended_at)


def entry(instance_id="a", launched_at=0.0, polled_at=NOW - 60, end_at=END, points=()):
    return InstanceCpu(
        instance_id, launched_at, polled_at, end_at, 3, tuple(CpuPoint(at, 1.0) for at in points)
    )


def poll(*entries, first=False, now=NOW):
    return CpuPoll.after(None if first else PlaceCpu(PLACE, entries), now, INTERVAL)


@pytest.mark.parametrize(
    ("previous", "ended_at", "due"),
    [
        (None, NOW - 599, False),
        (None, NOW - 600, True),
        (entry(end_at=END - 900), NOW - 599, False),
        (entry(end_at=END - 900), NOW - 600, True),
        (entry(end_at=END - 900), END - 900, False),
        (entry(end_at=END - 900), END - 899, True),
        (entry(end_at=END - 900, launched_at=5.0), END - 900, True),
        (entry(end_at=END - 600, polled_at=END - 500, points=[END - 900]), END - 600, False),
        (entry(end_at=END - 600, polled_at=END - 500, points=[END - 1200]), END - 610, True),
        (entry(end_at=END - 600, polled_at=END - 9, points=[END - 1200]), END - 610, False),
        (None, END - 16 * HOUR + 1, True),
        (None, END - 16 * HOUR, False),
        (entry(end_at=END - 20 * HOUR), END - 18 * HOUR, False),
    ],
    ids=[
        "its points may be late",
        "they no longer are",
        "known, its points may be late",
        "known, they no longer are",
        "covered",
        "a second more",
        "only an earlier run is known",
        "all its points are there",
        "polled before its last point was out",
        "polled after that",
        "just in reach",
        "out of reach",
        "known, out of reach",
    ],
)
def test_when_a_run_that_is_over_is_due(previous, ended_at, due):
    """Ten minutes after its end the last points are out: then it is asked about, once."""
    known = poll(*([previous] if previous else []))

    assert known.is_due(run(ended_at=ended_at)) is due


@pytest.mark.parametrize("ended_at", [END - 900, END - 899, END - 700, END - 601, END - 600])
@pytest.mark.parametrize("percents", [{}, {END - 900: 1.0}, {END - 300 * n: 1.0 for n in range(9)}])
def test_a_poll_after_the_end_is_the_last(ended_at, percents):
    """Whatever CloudWatch answers, a run that is over is not asked about for ever."""
    over = run(ended_at=ended_at)
    last = poll(entry(end_at=END - 1200)).entry(over, percents)

    assert last.window_end_at == math.ceil(ended_at / 300) * 300
    assert all(point.start_at < ended_at for point in last.points)
    assert not poll(last, now=NOW + 3 * HOUR).is_due(over)


def test_an_end_that_turns_out_to_be_later():
    """Once a later end is known the points until then are still read."""
    over = run(ended_at=END - 1200)
    read = poll(entry(end_at=END - 1500)).entry(over, {END - 1500: 1.0})

    assert not poll(read).is_due(over)
    assert poll(read).is_due(run(ended_at=END - 700))


@pytest.mark.parametrize(
    ("known", "asked", "since_at"),
    [
        (None, run(launched_at=END - 5 * HOUR), END - 1200),
        (None, run(launched_at=END - 5 * HOUR + 7, ended_at=NOW - 4000), END - 5 * HOUR),
        ((), run(launched_at=END - 5 * HOUR + 7), END - 5 * HOUR),
        ([entry("b", end_at=END - HOUR)], run(launched_at=END - 5 * HOUR), END - 5 * HOUR),
        ([entry("b", end_at=END - HOUR)], run(launched_at=END - 2000), END - 2100),
        (
            [entry("b", end_at=END - HOUR), entry("c", end_at=END - 2 * HOUR)],
            run(launched_at=END - 5 * HOUR),
            END - 5 * HOUR,
        ),
        (
            [entry("b", end_at=END - HOUR)],
            run(launched_at=END - 5 * HOUR, ended_at=NOW - 4000),
            END - 5 * HOUR,
        ),
        ([entry("b", end_at=END - 90 * HOUR)], run(launched_at=5.0), END - 16 * HOUR),
        (None, run(launched_at=5.0, ended_at=NOW - 900), END - 16 * HOUR),
        ([entry(end_at=END - 900, points=[END - 1200])], run(), END - 1200),
        ([entry(end_at=END - HOUR, points=[END - HOUR - 300])], run(), END - HOUR),
        ([entry(end_at=END - HOUR, points=[END - HOUR - 900])], run(), END - HOUR - 600),
        ([entry(end_at=END - HOUR)], run(), END - HOUR - 900),
        ([entry(end_at=END - HOUR, launched_at=5.0)], run(launched_at=END - 2000), END - 2100),
    ],
    ids=[
        "first poll of the place",
        "over before the first poll",
        "the fleet was empty",
        "seen late, others are known",
        "launched since they are known",
        "others are known since different times",
        "over before it was seen",
        "seen late, long ago",
        "over, launched long ago",
        "known",
        "known until an hour ago",
        "points were late then",
        "had no points then",
        "started again",
    ],
)
def test_since_when(known, asked, since_at):
    """Nothing is lost between two polls; any span costs the same, so long as one page holds it."""
    asking = poll(first=True) if known is None else poll(*known)

    assert asking.start_at([asked]) == since_at


def test_the_first_poll_keeps_the_window_only():
    """Of an instance that was running all along the first poll of a place wants no history."""
    percents = {END - 300 * back: 1.0 for back in range(1, 30)}

    found = poll(first=True).entry(run(), percents)

    assert [point.start_at for point in found.points] == [END - 900, END - 600, END - 300]


def test_an_instance_seen_late_keeps_what_nobody_asked_for():
    """One that the inventory showed late has its points since its launch."""
    percents = {END - 300 * back: 1.0 for back in range(1, 30)}

    found = poll(entry("b", end_at=END - HOUR)).entry(run(launched_at=END - 2000), percents)

    assert [point.start_at for point in found.points] == [END - 300 * n for n in range(7, 0, -1)]
    assert found.window_slots == 3


@given(
    delays_seconds=st.lists(st.integers(1, 600), min_size=60, max_size=60),
    gaps_seconds=st.lists(st.integers(60, 1800), min_size=1, max_size=20),
    ended_after_seconds=st.integers(3600, 5 * 3600),
)
def test_no_point_is_lost_between_polls(delays_seconds, gaps_seconds, ended_after_seconds):
    """Points come up to ten minutes late, in their order: each is in some poll, to the very end."""
    begin_at = END
    ended_at = begin_at + ended_after_seconds
    published_at: dict[float, float] = {}
    latest_at = 0.0
    for number, delay in enumerate(delays_seconds):
        slot_at = begin_at + 300 * number
        if slot_at < ended_at:
            latest_at = max(latest_at, min(slot_at + 300 + delay, ended_at + 600))
            published_at[slot_at] = latest_at
    now, previous, seen = begin_at, None, set()
    gaps = chain([1], cycle(gaps_seconds))
    while now < ended_at + 600:
        now += next(gaps)
        over = run(launched_at=begin_at, ended_at=ended_at if now >= ended_at else None)
        asking = CpuPoll.after(previous, now, INTERVAL)
        if over.ended_at is None or asking.is_due(over):
            since_at = asking.start_at([over])
            percents = {
                at: 1.0
                for at, out_at in published_at.items()
                if out_at <= now and since_at <= at < asking.end_at
            }
            previous = PlaceCpu(PLACE, (asking.entry(over, percents),))
            seen |= {point.start_at for point in previous.instances[0].points}

    assert seen == set(published_at)
