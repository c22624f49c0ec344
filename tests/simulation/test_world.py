from collections import defaultdict
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.fleet import Instance, InstanceState, Place, PurchaseOption
from exporter.simulation.identity import Identities
from exporter.simulation.world import World

START_AT = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
DAY = 86400.0
TIMES = st.floats(START_AT, START_AT + 42 * DAY)
SLOTS = st.integers(0, 42 * 288 - 1).map(lambda slot: START_AT + slot * 300)


def sampled(days: int, step_seconds: int = 3600) -> list[float]:
    return [START_AT + step * step_seconds for step in range(int(days * DAY / step_seconds))]


def named(world: World, name: str, at: float = START_AT) -> Instance:
    return next(each for each in world.instances_at(at) if each.name == name)


def test_two_worlds_of_a_seed_are_the_same() -> None:
    """All facts follow from the seed."""
    one, other = (World(seed=3, instances=60) for _ in range(2))

    assert one.instances_at(START_AT) == other.instances_at(START_AT)
    for instance in one.instances_at(START_AT):
        arguments = (instance.instance_id, START_AT - DAY, START_AT)
        assert one.cpu_points(*arguments) == other.cpu_points(*arguments)
        assert one.running_spans(*arguments) == other.running_spans(*arguments)


def test_worlds_of_different_seeds_differ() -> None:
    """No instance, and no CPU point of a like one, is the same."""
    one, other = (World(seed=seed, instances=60) for seed in (3, 4))
    ids = [{each.instance_id for each in w.instances_at(START_AT)} for w in (one, other)]
    cpu = [w.cpu_percent(named(w, "web-prod-01").instance_id, START_AT) for w in (one, other)]

    assert not ids[0] & ids[1]
    assert cpu[0] != cpu[1]
    assert one.intensity("DE", START_AT) != other.intensity("DE", START_AT)


@settings(deadline=None, max_examples=20)
@given(times=st.lists(TIMES, min_size=2, max_size=4))
def test_facts_do_not_depend_on_order_or_on_what_was_asked_before(times: list[float]) -> None:
    """A world asked forwards, one asked backwards and one asked once agree."""
    forwards, backwards = (World(seed=7, instances=40) for _ in range(2))
    first = [forwards.instances_at(at) for at in sorted(times)]
    second = [backwards.instances_at(at) for at in sorted(times, reverse=True)]

    assert first == second[::-1]
    assert World(seed=7, instances=40).instances_at(max(times)) == first[-1]


@settings(deadline=None, max_examples=20)
@given(slot_start_at=SLOTS, lead=st.integers(0, 20), tail=st.integers(1, 20))
def test_a_cpu_point_does_not_depend_on_the_interval_asked(
    world: World, slot_start_at: float, lead: int, tail: int
) -> None:
    """The point of a slot is the same alone and among others."""
    for instance in world.instances_at(slot_start_at)[::7]:
        points = world.cpu_points(
            instance.instance_id, slot_start_at - lead * 300, slot_start_at + tail * 300
        )
        alone = world.cpu_percent(instance.instance_id, slot_start_at)
        assert dict(points).get(slot_start_at) == alone
        assert [point.start_at for point in points] == sorted({p.start_at for p in points})
        assert all(0 <= point.utilization_percent <= 100 for point in points)


def test_about_a_hundred_instances_are_visible_at_any_time(world: World) -> None:
    """Instances come and go, the size stays within a tenth."""
    assert all(90 <= len(world.instances_at(at)) <= 110 for at in sampled(42))


def test_two_instances_are_always_stopped_and_one_has_no_name_or_tags(world: World) -> None:
    """Whatever else the hour brings."""
    for at in sampled(14):
        instances = world.instances_at(at)
        long_stopped = [each for each in instances if each.name.startswith("trial-dev-")]
        assert [each.state for each in long_stopped] == [InstanceState.STOPPED] * 2
        assert sum(1 for each in instances if not each.tags and not each.name) == 1


def test_ids_are_unique_and_never_reused(world: World) -> None:
    """An id belongs to one post, and does not come back after it has gone."""
    seen = defaultdict[str, list[tuple[int, Instance]]](list)
    times = sampled(21, 900)
    for index, at in enumerate(times):
        instances = world.instances_at(at)
        assert len({each.instance_id for each in instances}) == len(instances)
        for each in instances:
            seen[each.instance_id].append((index, each))

    assert len(seen) > 150
    for sightings in seen.values():
        indexes = [index for index, _ in sightings]
        assert indexes == list(range(indexes[0], indexes[-1] + 1))
        assert len({(each.name, each.availability_zone) for _, each in sightings}) == 1


