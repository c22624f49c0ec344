"""Counters that grow by closed hours: energy, emissions, embodied emissions, cost.

Energy, cost and embodied emissions of an hour are added when it is closed. Its operational
emissions wait until the grid intensity of the hour is measured: providers publish an estimate
first and revise it some hours later.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from exporter.core.evidence import GridIntensity, Quantity
from exporter.core.metering import InstanceHour
from exporter.core.statement import Accrued
from exporter.core.units import SECONDS_PER_HOUR

JOULES_PER_KILOWATT_HOUR = 3.6e6

ESTIMATE_PATIENCE_SECONDS = 20 * SECONDS_PER_HOUR
"""So long after its end an hour's estimated intensity counts: the provider's history of 24 hours
is about to lose it, and some zones are never measured."""

INTENSITY_PATIENCE_SECONDS = 30 * SECONDS_PER_HOUR
"""So long after its end an hour without any intensity is given up."""


class Facility(NamedTuple):
    """Where an instance is, as far as its emissions are concerned; empty or None if not known."""

    grid_zone: str
    pue_ratio: float | None

    @property
    def is_known(self) -> bool:
        """Whether both are."""
        return bool(self.grid_zone) and self.pue_ratio is not None


@dataclass(frozen=True, slots=True)
class PendingEmissions:
    """Energy drawn from one grid zone in one hour (PUE included) that waits for its intensity."""

    grid_zone: str
    hour_at: float
    facility_joules: float
    measured_seconds: float


@dataclass(frozen=True, slots=True)
class PlaceAccrual:
    """Counters of one place: what ran since ``since_at``, in the hours before ``closed_until_at``.

    ``pending`` hours are in all counters but that of emissions.
    """

    since_at: float
    closed_until_at: float
    accrued: Accrued = Accrued()  # noqa: RUF009 - frozen
    pending: tuple[PendingEmissions, ...] = ()


def accrue_hour(
    before: PlaceAccrual, hour_at: float, used: Iterable[tuple[Facility, InstanceHour]]
) -> PlaceAccrual:
    """Add one closed hour of all instances of the place."""
    hours = tuple(used)
    skipped = defaultdict(float, before.accrued.skipped_seconds)
    for facility, hour in hours:
        _count_skipped(skipped, facility, hour)
    known = before.accrued
    accrued = replace(
        known,
        energy_joules=known.energy_joules + sum(h.energy_joules for _, h in hours),
        embodied_grams=known.embodied_grams + sum(h.embodied_grams or 0.0 for _, h in hours),
        cost_usd=known.cost_usd + sum(h.cost_usd or 0.0 for _, h in hours),
        skipped_seconds=dict(skipped),
    )
    return replace(
        before,
        closed_until_at=hour_at + SECONDS_PER_HOUR,
        accrued=accrued,
        pending=(*before.pending, *_waiting(hours, hour_at)),
    )


def _count_skipped(
    skipped: defaultdict[Quantity, float], facility: Facility, hour: InstanceHour
) -> None:
    """What ran and cannot be accrued, by quantity."""
    unmeasured = max(0.0, hour.running_seconds - hour.measured_seconds)
    skipped[Quantity.POWER] += unmeasured
    skipped[Quantity.EMISSIONS] += unmeasured if facility.is_known else hour.running_seconds
    if hour.embodied_grams is None:
        skipped[Quantity.EMBODIED] += hour.running_seconds
    if hour.cost_usd is None:
        skipped[Quantity.COST_USD] += hour.running_seconds


def _waiting(
    hours: Iterable[tuple[Facility, InstanceHour]], hour_at: float
) -> Iterator[PendingEmissions]:
    """The energy drawn from each grid zone."""
    joules: defaultdict[str, float] = defaultdict(float)
    seconds: defaultdict[str, float] = defaultdict(float)
    for facility, hour in hours:
        if facility.pue_ratio is not None and facility.is_known:
            joules[facility.grid_zone] += hour.energy_joules * facility.pue_ratio
            seconds[facility.grid_zone] += hour.measured_seconds
    for zone in sorted(joules):
        if seconds[zone]:
            yield PendingEmissions(zone, hour_at, joules[zone], seconds[zone])


def skip_seconds(before: PlaceAccrual, seconds: float) -> PlaceAccrual:
    """Count running seconds that became known only after their hour was closed."""
    if not seconds:
        return before
    skipped = defaultdict(float, before.accrued.skipped_seconds)
    for quantity in (Quantity.POWER, Quantity.EMISSIONS, Quantity.EMBODIED, Quantity.COST_USD):
        skipped[quantity] += seconds
    return replace(before, accrued=replace(before.accrued, skipped_seconds=dict(skipped)))


class Settled(NamedTuple):
    """An accrual without the emissions that could be added, and the intensities they had."""

    accrual: PlaceAccrual
    intensities: Mapping[tuple[str, float], float]


def settle_emissions(
    before: PlaceAccrual,
    intensity: Callable[[str, float], GridIntensity | None],
    now: float,
) -> Settled:
    """Add the emissions whose intensity is known by now; give up those that wait for too long.

    ``intensity`` gives what is known of a zone in the hour that begins at an instant.
    """
    grams = before.accrued.emissions_grams
    skipped = defaultdict(float, before.accrued.skipped_seconds)
    waiting: list[PendingEmissions] = []
    used: dict[tuple[str, float], float] = {}
    for pending in before.pending:
        age_seconds = now - pending.hour_at - SECONDS_PER_HOUR
        known = intensity(pending.grid_zone, pending.hour_at)
        if known and (not known.estimated or age_seconds >= ESTIMATE_PATIENCE_SECONDS):
            used[pending.grid_zone, pending.hour_at] = known.grams_per_kilowatt_hour
            kilowatt_hours = pending.facility_joules / JOULES_PER_KILOWATT_HOUR
            grams += kilowatt_hours * known.grams_per_kilowatt_hour
        elif age_seconds >= INTENSITY_PATIENCE_SECONDS:
            skipped[Quantity.EMISSIONS] += pending.measured_seconds
        else:
            waiting.append(pending)
    if len(waiting) == len(before.pending):
        return Settled(before, {})
    accrued = replace(before.accrued, emissions_grams=grams, skipped_seconds=dict(skipped))
    return Settled(replace(before, accrued=accrued, pending=tuple(waiting)), used)
