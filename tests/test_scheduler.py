"""When cells are refreshed, driven step by step; threads only where they are the point."""

import random
import threading
from collections.abc import Callable
from itertools import pairwise

import pytest

from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.refresh import Cadence, CellKey, CellState
from exporter.scheduler import Scheduler, ThreadLane
from tests.fakes import (
    DEFAULT_CADENCES,
    FakeClock,
    FakeSource,
    HeldLane,
    InlineLane,
    ScriptedSource,
    down,
    make_cell,
)

DAY = 86400.0
CADENCE = Cadence(1000.0, 3000.0)
PATIENCE_SECONDS = 10.0
PAID = (SourceName.COST_EXPLORER, SourceName.CLOUDWATCH_CPU)


def source_of(zone: str, *outcomes: object) -> ScriptedSource[object]:
    return ScriptedSource(*(outcomes or ("x",)), scope=Scope(grid_zone=zone))


def make_scheduler(clock: FakeClock, on_change: Callable[[], None] = lambda: None) -> Scheduler:
    """Make a scheduler that runs attempts inside ``step``."""
    lanes = dict.fromkeys(SourceName, InlineLane())
    return Scheduler(clock, lanes, on_change, random.Random(1))  # noqa: S311 - jitter


def call_times(scheduler, clock, source, *, until, tick=1.0):
    """Seconds from now at which a source is asked, to the tick."""
    times = []
    for elapsed in range(int(until / tick)):
        before = source.calls
        scheduler.step()
        times += [elapsed * tick] * (source.calls - before)
        clock.advance(tick)
    return times


def test_first_fetch_is_at_once_and_the_next_before_the_interval_is_over():
    """One attempt per interval, each begun at 80-90 % of it."""
    clock, source = FakeClock(), source_of("DE")
    scheduler = make_scheduler(clock)
    scheduler.add(make_cell(source, clock, CADENCE))

    times = call_times(scheduler, clock, source, until=10_000)

    assert times[0] == 0
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) in (11, 12, 13)
    assert all(800 <= gap <= 901 for gap in gaps)


def test_step_tells_how_long_to_wait():
    """Seconds to the next task that is due, None when there is none at all."""
    clock = FakeClock()
    scheduler = make_scheduler(clock)
    assert scheduler.step() is None

    scheduler.add(make_cell(source_of("DE"), clock, CADENCE))
    scheduler.step()
    delay = scheduler.step()

    assert delay is not None
    assert 800 <= delay <= 900
    clock.advance(100)
    assert scheduler.step() == pytest.approx(delay - 100)


def test_failures_are_retried_soon_and_then_seldom():
    """About 10, 20, 40 ... seconds apart; after the recovery the interval is back."""
    clock = FakeClock()
    source = source_of("DE", *[down()] * 6, "x")
    scheduler = make_scheduler(clock)
    scheduler.add(make_cell(source, clock, CADENCE))

    times = call_times(scheduler, clock, source, until=1700)

    gaps = [later - earlier for earlier, later in pairwise(times)]
    for gap, middle in zip(gaps, (10, 20, 40, 80, 160, 320), strict=False):
        assert 0.8 * middle <= gap <= 1.2 * middle + 1
    assert 800 <= gaps[6] <= 901


def test_retry_after_is_kept_to():
    """An upstream that asks for two minutes is left alone for two minutes."""
    clock = FakeClock()
    source = source_of("DE", down(FailureReason.THROTTLED, 120), "x")
    scheduler = make_scheduler(clock)
    scheduler.add(make_cell(source, clock, CADENCE))

    assert call_times(scheduler, clock, source, until=200) == [0, 120]


@pytest.mark.parametrize("jump_seconds", [-DAY, DAY])
def test_wall_clock_jumps_do_not_move_due_times(jump_seconds):
    """With a clock that jumps every few minutes, the same calls at the same times."""

    def times(jump: float) -> list[float]:
        clock, source = FakeClock(), source_of("DE")
        scheduler = make_scheduler(clock)
        scheduler.add(make_cell(source, clock, CADENCE))
        found = []
        for _ in range(10):
            base = clock.monotonic()
            found += [base + t for t in call_times(scheduler, clock, source, until=300)]
            clock.jump(jump)
        return found

    assert times(jump_seconds) == times(0.0)


@pytest.mark.parametrize("since_seconds", [0.0, 500.0, 799.0])
def test_restored_cell_waits_for_the_rest_of_its_interval(since_seconds):
    """A restart repeats no call that is still good."""
    clock, source = FakeClock(), source_of("DE")
    scheduler = make_scheduler(clock)
    cell = make_cell(source, clock, CADENCE)
    at = clock.wall() - since_seconds
    cell.restore(CellState("x", succeeded_wall_at=at, attempted_wall_at=at))
    scheduler.add(cell)

    (first, *_) = call_times(scheduler, clock, source, until=1000)

    assert 800 - since_seconds <= first <= 901 - since_seconds


