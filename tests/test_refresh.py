"""A cell: what it keeps, for how long, what it logs, and when it is asked again."""

import logging
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.provenance import FailureReason
from exporter.refresh import (
    Cadence,
    CellState,
    Failure,
    refresh_delay_seconds,
    retry_delay_seconds,
)
from exporter.sources.source import SourceError
from tests.fakes import FakeClock, FakeSource, ScriptedSource, down, make_cell

DAY = 86400.0


class Extreme(random.Random):
    """Draws one end of every range: 0 the lower, 1 the upper."""

    def __init__(self, end: int) -> None:
        super().__init__(0)
        self._end = end

    def uniform(self, a: float, b: float) -> float:
        """Give the chosen end."""
        return (a, b)[self._end]


def messages(caplog):
    return [(record.levelname, record.getMessage()) for record in caplog.records]


def test_success_is_fresh_and_up():
    """An answer is held with its time; nothing is known before it."""
    clock = FakeClock()
    cell = make_cell(ScriptedSource("DE 300"), clock)
    assert (cell.fresh(), cell.age_seconds(), cell.state.up) == (None, None, False)

    assert cell.attempt() is None

    assert (cell.fresh(), cell.age_seconds(), cell.state.up) == ("DE 300", 0.0, True)
    assert cell.state.succeeded_wall_at == cell.state.attempted_wall_at == clock.wall()
    assert (cell.state.reason, cell.state.detail) == (None, "")


@pytest.mark.parametrize(
    ("age_seconds", "served"), [(0.0, True), (1799.999, True), (1800.0, True), (1800.001, False)]
)
def test_last_good_value_is_kept_unchanged_until_its_age_limit(age_seconds, served):
    """Failures neither change nor drop the value; it ends right after its maximum age."""
    clock, value = FakeClock(), "DE 300"
    cell = make_cell(ScriptedSource(value, down()), clock)
    cell.attempt()
    ended_at = clock.monotonic() + age_seconds

    for _ in range(20):
        clock.advance(age_seconds / 40)
        cell.attempt()
    clock.advance(ended_at - clock.monotonic())

    assert (cell.fresh() is value) is served
    assert cell.state.value is value
    assert cell.age_seconds() == pytest.approx(age_seconds)


def test_outage_and_recovery_are_told_by_the_state():
    """A failure says why and is counted in a row; a success wipes all of it away."""
    clock = FakeClock()
    cell = make_cell(ScriptedSource("old", down(), down(FailureReason.TIMEOUT, 30), "new"), clock)
    cell.attempt()
    succeeded_wall_at = cell.state.succeeded_wall_at
    clock.advance(10)

    assert cell.attempt() == Failure(FailureReason.UNAVAILABLE, None)
    clock.advance(10)
    assert cell.attempt() == Failure(FailureReason.TIMEOUT, 30)

    assert not cell.state.up
    assert (cell.state.reason, cell.state.detail) == (FailureReason.TIMEOUT, "made-up outage")
    assert cell.state.consecutive_failures == 2
    assert cell.state.succeeded_wall_at == succeeded_wall_at
    assert cell.state.attempted_wall_at == clock.wall()
    assert cell.attempt() is None
    assert (cell.fresh(), cell.age_seconds(), cell.state.up) == ("new", 0.0, True)
    assert (cell.state.consecutive_failures, cell.state.reason) == (0, None)


def test_one_log_line_per_transition(caplog):
    """A long outage is two lines, one at each end, whatever its reasons are."""
    caplog.set_level(logging.DEBUG)
    outcomes = ("a", down(), down(), down(FailureReason.TIMEOUT), "b", "c", down(), "d", "e")
    cell = make_cell(ScriptedSource(*outcomes), FakeClock())

    for _ in outcomes:
        cell.attempt()

    failed, recovered = ("WARNING", "source failed"), ("INFO", "source recovered")
    assert messages(caplog) == [failed, recovered, failed, recovered]
    first, second = caplog.records[0], caplog.records[1]
    assert (first.source, first.grid_zone) == ("electricity_maps", "DE")
    assert (first.reason, first.detail) == ("unavailable", "made-up outage")
    assert (second.source, second.failures) == ("electricity_maps", 3)


def test_a_source_that_never_worked_is_logged_once(caplog):
    """Not configured from the start is one line, not one per attempt."""
    source = ScriptedSource[str](down(FailureReason.NOT_CONFIGURED))
    cell = make_cell(source, FakeClock())

    for _ in range(5):
        cell.attempt()

    assert messages(caplog) == [("WARNING", "source failed")]
    assert (cell.state.value, cell.fresh(), cell.age_seconds()) == (None, None, None)


