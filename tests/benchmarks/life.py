"""The life of one made-up instance, from launch to termination."""

from collections.abc import Iterator
from typing import NamedTuple

from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

ON_AT, OFF_AT = 7 * SECONDS_PER_HOUR, 19 * SECONDS_PER_HOUR
"""Seconds of the day."""


class Life(NamedTuple):
    """One instance, from launch to termination; ``office`` ones are off from 19 to 7 o'clock."""

    instance_id: str
    instance_type: str
    number: int
    office: bool
    spot: bool
    born_at: float
    gone_at: float

    def runs(self, since_at: float, until_at: float) -> Iterator[tuple[float, float]]:
        """Begin and end of the runs that touch [since_at, until_at)."""
        if not self.office:
            if self.born_at < until_at and self.gone_at > since_at:
                yield self.born_at, self.gone_at
            return
        day_at = max(since_at, self.born_at) // SECONDS_PER_DAY * SECONDS_PER_DAY
        while day_at < min(until_at, self.gone_at):
            begin_at, end_at = day_at + ON_AT, day_at + OFF_AT
            if begin_at < min(until_at, self.gone_at) and end_at > since_at:
                yield begin_at, end_at
            day_at += SECONDS_PER_DAY
