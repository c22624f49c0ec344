"""What every group of like instances used in each hour of the last weeks."""

from array import array
from collections.abc import Iterator

from exporter.books.archive import KEPT_SECONDS
from exporter.core.fleet import Place
from exporter.core.scenarios.usage import HourOfUse, UsageHistory, UsageKey, UsageSeries, Use
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

_HOURS = 24
_COLUMNS = len(Use._fields) - 1
_NOTHING = array("d", [0.0] * _COLUMNS)


class _Day:
    """One UTC day. Each group has one array: 24 hours of its first column, then of the next.

    Places share no group: taking one place's hour back leaves those of the others as they are.
    """

    def __init__(self) -> None:
        self.known = [False] * _HOURS
        self._places: dict[Place, dict[UsageKey, array[float]]] = {}

    def take(self, hour: HourOfUse, number: int) -> None:
        self.known[number] = True
        groups = self._places.setdefault(hour.place, {})
        for group in groups.values():
            group[number::_HOURS] = _NOTHING
        for key, *columns in hour.uses:
            if key not in groups:
                groups[key] = array("d", bytes(8 * _HOURS * _COLUMNS))
            groups[key][number::_HOURS] = array("d", columns)

    def groups(self) -> Iterator[tuple[UsageKey, "array[float]"]]:
        for groups in self._places.values():
            yield from groups.items()


class UsageBook:
    """The use of the last 42 complete days, and of today. Not thread-safe: one owner."""

    def __init__(self) -> None:
        self._days: dict[float, _Day] = {}

    def take(self, hour: HourOfUse) -> None:
        """Write one place's hour down, in place of what was known of it; the oldest days go."""
        day_at = hour.hour_at // SECONDS_PER_DAY * SECONDS_PER_DAY
        day = self._days.get(day_at)
        if day is None:
            day = self._days[day_at] = _Day()
            oldest_at = max(self._days) - KEPT_SECONDS
            for old_at in [at for at in self._days if at < oldest_at]:
                del self._days[old_at]
        day.take(hour, round((hour.hour_at - day_at) / SECONDS_PER_HOUR))

    def history(self, until_at: float) -> UsageHistory:
        """The complete days before an instant: 42, or since the first of which anything is known.

        An hour is known when any place has closed it.
        """
        end_at = until_at // SECONDS_PER_DAY * SECONDS_PER_DAY
        held = [at for at in self._days if end_at - KEPT_SECONDS <= at < end_at]
        since_at = min(held, default=end_at)
        count = round((end_at - since_at) / SECONDS_PER_HOUR)
        known = [False] * count
        columns: dict[UsageKey, list[array[float]]] = {}
        for at in held:
            first = round((at - since_at) / SECONDS_PER_HOUR)
            hours = slice(first, first + _HOURS)
            known[hours] = self._days[at].known
            for key, group in self._days[at].groups():
                if key not in columns:
                    columns[key] = [array("d", bytes(8 * count)) for _ in range(_COLUMNS)]
                for number, column in enumerate(columns[key]):
                    column[hours] = group[number * _HOURS : (number + 1) * _HOURS]
        series = (UsageSeries(key, *columns[key]) for key in sorted(columns))
        return UsageHistory(since_at, known, tuple(series))