@pytest.mark.parametrize("bug", [ZeroDivisionError("x"), KeyError("zone"), MemoryError()])
def test_a_bug_in_a_source_is_counted_and_logged_with_its_traceback(caplog, bug):
    """An exception other than SourceError ends neither the loop nor the last good value."""
    cell = make_cell(ScriptedSource("good", bug, "better"), FakeClock())
    cell.attempt()

    assert cell.attempt() == Failure(FailureReason.UNEXPECTED)

    assert cell.fresh() == "good"
    assert cell.state.reason is FailureReason.UNEXPECTED
    (logged,) = [record for record in caplog.records if record.exc_info]
    assert logged.levelname == "ERROR"
    assert logged.exc_info is not None
    assert logged.exc_info[1] is bug
    assert cell.attempt() is None
    assert cell.fresh() == "better"


def test_a_source_builds_on_its_last_good_value():
    """Previous is the last success, also after failures, and None at first."""
    source = ScriptedSource("a", down(), "b", "c")
    cell = make_cell(source, FakeClock())

    for _ in range(4):
        cell.attempt()

    assert source.previous == [None, "a", "a", "b"]


@pytest.mark.parametrize("fails", [False, True])
def test_duration_is_measured_on_the_monotonic_clock(fails):
    """The attempt took 7 s, whatever the wall clock did meanwhile; the age begins at its end."""
    clock = FakeClock()

    def slow() -> str:
        clock.advance(7)
        clock.jump(-DAY)
        if fails:
            raise down(FailureReason.TIMEOUT)
        return "late"

    cell = make_cell(FakeSource(slow), clock)
    cell.attempt()

    assert cell.state.duration_seconds == 7
    assert cell.age_seconds() == (None if fails else 0.0)


@pytest.mark.parametrize("jump_seconds", [-DAY, DAY])
def test_wall_clock_jumps_do_not_change_ages(jump_seconds):
    """A set clock neither ends nor prolongs a value."""
    clock = FakeClock()
    cell = make_cell(ScriptedSource("x"), clock)
    cell.attempt()
    clock.advance(1000)

    clock.jump(jump_seconds)

    assert cell.age_seconds() == 1000
    assert cell.fresh() == "x"
    clock.advance(800)
    assert cell.fresh() == "x"
    clock.advance(1)
    assert cell.fresh() is None


def restored(state: CellState[str], clock: FakeClock, source: FakeSource[str] | None = None):
    cell = make_cell(source or ScriptedSource("new"), clock)
    cell.restore(state)
    return cell


def test_restored_value_keeps_its_age():
    """The age goes on over a restart, whatever the new monotonic clock shows."""
    clock = FakeClock()
    at = clock.wall() - 1700
    cell = restored(CellState("kept", None, at, at), clock)

    assert (cell.fresh(), cell.age_seconds(), cell.state.up) == ("kept", 1700, True)
    clock.advance(100)
    assert cell.fresh() == "kept"
    clock.advance(1)
    assert cell.fresh() is None


def test_restored_failure_stays_a_failure(caplog):
    """An outage that spans a restart goes on counting; each process says it once."""
    caplog.set_level(logging.INFO)
    clock = FakeClock()
    state = CellState(
        "kept",
        succeeded_wall_at=clock.wall() - 900,
        attempted_wall_at=clock.wall() - 20,
        consecutive_failures=5,
        reason=FailureReason.THROTTLED,
        detail="slow down",
    )
    cell = restored(state, clock, ScriptedSource(down(), "new"))

    assert (cell.state.up, cell.fresh(), cell.age_seconds()) == (False, "kept", 900)
    cell.attempt()
    assert cell.state.consecutive_failures == 6
    cell.attempt()
    assert messages(caplog) == [("WARNING", "source failed"), ("INFO", "source recovered")]


def test_restored_state_without_a_value_has_no_age():
    """Failing since ever is all that is known."""
    clock = FakeClock()
    at = clock.wall() - 20
    cell = restored(CellState(attempted_wall_at=at, reason=FailureReason.DENIED), clock)

    assert (cell.fresh(), cell.age_seconds(), cell.state.up) == (None, None, False)
    assert cell.state.reason is FailureReason.DENIED


@pytest.mark.parametrize(
    ("succeeded", "attempted", "kept"),
    [(0, 0, True), (299, 299, True), (301, 301, False), (-60, 301, False), (DAY, DAY, False)],
)
def test_state_from_the_future_is_ignored(caplog, succeeded, attempted, kept):
    """Within five minutes it is clocks that differ; beyond, the age cannot be known."""
    clock = FakeClock()
    now = clock.wall()
    state = CellState("kept", succeeded_wall_at=now + succeeded, attempted_wall_at=now + attempted)
    cell = restored(state, clock)

    assert (cell.fresh() == "kept") is kept
    assert cell.age_seconds() == (max(0.0, -succeeded) if kept else None)
    assert bool(cell.state.attempted_wall_at) is kept
    assert bool(caplog.records) is not kept


