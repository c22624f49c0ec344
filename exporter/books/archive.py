"""The books on disk: counters, open points, and the history by hours and days."""

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exporter.books.hour import Hour
from exporter.books.meter import Metered
from exporter.books.place_book import PlaceBook
from exporter.books.records import (
    CpuDay,
    UseReader,
    cpu_day,
    cpu_record,
    hour_columns,
    hour_record,
    levels_in,
    place_of,
    use_record,
)
from exporter.books.understanding import Understanding
from exporter.core.evidence import GridIntensity
from exporter.core.fleet import Place
from exporter.core.scenarios.usage import HourOfUse
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.history import SegmentLog
from exporter.store import StateDirectory

LOG = logging.getLogger(__name__)

KEPT_SECONDS = 42 * SECONDS_PER_DAY
"""Six weeks of hours: four for the scenarios and profiles, and what may be missing of them."""

COMPUTED_SECONDS = 62 * SECONDS_PER_DAY
"""Computed days wait for the bill of their month to be closed."""

_BOOKS, _METER = "accrual", "meter"


class Archive:
    """Reads and writes the books of one state directory. Writing raises OSError.

    A record of use or CPU that is not understood is left out, with a line in the log for its file.
    """

    def __init__(self, store: StateDirectory) -> None:
        self._store = store
        self._understood = Understanding()
        history = store.path / "history"

        def log(kind: str, span_seconds: float) -> SegmentLog:
            return SegmentLog(history / kind, kind, span_seconds=span_seconds)

        self._hours = log("instance_hours", SECONDS_PER_HOUR)
        self._uses = log("usage_hours", SECONDS_PER_DAY)
        self._grid = log("grid_days", SECONDS_PER_DAY)
        self._cpu = log("cpu_days", SECONDS_PER_DAY)
        self._computed = log("computed_days", SECONDS_PER_DAY)

    @property
    def writable(self) -> bool:
        """Whether this process may write."""
        return self._store.writable

    def load_books(self) -> tuple[PlaceBook, ...]:
        """The counters that an earlier process left."""
        return self._store.read_document(_BOOKS, tuple[PlaceBook, ...]) or ()

    def save_books(self, books: Iterable[PlaceBook]) -> None:
        """Write all counters, durably: only then may they be shown."""
        self._store.write_document(_BOOKS, list(books))

    def load_meter(self) -> Mapping[str, Metered]:
        """The points of open hours that an earlier process left."""
        return self._store.read_document(_METER, dict[str, Metered]) or {}

    def save_meter(self, instances: Mapping[str, Metered]) -> None:
        """Write the points of open hours."""
        self._store.write_document(_METER, instances)

    def add_hours(self, hours: Iterable[Hour]) -> None:
        """Append closed or corrected hours; a later record of a place and hour counts.

        An hour in which nothing ran is written as well: an hour that is missing is lost.
        """
        uses: dict[float, list[dict[str, Any]]] = defaultdict(list)
        rows: dict[float, list[dict[str, Any]]] = defaultdict(list)
        for hour in hours:
            uses[hour.hour_at // SECONDS_PER_DAY * SECONDS_PER_DAY].append(use_record(hour))
            rows[hour.hour_at].append(hour_record(hour))
        # Whoever finds the rows of an hour does not write it again: its sums come before them.
        for day_at, records in sorted(uses.items()):
            self._uses.append(day_at, records)
        for hour_at, records in sorted(rows.items()):
            self._hours.append(hour_at, records)

    def uses_since(self, at: float) -> Iterator[HourOfUse]:
        """What groups used, without CPU, since the day that holds an instant, oldest day first."""
        reader = UseReader()
        for start_at in _starts_since(self._uses, at):
            yield from self._understood.read(self._uses, start_at, reader.hour)

    def add_intensities(self, intensities: Mapping[tuple[str, float], float]) -> None:
        """Append what the emissions of closed hours were accrued with."""
        by_hour: dict[float, list[dict[str, Any]]] = defaultdict(list)
        for (zone, hour_at), grams in intensities.items():
            by_hour[hour_at].append(
                {
                    "kind": "intensity",
                    "grid_zone": zone,
                    "hour": hour_at,
                    "grams_per_kilowatt_hour": grams,
                }
            )
        for hour_at, records in sorted(by_hour.items()):
            self._hours.append(hour_at, records)

    def hour(self, hour_at: float) -> dict[Place, dict[str, Any]]:
        """The columns last written for each place in an hour.

        Where those are not understood there are none: what they replaced does not count any more.
        """
        found: dict[Place, dict[str, Any] | None] = {}

        def note(record: Mapping[str, Any]) -> None:
            if record.get("kind") == "place":
                place = place_of(record)
                found[place] = None
                found[place] = hour_columns(record)

        for _ in self._understood.read(self._hours, hour_at, note):
            pass
        return {place: columns for place, columns in found.items() if columns is not None}

    def cpu_hours_since(self, at: float) -> Iterator[HourOfUse]:
        """CPU of every hour that begins at or after an instant, without use, oldest hour first."""
        for hour_at in self._hours.starts():
            if hour_at >= at:
                for place, columns in self.hour(hour_at).items():
                    yield HourOfUse(place, hour_at, (), tuple(_cpu_of(columns)))

    def add_grid(self, intensities: Iterable[GridIntensity]) -> None:
        """Append new and revised intensities."""
        by_day: dict[float, list[dict[str, Any]]] = defaultdict(list)
        for known in intensities:
            by_day[known.valid_at // SECONDS_PER_DAY * SECONDS_PER_DAY].append(
                {
                    "grid_zone": known.grid_zone,
                    "hour": known.valid_at,
                    "grams_per_kilowatt_hour": known.grams_per_kilowatt_hour,
                    "estimated": known.estimated,
                }
            )
        for day_at, records in sorted(by_day.items()):
            self._grid.append(day_at, records)

    def grid_since(self, at: float) -> Iterator[dict[str, Any]]:
        """Recorded intensities of the days since the one that holds an instant."""
        yield from _records_since(self._grid, at)

    def add_computed(self, days: Iterable[tuple[float, dict[str, Any]]]) -> None:
        """Append computed days."""
        by_day: dict[float, list[dict[str, Any]]] = defaultdict(list)
        for day_at, record in days:
            by_day[day_at].append(record)
        for day_at, records in sorted(by_day.items()):
            self._computed.append(day_at, records)

    def computed_since(self, at: float) -> Iterator[dict[str, Any]]:
        """Computed days since the one that holds an instant."""
        yield from _records_since(self._computed, at)

    def distribute_cpu(self, day_at: float) -> None:
        """Write the CPU distribution of a day whose hours are closed, unless it is there.

        Of an instance that was resized, only what it had as the type that had a point last.
        """
        if self._cpu.read(day_at):
            return
        days: dict[Place, dict[str, tuple[str, Counter[int]]]] = defaultdict(dict)
        for number in range(24):
            for place, columns in self.hour(day_at + number * SECONDS_PER_HOUR).items():
                for instance_id, instance_type, text in _cpu_of(columns):
                    day, levels = days[place], levels_in(text)
                    if not levels:
                        continue
                    known = day.get(instance_id)
                    if known is None or known[0] != instance_type:
                        known = day[instance_id] = (instance_type, Counter())
                    known[1].update(levels)
        if days:
            self._cpu.append(day_at, [cpu_record(p, day_at, days[p]) for p in sorted(days)])

    def cpu_since(self, at: float) -> Iterator[CpuDay]:
        """CPU distributions since the day that holds an instant, oldest day first."""
        for start_at in _starts_since(self._cpu, at):
            yield from self._understood.read(self._cpu, start_at, cpu_day)

    def first_day_without_cpu(self, today_at: float) -> float:
        """The oldest day with hours and without a CPU distribution; ``today_at`` if none is."""
        written = self._cpu.starts()
        since_at = written[-1] + SECONDS_PER_DAY if written else today_at - KEPT_SECONDS
        days = {at // SECONDS_PER_DAY * SECONDS_PER_DAY for at in self._hours.starts()}
        return min((day_at for day_at in days if day_at >= since_at), default=today_at)

    def prune(self, now: float) -> None:
        """Delete what is older than it is kept for."""
        for log in (self._hours, self._uses, self._grid, self._cpu):
            log.prune(now - KEPT_SECONDS)
        self._computed.prune(now - COMPUTED_SECONDS)


def _cpu_of(columns: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What HourOfUse has of each row."""
    names = ("instance_id", "instance_type", "cpu")
    return zip(*(columns[name] for name in names), strict=True)


def _starts_since(log: SegmentLog, at: float) -> list[float]:
    return [start_at for start_at in log.starts() if start_at > at - SECONDS_PER_DAY]


def _records_since(log: SegmentLog, at: float) -> Iterator[dict[str, Any]]:
    for start_at in _starts_since(log, at):
        yield from log.read(start_at)
