"""Takes the answers in and closes hours.

What is shown is written first: a counter that was scraped is never forgotten, and so never falls.
While nothing can be written, the counters wait.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from exporter.books.archive import KEPT_SECONDS, Archive
from exporter.books.chronicle import Chronicle
from exporter.books.closing import Closer, Closing
from exporter.books.correction import corrected_hour, with_missed
from exporter.books.facts import Facts, PlaceFacts
from exporter.books.grid_book import GridBook
from exporter.books.horizon import Horizon
from exporter.books.hour import Hour, OnClosed, nobody
from exporter.books.meter import Meter
from exporter.books.place_book import REMEMBERED_HOURS, PlaceBook
from exporter.books.tariff import Tariff
from exporter.books.trouble import Trouble
from exporter.core.accrual import settle_emissions
from exporter.core.fleet import Place
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

METER_SAVE_SECONDS = 60.0
"""Open points change with every poll; the newest are in the file of their source as well."""

REMEMBERED_SECONDS = REMEMBERED_HOURS * SECONDS_PER_HOUR

GRID_SECONDS = KEPT_SECONDS + SECONDS_PER_DAY
"""Scenarios look at intensities as far back as at hours of use, and today is not over."""


class Ledger:
    """Counters, closed hours and open points of every place. Not thread-safe: one owner.

    ``steady`` gives monotonic seconds. ``on_closed`` is called on the owner's thread: it should be
    quick.
    """

    def __init__(
        self,
        archive: Archive | None,
        cpu_interval_seconds: float,
        now: float,
        steady: Callable[[], float],
        on_closed: OnClosed = nobody,
    ) -> None:
        self._archive = archive
        self._writes = archive if archive and archive.writable else None
        self._cpu_interval_seconds = cpu_interval_seconds
        self._trouble = Trouble()
        self._saved_at = now
        self._on_closed = on_closed
        self._day_at = now // SECONDS_PER_DAY * SECONDS_PER_DAY
        self._polled: tuple[Place, ...] = ()
        self.grid = GridBook()
        self.books: dict[Place, PlaceBook] = {}
        self.meter = Meter()
        if archive:
            self.books = {book.place: book for book in archive.load_books()}
            self.meter = Meter(archive.load_meter())
            # A day may have ended while nobody was there to turn the page.
            self._day_at = min(self._day_at, archive.first_day_without_cpu(self._day_at))
            self.grid.restore(archive.grid_since(now - GRID_SECONDS))
        anchors = {book.place: book.accrual.closed_until_at for book in self.books.values()}
        self._horizon = Horizon(anchors, steady)

    def take(self, facts: Facts) -> None:
        """Write down the CPU points and grid intensities that are new."""
        self._polled = tuple(place.place for place in facts.places)
        for zone, (latest, history) in facts.grid.items():
            self.grid.take(zone, latest, history)
        for place_facts in facts.places:
            book = self.books.get(place_facts.place)
            if book is None:
                book = PlaceBook.opened(place_facts.place, facts.now)
                self.books[place_facts.place] = book
                self._horizon.begin(place_facts.place, facts.now)
            if place_facts.cpu:
                self.meter.take(place_facts.cpu, book.accrual.closed_until_at)

    def is_due(self, place: Place, now: float) -> bool:
        """Whether an hour of the place is over and not closed."""
        return self.books[place].accrual.closed_until_at + SECONDS_PER_HOUR <= now

    def close(self, facts: Facts, chronicles: Mapping[Place, Chronicle], tariff: Tariff) -> None:
        """Close what is ready in the places given, settle emissions; all or nothing."""
        closings: list[Closing] = []
        changed: dict[Place, PlaceBook] = {}
        intensities: dict[tuple[str, float], float] = {}
        for place_facts in facts.places:
            before = self.books[place_facts.place]
            book = before
            chronicle = chronicles.get(place_facts.place)
            if chronicle:
                found = self._closings(book, place_facts, chronicle, tariff, facts)
                closings += found
                book = found[-1].book if found else book
            settled = settle_emissions(book.accrual, self.grid.at, facts.now)
            if settled.accrual is not before.accrual:
                changed[before.place] = replace(book, accrual=settled.accrual)
                intensities |= settled.intensities
        hours = [Hour(c.book.place, c.hour_at, c.rows) for c in closings if c.is_counted]
        if changed and self._is_written(hours, intensities, changed):
            self.books |= changed
            for closing in closings:
                rows = (row.instance_id for row in closing.rows)
                self.meter.close(rows, closing.book.accrual.closed_until_at)
            self._tell(hours)

    def _closings(
        self,
        book: PlaceBook,
        facts: PlaceFacts,
        chronicle: Chronicle,
        tariff: Tariff,
        all_facts: Facts,
    ) -> list[Closing]:
        closer = Closer(
            facts,
            chronicle,
            tariff,
            self.meter,
            self._cpu_interval_seconds,
            all_facts.now,
            self._horizon.until_at(facts.place, all_facts, self.meter.newest_point_at),
        )
        found: list[Closing] = []
        while closing := closer.next_closing(book):
            found.append(closing)
            book = closing.book
        return found

    def _is_written(
        self,
        hours: Iterable[Hour],
        intensities: Mapping[tuple[str, float], float],
        changed: Mapping[Place, PlaceBook],
    ) -> bool:
        archive = self._writes
        if archive is None:
            return True
        try:
            archive.add_hours(hours)
            archive.add_intensities(intensities)
            archive.save_books({**self.books, **changed}.values())
        except OSError as error:
            self._trouble.note(error)
            return False
        self._trouble.end()
        return True

    def correct(
        self,
        chronicles: Mapping[Place, Chronicle],
        hour_at: float,
        corrected_until_at: Mapping[Place, float],
        tariff: Tariff,
    ) -> tuple[Hour, ...] | None:
        """Correct one recorded hour of these places, where their runtimes have changed.

        What was missed is counted, durably; the hours are given to be written. None when nothing
        could be written down.
        """
        if self._writes is None:
            return ()
        try:
            recorded = self._writes.hour(hour_at)
            found = []
            for place, chronicle in chronicles.items():
                correction = corrected_hour(place, hour_at, recorded.get(place), chronicle, tariff)
                found += [correction] if correction else []
            changed = {c.hour.place: with_missed(self.books[c.hour.place], c) for c in found}
            for place, until_at in corrected_until_at.items():
                book = changed.get(place, self.books[place])
                changed[place] = replace(book, corrected_until_at=until_at)
            if changed:
                self._writes.save_books({**self.books, **changed}.values())
        except OSError as error:
            self._trouble.note(error)
            return None
        self.books |= changed
        return tuple(correction.hour for correction in found)

    def is_rewritten(self, hours: Sequence[Hour]) -> bool:
        """Write corrected hours; whether that worked."""
        try:
            if self._writes:
                self._writes.add_hours(hours)
        except OSError as error:
            self._trouble.note(error)
            return False
        for hour in hours:
            self.books[hour.place] = replace(self.books[hour.place], counted_at=None)
        self._tell(hours)
        return True

    def _tell(self, hours: Sequence[Hour]) -> None:
        if hours:
            self._on_closed([hour.of_use for hour in hours])

    def save(self, now: float, *, everything: bool = False) -> None:
        """Write what may be written late; once a day delete what is too old."""
        if self.meter.changed and (everything or abs(now - self._saved_at) >= METER_SAVE_SECONDS):
            self._saved_at = now
            self._save_meter()
        if any(self.grid.news()):
            self._save_grid()
        day_end_at = self._day_at + SECONDS_PER_DAY
        if day_end_at <= min(self._closed_until_at(), now) and self._is_turned():
            self._day_at = day_end_at

    def _closed_until_at(self) -> float:
        """Until when every place that is still polled is closed."""
        books = (self.books[place] for place in self._polled)
        return min((book.accrual.closed_until_at for book in books), default=0.0)

    def _save_meter(self) -> None:
        try:
            if self._writes:
                self._writes.save_meter(self.meter.instances)
            self.meter.changed = False
        except OSError as error:
            self._trouble.note(error)

    def _save_grid(self) -> None:
        try:
            if self._writes:
                self._writes.add_grid(self.grid.news())
            self.grid.written()
        except OSError as error:
            self._trouble.note(error)

    def _is_turned(self) -> bool:
        """Sum the day up, delete what is too old; whether that worked."""
        end_at = self._day_at + SECONDS_PER_DAY
        self.meter.forget_before(end_at - REMEMBERED_SECONDS)
        self.grid.forget_before(end_at - GRID_SECONDS)
        if self._writes is None:
            return True
        try:
            self._writes.distribute_cpu(self._day_at)
            self._writes.prune(end_at)
        except OSError as error:
            self._trouble.note(error)
            return False
        return True
