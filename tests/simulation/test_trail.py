import re
from collections import defaultdict
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from exporter.core.fleet import InstanceState, Place, PurchaseOption
from exporter.core.trail import Trail, TrailAction, TrailEvent
from exporter.simulation import roster, trail
from exporter.simulation.world import World

NOW = datetime(2026, 6, 3, 9, 2, 7, tzinfo=UTC).timestamp()
DAY = 86400.0
PLACES = [Place(a.account_id, region) for a in roster.ACCOUNTS for region in roster.REGIONS]
BUSY = Place(roster.SHOP_ACCOUNT.account_id, "eu-central-1")
BEGINS = {TrailAction.RUN, TrailAction.START}


@pytest.fixture(scope="module")
def trails(world: World) -> dict[Place, Trail]:
    return {place: trail.trail(world, place, NOW, None) for place in PLACES}


def told_at(reason: str) -> float | None:
    """The time in a StateTransitionReason."""
    found = re.fullmatch(r"User initiated \((.+) GMT\)", reason)
    return datetime.fromisoformat(f"{found[1]}+00:00").timestamp() if found else None


def test_events_agree_with_the_inventories_to_the_second(
    world: World, trails: dict[Place, Trail]
) -> None:
    """The newest event of an instance is its LaunchTime, or the end that EC2 tells of."""
    by_instance = {place: known.by_instance() for place, known in trails.items()}
    states = set()
    for hour in range(49 * 24):
        at = NOW - 600 - hour * 3600
        for each in (*world.instances_at(at), *world.terminated_at(at)):
            events = by_instance[each.place].get(each.instance_id, ())
            before = [event for event in events if event.at <= at]
            if not before:
                assert each.launched_at < NOW - 89 * DAY
                continue
            states.add(each.state)
            begins = [event.at for event in before if event.action in BEGINS]
            assert max(begins, default=each.launched_at) == each.launched_at
            assert (before[-1].action in BEGINS) == each.is_running
            if each.state_transition_reason.startswith("User"):
                assert before[-1].at == told_at(each.state_transition_reason)
            elif each.state is InstanceState.TERMINATED:
                assert before[-1].action is TrailAction.EVICT

    assert states == {InstanceState.RUNNING, InstanceState.STOPPED, InstanceState.TERMINATED}


def test_events_replayed_are_the_runs_of_the_world(
    world: World, trails: dict[Place, Trail]
) -> None:
    """Begin and end alternate, each in the state that the one before has left behind."""
    since_at, until_at = NOW - 89 * DAY, NOW - 300
    for known in trails.values():
        for instance_id, events in known.by_instance().items():
            edges = [event.at for event in events]
            running = [event.action in BEGINS for event in events]
            terminated_while_stopped = events[-1].was == "stopped" and not running[-1]
            runs = edges[:-1] if terminated_while_stopped else list(edges)
            if runs and not running[0]:
                runs.insert(0, since_at)
            if len(runs) % 2:
                runs.append(until_at)
            spans = world.running_spans(instance_id, since_at, until_at)
            assert runs == [edge for span in spans for edge in span]
            for before, after in pairwise(events):
                expected = "running" if before.action in BEGINS else "stopped"
                assert after.was in ("", expected)


def test_a_launch_tells_what_the_inventory_shows(world: World, trails: dict[Place, Trail]) -> None:
    """Type, zone, tenancy and whether it is spot; reclaimed instances were spot."""
    launches: list[TrailEvent] = []
    for known in trails.values():
        launches += [event for event in known.events if event.action is TrailAction.RUN]
        for event in known.events:
            assert event.spot or event.action is not TrailAction.EVICT
    for launch in launches[::5]:
        shown = next(
            each for each in world.instances_at(launch.at) if each.instance_id == launch.instance_id
        )
        assert (shown.instance_type, shown.availability_zone, shown.tenancy) == (
            *(launch.instance_type, launch.availability_zone, launch.tenancy),
        )
        assert launch.spot == (shown.purchase_option is PurchaseOption.SPOT)

    assert {launch.spot for launch in launches} == {True, False}


def test_all_kinds_of_events_come_with_unique_ids(trails: dict[Place, Trail]) -> None:
    """They look like CloudTrail's, and another look at the same time gives the same."""
    events = [event for known in trails.values() for event in known.events]
    actions = defaultdict[TrailAction, int](int)
    for event in events:
        actions[event.action] += 1
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event.event_id)

    assert set(actions) == set(TrailAction) - {TrailAction.MODIFY}
    assert len({event.event_id for event in events}) == len(events)
    assert trail.trail(World(seed=7, instances=100), BUSY, NOW, None) == trails[BUSY]


def test_the_first_look_goes_back_fifty_days(trails: dict[Place, Trail]) -> None:
    """Complete until twenty minutes ago, and in order."""
    for known in trails.values():
        assert (known.since_at, known.until_at) == (NOW - 89 * DAY, NOW - 1200)
        assert [event.order for event in known.events] == sorted(e.order for e in known.events)
        assert all(NOW - 89 * DAY <= event.at <= NOW for event in known.events)


@pytest.mark.parametrize("step_seconds", [3600.0, DAY, 49 * DAY])
def test_looking_often_tells_what_looking_once_does(world: World, step_seconds: float) -> None:
    """Whatever the steps, nothing is lost or doubled, and what is too old goes."""
    known = None
    for step in range(int(99 * DAY / step_seconds), -1, -1):
        known = trail.trail(world, BUSY, NOW - step * step_seconds, known)

    assert known == trail.trail(world, BUSY, NOW, None)


def test_only_the_first_answer_tells_of_the_last_minutes(world: World) -> None:
    """Later ones are five minutes late, as CloudTrail is; at first nothing would tell instead."""
    place = PLACES[0]
    at = max(event.at for event in trail.trail(world, place, NOW, None).events)
    first = trail.trail(world, place, at, None)
    before = trail.trail(world, place, at - 600.0, None)

    assert first.events[-1].at == at
    assert trail.trail(world, place, at + 299.0, before).events[-1].at < at
    assert trail.trail(world, place, at + 300.0, before).events[-1].at == at


def test_after_a_long_break_only_what_is_complete_counts(world: World) -> None:
    """Knowledge that ended before the fifty days does not join."""
    old = trail.trail(world, BUSY, NOW - 90 * DAY, None)

    assert trail.trail(world, BUSY, NOW, old) == trail.trail(world, BUSY, NOW, None)


def test_a_clock_that_was_set_back_loses_nothing(world: World) -> None:
    """What is known of later stays known; completeness goes back with the clock."""
    later = trail.trail(world, BUSY, NOW, None)
    back = trail.trail(world, BUSY, NOW - DAY, later)

    assert back.until_at == NOW - DAY - 1200
    assert back.events == later.events


def test_the_edges_of_an_interval_belong_to_it(world: World) -> None:
    """An event at the first or the last second is there, whether it begins or ends a run."""
    known = trail.trail(world, BUSY, NOW, None)
    for event in known.events[::7]:
        assert event in trail.events(world, BUSY, event.at, event.at + 60)
        assert event in trail.events(world, BUSY, event.at - 60, event.at)
        assert event not in trail.events(world, BUSY, event.at + 0.5, event.at + 60)
        assert event not in trail.events(world, BUSY, event.at - 60, event.at - 0.5)


def test_a_place_without_instances_has_no_events(world: World) -> None:
    """It is known that nothing happened."""
    known = trail.trail(world, Place("444455556666", "eu-north-1"), NOW, None)

    assert known.events == ()
    assert known.until_at == NOW - 1200
