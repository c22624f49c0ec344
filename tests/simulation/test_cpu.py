from datetime import UTC, datetime

import pytest

from exporter.core.evidence import InstanceCpu, MeteredRun, PlaceCpu
from exporter.core.fleet import Instance, Place
from exporter.simulation.cpu import CpuPolls
from exporter.simulation.world import World

NOW = datetime(2026, 6, 3, 18, 32, tzinfo=UTC).timestamp()
HOUR = 3600.0
PLACE = Place("111122223333", "eu-central-1")


@pytest.fixture
def polls(world: World) -> CpuPolls:
    return CpuPolls.of(world, 900.0)


def named(world: World, name: str, at: float = NOW) -> Instance:
    return next(each for each in world.instances_at(at) if each.name == name)


def only(answer: PlaceCpu) -> InstanceCpu:
    (entry,) = answer.instances
    return entry


def starts(entry: InstanceCpu) -> list[float]:
    return [point.start_at for point in entry.points]


def slots(begin_at: float, end_at: float) -> list[float]:
    return [begin_at + 300 * step for step in range(int((end_at - begin_at) / 300))]


def test_the_first_poll_reaches_back_74_hours(world: World, polls: CpuPolls) -> None:
    """Every slot of an instance that runs all the time; the window is the newest of them."""
    end_at = NOW - 120
    entry = only(polls.poll(PLACE, [MeteredRun(named(world, "cart-prod-01"))], NOW, None))

    assert starts(entry) == slots(end_at - 74 * HOUR, end_at)
    assert [point.start_at for point in entry.window_points] == slots(end_at - 900, end_at)
    assert entry.polled_at == NOW


def test_earlier_runs_of_an_instance_are_told_too(world: World, polls: CpuPolls) -> None:
    """On Wednesday at 10:32 UTC a staging machine has its points since Sunday, 08:30.

    It runs from 05:00 to 17:00 UTC from Monday on.
    """
    now = NOW - 8 * HOUR
    instance = named(world, "web-staging-01", now)
    midnight = now // 86400 * 86400
    entry = only(polls.poll(PLACE, [MeteredRun(instance)], now, None))

    assert starts(entry) == [
        *slots(midnight - 48 * HOUR + 5 * HOUR, midnight - 48 * HOUR + 17 * HOUR),
        *slots(midnight - 24 * HOUR + 5 * HOUR, midnight - 24 * HOUR + 17 * HOUR),
        *slots(midnight + 5 * HOUR, now - 120),
    ]


@pytest.mark.parametrize(("pause_seconds", "new_slots"), [(60, 3), (300, 3), (900, 3), (3600, 12)])
def test_a_later_poll_tells_what_is_new_and_the_window(
    world: World, polls: CpuPolls, pause_seconds: float, new_slots: int
) -> None:
    """Everything since the end of the window before, at least the window."""
    metered = [MeteredRun(named(world, "cart-prod-01"))]
    before = polls.poll(PLACE, metered, NOW, None)
    entry = only(polls.poll(PLACE, metered, NOW + pause_seconds, before))

    assert starts(entry) == slots(entry.window_end_at - new_slots * 300, entry.window_end_at)


def test_after_a_long_break_74_hours_are_told(world: World, polls: CpuPolls) -> None:
    """No more than at first."""
    metered = [MeteredRun(named(world, "cart-prod-01"))]
    before = polls.poll(PLACE, metered, NOW - 100 * HOUR, None)

    assert polls.poll(PLACE, metered, NOW, before) == polls.poll(PLACE, metered, NOW, None)


def test_newcomers_are_told_from_their_launch_on(world: World, polls: CpuPolls) -> None:
    """However long ago the poll before was."""
    launched_at = NOW // 86400 * 86400 - 48 * HOUR + 5 * HOUR  # Monday, 07:00 in Berlin
    now = launched_at + 2 * HOUR
    cart, staging = (MeteredRun(named(world, n, now)) for n in ("cart-prod-01", "web-staging-01"))
    before = polls.poll(PLACE, [cart], now - 1800, None)
    entries = {e.instance_id: e for e in polls.poll(PLACE, [cart, staging], now, before).instances}

    assert staging.instance.launched_at == launched_at
    assert starts(entries[staging.instance.instance_id])[-24:] == slots(launched_at, now)
    assert len(starts(entries[cart.instance.instance_id])) == 6


@pytest.mark.parametrize("ended_after", [0.0, 90.0, 299.0])
def test_a_run_that_ended_is_told_until_its_end(
    world: World, polls: CpuPolls, ended_after: float
) -> None:
    """A window whose last slot is that in which it ended, as far as that slot is over."""
    instance = named(world, "cart-prod-01")
    slot_at = NOW - 120 - 1800
    metered = [MeteredRun(instance, slot_at + ended_after)]
    entry = only(polls.poll(PLACE, metered, NOW, None))
    end_at = slot_at + (300 if ended_after else 0)
    at_once = only(polls.poll(PLACE, metered, slot_at + ended_after, None))

    assert entry.window_end_at == end_at
    assert starts(entry) == slots(end_at - 74 * HOUR, end_at)
    assert at_once.window_end_at == slot_at


def test_the_newest_run_of_an_instance_comes_last(world: World, polls: CpuPolls) -> None:
    """Whoever looks an instance up by id finds the run that goes on."""
    today = named(world, "web-staging-01", NOW - 8 * HOUR)
    yesterday = named(world, "web-staging-01", NOW - 32 * HOUR)
    ended_at = yesterday.launched_at + 12 * HOUR
    answer = polls.poll(
        PLACE, [MeteredRun(today), MeteredRun(yesterday, ended_at)], NOW - 8 * HOUR, None
    )

    assert [entry.launched_at for entry in answer.instances] == [
        *(yesterday.launched_at, today.launched_at),
    ]
    assert answer.instances[0].points[-1].start_at == ended_at - 300


def test_a_large_fleet_is_told_less_of(world: World) -> None:
    """Two million points in all, but never less than the window."""
    assert CpuPolls.of(world, 900.0).reach_slots == 888
    assert CpuPolls.of(World(seed=7, instances=2252), 900.0).reach_slots == 888
    assert CpuPolls.of(World(seed=7, instances=20_000), 900.0).reach_slots == 100
    assert CpuPolls.of(World(seed=7, instances=20_000), 12 * HOUR).reach_slots == 144
