from dataclasses import replace
from typing import NamedTuple

import pytest

from exporter.core.fleet import Instance, InstanceState, SightedRun, Sighting
from exporter.core.sightings import KEPT_SECONDS, sighted
from tests.core.runtime_stories import ID, clock
from tests.factories import instance

LAUNCH = clock("10:00")
RUNNING, STOPPING, STOPPED = InstanceState.RUNNING, InstanceState.STOPPING, InstanceState.STOPPED
TERMINATED, SHUTTING_DOWN = InstanceState.TERMINATED, InstanceState.SHUTTING_DOWN


class Look(NamedTuple):
    """One inventory, two seconds long, that begins at a time of the day."""

    time: str
    found: tuple[Instance, ...] = ()


def look(
    time: str, state: InstanceState, *, launch: str = "10:00", told: str = "", day: int = 4
) -> Look:
    """Give an inventory that shows the instance; ``told`` is when its reason says it was ended."""
    reason = f"User initiated (2026-03-04 {told} GMT)" if told else ""
    return Look(
        time,
        (
            instance(
                ID, state=state, launched_at=clock(launch, day), state_transition_reason=reason
            ),
        ),
    )


def after(*looks: Look, known: tuple[Sighting, ...] = ()) -> tuple[Sighting, ...]:
    """Give the sightings after these inventories."""
    for each in looks:
        began_at = clock(each.time)
        known = sighted(known, each.found, began_at, began_at + 2)
    return known


def runs(*looks: Look) -> tuple[SightedRun, ...]:
    """Give the runs of the one instance there is."""
    (known,) = after(*looks)
    return known.runs