def test_state_and_launch_time_agree_with_the_running_spans(world: World) -> None:
    """Running since LaunchTime, or stopped since the end of the run that began then."""
    for at in sampled(8, 4 * 3600):
        for each in world.instances_at(at):
            assert each.launched_at <= at
            spans = world.running_spans(each.instance_id, each.launched_at, at + 1)
            assert spans[0].started_at == each.launched_at
            assert len(spans) == 1
            assert each.is_running == (spans[-1].ended_at > at)
            assert (each.state_reason == "") == each.is_running
            stopped = datetime.fromtimestamp(spans[-1].ended_at, UTC)
            told = f"User initiated ({stopped:%Y-%m-%d %H:%M:%S} GMT)"
            assert each.state_transition_reason == ("" if each.is_running else told)


def test_launch_time_moves_at_each_start(world: World) -> None:
    """A staging machine starts at 05:00 UTC on five summer days a week, keeping its id."""
    name = "web-staging-01"
    instance_id = named(world, name).instance_id
    launches = {
        each.launched_at
        for at in sampled(14)
        for each in [named(world, name, at)]
        if each.instance_id == instance_id
    }
    mornings = {
        START_AT + day * DAY + 5 * 3600 for day in range(14) if day % 7 < 5
    }  # 2026-06-01 is a Monday

    assert launches - {max(launches - mornings, default=0.0)} == mornings


def test_state_changes_to_the_second(world: World) -> None:
    """On a summer Wednesday staging runs from 05:00 UTC, included, to 17:00, not included."""
    midnight = START_AT + 2 * DAY
    states = [
        named(world, "web-staging-01", midnight + second).is_running
        for second in (5 * 3600 - 1, 5 * 3600, 17 * 3600 - 1, 17 * 3600)
    ]

    assert states == [False, True, True, False]


def test_there_are_no_points_while_stopped(world: World) -> None:
    """Every point lies in a slot that the instance ran for at least a minute, and none is lost."""
    for name in ("web-staging-02", "query-dev-01", "trial-dev-01"):
        instance_id = named(world, name).instance_id
        end_at = START_AT + 7 * DAY
        spans = world.running_spans(instance_id, START_AT, end_at)
        expected = [
            slot_at
            for slot_at in sampled(7, 300)
            if sum(
                max(0.0, min(ended_at, slot_at + 300) - max(started_at, slot_at))
                for started_at, ended_at in spans
            )
            >= 60
        ]
        points = world.cpu_points(instance_id, START_AT, end_at)
        assert [point.start_at for point in points] == expected
        assert all(
            world.cpu_percent(instance_id, slot_at) is None
            for slot_at in set(sampled(7, 300)) - set(expected)
        )


def test_a_slot_has_a_point_from_one_minute_of_running_on(world: World) -> None:
    """Spot instances are born at odd seconds: their first and last slot show the rule."""
    shares = set()
    for at in sampled(21, 6 * 3600):
        for each in world.instances_at(at):
            if each.purchase_option is not PurchaseOption.SPOT:
                continue
            first_at = each.launched_at // 300 * 300
            ran_seconds = first_at + 300 - each.launched_at
            has_point = world.cpu_percent(each.instance_id, first_at) is not None
            assert has_point == (ran_seconds >= 60)
            shares.add(has_point)
    assert shares == {True, False}


def test_the_silent_instance_runs_without_points(world: World) -> None:
    """CloudWatch has nothing of it although it runs."""
    silent = named(world, "vpn-prod-01")

    assert silent.is_running
    assert world.cpu_points(silent.instance_id, START_AT - DAY, START_AT) == ()


def test_spans_are_clipped_and_add_up(world: World) -> None:
    """Two halves of an interval run as long as the whole."""
    for each in world.instances_at(START_AT):
        begin_at, middle_at, end_at = START_AT - 5 * DAY, START_AT - 2.3 * DAY, START_AT

        def seconds(from_at: float, to_at: float, instance_id: str = each.instance_id) -> float:
            spans = world.running_spans(instance_id, from_at, to_at)
            assert all(from_at <= s.started_at < s.ended_at <= to_at for s in spans)
            return sum(s.ended_at - s.started_at for s in spans)

        halves = seconds(begin_at, middle_at) + seconds(middle_at, end_at)
        assert seconds(begin_at, end_at) == pytest.approx(halves)


