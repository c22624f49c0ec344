"""Time alignment coverage: the share of running time with both cost and carbon known.

Hours are UTC buckets. Each counts with the seconds that the instance ran in it; an hour of which
the runtime is not known counts in full, and as uncovered: missing data must not raise the ratio.
"""

from dataclasses import dataclass

from exporter.core.statement import CoverageRatios
from exporter.core.units import SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class CoveredSeconds:
    """Running seconds, and how many of them have a cost, carbon, and both."""

    running: float = 0.0
    cost: float = 0.0
    carbon: float = 0.0
    both: float = 0.0

    def __add__(self, other: "CoveredSeconds") -> "CoveredSeconds":
        """Add what two instances, places or hours have."""
        return CoveredSeconds(
            self.running + other.running,
            self.cost + other.cost,
            self.carbon + other.carbon,
            self.both + other.both,
        )

    def ratios(self) -> CoverageRatios | None:
        """Shares of the running seconds; None where nothing ran: 1 would claim knowledge."""
        if not self.running:
            return None
        return CoverageRatios(
            cost=self.cost / self.running,
            carbon=self.carbon / self.running,
            both=self.both / self.running,
        )


def covered_hour(
    running_seconds: float, unknown_seconds: float, *, cost_known: bool, carbon_known: bool
) -> CoveredSeconds:
    """One instance in one hour."""
    if unknown_seconds:
        return CoveredSeconds(SECONDS_PER_HOUR)
    return CoveredSeconds(
        running_seconds,
        running_seconds * cost_known,
        running_seconds * carbon_known,
        running_seconds * (cost_known and carbon_known),
    )