def a_run(seen: str, *, launch: str = "10:00", **ends: str) -> SightedRun:
    """Give a run of an m5.large."""
    return SightedRun(
        clock(launch), "m5.large", clock(seen), **{end: clock(time) for end, time in ends.items()}
    )


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param([look("11:00", RUNNING)], [a_run("11:00")], id="running"),
        pytest.param(
            [look("11:00", RUNNING), look("11:05", RUNNING)], [a_run("11:05")], id="still running"
        ),
        pytest.param(
            [look("10:00", InstanceState.PENDING, launch="10:00:01")],
            [a_run("10:00:01", launch="10:00:01")],
            id="launched while it was asked for",
        ),
        pytest.param(
            [look("11:00", RUNNING), look("11:05", STOPPED, told="11:03:00")],
            [a_run("11:00", ended_at="11:03", gone_at="11:05:02")],
            id="stopped, with a time",
        ),
        pytest.param(
            [look("11:00", RUNNING), look("11:05", STOPPED)],
            [a_run("11:00", gone_at="11:05:02")],
            id="stopped, without a time",
        ),
        pytest.param(
            [
                look("11:00", RUNNING),
                look("11:05", STOPPING, told="11:03:00"),
                look("11:10", STOPPING, told="11:03:00"),
                look("11:15", STOPPED, told="11:03:00"),
            ],
            [a_run("11:00", ended_at="11:03", gone_at="11:05:02", stopping_at="11:10")],
            id="stopping for a while",
        ),
        pytest.param(
            [
                look("11:00", RUNNING),
                look("11:05", STOPPING),
                look("11:10", STOPPED, told="11:03:00"),
            ],
            [a_run("11:00", ended_at="11:03", gone_at="11:05:02", stopping_at="11:05")],
            id="the time is told later",
        ),
        pytest.param(
            [
                look("11:00", RUNNING),
                look("11:05", STOPPED, told="11:03:00"),
                look("11:10", TERMINATED, told="11:08:00"),
            ],
            [a_run("11:00", ended_at="11:03", gone_at="11:05:02")],
            id="stopped, then terminated: the stop counts",
        ),
        pytest.param(
            [
                look("11:00", RUNNING),
                look("11:05", STOPPED),
                look("11:10", TERMINATED, told="11:08:00"),
            ],
            [a_run("11:00", gone_at="11:05:02")],
            id="the time of the termination is not that of the end",
        ),
        pytest.param(
            [look("11:00", RUNNING), look("11:05", SHUTTING_DOWN, told="11:03:00")],
            [a_run("11:00", ended_at="11:03", gone_at="11:05:02")],
            id="terminated",
        ),
        pytest.param(
            [look("11:00", RUNNING), look("11:05", STOPPED, told="09:03:00")],
            [a_run("11:00", gone_at="11:05:02")],
            id="a reason older than the launch",
        ),
        pytest.param(
            [look("11:00", RUNNING), Look("11:05"), Look("11:10")],
            [a_run("11:00", gone_at="11:05:02")],
            id="gone",
        ),
        pytest.param(
            [look("11:00", RUNNING), Look("11:05"), look("11:10", RUNNING)],
            [a_run("11:10")],
            id="missed by one inventory",
        ),
        pytest.param(
            [look("11:00", RUNNING), look("11:05", RUNNING, launch="11:02")],
            [a_run("11:00", gone_at="11:02"), a_run("11:05", launch="11:02")],
            id="started again in between",
        ),
        pytest.param(
            [look("11:00", RUNNING), look("11:05", STOPPED, launch="11:02", told="11:04:00")],
            [
                a_run("11:00", gone_at="11:02"),
                a_run("11:02", launch="11:02", ended_at="11:04", gone_at="11:05:02"),
            ],
            id="started and stopped in between",
        ),
        pytest.param(
            [
                look("11:00", RUNNING),
                look("11:05", STOPPED, told="11:03:00"),
                look("11:10", RUNNING, launch="11:08"),
            ],
            [
                a_run("11:00", ended_at="11:03", gone_at="11:05:02"),
                a_run("11:10", launch="11:08"),
            ],
            id="a second run",
        ),
        pytest.param(
            [look("11:00", RUNNING), look("11:05", RUNNING, launch="09:00")],
            [a_run("11:00")],
            id="an answer from the past",
        ),
        pytest.param(
            [look("11:05", STOPPED, told="11:03:00")],
            [a_run("10:00", ended_at="11:03", gone_at="11:05:02")],
            id="first seen stopped",
        ),
        pytest.param(
            [look("11:05", TERMINATED, launch="10:30", told="11:03:00")],
            [a_run("10:30", launch="10:30", ended_at="11:03", gone_at="11:05:02")],
            id="first seen terminated, soon after its launch",
        ),
        pytest.param(
            [look("11:05", TERMINATED, told="11:03:00")],
            [a_run("10:00", gone_at="11:05:02")],
            id="first seen terminated, long after: it may have been stopped meanwhile",
        ),
    ],
)
def test_runs(looks, expected):
    """What inventories show becomes runs, as exact as they tell."""
    assert runs(*looks) == tuple(expected)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("User initiated (2026-03-04 11:03:00 GMT)", "11:03"),
        ("User initiated (2026-03-04 11:03:00 UTC)", "11:03"),
        ("User initiated hibernate (2026-03-04 11:03:00 GMT)", "11:03"),
        ("User initiated (2026-03-44 11:03:00 GMT)", None),
        ("User initiated (2026-03-04 11:03:00 CET)", None),
        ("Server.SpotInstanceTermination", None),
        ("", None),
    ],
)
def test_the_time_in_a_reason(reason, told):
    """It is UTC, whoever writes it."""
    stopped = instance(ID, state=STOPPED, launched_at=LAUNCH, state_transition_reason=reason)
    (run,) = runs(look("11:00", RUNNING), Look("11:05", (stopped,)))

    assert run.ended_at == (clock(told) if told else None)


@pytest.mark.parametrize(
    ("looks", "listed"),
    [([look("11:00", state)], state not in {SHUTTING_DOWN, TERMINATED}) for state in InstanceState]
    + [([look("11:00", RUNNING), Look("11:05")], False)]
    + [([look("11:00", RUNNING), Look("11:05"), look("11:10", RUNNING)], True)],
)
def test_listed(looks, listed):
    """Terminated, about to be, or not returned: not listed any more."""
    (known,) = after(*looks)

    assert known.listed is listed


