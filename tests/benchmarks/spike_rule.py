"""The rule of the carbon-spike alert in plain Python, minute by minute.

Power is compared with the largest of three references, as far back as there is history: the same
hour of the last seven days, the same hour and weekday of the last four weeks, and the mean of the
last 24 hours. The alert fires when it was above a multiple of that for some time without a break;
in the first week of a fleet it does not.
"""

from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from itertools import accumulate
from typing import NamedTuple

HOUR = 60
DAY = 24 * HOUR
WEEK = 7 * DAY

HOUR_AHEAD = HOUR // 2
"""The same hour of another day is the hour around the same minute."""

WAITED = WEEK - HOUR_AHEAD
"""The first minute in which the alert may be pending: then there is an hour of a week before."""


class Kind(Enum):
    """What power may be compared with."""

    SAME_HOUR_7_DAYS = "same hour, mean of 7 days"
    SAME_HOUR_4_WEEKS = "same hour and weekday, mean of 4 weeks"
    LAST_24_HOURS = "mean of 24 hours"


DAYS_BACK = [DAY * number for number in range(1, 8)]
WEEKS_BACK = [WEEK * number for number in range(1, 5)]


class Rule(NamedTuple):
    """How many times the reference, and for how many minutes."""

    factor: float
    hold_minutes: int


class Run(NamedTuple):
    """Minutes without a break in which power is too high; ``end`` is not in it."""

    begin: int
    end: int

    def fired_at(self, hold_minutes: int) -> int | None:
        """When the alert fires, if it does: it is pending from the first minute on."""
        at = self.begin + hold_minutes
        return at if at < self.end else None


class References:
    """The largest of some references, by minute."""

    def __init__(self, power: Sequence[float], kinds: Collection[Kind] = tuple(Kind)) -> None:
        self.power = power
        self._total = [0.0, *accumulate(power)]
        self._hours = self.means(HOUR)
        self._same = [0.0] * len(power)
        for kind, offsets in (
            (Kind.SAME_HOUR_7_DAYS, DAYS_BACK),
            (Kind.SAME_HOUR_4_WEEKS, WEEKS_BACK),
        ):
            if kind in kinds:
                found = (mean or 0.0 for mean in self._by_minute(offsets))
                self._same = list(map(max, self._same, found))
        self._days = self.means(DAY) if Kind.LAST_24_HOURS in kinds else None
        self.by_minute = list(map(max, self._same, self._days)) if self._days else self._same

    def with_excess(self, minute: int, mean_watts: float) -> float:
        """The reference while an incident adds so much to the mean of 24 hours."""
        if self._days is None:
            return self._same[minute]
        return max(self._same[minute], self._days[minute] + mean_watts)

    def same_hours(self, minute: int, offsets: Sequence[int]) -> float | None:
        """Mean of the same hour at each of some offsets that lie after the first minute."""
        means = [
            self._hours[then] for offset in offsets if (then := minute - offset + HOUR_AHEAD) >= 0
        ]
        return sum(means) / len(means) if means else None

    def means(self, minutes: int) -> list[float]:
        """Mean of the minutes that end with each one, or of those there are."""
        first = min(minutes, len(self.power))
        early = [self._total[count] / count for count in range(1, first)]
        spans = zip(self._total, self._total[minutes:], strict=False)
        return [*early, *((end - begin) / minutes for begin, end in spans)][: len(self.power)]

    def _by_minute(self, offsets: Sequence[int]) -> list[float | None]:
        """``same_hours`` of every minute, in fewer steps once there is enough history."""
        enough = min(max(offsets) - HOUR_AHEAD, len(self.power))
        early = [self.same_hours(minute, offsets) for minute in range(enough)]
        shifted = [
            self._hours[enough - offset + HOUR_AHEAD : len(self.power) - offset + HOUR_AHEAD]
            for offset in offsets
        ]
        count = len(offsets)
        return [*early, *(sum(hours) / count for hours in zip(*shifted, strict=True))]


class Comparison:
    """Power against ``factor`` times the reference; ``noise`` is the least multiple by minute.

    Without ``noise`` there is no such limit: it says something of small fleets only.
    """

    def __init__(
        self, references: References, factor: float, noise: Sequence[float] | None = None
    ) -> None:
        self._references = references
        self._factor = factor
        self._noise = noise

    def runs(self, since: int = 0) -> list[Run]:
        """When power is too high, from a minute on."""
        power, reference = self._references.power[since:], self._references.by_minute[since:]
        if self._noise is None:
            above = (
                own > self._factor * usual for own, usual in zip(power, reference, strict=True)
            )
        else:
            above = (
                own > max(self._factor, noise) * usual
                for own, usual, noise in zip(power, reference, self._noise[since:], strict=True)
            )
        return list(runs_of(above, since))

    def incident_runs(self, since: int, excess: Sequence[float]) -> list[Run]:
        """The same for an incident that adds watts, minute by minute, from ``since`` on.

        It has to be over within the day: no other reference may feel it than the 24 hours.
        """
        added = zip(excess, accumulate(excess), strict=True)
        above = (
            self._is_above(minute, watts, total / DAY)
            for minute, (watts, total) in enumerate(added, start=since)
        )
        return list(runs_of(above, since))

    def _is_above(self, minute: int, watts: float, mean_watts: float) -> bool:
        factor = max(self._factor, self._noise[minute]) if self._noise else self._factor
        reference = self._references.with_excess(minute, mean_watts)
        return self._references.power[minute] + watts > factor * reference


def alarms(found: Sequence[Run], hold_minutes: int) -> list[int]:
    """When the alert fires."""
    return [at for run in found if (at := run.fired_at(hold_minutes)) is not None]


def runs_of(above: Iterator[bool], since: int) -> Iterator[Run]:
    """Runs of minutes, ``above`` telling of each from ``since`` on."""
    begin: int | None = None
    minute = since
    for minute, is_above in enumerate(above, start=since):
        if is_above and begin is None:
            begin = minute
        elif not is_above and begin is not None:
            yield Run(begin, minute)
            begin = None
    if begin is not None:
        yield Run(begin, minute + 1)
