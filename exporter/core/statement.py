"""Time and money at one instant: what the books say, as it is published."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.billing import BilledAs
from exporter.core.evidence import GapReason, Quantity
from exporter.core.fleet import Place
from exporter.core.reconciliation import CostRatio, Reconciliation

WINDOW_SECONDS = 48 * 3600.0
"""Length of the alignment window."""


@dataclass(frozen=True, slots=True)
class RuntimeInWindow:
    """Seconds that one instance ran, and was billed for, inside the alignment window."""

    running_seconds: float
    billed_seconds: float


@dataclass(frozen=True, slots=True)
class CoverageRatios:
    """Runtime-weighted shares of the window, 0..1: cost known, carbon known, both known."""

    cost: float
    carbon: float
    both: float


@dataclass(frozen=True, slots=True)
class BilledTotals:
    """Compute of one account in USD, as billed so far.

    None where nothing that is complete has been billed yet, or hourly granularity is not opted in.
    """

    month_to_date_usd: float
    last_day_usd: float | None = None
    last_hour_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Accrued:
    """Counters of one place since the exporter first saw it.

    ``skipped_seconds`` are instance-seconds that ran but could not be accrued, by quantity
    (power, emissions, embodied, cost_usd).
    """

    energy_joules: float = 0.0
    emissions_grams: float = 0.0
    embodied_grams: float = 0.0
    cost_usd: float = 0.0
    skipped_seconds: Mapping[Quantity, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Statement:
    """The books, closed at the newest complete hour. Whatever is unknown is not in its mapping."""

    runtime: Mapping[str, RuntimeInWindow] = field(default_factory=dict)
    runtime_gaps: Mapping[tuple[Place, GapReason], int] = field(default_factory=dict)
    coverage: Mapping[Place, CoverageRatios] = field(default_factory=dict)
    fleet_alignment_ratio: float | None = None
    billed_alignment_ratio: Mapping[str, float] = field(default_factory=dict)
    billed: Mapping[str, BilledTotals] = field(default_factory=dict)
    reconciliation: Mapping[str, Reconciliation] = field(default_factory=dict)
    accrued: Mapping[Place, Accrued] = field(default_factory=dict)

    def cost_ratio(self, account_id: str, billed_as: BilledAs) -> CostRatio | None:
        """What an account was billed per computed dollar, once enough days were compared."""
        known = self.reconciliation.get(account_id)
        return known.cost_ratios.get(billed_as) if known else None
