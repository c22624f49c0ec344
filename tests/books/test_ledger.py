"""Counters over hours: exact, written before they are shown, never lower than they were shown."""

import errno
import gzip
import json
import logging
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from exporter.books.archive import Archive
from exporter.books.facts import Facts
from exporter.core.evidence import GridIntensity, Quantity
from exporter.core.fleet import Instance
from exporter.core.statement import Accrued, Statement
from exporter.history import SegmentLog
from exporter.store import StateDirectory
from tests.books.keeping import (
    DAY,
    EMBODIED_GRAMS_PER_HOUR,
    HOUR,
    LAUNCHED_AT,
    PLACE,
    PUE_RATIO,
    TICK_SECONDS,
    USD_PER_HOUR,
    WATTS,
    WEB,
    Scene,
    bookkeeper,
    counters,
    film,
    grams_per_kilowatt_hour,
    played,
    stopped,
)
from tests.fakes import START_AT, FakeClock, make_instance

Run = tuple[float, float]

BATCH = make_instance("i-batch", PLACE, instance_type="c5.large", launched_at=START_AT + 1700)
BATCH_ENDS_AT = START_AT + 3 * HOUR + 120
AGAIN = replace(BATCH, instance_type="m5.xlarge", launched_at=START_AT + 5 * HOUR - 30)
BRIEF = make_instance("i-brief", PLACE, launched_at=START_AT + 6 * HOUR + 100)
BRIEF_ENDS_AT = BRIEF.launched_at + 20
END_AT = START_AT + 8 * HOUR

RUNS: tuple[Run, ...] = (
    (LAUNCHED_AT, END_AT),
    (BATCH.launched_at, BATCH_ENDS_AT),
    (AGAIN.launched_at, END_AT),
    (BRIEF.launched_at, BRIEF_ENDS_AT),
)
"""When something ran, to the second."""


@pytest.fixture(scope="module")
def day() -> list[Facts]:
    """Eight hours: one instance all the time, one stopped and resized, one for twenty seconds."""
    ended = stopped(BATCH, BATCH_ENDS_AT)
    brief = stopped(BRIEF, BRIEF_ENDS_AT)
    return film(
        8 * HOUR,
        [WEB],
        [
            Scene(BATCH.launched_at, (WEB, BATCH)),
            Scene(BATCH_ENDS_AT, (WEB, ended)),
            Scene(AGAIN.launched_at, (WEB, AGAIN)),
            Scene(BRIEF_ENDS_AT, (WEB, AGAIN, brief)),
        ],
    )


def seconds_in(since_at: float, until_at: float) -> float:
    return sum(max(0.0, min(end, until_at) - max(start, since_at)) for start, end in RUNS)


def shown(statement: Statement) -> Accrued:
    return statement.accrued[PLACE]


def last_shown(facts: list[Facts], store: StateDirectory | None = None) -> Accrued:
    seen: list[Statement] = []
    played(facts, store, seen.append)
    return shown(seen[-1])


def test_counters_of_a_day(day):
    """All that ran since the exporter began, at its own second, curve, price and intensity."""
    found = last_shown(day)

    ran = seconds_in(START_AT, END_AT)
    assert found.energy_joules == pytest.approx(WATTS * ran)
    assert found.embodied_grams == pytest.approx(EMBODIED_GRAMS_PER_HOUR * ran / HOUR)
    # Twenty seconds are billed for a minute.
    assert found.cost_usd == pytest.approx(USD_PER_HOUR * (ran + 40) / HOUR)
    by_hour = (START_AT + number * HOUR for number in range(8))
    grams = sum(
        WATTS * seconds_in(at, at + HOUR) / 3.6e6 * PUE_RATIO * grams_per_kilowatt_hour(at)
        for at in by_hour
    )
    assert found.emissions_grams == pytest.approx(grams)
    assert not any(found.skipped_seconds.values())


