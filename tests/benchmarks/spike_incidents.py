"""A fleet's alarms by themselves, and for incidents in which its power is multiplied."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from statistics import median
from typing import NamedTuple

from tests.benchmarks.spike_loads import Load
from tests.benchmarks.spike_rule import (
    DAY,
    Comparison,
    Kind,
    References,
    Rule,
    Run,
    alarms,
)
from tests.benchmarks.spike_sampling import (
    SLOT_SECONDS,
    Poll,
    held,
    held_excess,
    noise_multiples,
    polls,
)

MONTH_DAYS = 30
HISTORY_DAYS = 28
_SLOT_MINUTES = SLOT_SECONDS // 60


class Incident(NamedTuple):
    """Power is ``factor`` times as high for some minutes."""

    begin: int
    minutes: int
    factor: float = 2.0

    @property
    def end(self) -> int:
        """The first minute after it."""
        return self.begin + self.minutes

    def excess(self, watts: Sequence[float]) -> dict[int, float]:
        """Watts that it adds to the mean of each slot it touches."""
        slots = range(self.begin // _SLOT_MINUTES, -(-self.end // _SLOT_MINUTES))
        return {slot: (self.factor - 1) * watts[slot] * self._overlap_ratio(slot) for slot in slots}

    def _overlap_ratio(self, slot: int) -> float:
        begin = max(self.begin, slot * _SLOT_MINUTES)
        end = min(self.end, (slot + 1) * _SLOT_MINUTES)
        return (end - begin) / _SLOT_MINUTES


class Found(NamedTuple):
    """How many of some incidents were found before they were over, and how long each took."""

    incidents: int
    delays_minutes: Sequence[int]

    @property
    def ratio(self) -> float:
        """Share found."""
        return len(self.delays_minutes) / self.incidents

    @property
    def median_hours(self) -> float | None:
        """Median time from the begin to the alert, of those found."""
        return median(self.delays_minutes) / 60 if self.delays_minutes else None


@dataclass(frozen=True, slots=True)
class Watched:
    """A fleet as Prometheus sees it; alarms count from ``since`` (minutes) on.

    ``grams`` is the intensity by minute, where the rule looks at emissions and not at power.
    """

    load: Load
    polled: Sequence[Poll]
    references: References
    since: int
    noise: Sequence[float] | None
    grams: Sequence[float] = ()

    @classmethod
    def of(
        cls,
        load: Load,
        interval_seconds: float,
        draw: random.Random,
        since: int = HISTORY_DAYS * DAY,
    ) -> "Watched":
        """Poll a fleet."""
        minutes = len(load.watts) * _SLOT_MINUTES
        polled = polls(minutes, interval_seconds, draw)
        references = References(held(load.watts, polled, minutes))
        noise = noise_multiples(polled, minutes, load.concentration)
        return cls(load, polled, references, since, noise)

    def on_emissions(self, grams: Sequence[float], kinds: Collection[Kind]) -> "Watched":
        """The same fleet with a rule on its emissions."""
        pairs = zip(self.references.power, grams, strict=True)
        emissions = [watts * each for watts, each in pairs]
        return replace(self, references=References(emissions, kinds), grams=grams)

    @property
    def months(self) -> float:
        """How long alarms are counted."""
        return (len(self.references.power) - self.since) / (MONTH_DAYS * DAY)

    @property
    def peak_ratio(self) -> float:
        """The most that power ever was, as a multiple of the reference."""
        pairs = zip(self.references.power, self.references.by_minute, strict=True)
        return max(power / usual for power, usual in islice(pairs, self.since, None))

    def alarms(self, rules: Iterable[Rule]) -> dict[Rule, list[int]]:
        """When each rule fires without any incident."""
        rules = list(rules)
        found = {
            factor: self._comparison(factor).runs(self.since)
            for factor in {rule.factor for rule in rules}
        }
        return {rule: alarms(found[rule.factor], rule.hold_minutes) for rule in rules}

    def incidents(self, count: int, minutes: int, draw: random.Random) -> list[Incident]:
        """Incidents at random minutes of the time that counts; each is looked at by itself."""
        last = len(self.references.power) - minutes - 1
        return [Incident(draw.randint(self.since, last), minutes) for _ in range(count)]

    def runs_in(self, incident: Incident, factor: float) -> list[Run]:
        """Runs that begin in an incident; they end with it, for later ones come too late."""
        since = incident.begin
        minutes = incident.minutes + 1
        excess = held_excess(incident.excess(self.load.watts), self.polled, since, minutes)
        if self.grams:
            by_minute = self.grams[since : since + minutes]
            excess = [watts * grams for watts, grams in zip(excess, by_minute, strict=True)]
        return self._comparison(factor).incident_runs(since, excess)

    def found(self, incidents: Sequence[Incident], rules: Iterable[Rule]) -> dict[Rule, Found]:
        """How many incidents each rule finds that would not have alerted without them."""
        delays: Mapping[Rule, list[int]] = {rule: [] for rule in rules}
        quiet = {rule: set(fired) for rule, fired in self.alarms(delays).items()}
        for incident in incidents:
            by_factor = {
                factor: self.runs_in(incident, factor)
                for factor in {rule.factor for rule in delays}
            }
            for rule, each in delays.items():
                fired = alarms(by_factor[rule.factor], rule.hold_minutes)
                if fired and not quiet[rule] & set(range(incident.begin, incident.end)):
                    each.append(fired[0] - incident.begin)
        return {rule: Found(len(incidents), each) for rule, each in delays.items()}

    def _comparison(self, factor: float) -> Comparison:
        return Comparison(self.references, factor, self.noise)
