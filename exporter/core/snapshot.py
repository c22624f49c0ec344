"""The result of one estimation: an immutable picture of the fleet that is served as it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.bounded import Bounded
from exporter.core.evidence import ExchangeRate, GapReason, GridIntensity, Quantity
from exporter.core.fleet import Instance, InstanceState, Place
from exporter.core.scenarios.case import BusinessCase
from exporter.core.statement import Statement

__all__ = [
    "Bounded",
    "Deviation",
    "FleetSnapshot",
    "FleetTotals",
    "GridEstimate",
    "InstanceEstimate",
    "Pue",
]


@dataclass(frozen=True, slots=True)
class InstanceEstimate:
    """What is known of one instance now; None where ``FleetSnapshot.gaps`` counts it.

    Power in watts (IT power, without PUE), emissions and embodied in gCO2e/h, cost per hour; the
    bounds of the cost need a bill that was compared. Running and billed seconds are those inside
    the alignment window: all that a stopped instance carries.
    """

    instance: Instance
    grid_zone: str
    cpu_utilization_ratio: float | None = None
    power_watts: Bounded | None = None
    emissions_grams_per_hour: Bounded | None = None
    embodied_grams_per_hour: Bounded | None = None
    cost_usd_per_hour: float | None = None
    cost_eur_per_hour: float | None = None
    cost_lower_eur_per_hour: float | None = None
    cost_upper_eur_per_hour: float | None = None
    runtime_seconds: float | None = None
    billed_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class GridEstimate:
    """The intensity in force in one zone, with bounds where its history is known."""

    intensity: GridIntensity
    bounds: Bounded


@dataclass(frozen=True, slots=True)
class Pue:
    """Power usage effectiveness of a location; basis is ``published`` or ``operator``."""

    ratio: float
    basis: str


@dataclass(frozen=True, slots=True)
class Deviation:
    """Standard deviation of the natural logarithm of one error component."""

    component: str
    deviation_ln: float
    grid_zone: str = ""
    instance_type: str = ""


@dataclass(frozen=True, slots=True)
class FleetTotals:
    """Sums over the instances that have the quantity; None when no running instance has it."""

    power_watts: Bounded | None
    emissions_grams_per_hour: Bounded | None
    embodied_grams_per_hour: Bounded | None
    cost_usd_per_hour: float | None
    cost_eur_per_hour: float | None


@dataclass(frozen=True, slots=True)
class FleetSnapshot:
    """The fleet at one instant. ``pue`` and ``grid`` hold the locations and zones in use.

    ``statement`` holds the books, which are closed at the newest complete hour. ``case``
    is renewed less often than the rest: it may know instances that are gone or stopped by now.
    """

    estimated_at: float
    instances: tuple[InstanceEstimate, ...]
    totals: FleetTotals
    covered_ratio: Mapping[Quantity, float]
    gaps: Mapping[tuple[Place, Quantity, GapReason], int]
    counts: Mapping[tuple[Place, InstanceState], int]
    grid: Mapping[str, GridEstimate]
    pue: Mapping[str, Pue]
    exchange_rate: ExchangeRate | None
    cpu_newest_point_at: Mapping[Place, float]
    deviations: tuple[Deviation, ...]
    statement: Statement = field(default_factory=Statement)
    case: BusinessCase = field(default_factory=BusinessCase)