def test_counters_grow_by_whole_hours(day):
    """Once an hour, soon after it is over, and never in between; they never fall."""
    told: list[tuple[float, Accrued]] = []
    frames = iter(day)
    played(day, watch=lambda statement: told.append((next(frames).now, shown(statement))))

    changes = [at for (_, a), (at, b) in pairwise(told) if counters(a) != counters(b)]
    assert {int((at - START_AT) // HOUR) for at in changes} == set(range(1, 9))
    assert all((at - START_AT) % HOUR <= 1800 for at in changes)
    for (_, before), (_, after) in pairwise(told):
        assert all(a <= b for a, b in zip(counters(before), counters(after), strict=True))


def history(state_dir: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((state_dir / "history/instance_hours").glob("*.gz")):
        yield from map(json.loads, gzip.decompress(path.read_bytes()).splitlines())


def test_an_hour_is_written_once(day, tmp_path):
    """One record of the place and one of its intensity, and their sums are the counters."""
    with StateDirectory(tmp_path) as store:
        found = last_shown(day, store)

    records = [r for r in history(tmp_path) if "kind" in r and r.get("hour", 0) >= START_AT]
    hours = [START_AT + number * HOUR for number in range(8)]
    written = Counter((r["kind"], r["hour"]) for r in records)
    assert written == {(kind, at): 1 for kind in ("place", "intensity") for at in hours}
    places = [r["columns"] for r in records if r["kind"] == "place"]
    for name, total in (
        ("energy_joules", found.energy_joules),
        ("embodied_grams", found.embodied_grams),
        ("cost_usd", found.cost_usd),
    ):
        told = [value for columns in places for value in columns[name]]
        assert sum(value for value in told if value) == pytest.approx(total)


@pytest.mark.parametrize("number", [0, 5, 17, 40, 95])
def test_keeping_the_same_facts_again_adds_nothing(day, number):
    """Publications follow each other without news."""
    frames = day[: number + 1]

    assert last_shown([*frames, *[frames[-1]] * 3]) == last_shown(frames)


def test_without_a_state_directory_the_counters_are_the_same(day, tmp_path):
    """They only do not outlive the process."""
    with StateDirectory(tmp_path) as store:
        assert counters(last_shown(day, store)) == counters(last_shown(day))


class Disk:
    """Writes to the state directory; ``broken`` says which of them fail, ``after`` follows each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.broken: frozenset[str] = frozenset()
        self.after = lambda: None
        write, append = StateDirectory.write_document, SegmentLog.append

        def checked_write(store, name, content):
            self._refuse(name)
            write(store, name, content)
            self.after()

        def checked_append(log, at, records):
            self._refuse(log._kind)
            append(log, at, records)
            self.after()

        monkeypatch.setattr(StateDirectory, "write_document", checked_write)
        monkeypatch.setattr(SegmentLog, "append", checked_append)

    def _refuse(self, name: str) -> None:
        if name in self.broken:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


EVERYTHING = frozenset({"accrual", "meter", "instance_hours", "grid_days"})


@pytest.mark.parametrize("broken", [{"accrual"}, {"instance_hours"}, EVERYTHING], ids=str)
def test_a_full_disk_holds_the_counters(day, tmp_path, disk, caplog, broken):
    """For three hours nothing is shown that is not written; then it is as if nothing had been."""
    caplog.set_level(logging.INFO)
    expected = counters(last_shown(day))
    told: list[Accrued] = []

    def watch(statement: Statement) -> None:
        at = START_AT + len(told) * TICK_SECONDS
        told.append(shown(statement))
        is_full = START_AT + 1.9 * HOUR <= at < START_AT + 4.9 * HOUR
        disk.broken = frozenset(broken) if is_full else frozenset()

    with StateDirectory(tmp_path) as store:
        played(day, store, watch)

    held = [counters(each) for each in told[23:58]]
    assert all(each == held[0] for each in held)
    assert counters(told[-1]) == pytest.approx(expected)
    messages = [record.getMessage() for record in caplog.records]
    assert len([m for m in messages if "history not written" in m]) == 1
    assert len([m for m in messages if "written again" in m]) == 1


def test_a_disk_that_is_full_only_for_open_points_holds_nothing(day, tmp_path, disk):
    """Counters do not rest on them being on disk."""
    disk.broken = frozenset({"meter", "grid_days"})
    with StateDirectory(tmp_path) as store:
        found = last_shown(day, store)

    assert counters(found) == pytest.approx(counters(last_shown(day)))


def test_a_crash_at_any_write_costs_nothing(day, tmp_path, disk):
    """Wherever it stops between two writes: the next process never shows less and ends the same."""
    frames = day[: 4 * 12]
    expected = counters(last_shown(frames))
    told: list[Accrued] = []
    crashes: list[tuple[int, Path]] = []

    def copy() -> None:
        path = tmp_path / f"crash-{len(crashes)}"
        shutil.copytree(tmp_path / "live", path)
        crashes.append((len(told), path))

    disk.after = copy
    with StateDirectory(tmp_path / "live") as store:
        played(frames, store, lambda statement: told.append(shown(statement)))
    disk.after = lambda: None

    assert len({number for number, _ in crashes}) > 10
    for number, path in crashes:
        if number == len(frames):
            continue  # the last save, after the last frame
        least = counters(told[number - 1]) if number else [0.0] * 8
        seen: list[Statement] = []
        with StateDirectory(path) as store:
            played(frames[number:], store, seen.append)
        for statement in seen:
            shown_now = counters(shown(statement))
            assert all(a <= b for a, b in zip(least, shown_now, strict=True))
        assert counters(shown(seen[-1])) == pytest.approx(expected)


def test_a_restart_shows_what_was_shown(day, tmp_path):
    """Before anything was asked: the very same numbers, to the last bit."""
    with StateDirectory(tmp_path) as store:
        before = last_shown(day, store)
    with StateDirectory(tmp_path) as store:
        after = last_shown(day[-1:], store)

    assert after == before


def test_open_points_outlive_the_process(day, tmp_path):
    """A poll brings what is new: what came before it is known from the file only."""

    def newest_points(facts: Facts) -> Facts:
        (place,) = facts.places
        if place.cpu is None:
            return facts
        entries = tuple(replace(entry, points=entry.window_points) for entry in place.cpu.instances)
        return replace(facts, places=(replace(place, cpu=replace(place.cpu, instances=entries)),))

    frames = list(map(newest_points, day))
    whole = last_shown(frames)
    with StateDirectory(tmp_path) as store:
        played(frames[: 2 * 12 + 9], store)
    with StateDirectory(tmp_path) as store:
        found = last_shown(frames[2 * 12 + 9 :], store)

    assert counters(found) == pytest.approx(counters(whole))


def test_intensities_outlive_the_process(day, tmp_path):
    """Hours that are covered stay so, although nobody can be asked about their grid any more."""
    told: list[Statement] = []
    with StateDirectory(tmp_path) as store:
        played(day, store, told.append)
    with StateDirectory(tmp_path) as store:
        played([replace(day[-1], grid={})], store, told.append)

    before, after = told[-2], told[-1]
    assert before.coverage[PLACE].carbon > 0
    assert after.coverage[PLACE] == before.coverage[PLACE]


def test_intensities_of_six_weeks_are_known(three_days, tmp_path):
    """Those of an earlier process as well, until the disk forgets them too."""
    old_at = START_AT // DAY * DAY - 41 * DAY
    told = [
        GridIntensity("DE", 100.0 + n, old_at + n * DAY, estimated=False, method="")
        for n in range(3)
    ]
    with StateDirectory(tmp_path) as store:
        Archive(store).add_grid(told)
        books = played(three_days[:1], store)
        before = books._ledger.grid.intensities()["DE"]
        after = played(three_days, store)._ledger.grid.intensities()["DE"]

    assert [before.get(each.valid_at) for each in told] == [100.0, 101.0, 102.0]
    assert [after.get(each.valid_at) for each in told] == [None, 101.0, 102.0]


def test_hours_nobody_was_there(day, tmp_path):
    """Down for three hours: what ran by LaunchTime has its cost, what has no points is skipped."""
    with StateDirectory(tmp_path) as store:
        played(day[: 2 * 12], store)
    with StateDirectory(tmp_path) as store:
        found = last_shown(day[5 * 12 :], store)

    whole = last_shown(day)
    assert found.cost_usd == pytest.approx(whole.cost_usd)
    assert found.embodied_grams == pytest.approx(whole.embodied_grams)
    skipped = found.skipped_seconds[Quantity.POWER]
    assert 2 * HOUR <= skipped <= 6 * HOUR
    assert found.energy_joules + WATTS * skipped == pytest.approx(whole.energy_joules)


def test_unreadable_counters_begin_again(day, tmp_path, caplog):
    """With a line in the log; the history stays, and the hours before are not counted twice."""
    with StateDirectory(tmp_path) as store:
        played(day[: 4 * 12], store)
    (tmp_path / "accrual.json").write_bytes(b"\x00")

    with StateDirectory(tmp_path) as store:
        found = last_shown(day[4 * 12 :], store)

    ran = seconds_in(day[4 * 12].now, END_AT)
    assert found.cost_usd == pytest.approx(USD_PER_HOUR * (ran + 40) / HOUR)
    assert found.energy_joules == pytest.approx(WATTS * ran)
    assert [r.getMessage() for r in caplog.records if "set aside" in r.getMessage()]


def test_a_snapshot_beside_it_writes_nothing(day, tmp_path):
    """It reads the counters and closes hours for itself only."""
    with StateDirectory(tmp_path) as store:
        played(day[: 4 * 12], store)
    files = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    found = last_shown(day, StateDirectory(tmp_path, writable=False))

    assert counters(found) == pytest.approx(counters(last_shown(day)))
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == files


def absent(facts: Facts) -> Facts:
    return replace(facts, places=())


def test_a_place_that_disappears_and_returns(day):
    """Its series end; when it is back they go on, with the cost of what ran meanwhile."""
    frames = [*day[:24], *map(absent, day[24:60]), *day[60:]]
    told: list[Statement] = []
    played(frames, watch=told.append)

    assert PLACE in told[23].accrued
    assert all(PLACE not in statement.accrued for statement in told[24:60])
    before, after = counters(shown(told[23])), counters(shown(told[60]))
    assert all(a <= b for a, b in zip(before, after, strict=True))
    found, whole = shown(told[-1]), last_shown(day)
    assert found.cost_usd == pytest.approx(whole.cost_usd)
    skipped = found.skipped_seconds[Quantity.POWER]
    assert skipped > 2 * HOUR
    assert found.energy_joules + WATTS * skipped == pytest.approx(whole.energy_joules)


def test_one_place_does_not_wait_for_another(day):
    """A region that cannot be reached holds only its own hours open."""
    other = PLACE._replace(region="eu-west-1")

    def with_silent_place(facts: Facts) -> Facts:
        (place,) = facts.places
        silent = replace(place, place=other, seen_until_at=START_AT, cpu=None, cpu_age_seconds=None)
        return replace(facts, places=(place, silent))

    told: list[Statement] = []
    played(map(with_silent_place, day), watch=told.append)

    assert counters(shown(told[-1])) == counters(last_shown(day))
    assert told[-1].accrued[other].cost_usd == 0


def days(count: int, fleet: tuple[Instance, ...] = (WEB,)) -> list[Facts]:
    return film(count * DAY, fleet)


@pytest.fixture(scope="module")
def three_days() -> list[Facts]:
    return days(3)


def cpu_days(state_dir: Path) -> list[str]:
    return sorted(path.name[:10] for path in (state_dir / "history/cpu_days").glob("*.gz"))


def test_days_are_turned(three_days, tmp_path):
    """Every day that is closed gets its distribution, once, and memory stays bounded."""
    with StateDirectory(tmp_path) as store:
        books = played(three_days, store)

    # It began on 2027-01-15 at 08:00.
    assert cpu_days(tmp_path) == ["2027-01-15", "2027-01-16", "2027-01-17"]
    (_, record) = map(
        json.loads,
        gzip.decompress(
            (tmp_path / "history/cpu_days/2027-01-16.jsonl.gz").read_bytes()
        ).splitlines(),
    )
    assert record["columns"] == {
        "instance_id": ["i-web"],
        "instance_type": ["m5.large"],
        "levels": [[40, 288]],
    }
    ledger = books._ledger
    assert len(ledger.meter.instances["i-web"].hours) <= 2
    assert len(ledger.books[PLACE].closed) <= 75


def test_a_day_that_ended_while_nobody_was_there_is_turned(three_days, tmp_path):
    """Stopped before midnight, started after it."""
    with StateDirectory(tmp_path) as store:
        played(three_days[: 15 * 12], store)
    with StateDirectory(tmp_path) as store:
        played(three_days[18 * 12 : 19 * 12], store)

    assert cpu_days(tmp_path) == ["2027-01-15"]


def test_a_disk_that_is_full_at_midnight_does_not_cost_the_day(three_days, tmp_path, disk):
    """Its distribution is written once there is room."""
    frames = iter(three_days)

    def watch(_: Statement) -> None:
        is_full = 15 * HOUR <= next(frames).now - START_AT < 22 * HOUR  # midnight is at 16
        disk.broken = frozenset({"cpu_days"}) if is_full else frozenset()

    with StateDirectory(tmp_path) as store:
        played(three_days, store, watch)

    assert cpu_days(tmp_path) == ["2027-01-15", "2027-01-16", "2027-01-17"]


def test_a_place_that_is_gone_does_not_hold_the_days_open(three_days, tmp_path):
    """A region that was switched off must not stop distributions and pruning for ever."""
    other = PLACE._replace(region="eu-west-1")

    def with_second_place(facts: Facts) -> Facts:
        (place,) = facts.places
        return replace(facts, places=(place, replace(place, place=other)))

    frames = [*map(with_second_place, three_days[:60]), *three_days[60:]]
    with StateDirectory(tmp_path) as store:
        played(frames, store)

    assert cpu_days(tmp_path) == ["2027-01-15", "2027-01-16", "2027-01-17"]


def test_a_book_of_a_new_process_begins_at_its_own_start():
    """What ran before the exporter first saw the place is nobody's count."""
    clock = FakeClock()
    books = bookkeeper(None, clock)
    (first, *_) = film(TICK_SECONDS, [WEB])

    assert counters(shown(books.keep(first))) == [0.0] * 8
