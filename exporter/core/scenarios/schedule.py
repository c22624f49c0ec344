"""A weekly schedule of hours, in local time."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

MINUTES_PER_HOUR = 60
MINUTES_PER_DAY = 24 * MINUTES_PER_HOUR
MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY
SECONDS_PER_MINUTE = 60

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_ENTRY = re.compile(r"([a-z]+)(?:-([a-z]+))?\s+(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class WeeklySchedule:
    """When something is switched on, by minutes since Monday 00:00 local time.

    ``spans`` are half-open, do not overlap and are sorted; none wraps around the end of the week.
    """

    spans: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, text: str) -> "WeeklySchedule":
        """Read ``Mon-Fri 08:00-18:00, Sat 09:00-13:00``. Raises ValueError that says what is wrong.

        A day range may wrap (Sat-Mon); a time range may end at 24:00 and must not wrap. Entries
        may overlap: it is on where any of them is.
        """
        return cls(_united(span for entry in text.split(",") for span in _entry_spans(entry)))

    def on_ratio(self, hour_at: float, time_zone: ZoneInfo) -> float:
        """Share of the UTC hour that begins at an instant in which the schedule is on, 0..1."""
        first = datetime.fromtimestamp(hour_at, time_zone)
        last_minute_at = hour_at + (MINUTES_PER_HOUR - 1) * SECONDS_PER_MINUTE
        if first.utcoffset() == datetime.fromtimestamp(last_minute_at, time_zone).utcoffset():
            return self._on_minutes(first, MINUTES_PER_HOUR) / MINUTES_PER_HOUR
        # Lord Howe Island, half an hour off whole ones, changes its clocks within a UTC hour.
        minutes = (hour_at + n * SECONDS_PER_MINUTE for n in range(MINUTES_PER_HOUR))
        on = sum(self._on_minutes(datetime.fromtimestamp(at, time_zone), 1) for at in minutes)
        return on / MINUTES_PER_HOUR

    def _on_minutes(self, local: datetime, length: int) -> int:
        """Minutes switched on in ``length`` minutes of an unchanging clock."""
        begin = local.weekday() * MINUTES_PER_DAY + local.hour * MINUTES_PER_HOUR + local.minute
        on = _overlap(self.spans, begin, begin + length)
        if begin + length > MINUTES_PER_WEEK:
            on += _overlap(self.spans, 0, begin + length - MINUTES_PER_WEEK)
        return on


def _overlap(spans: Iterable[tuple[int, int]], begin: int, end: int) -> int:
    return sum(
        max(0, min(end, span_end) - max(begin, span_begin)) for span_begin, span_end in spans
    )


def _entry_spans(entry: str) -> list[tuple[int, int]]:
    """One entry's spans, one for each of its days. Raises ValueError."""
    entry = entry.strip()
    found = _ENTRY.fullmatch(entry.lower())
    if found is None:
        raise ValueError(f"{entry!r} is not like 'Mon-Fri 08:00-18:00'")
    first = _day(found[1], entry)
    last = first if found[2] is None else _day(found[2], entry)
    begin, end = _minutes(found[3], found[4], entry), _minutes(found[5], found[6], entry)
    if begin >= end:
        raise ValueError(f"{entry!r} ends before it begins: write one entry up to 24:00, one after")
    days = (day % 7 for day in range(first, first + (last - first) % 7 + 1))
    return [(day * MINUTES_PER_DAY + begin, day * MINUTES_PER_DAY + end) for day in days]


def _day(name: str, entry: str) -> int:
    if name not in _DAYS:
        raise ValueError(f"{name!r} in {entry!r} is not a day: Mon, Tue, Wed, Thu, Fri, Sat, Sun")
    return _DAYS.index(name)


def _minutes(hours: str, minutes: str, entry: str) -> int:
    since_midnight = int(hours) * MINUTES_PER_HOUR + int(minutes)
    if int(minutes) >= MINUTES_PER_HOUR or since_midnight > MINUTES_PER_DAY:
        raise ValueError(f"{hours}:{minutes} in {entry!r} is not a time of day")
    return since_midnight


def _united(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Sorted, those that overlap or touch made one."""
    united: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if united and begin <= united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((begin, end))
    return tuple(united)