def test_restored_cell_that_is_overdue_is_asked_at_once():
    """What the interval has passed for is not delayed further."""
    clock, source = FakeClock(), source_of("DE")
    scheduler = make_scheduler(clock)
    cell = make_cell(source, clock, CADENCE)
    at = clock.wall() - 901
    cell.restore(CellState("x", succeeded_wall_at=at, attempted_wall_at=at))
    scheduler.add(cell)
    scheduler.step()

    assert source.calls == 1


def restored_failure(
    scheduler: Scheduler, clock: FakeClock, name: SourceName, reason: FailureReason
) -> tuple[CellKey, ScriptedSource[object]]:
    """Add a cell that had failed five seconds before the restart; every answer would be good."""
    source = ScriptedSource[object]("x", name=name)
    cell = make_cell(source, clock, DEFAULT_CADENCES[name])
    cell.restore(CellState(attempted_wall_at=clock.wall() - 5, reason=reason))
    scheduler.add(cell)
    return cell.key, source


@pytest.mark.parametrize("name", [name for name in SourceName if name not in PAID])
@pytest.mark.parametrize("reason", FailureReason)
def test_restored_failure_is_asked_again_at_once(name, reason):
    """A restart is often meant to mend a failure: a token, a permission, an address."""
    clock = FakeClock()
    scheduler = make_scheduler(clock)
    _, source = restored_failure(scheduler, clock, name, reason)
    scheduler.step()

    assert source.calls == 1


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (SourceName.COST_EXPLORER, FailureReason.NOT_CONFIGURED),
        (SourceName.CLOUDWATCH_CPU, FailureReason.NOT_CONFIGURED),
        (SourceName.CLOUDWATCH_CPU, FailureReason.DENIED),
    ],
)
def test_restored_failure_that_was_not_billed_is_asked_again_at_once(name, reason):
    """Of what is paid by the call too: nothing was bought."""
    clock = FakeClock()
    scheduler = make_scheduler(clock)
    _, source = restored_failure(scheduler, clock, name, reason)
    scheduler.step()

    assert source.calls == 1


@pytest.mark.parametrize(
    ("name", "reason", "seconds"),
    [
        (SourceName.COST_EXPLORER, FailureReason.DENIED, 3600),
        (SourceName.COST_EXPLORER, FailureReason.THROTTLED, 3600),
        (SourceName.CLOUDWATCH_CPU, FailureReason.MALFORMED, 60),
    ],
)
def test_restored_failure_of_what_is_paid_by_the_call_waits(name, reason, seconds):
    """A program that is started again and again must not buy each time."""
    clock = FakeClock()
    scheduler = make_scheduler(clock)
    _, source = restored_failure(scheduler, clock, name, reason)

    (first,) = call_times(scheduler, clock, source, until=seconds)

    assert 0.8 * seconds - 5 <= first


def test_hasten_makes_the_first_attempt_now_and_no_other():
    """It says whether that is still to end: also of what a restored failure would wait for."""
    clock, lane = FakeClock(), HeldLane()
    scheduler = Scheduler(
        clock,
        {SourceName.COST_EXPLORER: lane},
        lambda: None,
        random.Random(1),  # noqa: S311 - jitter
    )
    key, source = restored_failure(scheduler, clock, SourceName.COST_EXPLORER, FailureReason.DENIED)
    scheduler.step()
    assert lane.jobs == []

    for _ in range(3):
        assert scheduler.hasten(key)
        scheduler.step()
    lane.finish()
    scheduler.step()

    assert not scheduler.hasten(key)
    assert not scheduler.hasten(CellKey(SourceName.PRICING, Scope()))
    scheduler.step()
    assert (source.calls, lane.jobs) == (1, [])


def test_poke_runs_now_and_does_not_move_the_regular_time():
    """A poked cell is asked once more, and at the same regular times as without the poke."""

    def times(*pokes: int) -> list[int]:
        clock, source = FakeClock(), source_of("DE")
        scheduler = make_scheduler(clock)
        cell = make_cell(source, clock, CADENCE)
        scheduler.add(cell)
        found = []
        for second in range(1900):
            if second in pokes:
                scheduler.poke(cell.key)
                scheduler.poke(cell.key)
            before = source.calls
            scheduler.step()
            found += [second] * (source.calls - before)
            clock.advance(1)
        return found

    regular = times()
    assert len(regular) == 3
    # The jitter of the second interval is drawn at the second refresh, poked or not.
    assert times(100, 500) == sorted([*regular, 100, 500])


