"""One day of one account, billed and computed side by side."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from exporter.core.billing import BilledAs

COMPARED_AS = (BilledAs.ON_DEMAND, BilledAs.SPOT)
"""What has a price to compute with. OTHER has none, so it is left out on both sides."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What was billed, or computed: US dollars and instance-hours, and hours of unknown cost."""

    usd: float = 0.0
    hours: float = 0.0
    unknown_hours: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.usd + other.usd,
            self.hours + other.hours,
            self.unknown_hours + other.unknown_hours,
        )


Usages = Mapping[BilledAs, Usage]


@dataclass(frozen=True, slots=True)
class ComparedDay:
    """One account in the UTC day that begins at ``day_at``: what of it can be compared.

    The ratios are shares of what was billed, which must not be zero.
    """

    day_at: float
    billed: Usages
    computed: Usages
    estimated: bool

    @property
    def billed_usd(self) -> float:
        """What was billed in all."""
        return math.fsum(usage.usd for usage in self.billed.values())

    @property
    def difference_usd(self) -> float:
        """Computed less billed."""
        return math.fsum(usage.usd for usage in self.computed.values()) - self.billed_usd

    @property
    def deviation_ratio(self) -> float:
        """(computed - billed) / billed, signed."""
        return self.difference_usd / self.billed_usd

    @property
    def time_deviation_ratio(self) -> float:
        """The part of the deviation that comes from other hours than billed."""
        return math.fsum(map(self._time_difference_usd, COMPARED_AS)) / self.billed_usd

    def _time_difference_usd(self, billed_as: BilledAs) -> float:
        """Hours too many at the computed price of an hour.

        Where no hour was computed, all that was billed for hours is missing.
        """
        billed = self.billed.get(billed_as, Usage())
        computed = self.computed.get(billed_as, Usage())
        if computed.hours > 0:
            return (computed.hours - billed.hours) * computed.usd / computed.hours
        return -billed.usd if billed.hours > 0 else 0.0
