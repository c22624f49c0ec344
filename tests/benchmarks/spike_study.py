"""What the carbon-spike tables are made from: recordings, seeds, and how figures are written."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.spike_incidents import Found, Watched
from tests.benchmarks.spike_loads import Load, Pools, recorded_pools, steady
from tests.benchmarks.spike_rule import Rule
from tests.benchmarks.spike_sampling import held_grid
from tests.validation.recordings import DataError
from tests.validation.spread import percent
from tests.validation.zone_hours import HOUR_SECONDS, zone_hours

SEED = 5
ZONES = ("DE", "GB", "US-MIDA-PJM")
INSTANCES = 100
QUARTER_SECONDS = 900.0
POSITIONS = 200
LENGTHS_HOURS = (6, 3)

FACTORS = (1.3, 1.5)
HOLDS_MINUTES = (30, 60, 120)
RULES = tuple(Rule(factor, hold) for factor in FACTORS for hold in HOLDS_MINUTES)
CHOSEN = Rule(1.5, 60)

Lengths = dict[int, dict[Rule, Found]]
"""What was found, by length of the incident in hours and by rule."""


def draw_for(*names: object) -> random.Random:
    """Random numbers of their own for each purpose: the same in every run."""
    return random.Random(" ".join(map(str, (SEED, *names))))  # noqa: S311 - repeatable


class ZoneFleet(NamedTuple):
    """A steady fleet over all recorded hours of a zone, and the intensity it is shown with."""

    name: str
    fleet: Watched
    grams: Sequence[float]


@dataclass(frozen=True)
class Study:
    """Everything read from the data folder once."""

    data: Path

    @cached_property
    def pools(self) -> Pools:
        """Recorded machines."""
        return recorded_pools(self.data)

    @cached_property
    def zones(self) -> list[ZoneFleet]:
        """A steady fleet of its own for each zone."""
        hours = {zone.name: zone for zone in zone_hours(self.data)[0]}
        missing = [name for name in ZONES if name not in hours]
        if missing:
            raise DataError(f"no hours of {', '.join(missing)}")
        return [self._zone(name, hours[name].since_at, hours[name].grams) for name in ZONES]

    def steady(self, scales: Sequence[float], days: int, *names: object) -> Load:
        """A steady fleet."""
        return steady(self.pools, scales, days, draw_for("steady", *names))

    def _zone(self, name: str, since_at: float, grams: Mapping[float, float]) -> ZoneFleet:
        known: list[float] = []
        while (at := since_at + len(known) * HOUR_SECONDS) in grams:
            known.append(grams[at])
        days = len(known) // 24
        load = self.steady([1.0] * INSTANCES, days, name)
        draw = draw_for("polls", name)
        fleet = Watched.of(load, QUARTER_SECONDS, draw)
        return ZoneFleet(name, fleet, held_grid(known, len(fleet.references.power), draw))


def found_by_length(fleet: Watched, rules: Sequence[Rule], *names: object) -> Lengths:
    """Doublings at random minutes, of each length."""
    return {
        hours: fleet.found(
            fleet.incidents(POSITIONS, 60 * hours, draw_for("incidents", hours, *names)), rules
        )
        for hours in LENGTHS_HOURS
    }


def pooled(found: Iterable[Found]) -> Found:
    """Incidents of several fleets as one."""
    each = list(found)
    delays = [delay for one in each for delay in one.delays_minutes]
    return Found(sum(one.incidents for one in each), delays)


def pooled_lengths(found: Sequence[Lengths]) -> Lengths:
    """The same by length."""
    return {
        hours: {rule: pooled(each[hours][rule] for each in found) for rule in by_rule}
        for hours, by_rule in found[0].items()
    }


def written(rule: Rule) -> str:
    """A rule as text."""
    return f"{rule.factor:g} x, {written_minutes(rule.hold_minutes)}"


def written_minutes(minutes: int) -> str:
    """Minutes as Prometheus writes them."""
    return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"


def found_cells(found: Found) -> tuple[str, str]:
    """Share found, and median time to the alert."""
    hours = found.median_hours
    return percent(found.ratio, 1), "-" if hours is None else f"{hours:.2f} h"


def per_month(alarms: int, months: float) -> str:
    """Alarms a month."""
    return f"{alarms / months:.1f}" if alarms else "0"
