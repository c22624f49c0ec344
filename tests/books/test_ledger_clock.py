"""Counters while the wall clock is wrong: they neither fall nor jump, and end as they should."""

from itertools import pairwise
from math import floor

import pytest

from exporter.books.closing import PATIENCE_SECONDS
from exporter.core.evidence import GridIntensity, InstanceCpu, MeteredRun, Quantity
from exporter.core.fleet import Instance
from exporter.core.provenance import FailureReason
from exporter.core.statement import Accrued
from tests.books.keeping import (
    DAY,
    EMBODIED_GRAMS_PER_HOUR,
    HOUR,
    PLACE,
    TICK_SECONDS,
    USD_PER_HOUR,
    WATTS,
    WEB,
    Keeping,
    counters,
    grams_per_kilowatt_hour,
    stopped,
)
from tests.fakes import START_AT, FakeClock, FakeUpstreams, down


class ShownClock(FakeClock):
    """The clock of the exporter's machine; the true one goes on with it, but never jumps."""

    def __init__(self) -> None:
        super().__init__()
        self.true = FakeClock()

    def advance(self, seconds: float) -> None:
        """Let time pass for both."""
        super().advance(seconds)
        self.true.advance(seconds)


class TrueCloud(FakeUpstreams):
    """AWS and the grid have the true time; what they are asked for has that of the exporter."""

    def __init__(self, clock: ShownClock, *instances: Instance) -> None:
        self._shown = clock
        super().__init__(clock, *instances)
        self.cpu_slots = 191  # a poll brings all that is new

    def _points(self, run: MeteredRun) -> InstanceCpu:
        if self._shown.wall() - self._shown.true.wall() >= 900:
            # What has not happened yet has no points.
            raise down(FailureReason.NO_RECENT_DATA)
        return super()._points(run)

    def _hour(self, grid_zone: str, hours_back: int) -> GridIntensity:
        hour_at = (floor(self._shown.true.wall() / HOUR) - hours_back) * HOUR
        grams = grams_per_kilowatt_hour(hour_at)
        return GridIntensity(grid_zone, grams, hour_at, estimated=False, method="")


def begun() -> Keeping:
    """A web server that runs all the time, and an exporter that has kept its books for 4 hours."""
    clock = ShownClock()
    found = Keeping(TrueCloud(clock, WEB), clock)
    found.settle()
    found.run(4 * HOUR, TICK_SECONDS)
    return found


def lived(found: Keeping, seconds: float) -> list[Accrued]:
    """Let time pass; what was shown at each tick."""
    told = [found.statement.accrued[PLACE]]
    for _ in range(round(seconds / TICK_SECONDS)):
        found.run(TICK_SECONDS, TICK_SECONDS)
        told.append(found.statement.accrued[PLACE])
    for before, after in pairwise(told):
        assert all(a <= b for a, b in zip(counters(before), counters(after), strict=True))
    return told


def check_whole(found: Keeping, hours: float) -> None:
    """Everything of so many hours is counted, once."""
    accrued = found.statement.accrued[PLACE]
    assert accrued.energy_joules == pytest.approx(WATTS * hours * HOUR)
    assert accrued.cost_usd == pytest.approx(USD_PER_HOUR * hours)
    assert accrued.embodied_grams == pytest.approx(EMBODIED_GRAMS_PER_HOUR * hours)
    assert not any(accrued.skipped_seconds.values())


def test_a_clock_that_never_jumps():
    """The reference for the others: eight hours at forty percent load."""
    found = begun()
    lived(found, 4 * HOUR)

    check_whole(found, 8)


@pytest.mark.parametrize("jump_seconds", [HOUR, DAY, 30 * DAY, -600.0, -HOUR, -DAY])
def test_two_hours_at_a_wrong_time(jump_seconds):
    """Nothing accrues without points of its own; when the clock is right again, nothing is lost."""
    found = begun()
    found.clock.jump(jump_seconds)
    told = lived(found, 2 * HOUR)
    if abs(jump_seconds) >= 2 * HOUR:
        assert all(counters(each) == counters(told[0]) for each in told)

    found.clock.jump(-jump_seconds)
    lived(found, 4 * HOUR)

    check_whole(found, 10)
    assert found.clock.wall() == START_AT + 10 * HOUR


def test_a_clock_that_was_ahead_is_set_back():
    """It stays an hour behind what it was: an hour passes without counting, then all goes on."""
    found = begun()
    found.clock.jump(-HOUR)
    told = lived(found, HOUR)
    assert all(counters(each) == counters(told[0]) for each in told)

    lived(found, 3 * HOUR + 600)

    accrued = found.statement.accrued[PLACE]
    assert accrued.cost_usd == pytest.approx(USD_PER_HOUR * 7)
    assert accrued.energy_joules == pytest.approx(WATTS * 7 * HOUR)


def test_what_ends_after_the_clock_was_set_right():
    """Inventories have shown it running a day later than it did: it counts until it stopped."""
    found = begun()
    found.clock.jump(DAY)
    lived(found, 2 * HOUR)
    found.clock.jump(-DAY)
    lived(found, HOUR)
    found.upstreams.fleet[PLACE] = (stopped(WEB, found.clock.wall()),)

    lived(found, 30 * HOUR)

    check_whole(found, 7)


def test_a_clock_that_is_wrong_for_longer_than_patience_lasts():
    """A day ahead for 20 hours: hours are closed without points, each of them once.

    What is listed runs by its LaunchTime, so it has its cost, early; its energy is skipped. Once
    the true time has caught up both are what they should be.
    """
    found = begun()
    found.clock.jump(DAY)
    lived(found, 20 * HOUR)
    early = found.statement.accrued[PLACE]
    assert USD_PER_HOUR * 4 < early.cost_usd <= USD_PER_HOUR * (24 + 24 - PATIENCE_SECONDS / HOUR)
    assert early.energy_joules == pytest.approx(WATTS * 4 * HOUR)

    found.clock.jump(-DAY)
    lived(found, 26 * HOUR)

    accrued = found.statement.accrued[PLACE]
    assert accrued.cost_usd == pytest.approx(USD_PER_HOUR * 50)
    skipped = accrued.skipped_seconds[Quantity.POWER]
    assert accrued.energy_joules + WATTS * skipped == pytest.approx(WATTS * 50 * HOUR)
