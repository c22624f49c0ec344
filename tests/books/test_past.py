"""A restart: the books of use and CPU are what they would be had the process never ended."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.books.archive import Archive
from exporter.books.cpu_book import CpuBook
from exporter.books.facts import Facts
from exporter.books.past import restore
from exporter.books.usage_book import UsageBook
from exporter.core.scenarios.load import LoadDistribution, points_in
from exporter.core.scenarios.usage import HourOfUse, UsageHistory
from exporter.history import SegmentLog
from exporter.store import StateDirectory
from tests.books.keeping import (
    DAY,
    HOUR,
    PLACE,
    USD_PER_HOUR,
    WEB,
    Scene,
    film,
    played,
    stopped,
)
from tests.books.test_ledger_corrections import lived
from tests.fakes import START_AT, make_instance

BATCH = replace(
    make_instance("i-batch", PLACE, launched_at=START_AT + 1700), tags=(("environment", "Test"),)
)
BATCH_ENDS_AT = START_AT + 3 * HOUR + 120


@pytest.fixture(scope="module")
def frames() -> list[Facts]:
    """Five hours, of which a second instance runs for two and a half."""
    scenes = [
        Scene(BATCH.launched_at, (WEB, BATCH)),
        Scene(BATCH_ENDS_AT, (WEB, stopped(BATCH, BATCH_ENDS_AT))),
    ]
    return film(5 * HOUR, [WEB], scenes)


@pytest.fixture(scope="module")
def days() -> list[Facts]:
    """Two days and a half; it is 08:00 when they begin."""
    return film(2.5 * DAY, [WEB, BATCH])


RESIZED_AT = START_AT + 30 * HOUR + 1200
LARGE = replace(WEB, instance_type="m5.4xlarge")
SMALL = replace(WEB, instance_type="m5.xlarge", launched_at=RESIZED_AT)


@pytest.fixture(scope="module")
def resized_days() -> list[Facts]:
    """The web machine is resized in the afternoon of the second day."""
    return film(2.5 * DAY, [LARGE, BATCH], [Scene(RESIZED_AT, (SMALL, BATCH))])


class Past:
    """Both books."""

    def __init__(self) -> None:
        self.usage = UsageBook()
        self.cpu = CpuBook()

    def take(self, hours: Iterable[HourOfUse]) -> None:
        """Take closed hours."""
        for hour in hours:
            self.usage.take(hour)
            self.cpu.take(hour)

    def history(self) -> UsageHistory:
        """All that there is; the days have ended by then."""
        return self.usage.history(START_AT + 10 * DAY)


def restored(state_dir: Path, now: float) -> Past:
    """As another process finds it."""
    past = Past()
    restore(Archive(StateDirectory(state_dir, writable=False)), past.usage, past.cpu, now)
    return past


def same(some: Past, others: Past) -> bool:
    now = START_AT + 2.5 * DAY
    return (
        some.history() == others.history()
        and some.cpu.loads() == others.cpu.loads()
        and some.cpu.idle(now, 50.0, 1) == others.cpu.idle(now, 50.0, 1)
    )


def test_groups_of_an_hour(frames):
    """The batch machine ran for a part of the first hour, in the environment that its tag tells."""
    past = Past()
    played(frames, on_closed=past.take)

    history = past.history()
    first = round((START_AT - history.since_at) / HOUR)
    by_environment = {series.key.environment: series for series in history.series}
    assert set(by_environment) == {"", "test"}
    assert list(by_environment["test"].running_seconds[first : first + 5]) == pytest.approx(
        [1900, 3600, 3600, 120, 0]
    )
    assert list(by_environment[""].cost_usd[first : first + 5]) == pytest.approx([USD_PER_HOUR] * 5)
    assert past.cpu.loads()["i-batch"].days == 1


@pytest.mark.parametrize("hours", [3, 20, 60])
def test_a_restart_finds_the_same_books(days, tmp_path, hours):
    """Within a day, after a midnight, after two."""
    seen = [frame for frame in days if frame.now <= START_AT + hours * HOUR]
    past = Past()
    with StateDirectory(tmp_path) as store:
        played(seen, store, on_closed=past.take)

    found = restored(tmp_path, seen[-1].now)

    assert past.cpu.loads()["i-web"].days == len(list((tmp_path / "history/usage_hours").iterdir()))
    assert same(found, past)


@pytest.mark.parametrize("hours", [34, 60])
def test_a_restart_after_an_instance_was_resized(resized_days, tmp_path, hours):
    """In the same day, and after the midnight that follows: only what it did since counts."""
    seen = [frame for frame in resized_days if frame.now <= START_AT + hours * HOUR]
    past = Past()
    with StateDirectory(tmp_path) as store:
        played(seen, store, on_closed=past.take)

    found = restored(tmp_path, seen[-1].now)

    assert same(found, past)
    for book in (found.cpu, past.cpu):
        assert book.is_of("i-web", "m5.xlarge")
        assert not book.is_of("i-web", "m5.4xlarge")
        loads = book.loads()
        assert loads["i-web"].days == loads["i-batch"].days - 1
        assert points(loads["i-web"]) <= points(loads["i-batch"]) - 28 * 12


def points(load: LoadDistribution) -> int:
    return sum(map(points_in, load.blocks))


def test_a_day_of_which_one_place_is_still_open(days, tmp_path):
    """Its distribution is not written yet: its hours tell."""
    seen = [frame for frame in days if frame.now <= START_AT + 20 * HOUR]
    past = Past()
    with StateDirectory(tmp_path) as store:
        played(seen, store, on_closed=past.take)
    for path in (tmp_path / "history/cpu_days").iterdir():
        path.unlink()

    assert same(restored(tmp_path, seen[-1].now), past)


def test_a_start_after_a_version_that_knew_more(days, tmp_path):
    """A purchase option of its own in one hour: all else of the weeks is there."""
    past = Past()
    with StateDirectory(tmp_path) as store:
        played(days, store, on_closed=past.take)
        log = SegmentLog(tmp_path / "history/usage_hours", "usage_hours", span_seconds=DAY)
        (record, *_) = log.read(START_AT)
        record["columns"]["purchase_option"] = ["on_the_moon"] * len(record["columns"]["location"])
        log.append(START_AT, [record | {"region": "of-the-moon"}])

    assert same(restored(tmp_path, days[-1].now), past)


def test_hours_that_are_closed_while_it_is_restored(days, tmp_path):
    """They are on disk already, and are told as well: they count once."""
    seen = [frame for frame in days if frame.now <= START_AT + 20 * HOUR]
    past = Past()
    told: list[HourOfUse] = []
    with StateDirectory(tmp_path) as store:
        played(seen, store, on_closed=told.extend)
    past.take(told)

    found = restored(tmp_path, seen[-1].now)
    found.take(told[-5:])

    assert same(found, past)


def test_a_corrected_hour_is_told_and_found_again(tmp_path):
    """CloudTrail tells of an end that no inventory saw: in both books it replaces the hour."""
    with StateDirectory(tmp_path) as store:
        kept = lived(store, until_trail=True)
        kept.run(2 * HOUR, 240.0)
    past = Past()
    past.take(kept.told)

    times = [hour.hour_at for hour in kept.told]
    assert times.count(START_AT + 2 * HOUR) == times.count(START_AT + 4 * HOUR) == 2
    assert same(restored(tmp_path, kept.clock.wall()), past)
    history = past.history()
    number = round((START_AT + 2 * HOUR - history.since_at) / HOUR)
    assert sum(series.running_seconds[number] for series in history.series) == 3600 + 1234


def test_a_crash_at_any_write_costs_nothing(frames, tmp_path, monkeypatch):
    """Wherever the process ends between two writes: with the hours told since, all is there."""
    whole = Past()
    played(frames, on_closed=whole.take)
    append = SegmentLog.append
    crashes: list[tuple[int, Path]] = []
    shown: list[object] = []

    def copying(log, at, records):
        append(log, at, records)
        path = tmp_path / f"crash-{len(crashes)}"
        shutil.copytree(tmp_path / "live", path)
        crashes.append((len(shown), path))

    monkeypatch.setattr(SegmentLog, "append", copying)
    with StateDirectory(tmp_path / "live") as store:
        played(frames, store, shown.append)
    monkeypatch.setattr(SegmentLog, "append", append)

    assert len(crashes) > 10
    for number, path in crashes:
        later = frames[number:]
        past = restored(path, later[0].now)
        with StateDirectory(path) as store:
            played(later, store, on_closed=past.take)
        assert same(past, whole)
        assert same(restored(path, frames[-1].now), whole)


def test_nobody_is_told_of_an_hour_that_is_not_written(frames, tmp_path, monkeypatch):
    """While the disk is full the books wait, as the counters do; then each hour is told once."""
    append = SegmentLog.append
    told: list[HourOfUse] = []
    shown: list[object] = []

    def failing(log, at, records):
        if log._kind == "instance_hours" and 12 <= len(shown) < 36:
            raise OSError(28, "No space left on device")
        append(log, at, records)

    def watch(statement: object) -> None:
        shown.append(statement)
        if 13 <= len(shown) <= 36:
            assert all(hour.hour_at < START_AT for hour in told)

    monkeypatch.setattr(SegmentLog, "append", failing)
    with StateDirectory(tmp_path) as store:
        played(frames, store, watch, told.extend)

    times = [hour.hour_at for hour in told]
    assert times == sorted(set(times))
    assert {START_AT + n * HOUR for n in range(4)} <= set(times)
    past = Past()
    past.take(told)
    assert same(restored(tmp_path, frames[-1].now), past)


def test_without_a_state_directory_it_is_told_at_once(frames):
    """And so is a process that only reads."""
    told: list[HourOfUse] = []
    played(frames, on_closed=told.extend)

    assert {START_AT + n * HOUR for n in range(4)} <= {hour.hour_at for hour in told}


def test_before_anything_was_written(tmp_path):
    """Empty books."""
    past = restored(tmp_path, START_AT)

    assert past.history().series == ()
    assert past.cpu.loads() == {}
