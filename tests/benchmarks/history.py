"""What it costs to keep the history, against SQLite and against one JSON file that is rewritten.

The rivals get the same numbers, ready to be written, and each makes its write durable; SQLite
and the segments take turns hour by hour. Hours pass only in the numbers.
"""

import os
import sqlite3
import tempfile
import zlib
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from pydantic_core import to_json

from exporter.books.archive import Archive
from exporter.books.cpu_book import CpuBook
from exporter.books.usage_book import UsageBook
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.history import SegmentLog
from exporter.store import StateDirectory
from tests.benchmarks.estimate import timed
from tests.benchmarks.figures import Spread, ratio, result
from tests.benchmarks.usage import STARTED_AT, ZONES, Record, Usage

FLEETS = {100: 4, 500: 4, 10_000: 40}
"""Instances, and in how many places they are."""
LARGEST = max(FLEETS)
SMALLER = 500
DAYS_KEPT = 42
HOURS_KEPT = 24 * DAYS_KEPT
HOURS_READ = 72
HOURS_REWRITTEN = 48
"""Of the largest fleet, in one JSON file: as many instance-hours as 42 days of the smaller one."""
REPEATS = 3

Times = Sequence[tuple[float, float]]


class Database:
    """A row per instance and hour in SQLite, one transaction per hour."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "history.db"
        self._connection = sqlite3.connect(self._path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")  # durable, as an fsync is
        self._connection.execute(
            "CREATE TABLE hours (hour INTEGER, place INTEGER, instance_id TEXT, "
            "instance_type TEXT, kind INTEGER, "
            "running REAL, billed REAL, unknown REAL, measured REAL, "
            "joules REAL, grams REAL, usd REAL, cpu TEXT, grid_zone TEXT, pue REAL, "
            "PRIMARY KEY (hour, instance_id)) WITHOUT ROWID"
        )

    def append(self, rows: Sequence[tuple[object, ...]]) -> None:
        """Write one hour."""
        self._connection.execute("BEGIN")
        self._connection.executemany(
            "INSERT INTO hours VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
        )
        self._connection.execute("COMMIT")

    def read(self) -> list[Any]:
        """All rows."""
        return self._connection.execute("SELECT * FROM hours WHERE hour >= 0").fetchall()

    def size(self) -> int:
        """Bytes, all in one file."""
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self._path.stat().st_size

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def rows_of(records: Sequence[Record]) -> list[tuple[object, ...]]:
    """What the database gets."""
    return [
        (record["hour"], place, *row)
        for place, record in enumerate(records)
        if "columns" in record
        for row in zip(*record["columns"].values(), strict=True)
    ]


def rewrite(path: Path, hours: Sequence[Sequence[Record]]) -> None:
    """One JSON file with everything, replaced as the exporter's state files are."""
    temporary = path.with_suffix(".new")
    with temporary.open("wb") as file:
        file.write(to_json(hours))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def spreads(times: Times) -> tuple[Spread, Spread]:
    """Wall and CPU time."""
    wall, cpu = zip(*times, strict=True)
    return Spread.of(wall), Spread.of(cpu)


def show(what: str, times: Times) -> None:
    """Print wall and CPU time."""
    wall, cpu = spreads(times)
    result(what, f"{wall.milliseconds()}, CPU {cpu.milliseconds()}")


def show_ratios(what: str, ours: Times, other: Times, factor: float = 1) -> None:
    """Print how many times more another way takes."""
    for clock, own, theirs in zip(("wall", "CPU"), spreads(ours), spreads(other), strict=True):
        ratio(f"{what}, {clock}", factor * theirs.median / own.median)


def show_size(what: str, log_bytes: float, *, per: str, kept: int) -> None:
    """Print what an hour or a day takes, and all 42 days."""
    whole = f"{kept * log_bytes / 1e6:,.1f} MB in {DAYS_KEPT} days"
    result(f"{what}: bytes", f"{log_bytes / 1e3:,.1f} kB a {per}, {whole}")


def levels(records: Sequence[Record]) -> None:
    """Print what compressing an hour takes."""
    lines = b"".join(to_json(record) + b"\n" for record in records)
    for level in (1, 3, 6):
        size = len(zlib.compress(lines, level))
        times = [timed(lambda: zlib.compress(lines, level)) for _ in range(REPEATS)]  # noqa: B023 - called at once
        show(f"zlib level {level}: {len(lines) / 1e3:,.0f} kB become {size / 1e3:,.0f} kB", times)


def hour_log(folder: Path) -> SegmentLog:
    """Where the exporter keeps its hours."""
    return SegmentLog(folder, "instance_hours", span_seconds=SECONDS_PER_HOUR)


def append_hours(folder: Path, fleet: Usage) -> Times:
    """Append hour by hour."""
    log = hour_log(folder)
    times = []
    for hour in range(HOURS_READ):
        at, records = STARTED_AT + hour * SECONDS_PER_HOUR, fleet.hour(hour)
        times.append(timed(lambda: log.append(at, records)))  # noqa: B023 - called at once
    return times


def append_uses(folder: Path, fleet: Usage, hours: int) -> Times:
    """Append what groups used, hour by hour."""
    log = SegmentLog(folder, "usage_hours", span_seconds=SECONDS_PER_DAY)
    times = []
    for hour in range(hours):
        at, records = STARTED_AT + hour * SECONDS_PER_HOUR, fleet.use(hour)
        times.append(timed(lambda: log.append(at, records)))  # noqa: B023 - called at once
    return times