def test_poke_after_a_failure_counts_as_an_attempt():
    """A poke that fails is retried like any failure; one that succeeds ends the retries."""
    clock = FakeClock()
    source = source_of("DE", "x", down(), "x")
    scheduler = make_scheduler(clock)
    cell = make_cell(source, clock, CADENCE)
    scheduler.add(cell)
    scheduler.step()
    clock.advance(100)
    scheduler.poke(cell.key)

    times = call_times(scheduler, clock, source, until=700)

    assert times[0] == 0
    assert 8 <= times[1] <= 13
    assert len(times) == 2


def test_poke_of_an_attempt_under_way_or_of_nothing_is_nothing():
    """One attempt at a time; an unknown cell is no error."""
    clock, lane = FakeClock(), HeldLane()
    scheduler = Scheduler(
        clock,
        {SourceName.ELECTRICITY_MAPS: lane},
        lambda: None,
        random.Random(1),  # noqa: S311 - jitter
    )
    cell = make_cell(source_of("DE"), clock, CADENCE)
    scheduler.add(cell)
    scheduler.step()
    for _ in range(3):
        scheduler.poke(cell.key)
        scheduler.step()

    assert len(lane.jobs) == 1
    scheduler.poke(CellKey(SourceName.PRICING, Scope()))
    scheduler.step()
    assert len(lane.jobs) == 1


def test_removed_cell_is_not_run():
    """Neither when it was due already, nor later, nor by a poke."""
    clock, kept, gone = FakeClock(), source_of("DE"), source_of("FR")
    scheduler = make_scheduler(clock)
    cell = make_cell(gone, clock, CADENCE)
    scheduler.add(make_cell(kept, clock, CADENCE))
    scheduler.add(cell)
    scheduler.remove(cell.key)

    call_times(scheduler, clock, kept, until=2000)
    scheduler.poke(cell.key)
    scheduler.step()

    assert gone.calls == 0
    assert kept.calls == 3


def test_cell_removed_under_way_ends_quietly_and_may_come_back():
    """Its attempt ends without a next one; a new cell of the same key starts by itself."""
    clock, lane, news = FakeClock(), HeldLane(), threading.Event()
    scheduler = Scheduler(
        clock,
        {SourceName.ELECTRICITY_MAPS: lane},
        news.set,
        random.Random(1),  # noqa: S311 - jitter
    )
    source = source_of("DE")
    cell = make_cell(source, clock, CADENCE)
    scheduler.add(cell)
    scheduler.step()
    scheduler.remove(cell.key)
    successor = source_of("DE")
    scheduler.add(make_cell(successor, clock, CADENCE))
    scheduler.step()
    lane.finish()

    assert (source.calls, successor.calls) == (1, 1)
    assert len(scheduler._heap) == 1
    for _ in range(10):
        clock.advance(100)
        scheduler.step()
        lane.finish()
    assert (source.calls, successor.calls) == (1, 2)


def test_tallies_count_by_source_and_scope():
    """Cells that share a scope share a tally; others have their own."""
    clock = FakeClock()
    scheduler = make_scheduler(clock)
    shared = Scope(region="eu-west-1")
    for item, outcome in (("m5", "x"), ("c5", down()), ("r5", down(FailureReason.TIMEOUT))):
        source = ScriptedSource[object](outcome, name=SourceName.PRICING, scope=shared)
        scheduler.add(make_cell(source, clock, CADENCE, item=item))
    scheduler.add(make_cell(source_of("DE"), clock, CADENCE))
    scheduler.step()

    pricing = scheduler.tallies[SourceName.PRICING, shared]
    assert pricing.refreshes == 3
    assert dict(pricing.failures) == {FailureReason.UNAVAILABLE: 1, FailureReason.TIMEOUT: 1}
    grid = scheduler.tallies[SourceName.ELECTRICITY_MAPS, Scope(grid_zone="DE")]
    assert (grid.refreshes, dict(grid.failures)) == (1, {})


def test_every_attempt_that_ended_is_news():
    """Success or failure: the publisher hears of it."""
    clock, news = FakeClock(), threading.Event()
    scheduler = make_scheduler(clock, news.set)
    scheduler.add(make_cell(source_of("DE"), clock, CADENCE))
    assert not news.is_set()
    scheduler.step()
    assert news.is_set()

    news.clear()
    scheduler.step()
    assert not news.is_set()
    scheduler.add(make_cell(source_of("FR", down()), clock, CADENCE))
    scheduler.step()
    assert news.is_set()


