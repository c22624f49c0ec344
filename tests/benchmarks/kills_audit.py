"""Holds what was shown and written against the truth, after each life."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exporter.core.fleet import Place
from exporter.core.metering import hour_of
from tests.benchmarks.kills_seen import Columns, Seen, agree, rows_of
from tests.benchmarks.kills_state import Book, History, damage, read_books
from tests.benchmarks.kills_truth import COUNTED, SKIPPED, Truth, hours
from tests.benchmarks.kills_victim import Sample

Key = tuple[Place, float]


@dataclass(slots=True)
class Tally:
    """What was found in all lives; for ``lost``, ``unseen`` and ``assumed`` see Seen."""

    samples: int = 0
    falls: int = 0
    jumps: int = 0
    closed: int = 0
    written_twice: int = 0
    corrected: int = 0
    cut: int = 0
    lost_points: int = 0
    lost_seconds: float = 0.0
    unseen_seconds: float = 0.0
    assumed_seconds: float = 0.0
    measured_seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


class Audit:
    """Everything that was ever shown or written in one state directory."""

    def __init__(self, truth: Truth, folder: Path) -> None:
        self.truth = truth
        self.folder = folder
        self.tally = Tally()
        self.books: dict[Place, Book] = {}
        self.last: dict[Key, Columns] = {}
        self._intensities: dict[tuple[str, float], float] = {}
        self._hours = History(folder, "instance_hours")
        self._highest: dict[tuple[Place, str], float] = defaultdict(float)
        self._joules: dict[Place, dict[float, float]] = defaultdict(dict)
        self._surplus: dict[tuple[Place, str], float] = defaultdict(float)
        self._missed: dict[Place, float] = defaultdict(float)

    def life(self, shown: Iterable[Iterable[Sample]]) -> int:
        """Take in what one life has shown and left.

        Returns how many hours it has written to the history but not to the counters.
        """
        self.tally.problems += damage(self.folder)
        try:
            books, (news, cut) = read_books(self.folder), self._hours.news()
        except ValueError as error:
            self.tally.problems.append(f"not readable: {error}")
            return 0
        before, self.books = self.books, books
        self.tally.cut += cut
        self._missed.clear()
        closings, unnoted = self._sort(news, before)
        for place in before.keys() - self.books.keys():
            self._problem(place, "its counters are gone")
        for place, book in self.books.items():
            self._close(place, book, before.get(place), closings)
            self._settle(place, book)
        for samples in shown:
            for sample in samples:
                self._look(sample)
        return unnoted

    def _problem(self, place: Place, text: str) -> None:
        self.tally.problems.append(f"{'/'.join(place)}: {text}")

    def _sort(
        self, news: Iterable[Mapping[str, Any]], before: Mapping[Place, Book]
    ) -> tuple[dict[Key, Columns], int]:
        """The records with which hours were closed since, and how many hours are not closed yet."""
        closings: dict[Key, Columns] = {}
        unnoted = set()
        for record in news:
            if record["kind"] == "intensity":
                zone_hour = (record["grid_zone"], record["hour"])
                self._intensities[zone_hour] = record["grams_per_kilowatt_hour"]
                continue
            place, hour_at = Place(record["account_id"], record["region"]), record["hour"]
            book, known = self.books.get(place), before.get(place)
            if book is None or hour_at >= book.closed_until_at:
                unnoted.add((place, hour_at))
            elif (known and hour_at < known.closed_until_at) or (place, hour_at) in closings:
                self._correct(place, hour_at, record["columns"])
            else:
                closings[place, hour_at] = record["columns"]
                self.tally.written_twice += (place, hour_at) in self.last
            self.last[place, hour_at] = record["columns"]
        return closings, len(unnoted)

    def _correct(self, place: Place, hour_at: float, columns: Columns) -> None:
        """What CloudTrail told too late for the counters is counted as skipped."""
        before = rows_of(self.last.get((place, hour_at), {}))
        unknown = {"running_seconds": 0.0}
        missed_seconds = sum(
            max(0.0, row["running_seconds"] - before.get(instance_id, unknown)["running_seconds"])
            for instance_id, row in rows_of(columns).items()
        )
        self.tally.corrected += 1
        if hour_at >= self.books[place].since_at:  # no counter has the whole of an earlier hour
            self._missed[place] += missed_seconds
            self.tally.unseen_seconds -= missed_seconds

    def _close(
        self, place: Place, book: Book, before: Book | None, closings: Mapping[Key, Columns]
    ) -> None:
        """Compare what the counters have gained with the hours that were closed."""
        if before and before.since_at != book.since_at:
            self._problem(place, f"counts since {book.since_at}, not {before.since_at}")
        first_at = hour_of(book.since_at)
        expected = dict(before.counters) if before else dict.fromkeys(COUNTED, 0.0)
        expected |= {name: expected[name] + self._missed[place] for name in SKIPPED}
        begin_at = max(first_at, before.closed_until_at) if before else first_at
        for hour_at in hours(begin_at, book.closed_until_at):
            columns = closings.get((place, hour_at))
            if columns is None:
                self._problem(place, f"hour {hour_at:.0f} is closed, but not in the history")
                continue
            seen = Seen.of(self.truth, place, hour_at, columns, book.since_at)
            self._joules[place][hour_at] = seen.counters["energy_joules"]
            expected = {name: expected[name] + gained for name, gained in seen.counters.items()}
            self._count(place, hour_at, seen)
        for name in COUNTED:
            self._expect(place, name, book.counters[name], expected[name])

    def _count(self, place: Place, hour_at: float, seen: Seen) -> None:
        tally = self.tally
        tally.closed += 1
        tally.lost_points += seen.lost_points
        tally.lost_seconds += seen.lost_seconds
        tally.unseen_seconds += seen.unseen_seconds
        tally.assumed_seconds += seen.assumed_seconds
        tally.measured_seconds += seen.measured_seconds
        grams = self.truth.grams(place, hour_at, seen.surplus["energy_joules"])
        for name, amount in (seen.surplus | {"emissions_grams": grams}).items():
            self._surplus[place, name] += amount
        for problem in seen.problems:
            self._problem(place, f"hour {hour_at:.0f}: {problem}")

    def _settle(self, place: Place, book: Book) -> None:
        """Compare emissions with the hours that do not wait for their intensity."""
        settled = {h: j for h, j in self._joules[place].items() if h not in book.pending}
        expected = sum(self.truth.grams(place, h, joules) for h, joules in settled.items())
        self._expect(place, "emissions_grams", book.counters["emissions_grams"], expected)
        zone = self.truth.grid_zone(place)
        for hour_at, joules in settled.items():
            known = self._intensities.get((zone, hour_at))
            if joules and known != self.truth.intensity(zone, hour_at):
                self._problem(place, f"hour {hour_at:.0f} has the intensity {known}")

    def _expect(self, place: Place, name: str, written: float, expected: float) -> None:
        if not agree(written, expected):
            self.tally.jumps += 1
            self._problem(place, f"{name} is {written}, by the history {expected}")

    def _look(self, sample: Sample) -> None:
        """Judge one counter as it was shown."""
        self.tally.samples += 1
        place, name, value = sample.place, sample.name, sample.value
        highest = self._highest[place, name]
        if value < highest:
            self.tally.falls += 1
            self._problem(place, f"{name} fell from {highest} to {value}")
        self._highest[place, name] = max(highest, value)
        book = self.books.get(place)
        if value > (book.counters[name] if book else 0.0):
            self._problem(place, f"{name} {value} was shown, but is not written")
        if book:
            most = self.truth.most(place, book.since_at, hour_of(sample.at))[name]
            most += self._surplus[place, name]
            if value > most and not agree(value, most):
                self.tally.jumps += 1
                self._problem(place, f"{name} {value} was shown, at most {most} was used")
