"""What is remembered of one place: its counters, and which hours are closed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from exporter.core.accrual import PlaceAccrual
from exporter.core.fleet import Place
from exporter.core.metering import hour_of
from exporter.core.units import SECONDS_PER_HOUR

REMEMBERED_HOURS = 120
"""How long the books look back: the alignment window of the bill, late answers, a weekend."""

BEFORE_START_HOURS = 74
"""Hours before the first inventory that CPU points may still tell of."""


@dataclass(frozen=True, slots=True)
class ClosedHour:
    """An hour with its CPU points taken.

    ``unmeasured`` instances ran without enough of them, ``unpriced`` ones without a price then.
    """

    hour_at: float
    unmeasured: frozenset[str]
    unpriced: frozenset[str] = frozenset()

    def with_exceptions(self, unmeasured: Iterable[str], unpriced: Iterable[str]) -> "ClosedHour":
        """The hour with what has been told since."""
        more = self.unmeasured.union(unmeasured), self.unpriced.union(unpriced)
        return ClosedHour(self.hour_at, *more)


@dataclass(frozen=True, slots=True)
class PlaceBook:
    """One place; ``closed`` has the hours of which anything was measured, oldest first.

    Recorded hours before ``corrected_until_at`` agree with CloudTrail. ``counted_at`` is the begin
    of a corrected hour whose missed seconds are counted, but which may not be recorded yet.
    """

    place: Place
    accrual: PlaceAccrual
    closed: tuple[ClosedHour, ...] = ()
    corrected_until_at: float = 0.0
    counted_at: float | None = None

    @classmethod
    def opened(cls, place: Place, now: float) -> "PlaceBook":
        """A new book: counters begin now; earlier hours only count as covered or not."""
        first_at = hour_of(now) - BEFORE_START_HOURS * SECONDS_PER_HOUR
        return cls(place, PlaceAccrual(now, first_at))

    def with_hour(self, accrual: PlaceAccrual, hour: ClosedHour | None) -> "PlaceBook":
        """Go on to the next hour; the oldest are forgotten."""
        keep_at = accrual.closed_until_at - REMEMBERED_HOURS * SECONDS_PER_HOUR
        kept = tuple(h for h in self.closed if h.hour_at >= keep_at)
        return replace(self, accrual=accrual, closed=(*kept, hour) if hour else kept)
