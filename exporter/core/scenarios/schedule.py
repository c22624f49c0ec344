"""A weekly schedule of hours, in local time."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class WeeklySchedule:
    """When something is switched on, by minutes since Monday 00:00 local time.

    ``spans`` are half-open, do not overlap and are sorted; none wraps around the end of the week.
    """

    spans: tuple[tuple[int, int], ...]

    @classmethod
    def parse(cls, text: str) -> "WeeklySchedule":
        """Read ``Mon-Fri 08:00-18:00, Sat 09:00-13:00``. Raises ValueError that says what is wrong.

        A day range may wrap (Sat-Mon); a time range may end at 24:00 and must not wrap.
        """
        raise NotImplementedError(text)

    def on_ratio(self, hour_at: float, time_zone: ZoneInfo) -> float:
        """Share of the UTC hour that begins at an instant in which the schedule is on, 0..1."""
        raise NotImplementedError(hour_at, time_zone)
