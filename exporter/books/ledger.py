"""Takes the answers in and closes hours.

What is shown is written first: a counter that was scraped is never forgotten, and so never falls.
While nothing can be written, the counters wait.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from exporter.books.archive import Archive, Hour
from exporter.books.chronicle import Chronicle
from exporter.books.closing import Closer, Closing
from exporter.books.correction import Corrections
from exporter.books.facts import Facts, PlaceFacts
from exporter.books.grid_book import GridBook
from exporter.books.meter import Meter
from exporter.books.place_book import REMEMBERED_HOURS, PlaceBook
from exporter.books.tariff import Tariff
from exporter.core.accrual import settle_emissions
from exporter.core.fleet import Place
from exporter.core.metering import hour_of
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

LOG = logging.getLogger(__name__)

METER_SAVE_SECONDS = 60.0
"""Open points change with every poll; the newest are in the file of their source as well."""

REMEMBERED_SECONDS = REMEMBERED_HOURS * SECONDS_PER_HOUR


class Ledger:
    """Counters, closed hours and open points of every place. Not thread-safe: one owner."""

    def __init__(self, archive: Archive | None, cpu_interval_seconds: float, now: float) -> None:
        self._archive = archive
        self._writes = archive if archive and archive.writable else None
        self._cpu_interval_seconds = cpu_interval_seconds
        self._failed = False
        self._saved_at = now
        # Yesterday may have ended while nobody was there to turn the page.
        self._day_at = (now // SECONDS_PER_DAY - 1) * SECONDS_PER_DAY
        self._polled: tuple[Place, ...] = ()
        self.grid = GridBook()
        self.books: dict[Place, PlaceBook] = {}
        self.meter = Meter()
        if archive:
            self.books = {book.place: book for book in archive.load_books()}
            self.meter = Meter(archive.load_meter())
            self.grid.restore(archive.grid_since(now - REMEMBERED_SECONDS))

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
                found = self._closings(book, place_facts, chronicle, tariff, facts.now)
                closings += found
                book = found[-1].book if found else book
            settled = settle_emissions(book.accrual, self.grid.at, facts.now)
            if settled.accrual is not before.accrual:
                changed[before.place] = replace(book, accrual=settled.accrual)
                intensities |= settled.intensities
        if changed and self._is_written(closings, intensities, changed):
            self.books |= changed
            for closing in closings:
                rows = (row.instance_id for row in closing.rows)
                self.meter.close(rows, closing.book.accrual.closed_until_at)

    def _closings(
        self,
        book: PlaceBook,
        facts: PlaceFacts,
        chronicle: Chronicle,
        tariff: Tariff,
        now: float,
    ) -> list[Closing]:
        closer = Closer(facts, chronicle, tariff, self.meter, self._cpu_interval_seconds, now)
        found: list[Closing] = []
        while closing := closer.next_closing(book):
            found.append(closing)
            book = closing.book
        return found

    def _is_written(
        self,
        closings: Iterable[Closing],
        intensities: Mapping[tuple[str, float], float],
        changed: Mapping[Place, PlaceBook],
    ) -> bool:
        archive = self._writes
        if archive is None:
            return True
        try:
            archive.add_hours(
                Hour(c.book.place, c.hour_at, c.rows) for c in closings if c.is_counted
            )
            archive.add_intensities(intensities)
            archive.save_books({**self.books, **changed}.values())
        except OSError as error:
            self._warn(error)
            return False
        self._recovered()
        return True

    def uncorrected(self, facts: Facts) -> list[PlaceFacts]:
        """The places of which CloudTrail has told more than the recorded hours say."""
        if self._writes is None:
            return []
        return [
            place
            for place in facts.places
            if place.trail
            and hour_of(place.trail.until_at) > self.books[place.place].corrected_until_at
        ]

    def correct(
        self,
        chronicles: Mapping[Place, Chronicle],
        until_at: Mapping[Place, float],
        tariff: Tariff,
    ) -> None:
        """Write the recorded hours of these places again, where their runtimes have changed."""
        if self._writes is None:
            return
        try:
            corrected = Corrections(self._writes, chronicles, until_at, tariff).apply(self.books)
            self._writes.save_books({**self.books, **corrected}.values())
        except OSError as error:
            self._warn(error)
            return
        self.books |= corrected

    def save(self, now: float, *, everything: bool = False) -> None:
        """Write what may be written late; once a day delete what is too old."""
        if self.meter.changed and (everything or abs(now - self._saved_at) >= METER_SAVE_SECONDS):
            self._saved_at = now
            self._save_meter()
        if any(self.grid.news()):
            self._save_grid()
        day_end_at = self._day_at + SECONDS_PER_DAY
        if day_end_at <= min(self._closed_until_at(), now) and self._is_turned(now):
            self._day_at = day_end_at

    def _closed_until_at(self) -> float:
        """Until when every place that is still polled is closed."""
        return min((self._closed(place) for place in self._polled), default=0.0)

    def _closed(self, place: Place) -> float:
        return self.books[place].accrual.closed_until_at

    def _save_meter(self) -> None:
        try:
            if self._writes:
                self._writes.save_meter(self.meter.instances)
            self.meter.changed = False
        except OSError as error:
            self._warn(error)

    def _save_grid(self) -> None:
        try:
            if self._writes:
                self._writes.add_grid(self.grid.news())
            self.grid.written()
        except OSError as error:
            self._warn(error)

    def _is_turned(self, now: float) -> bool:
        """Sum the day up, delete what is too old; whether that worked."""
        self.meter.forget_before(now - REMEMBERED_SECONDS)
        self.grid.forget_before(now - REMEMBERED_SECONDS)
        if self._writes is None:
            return True
        try:
            self._writes.distribute_cpu(self._day_at)
            self._writes.prune(now)
        except OSError as error:
            self._warn(error)
            return False
        return True

    def _warn(self, error: OSError) -> None:
        if not self._failed:
            known = {"detail": str(error)}
            LOG.warning("history not written: counters wait until it can be", extra=known)
        self._failed = True

    def _recovered(self) -> None:
        if self._failed:
            self._failed = False
            LOG.info("history is written again")
