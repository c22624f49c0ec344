"""A bookkeeper on a desk: its clock, its state directory, and whether it did what it should."""

from pathlib import Path

from exporter.books.archive import Archive
from exporter.books.bookkeeper import Bookkeeper
from exporter.books.facts import Facts
from exporter.books.place_book import PlaceBook
from exporter.core.accrual import PlaceAccrual
from exporter.core.fleet import Place
from exporter.core.metering import hour_of
from exporter.core.statement import Statement
from exporter.core.units import SECONDS_PER_HOUR
from exporter.store import StateDirectory
from tests.benchmarks.booked_facts import SITING
from tests.benchmarks.estimate import timed

INTERVAL_SECONDS = 900.0

Spent = tuple[float, float]
"""Wall and CPU seconds."""


class Patience:
    """The monotonic clock of a bookkeeper: stands still, but for the time a statement takes.

    It then seems to take so long that no other is due before ``let_state``.
    """

    def __init__(self) -> None:
        self._at = 0.0
        self._step_seconds = 0.0

    def __call__(self) -> float:
        """Seconds since some instant."""
        self._at += self._step_seconds
        return self._at

    def let_state(self) -> None:
        """Let a statement be due."""
        self._at += 1e9
        self._step_seconds = 1e6

    def stop(self) -> None:
        """Stand still."""
        self._step_seconds = 0.0


class Desk:
    """A bookkeeper and its state directory; a look that does something else raises RuntimeError."""

    def __init__(self, folder: Path, facts: Facts, known_seconds: float) -> None:
        self._history = folder / "history" / "instance_hours"
        self._patience = Patience()
        self._store = StateDirectory(folder)
        archive = Archive(self._store)
        archive.save_books(_book(place.place, facts.now, known_seconds) for place in facts.places)
        self._books = Bookkeeper(archive, SITING, INTERVAL_SECONDS, facts.now, self._patience)
        self._statement = Statement()

    def close(self) -> None:
        """Give the state directory back."""
        self._store.__exit__()

    def look(self, facts: Facts) -> Spent:
        """Wall and CPU seconds without a new statement."""
        return self._look(facts, stated=False)

    def state(self, facts: Facts) -> Spent:
        """Wall and CPU seconds with a new statement."""
        self._patience.let_state()
        return self._look(facts, stated=True)

    def write(self, facts: Facts) -> Spent:
        """Wall and CPU seconds without a new statement, but with something for the history."""
        before = self._sizes()
        spent = self._look(facts, stated=False)
        if self._sizes() == before:
            raise RuntimeError("nothing was written")
        return spent

    def correct(self, facts: Facts, hours: int) -> list[Spent]:
        """Wall and CPU seconds of the looks that correct so many hours, one at each."""
        before = self._sizes()
        spent = [self._look(facts, stated=False) for _ in range(hours)]
        if self._sizes() == before:
            raise RuntimeError("nothing was corrected")
        return spent

    def _look(self, facts: Facts, *, stated: bool) -> Spent:
        before = self._statement
        spent = timed(lambda: self._keep(facts))
        self._patience.stop()
        if (self._statement is not before) is not stated:
            raise RuntimeError("a statement too many, or too few")
        return spent

    def _keep(self, facts: Facts) -> None:
        self._statement = self._books.keep(facts)

    def _sizes(self) -> dict[str, int]:
        return {path.name: path.stat().st_size for path in self._history.glob("*.gz")}


def _book(place: Place, now: float, known_seconds: float) -> PlaceBook:
    """Closed up to now, and corrected as far as CloudTrail tells."""
    hour_at = hour_of(now)
    accrual = PlaceAccrual(now - known_seconds, hour_at)
    return PlaceBook(place, accrual, corrected_until_at=hour_at - SECONDS_PER_HOUR)