def recall(folder: Path, fleet: Usage) -> None:
    """Write six weeks of use and CPU, and read them back into the books of a new process."""
    with StateDirectory(folder) as store:
        archive, history = Archive(store), folder / "history"
        times = append_uses(history / "usage_hours", fleet, HOURS_KEPT)
        cpu = SegmentLog(history / "cpu_days", "cpu_days", span_seconds=SECONDS_PER_DAY)
        day = fleet.cpu_day()
        for number in range(DAYS_KEPT):
            at = STARTED_AT + number * SECONDS_PER_DAY
            cpu.append(at, [record | {"day": at} for record in day])
        groups = sum(len(record["columns"]["location"]) for record in fleet.use(0))
        show(f"usage_hours, {groups} groups: append an hour", times)
        show_size("usage_hours", bytes_per_file(history / "usage_hours"), per="day", kept=DAYS_KEPT)
        usage, load = UsageBook(), CpuBook()
        end_at = STARTED_AT + DAYS_KEPT * SECONDS_PER_DAY
        show("usage_hours: read 42 days", [timed(lambda: take_uses(archive, usage))])
        show("use by hour of 42 days", [timed(lambda: usage.history(end_at))])
        show("cpu_days: read 42 days", [timed(lambda: take_days(archive, load))])
        show("loads of 42 days", [timed(load.loads)])


def take_uses(archive: Archive, book: UsageBook) -> None:
    """As at a start."""
    for hour in archive.uses_since(0.0):
        book.take(hour)


def take_days(archive: Archive, book: CpuBook) -> None:
    """As at a start."""
    for day in archive.cpu_since(0.0):
        book.take_day(*day)


def bytes_per_file(folder: Path) -> float:
    """Mean size of the segments."""
    sizes = [path.stat().st_size for path in folder.iterdir()]
    return sum(sizes) / len(sizes)


def against_sqlite(folder: Path, fleet: Usage) -> None:
    """Append hour by hour to segments and to SQLite, and read all of it back."""
    log = hour_log(folder / "hours")
    ours, theirs = [], []
    with closing(Database(folder)) as database:
        for hour in range(HOURS_READ):
            at, records = STARTED_AT + hour * SECONDS_PER_HOUR, fleet.hour(hour)
            rows = rows_of(records)
            ours.append(timed(lambda: log.append(at, records)))  # noqa: B023 - called at once
            theirs.append(timed(lambda: database.append(rows)))  # noqa: B023 - called at once
        own_bytes, their_bytes = bytes_per_file(folder / "hours"), database.size() / HOURS_READ
        read, selected = [], []
        for _ in range(REPEATS):
            read.append(timed(lambda: [log.read(at) for at in log.starts()]))
            selected.append(timed(database.read))
    show("segments: append an hour", ours)
    show("SQLite: append an hour", theirs)
    show_ratios("SQLite / segments, append", ours, theirs)
    show_size("SQLite", their_bytes, per="hour", kept=HOURS_KEPT)
    ratio("SQLite / segments, bytes", their_bytes / own_bytes)
    show(f"segments: read {HOURS_READ} hours", read)
    show(f"SQLite: read {HOURS_READ} hours", selected)
    show_ratios("SQLite / segments, read", read, selected)


def against_rewriting(folder: Path, instances: int, hours: int, ours: Times) -> None:
    """Rewrite one JSON file that holds so many hours, which is due at each of them."""
    fleet = Usage(instances, FLEETS[instances])
    held = [fleet.hour(hour) for hour in range(hours)]
    path = folder / "history.json"
    theirs = [timed(lambda: rewrite(path, held)) for _ in range(REPEATS)]
    what = f"JSON file of {hours:,} h x {instances:,}"
    show(f"{what}, {path.stat().st_size / 1e6:,.0f} MB: rewrite", theirs)
    show_ratios(f"{what} / segments", ours, theirs)
    if hours < HOURS_KEPT:
        factor = HOURS_KEPT / hours
        show_ratios(f"{what}, {factor:g} times as long, / segments", ours, theirs, factor)


def day_sizes(folder: Path, fleet: Usage) -> None:
    """Print the size of the files that hold a day."""
    grid = SegmentLog(folder / "grid", "grid_days", span_seconds=SECONDS_PER_DAY)
    for hour in range(24):
        for record in fleet.grid(hour):  # each zone is asked at its own time
            grid.append(STARTED_AT, [record])
    cpu = SegmentLog(folder / "cpu", "cpu_days", span_seconds=SECONDS_PER_DAY)
    cpu.append(STARTED_AT, fleet.cpu_day())
    grid_bytes, cpu_bytes = bytes_per_file(folder / "grid"), bytes_per_file(folder / "cpu")
    show_size(
        f"grid_days, {len(ZONES)} zones, an append for each hour",
        grid_bytes,
        per="day",
        kept=DAYS_KEPT,
    )
    show_size(f"cpu_days, {LARGEST:,} instances", cpu_bytes, per="day", kept=DAYS_KEPT)


def main() -> None:
    """Print times and sizes."""
    fleets = {instances: Usage(instances, places) for instances, places in FLEETS.items()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = {}
        for instances, fleet in fleets.items():
            own = folder / f"{instances}"
            times[instances] = append_hours(own, fleet)
            what = f"{instances:,} instances in {FLEETS[instances]} places"
            show(f"{what}: append an hour", times[instances])
            show_size(what, bytes_per_file(own), per="hour", kept=HOURS_KEPT)
        day_sizes(folder, fleets[LARGEST])
        recall(folder / "recalled", fleets[LARGEST])
        print(f"  {LARGEST:,} instances:")
        levels(fleets[LARGEST].hour(0))
        against_sqlite(folder, fleets[LARGEST])
        against_rewriting(folder, LARGEST, HOURS_REWRITTEN, times[LARGEST])
        against_rewriting(folder, SMALLER, HOURS_KEPT, times[SMALLER])


if __name__ == "__main__":
    main()