def test_the_auto_scaling_group_follows_the_day(world: World) -> None:
    """Four servers before dawn, more in the evening; each addition is a new instance."""

    def group(hour: int, day: int = 2) -> set[str]:
        at = START_AT + day * DAY + hour * 3600
        return {e.instance_id for e in world.instances_at(at) if e.name == "web-prod-asg"}

    assert len(group(2)) == 4
    assert 7 <= len(group(18)) <= 8
    assert group(2) <= group(18)
    assert not (group(18) - group(2)) & group(18, day=3)


def test_instances_of_a_place_are_those_of_the_world_there(world: World) -> None:
    """Places divide the fleet."""
    everywhere = world.instances_at(START_AT)
    place = Place("444455556666", "us-east-1")

    assert world.instances_at(START_AT, place) == tuple(e for e in everywhere if e.place == place)
    assert world.instances_at(START_AT, Place("444455556666", "eu-north-1")) == ()


@pytest.mark.parametrize("foreign", ["i-00123456789abcdef", "i-0", "db-1"])
def test_foreign_ids_are_refused(world: World, foreign: str) -> None:
    """An id that this world never has is a LookupError, not an idle instance."""
    with pytest.raises(LookupError):
        world.running_spans(foreign, START_AT, START_AT + 300)
    with pytest.raises(LookupError):
        world.cpu_percent(foreign, START_AT)


def test_an_id_of_a_birth_that_never_was_is_refused(world: World) -> None:
    """The right post alone does not make an instance."""
    born_at = named(world, "web-prod-01").launched_at
    number = next(
        number
        for number in range(100)
        if Identities.of_seed(7).instance_id(number, born_at)
        == named(world, "web-prod-01").instance_id
    )

    with pytest.raises(LookupError):
        world.cpu_percent(Identities.of_seed(7).instance_id(number, born_at + 1), START_AT)


def test_ids_of_a_larger_fleet_are_foreign_to_a_smaller(world: World) -> None:
    """A post that does not exist has no instances."""
    last = world.instances_at(START_AT)[-1]

    with pytest.raises(LookupError):
        World(seed=7, instances=50).cpu_percent(last.instance_id, START_AT)


def test_terminated_instances_stay_listed_for_an_hour(world: World) -> None:
    """Whoever was there in the last hour and is not any more is listed as terminated, nobody else.

    EC2 tells the time of a termination by the user, and none of a reclaimed spot instance.
    """
    looks = sampled(3, 600)  # nobody lives for less than ten minutes
    listed = [{e.instance_id for e in world.instances_at(at)} for at in looks]
    reasons = set()
    for number, at in enumerate(looks[6:], 6):
        vanished = set().union(*listed[number - 5 : number]) - listed[number]
        terminated = world.terminated_at(at)
        assert {each.instance_id for each in terminated} >= vanished
        for each in terminated:
            assert each.state is InstanceState.TERMINATED
            spans = world.running_spans(each.instance_id, each.launched_at, at)
            assert [span.started_at for span in spans] == [each.launched_at]
            assert at - 3600 < spans[0].ended_at <= at
            spot = each.purchase_option is PurchaseOption.SPOT
            ended = datetime.fromtimestamp(spans[0].ended_at, UTC)
            reasons.add(each.state_reason)
            assert each.state_transition_reason == (
                each.state_reason if spot else f"User initiated ({ended:%Y-%m-%d %H:%M:%S} GMT)"
            )

    assert reasons == {"Client.UserInitiatedShutdown", "Server.SpotInstanceTermination"}


def test_a_terminated_instance_is_listed_to_the_second(world: World) -> None:
    """From the end of its life on, for less than an hour, and in its own place only."""
    life = next(
        life for life in world.lives(START_AT, START_AT + DAY) if life.gone_at < START_AT + DAY
    )
    instance_id = world.instance_id(life)

    def listed(at: float, place: Place = life.post.place) -> bool:
        return instance_id in {each.instance_id for each in world.terminated_at(at, place)}

    moments = (-1, 0, 3599, 3600)
    assert [listed(life.gone_at + after) for after in moments] == [False, True, True, False]
    assert not listed(life.gone_at, Place(life.post.place.account_id, "eu-north-1"))


def test_an_instance_terminated_while_stopped_keeps_its_last_launch(world: World) -> None:
    """Its reason tells when it was terminated, not when it stopped."""
    lives = world.lives(START_AT, START_AT + 1)
    life = next(life for life in lives if life.post.name == "trial-dev-01")
    (terminated,) = (
        each
        for each in world.terminated_at(life.gone_at)
        if each.instance_id == world.instance_id(life)
    )
    gone = datetime.fromtimestamp(life.gone_at, UTC)

    assert terminated.launched_at == life.born_at
    assert terminated.state_transition_reason == f"User initiated ({gone:%Y-%m-%d %H:%M:%S} GMT)"
