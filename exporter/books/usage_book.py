"""What every group of like instances used in each hour of the last weeks."""

from array import array
from collections.abc import Iterator, Sequence

from exporter.books.archive import KEPT_SECONDS
from exporter.core.fleet import Place
from exporter.core.scenarios.usage import HourOfUse, UsageHistory, UsageKey, UsageSeries, Use
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

_HOURS = 24
_COLUMNS = len(Use._fields) - 1
_NOTHING = array("d", [0.0] * _COLUMNS)

_LATE_HOURS = 24
"""So long after its last hour a place counts as running: the books of one that lags come later."""


class _Page:
    """One place on one UTC day; ``closed`` is 1 in each hour that was told.

    Each group has one array: 24 hours of its first column, then of the next.
    """

    def __init__(self) -> None:
        self.closed = bytearray(_HOURS)
        self.groups: dict[UsageKey, array[float]] = {}

    def take(self, hour: HourOfUse, number: int) -> None:
        self.closed[number] = 1
        for group in self.groups.values():
            group[number::_HOURS] = _NOTHING
        for key, *columns in hour.uses:
            if key not in self.groups:
                self.groups[key] = array("d", bytes(8 * _HOURS * _COLUMNS))
            self.groups[key][number::_HOURS] = array("d", columns)


class _Chapter:
    """One place in all hours of a history. Places share no group."""

    def __init__(self, count: int) -> None:
        self.closed = bytearray(count)
        self._groups: dict[UsageKey, list[array[float]]] = {}

    def add(self, first: int, page: _Page) -> None:
        """Enter a day that begins with hour ``first``."""
        hours = slice(first, first + _HOURS)
        self.closed[hours] = page.closed
        for key, group in page.groups.items():
            if key not in self._groups:
                empty = bytes(8 * len(self.closed))
                self._groups[key] = [array("d", empty) for _ in range(_COLUMNS)]
            for number, column in enumerate(self._groups[key]):
                column[hours] = group[number * _HOURS : (number + 1) * _HOURS]

    def presume(self, known: Sequence[bool], until: int) -> None:
        """Let open hours before ``until`` run as closed ones did, neither measured nor priced."""
        hours = range(min(until, len(known)))
        open_hours = [hour for hour in hours if known[hour] and not self.closed[hour]]
        if not open_hours:
            return
        closed_count = self.closed.count(1)
        for running_seconds, *_ in self._groups.values():
            mean_seconds = sum(running_seconds) / closed_count
            for hour in open_hours:
                running_seconds[hour] = mean_seconds

    def series(self) -> Iterator[UsageSeries]:
        for key, columns in self._groups.items():
            yield UsageSeries(key, *columns)


class UsageBook:
    """The use of the last 42 complete days, and of today. Not thread-safe: one owner."""

    def __init__(self) -> None:
        self._days: dict[float, dict[Place, _Page]] = {}
        self._newest_at: dict[Place, float] = {}

    def take(self, hour: HourOfUse) -> None:
        """Write one place's hour down, in place of what was known of it; the oldest days go."""
        day_at = hour.hour_at // SECONDS_PER_DAY * SECONDS_PER_DAY
        day = self._days.get(day_at)
        if day is None:
            day = self._days[day_at] = {}
            oldest_at = max(self._days) - KEPT_SECONDS
            for old_at in [at for at in self._days if at < oldest_at]:
                del self._days[old_at]
        page = day.get(hour.place)
        if page is None:
            page = day[hour.place] = _Page()
        page.take(hour, round((hour.hour_at - day_at) / SECONDS_PER_HOUR))
        self._newest_at[hour.place] = max(self._newest_at.get(hour.place, 0.0), hour.hour_at)

    def history(self, until_at: float) -> UsageHistory:
        """The complete days before an instant: 42, or since the first of which anything is known.

        An hour is known when any place has closed it; UsageSeries says what the others count as.
        """
        end_at = until_at // SECONDS_PER_DAY * SECONDS_PER_DAY
        held = [at for at in self._days if end_at - KEPT_SECONDS <= at < end_at]
        since_at = min(held, default=end_at)
        count = round((end_at - since_at) / SECONDS_PER_HOUR)
        chapters: dict[Place, _Chapter] = {}
        for at in held:
            first = round((at - since_at) / SECONDS_PER_HOUR)
            for place, page in self._days[at].items():
                if place not in chapters:
                    chapters[place] = _Chapter(count)
                chapters[place].add(first, page)
        known = [any(told) for told in zip(*(c.closed for c in chapters.values()), strict=True)]
        for place, chapter in chapters.items():
            newest = round((self._newest_at[place] - since_at) / SECONDS_PER_HOUR)
            chapter.presume(known, newest + 1 + _LATE_HOURS)
        series = (each for chapter in chapters.values() for each in chapter.series())
        return UsageHistory(since_at, known, tuple(sorted(series, key=lambda each: each.key)))
