"""How busy every instance was in the last weeks."""

from collections import Counter
from collections.abc import Container, Mapping
from sys import intern

from exporter.books.archive import KEPT_SECONDS
from exporter.books.records import levels_in
from exporter.core.fleet import Place
from exporter.core.scenarios.load import LANE_BITS, LEVELS, LoadDistribution, packed
from exporter.core.scenarios.usage import HourOfUse
from exporter.core.scenarios.weeks import DAYS_PER_WEEK
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

FEWEST_WATCHED_RATIO = 0.8
"""Of fewer days nobody can say that an instance is idle."""

_KEPT_DAYS = round(KEPT_SECONDS / SECONDS_PER_DAY)
_ONE = tuple(packed(((level, 1),)) for level in range(LEVELS))


class CpuBook:
    """CPU points by level, instance and week, and the highest level of each day.

    They are of one instance type: 13 % of 16 vCPUs are another load than 13 % of 4. Once an
    instance has a point as another type, all of before is forgotten.

    Weeks are of seven days since the epoch. One is forgotten once its first day is 42 days old:
    what is held is on disk, day by day, and a restart brings all of it back. Not thread-safe: one
    owner.
    """

    def __init__(self) -> None:
        self._weeks: dict[int, dict[str, int]] = {}
        self._highest: dict[int, dict[str, int]] = {}
        self._types: dict[str, str] = {}
        self._taken_at: dict[Place, float] = {}

    def take(self, hour: HourOfUse) -> None:
        """Count the points of an hour that is newer than all of its place that were counted."""
        if not self._is_new(hour.place, hour.hour_at, hour.hour_at):
            return
        blocks, highest = self._page(hour.hour_at)
        one, types = _ONE.__getitem__, self._types
        for name, instance_type, text in hour.cpu:
            block = sum(map(one, levels_in(text)))
            if block:
                if types.get(name) != instance_type:
                    self._begin(name, instance_type)
                _count(blocks, highest, name, block)

    def take_day(
        self,
        place: Place,
        day_at: float,
        day_blocks: Mapping[str, int],
        instance_types: Mapping[str, str],
    ) -> None:
        """Count a day of a place, all of whose hours are newer than what was counted.

        An instance without an entry in ``instance_types`` is taken for what it was before.
        """
        if not self._is_new(place, day_at, day_at + SECONDS_PER_DAY - SECONDS_PER_HOUR):
            return
        blocks, highest = self._page(day_at)
        for name, block in day_blocks.items():
            instance_type = instance_types.get(name)
            if instance_type is not None and self._types.get(name) != instance_type:
                self._begin(name, instance_type)
            _count(blocks, highest, name, block)

    def is_of(self, instance_id: str, instance_type: str) -> bool:
        """Whether an instance's points are of that type, as far as is known."""
        return self._types.get(instance_id, instance_type) == instance_type

    def _begin(self, name: str, instance_type: str) -> None:
        """Forget what was counted of another type."""
        if name in self._types:
            for pages in (self._weeks, self._highest):
                for page in pages.values():
                    page.pop(name, None)
        self._types[intern(name)] = intern(instance_type)

    def _is_new(self, place: Place, from_at: float, newest_at: float) -> bool:
        if from_at <= self._taken_at.get(place, float("-inf")):
            return False
        self._taken_at[place] = newest_at
        return True

    def _page(self, at: float) -> tuple[dict[str, int], dict[str, int]]:
        """Blocks of the week and highest levels of the day that hold an instant."""
        day = int(at // SECONDS_PER_DAY)
        if day not in self._highest:
            self._highest[day] = {}
            self._weeks.setdefault(day // DAYS_PER_WEEK, {})
            self._forget()
        return self._weeks.get(day // DAYS_PER_WEEK, {}), self._highest.get(day, {})

    def _forget(self) -> None:
        oldest = max(self._highest) - _KEPT_DAYS
        for week in [week for week in self._weeks if week * DAYS_PER_WEEK < oldest]:
            del self._weeks[week]
        for day in [day for day in self._highest if day // DAYS_PER_WEEK not in self._weeks]:
            del self._highest[day]

    def retain(self, instance_ids: Container[str]) -> None:
        """Forget all other instances: a fleet that is replaced every day would fill the memory."""
        for pages in (self._weeks, self._highest):
            for number, page in pages.items():
                pages[number] = {name: told for name, told in page.items() if name in instance_ids}
        self._types = {name: told for name, told in self._types.items() if name in instance_ids}

    def loads(self) -> Mapping[str, LoadDistribution]:
        """Every instance with a point. All have a block for each week, 0 for one without points."""
        watched = Counter(name for page in self._highest.values() for name in page)
        pages = [page for _, page in sorted(self._weeks.items())]
        return {
            name: LoadDistribution(days, tuple([page.get(name, 0) for page in pages]))
            for name, days in watched.items()
        }

    def seen(self, now: float, days: int) -> frozenset[str]:
        """Instances with a point on one of the last complete UTC days, or since."""
        first = int(now // SECONDS_PER_DAY) - days
        pages = (page for day, page in self._highest.items() if day >= first)
        return frozenset[str]().union(*pages)

    def idle(self, now: float, idle_percent: float, idle_days: int) -> Mapping[str, bool]:
        """Whether instances were never busier than so, in the last complete UTC days.

        False for one with any busier point; one without, that had points on less than
        FEWEST_WATCHED_RATIO of the days, is left out. Levels are percents rounded up. At most 35
        days are always known.
        """
        today = int(now // SECONDS_PER_DAY)
        days = [self._highest.get(day, {}) for day in range(today - idle_days, today)]
        busy = {name for page in days for name, level in page.items() if level > idle_percent}
        watched = Counter(name for page in days for name in page)
        fewest = FEWEST_WATCHED_RATIO * idle_days
        return {
            name: name not in busy
            for name, count in watched.items()
            if name in busy or count >= fewest
        }


def _count(blocks: dict[str, int], highest: dict[str, int], name: str, block: int) -> None:
    name = intern(name)
    blocks[name] = blocks.get(name, 0) + block
    highest[name] = max(highest.get(name, 0), (block.bit_length() - 1) // LANE_BITS)