def test_the_instance_as_last_seen():
    """What was returned last stays when it is returned no more; so does when it came first."""
    first = look("11:00", RUNNING)
    renamed = replace(first.found[0], name="renamed")
    (known,) = after(first, Look("11:05", (renamed,)), Look("11:10"))

    assert known.instance == renamed
    assert known.first_at == clock("11:00")


def test_old_runs_are_forgotten():
    """A listed instance stays, without the runs that ended long ago."""
    known = after(look("11:00", RUNNING), look("11:05", STOPPED))
    shown = look("11:10", STOPPED).found
    gone_at = clock("11:05:02")

    still = sighted(known, shown, gone_at + KEPT_SECONDS, gone_at + KEPT_SECONDS + 2)
    later = sighted(known, shown, gone_at + KEPT_SECONDS + 1, gone_at + KEPT_SECONDS + 2)
    much_later = sighted(later, shown, gone_at + 2 * KEPT_SECONDS, gone_at + 2 * KEPT_SECONDS + 2)

    assert [len(each[0].runs) for each in (still, later, much_later)] == [1, 0, 0]
    assert much_later == later


def test_the_end_that_is_told_decides_when_a_run_is_forgotten():
    """An instance that was stopped long before it was first seen has no run to remember."""
    stopped = instance(
        ID,
        state=STOPPED,
        launched_at=clock("10:00", 1) - 30 * 86400,
        state_transition_reason="User initiated (2026-02-08 07:08:49 GMT)",
    )

    assert runs(Look("11:00", (stopped,))) == ()


def test_an_old_run_goes_and_a_newer_one_stays():
    """Each run is forgotten on its own."""
    known = after(look("11:00", RUNNING), look("11:05", STOPPED))
    at = clock("11:05:02") + KEPT_SECONDS + 1
    again = instance(ID, launched_at=at - 60)

    (later,) = sighted(known, [again], at, at)

    assert [run.launched_at for run in later.runs] == [at - 60]


def test_a_gone_instance_is_forgotten_with_its_last_run():
    """Nothing is left to tell of it."""
    known = after(look("11:00", RUNNING), Look("11:05"))
    gone_at = clock("11:05:02")

    assert len(sighted(known, [], gone_at + KEPT_SECONDS, gone_at + KEPT_SECONDS)) == 1
    assert sighted(known, [], gone_at + KEPT_SECONDS + 1, gone_at + KEPT_SECONDS + 1) == ()


def test_a_long_stopped_instance_that_is_terminated():
    """As long as it is returned it must not look like a new one that ran until just now."""
    long_ago = clock("10:00", 1) - 30 * 86400
    stopped = instance(
        ID,
        state=STOPPED,
        launched_at=long_ago,
        state_transition_reason="User initiated (2026-02-08 07:08:49 GMT)",
    )
    ended = replace(
        stopped,
        state=TERMINATED,
        state_transition_reason="User initiated (2026-03-04 11:03:00 GMT)",
    )
    looks = [Look("11:00", (stopped,)), *(Look(f"11:{m}", (ended,)) for m in ("05", "10"))]

    (known,) = after(*looks)

    assert (known.runs, known.listed) == ((), False)
    assert after(*looks, Look("12:10")) == ()


def test_each_instance_on_its_own():
    """Sightings are told apart by id; an instance that two pages return is one."""
    one, other = instance("i-0one", launched_at=LAUNCH), instance("i-0other", launched_at=LAUNCH)

    known = after(Look("11:00", (one, other, one)), Look("11:05", (other,)))

    assert {each.instance.instance_id: each.listed for each in known} == {
        "i-0one": False,
        "i-0other": True,
    }


@pytest.mark.parametrize(
    "looks",
    [
        [look("11:00", RUNNING), look("11:05", STOPPED, told="11:03:00")],
        [look("11:00", RUNNING), look("11:05", STOPPED)],
        [look("11:00", RUNNING), Look("11:05")],
    ],
)
def test_what_does_not_change_is_the_same_object(looks):
    """Ten thousand stopped or gone instances cost nothing."""
    known = after(*looks)
    again = sighted(
        known, [replace(each) for each in looks[-1].found], clock("12:00"), clock("12:01")
    )

    assert again[0] is known[0]