def test_heap_stays_bounded():
    """Neither pokes nor failures nor cells that come and go pile up."""
    clock = FakeClock()
    scheduler = make_scheduler(clock)
    steady = make_cell(source_of("DE", *["x", down()] * 5_000, "x"), clock, CADENCE)
    scheduler.add(steady)
    largest = 0
    for number in range(10_000):
        passing = make_cell(source_of(f"Z{number % 7}"), clock, Cadence(60.0, 120.0))
        scheduler.add(passing)
        scheduler.step()
        scheduler.remove(passing.key)
        if number % 10 == 0:
            for _ in range(5):
                scheduler.poke(steady.key)
        clock.advance(5)
        largest = max(largest, len(scheduler._heap))

    # 12 passing cells per minute, and one poke per 50 s within the steady cell's 1000 s.
    assert largest < 12 + 20 + 5
    assert len(scheduler._tasks) == 1


def test_a_bug_in_one_source_leaves_the_loop_alive():
    """The others of the same step run, and so does the broken one, again."""
    clock = FakeClock()
    broken, sound = source_of("DE", ZeroDivisionError(), "x"), source_of("FR")
    scheduler = make_scheduler(clock)
    scheduler.add(make_cell(broken, clock, CADENCE))
    scheduler.add(make_cell(sound, clock, CADENCE))

    call_times(scheduler, clock, sound, until=60)

    assert (broken.calls, sound.calls) == (2, 1)
    tally = scheduler.tallies[SourceName.ELECTRICITY_MAPS, Scope(grid_zone="DE")]
    assert dict(tally.failures) == {FailureReason.UNEXPECTED: 1}


def test_a_hanging_source_does_not_delay_another_lane():
    """While one upstream hangs, another one is asked and asked again."""
    clock, release, hanging = FakeClock(), threading.Event(), threading.Event()
    asked = threading.Semaphore(0)

    def hang() -> str:
        hanging.set()
        release.wait(PATIENCE_SECONDS)
        return "late"

    def answer() -> str:
        asked.release()
        return "x"

    sources = (SourceName.PRICING, SourceName.BOAVIZTA)
    scheduler = Scheduler(
        clock,
        {source: ThreadLane(source, 1) for source in sources},
        ended := Bell(),
        random.Random(1),  # noqa: S311 - jitter
    )
    stuck = make_cell(FakeSource(hang, SourceName.PRICING, Scope()), clock, CADENCE)
    scheduler.add(stuck)
    scheduler.add(make_cell(FakeSource(answer, SourceName.BOAVIZTA, Scope()), clock, CADENCE))
    try:
        scheduler.step()
        assert hanging.wait(PATIENCE_SECONDS)
        for _ in range(5):
            assert asked.acquire(timeout=PATIENCE_SECONDS)
            ended.wait()
            clock.advance(901)
            scheduler.step()
        assert stuck.state.value is None
    finally:
        release.set()


class Bell:
    """Rings once per attempt that ended."""

    def __init__(self) -> None:
        self._rung = threading.Semaphore(0)

    def __call__(self) -> None:
        """Ring."""
        self._rung.release()

    def wait(self) -> None:
        """Wait for the next ring."""
        assert self._rung.acquire(timeout=PATIENCE_SECONDS)


def test_a_lane_runs_as_many_jobs_at_once_as_it_has_threads():
    """A second job does not wait for the first, a third one does; all threads are daemons."""
    lane, release = ThreadLane("test", 2), threading.Event()
    running = threading.Semaphore(0)
    daemons = []

    def job() -> None:
        daemons.append(threading.current_thread().daemon)
        running.release()
        release.wait(PATIENCE_SECONDS)

    try:
        for _ in range(3):
            lane.submit(job)
        assert running.acquire(timeout=PATIENCE_SECONDS)
        assert running.acquire(timeout=PATIENCE_SECONDS)
        assert not running.acquire(blocking=False)
    finally:
        release.set()
    assert running.acquire(timeout=PATIENCE_SECONDS)
    assert daemons == [True, True, True]


def test_run_ends_when_stopped():
    """Stop wakes the loop from whatever it waits for; what was due has run."""
    clock, bell = FakeClock(), Bell()
    scheduler = Scheduler(
        clock,
        {SourceName.ELECTRICITY_MAPS: ThreadLane("test", 1)},
        bell,
        random.Random(1),  # noqa: S311 - jitter
    )
    loop = threading.Thread(target=scheduler.run, daemon=True)
    loop.start()
    source = source_of("DE")
    scheduler.add(make_cell(source, clock, CADENCE))
    bell.wait()

    scheduler.stop()
    loop.join(PATIENCE_SECONDS)

    assert not loop.is_alive()
    assert source.calls == 1
