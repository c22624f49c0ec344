"""When to kill: at any moment, while it starts, or in the middle of a write."""

import random
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

SIGHT_LIMIT_SECONDS = 5.0
"""A moment that does not come is not waited for any longer."""

GLANCE_SECONDS = 0.0002
_NEWEST = 12
"""Segments that may still grow."""


class Moment(StrEnum):
    """When a life ends."""

    IMPORTS = "before it begins"
    START = "while it starts"
    ANY = "at any moment"
    HISTORY = "as the history grows"
    BOOKS = "as the counters are written"
    WRITTEN = "once the counters are written"
    OTHER = "as another file is written"


_SHARES = {
    Moment.IMPORTS: 4,
    Moment.START: 20,
    Moment.ANY: 30,
    Moment.HISTORY: 16,
    Moment.BOOKS: 12,
    Moment.WRITTEN: 6,
    Moment.OTHER: 12,
}
_LONGEST_SECONDS = {Moment.IMPORTS: 0.3, Moment.START: 0.15, Moment.ANY: 3.0}


class Blow(NamedTuple):
    """After ``seconds``, or at the first write of the wanted kind after that."""

    moment: Moment
    seconds: float

    @classmethod
    def drawn(cls, draw: random.Random) -> "Blow":
        """A random one."""
        (moment,) = draw.choices(list(_SHARES), list(_SHARES.values()))
        return cls(moment, draw.uniform(0.0, _LONGEST_SECONDS.get(moment, 1.0)))

    def wait(self, state: Path, started_ns: int) -> None:
        """Return when it is due; files of earlier lives are older than ``started_ns``."""
        time.sleep(self.seconds)
        has_come = self._sight(state, started_ns)
        limit_seconds = time.monotonic() + SIGHT_LIMIT_SECONDS
        while not has_come() and time.monotonic() < limit_seconds:
            time.sleep(GLANCE_SECONDS)

    def _sight(self, state: Path, started_ns: int) -> Callable[[], bool]:
        """What tells whether the moment has come."""
        books, hours = state / "accrual.json", state / "history" / "instance_hours"
        match self.moment:
            case Moment.HISTORY:
                sizes = _sizes(hours)
                return lambda: _sizes(hours) != sizes
            case Moment.BOOKS:
                return lambda: _written_ns(state / "accrual.json.new") > started_ns
            case Moment.WRITTEN:
                written_ns = _written_ns(books)
                return lambda: _written_ns(books) != written_ns
            case Moment.OTHER:
                return lambda: any(_written_ns(new) > started_ns for new in state.glob("*.new"))
        return lambda: True


def _written_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _sizes(folder: Path) -> dict[str, int]:
    """Sizes of the newest segments."""
    newest = sorted(folder.glob("*"))[-_NEWEST:]
    return {path.name: _size(path) for path in newest}


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