@pytest.mark.parametrize(
    ("failures", "interval_seconds", "middle_seconds"),
    [
        (1, 3600, 10),
        (2, 3600, 20),
        (3, 3600, 40),
        (4, 3600, 80),
        (5, 3600, 160),
        (6, 3600, 320),
        (7, 3600, 640),
        (8, 3600, 900),
        (9, 3600, 900),
        (100_000, 3600, 900),
        (7, 300, 300),
        (1, 5, 5),
        (1, 0.1, 0.1),
    ],
)
def test_backoff(failures, interval_seconds, middle_seconds):
    """Doubling from 10 s to 15 min or the interval, a fifth of jitter either way."""
    failure = Failure(FailureReason.UNAVAILABLE)
    lowest, highest = (
        retry_delay_seconds(failures, failure, interval_seconds, Extreme(end)) for end in (0, 1)
    )

    assert lowest == pytest.approx(0.8 * middle_seconds)
    assert highest == pytest.approx(1.2 * middle_seconds)


@given(
    seed=st.integers(), failures=st.integers(1, 10_000), interval_seconds=st.floats(0.1, 1_000_000)
)
def test_backoff_range(seed, failures, interval_seconds):
    """Whatever is drawn, a retry comes neither at once nor later than 18 minutes."""
    failure = Failure(FailureReason.TIMEOUT)
    delay = retry_delay_seconds(failures, failure, interval_seconds, random.Random(seed))  # noqa: S311 - jitter

    longest = min(10 * 2.0 ** min(failures - 1, 50), 900, interval_seconds)
    assert 0.8 * longest <= delay <= 1.2 * longest


@pytest.mark.parametrize(
    ("asked_seconds", "delay_seconds"), [(None, 8), (0, 8), (1, 8), (8.5, 8.5), (120, 120)]
)
def test_backoff_heeds_what_the_upstream_asks_for(asked_seconds, delay_seconds):
    """Retry-After is a minimum, never a reason to come earlier."""
    failure = Failure(FailureReason.THROTTLED, asked_seconds)

    assert retry_delay_seconds(1, failure, 3600, Extreme(0)) == delay_seconds


@pytest.mark.parametrize("reason", list(FailureReason))
def test_only_a_person_can_mend_some_failures(reason):
    """Not configured and not covered are asked again once per interval; the others soon.

    Old data is an answer, and perhaps a billed one: it is not asked for again at once.
    """
    patient = {
        FailureReason.NOT_CONFIGURED: 3600,
        FailureReason.NOT_COVERED: 3600,
        FailureReason.NO_RECENT_DATA: 900,
    }
    delay = retry_delay_seconds(1, Failure(reason), 3600, Extreme(1))

    assert delay == patient.get(reason, 12)


@pytest.mark.parametrize(
    ("max_age_seconds", "earliest_seconds", "latest_seconds"),
    [
        (1000, 800, 900),
        (4000, 800, 900),
        (4001, 980, 1000),
        (8000, 980, 1000),
    ],
)
def test_refresh_begins_before_the_interval_is_over(
    max_age_seconds, earliest_seconds, latest_seconds
):
    """Time to retry is left where the value serves for little longer; never at the same point."""
    draw = random.Random(1)  # noqa: S311 - jitter
    cadence = Cadence(1000, max_age_seconds)
    delays = [refresh_delay_seconds(cadence, draw) for _ in range(1000)]

    assert min(delays) >= earliest_seconds
    assert max(delays) <= latest_seconds
    assert max(delays) - min(delays) > 0.9 * (latest_seconds - earliest_seconds)


def test_source_error_says_what_and_why():
    """Reason and detail make its text; nothing else is in it."""
    error = SourceError(FailureReason.DENIED, "check the role")

    assert str(error) == "denied: check the role"


def test_what_was_learnt_in_a_failure_is_kept_and_its_age_goes_on():
    """A partial answer replaces the value, but it is no success: the limit is that of before."""
    clock = FakeClock()
    partial = SourceError(FailureReason.DENIED, "half of it", partial="half")
    cell = make_cell(ScriptedSource("whole", partial), clock, Cadence(300, 900))
    cell.attempt()
    clock.advance(600)

    cell.attempt()

    assert (cell.state.value, cell.state.up, cell.age_seconds()) == ("half", False, 600)
    clock.advance(301)
    assert cell.fresh() is None
