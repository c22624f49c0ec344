"""What the fleet used, hour by hour, in groups of like instances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from exporter.core.evidence import PriceKey
from exporter.core.fleet import Place, PurchaseOption

Intensities = Mapping[str, Mapping[float, float]]
"""gCO2e/kWh by grid zone and hour (epoch seconds of its begin)."""


class UsageKey(NamedTuple):
    """Instances that are alike in all that a scenario asks about.

    ``location`` is a region or Local Zone group; ``environment`` the tag of that label as it was
    in the hour, lower case, empty without one.
    """

    account_id: str
    location: str
    instance_type: str
    usage_operation: str
    tenancy: str
    purchase_option: PurchaseOption
    environment: str

    @property
    def price_key(self) -> PriceKey:
        """What the list price of such an instance depends on."""
        return PriceKey(self.location, self.instance_type, self.usage_operation, self.tenancy)


class Use(NamedTuple):
    """What one group used in one hour; the columns of UsageSeries."""

    key: UsageKey
    running_seconds: float
    measured_seconds: float
    energy_joules: float
    priced_seconds: float
    cost_usd: float


class HourOfUse(NamedTuple):
    """One closed hour of one place: each group's use, and the CPU of each instance.

    ``cpu`` holds (instance id, instance type, points as ``metering.points_text`` writes them).
    """

    place: Place
    hour_at: float
    uses: tuple[Use, ...]
    cpu: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class UsageSeries:
    """One group's use by hour; every column has one entry per hour of the history.

    ``running_seconds`` includes seconds that may have been run. ``measured_seconds`` are those
    with a power, ``energy_joules`` is their IT energy. ``priced_seconds`` are running seconds of
    instances whose cost of the hour is known, ``cost_usd`` is what those cost.

    In a known hour that was not watched in the group's place, ``running_seconds`` is the group's
    mean over the hours of the history that were, and all else is 0: amounts are of what was
    watched, and coverage says that they are not of everything. A place that is added is taken to
    have run before as it does since; one of which nothing more comes has ended, and 24 hours
    after its last hour it has 0.
    """

    key: UsageKey
    running_seconds: Sequence[float]
    measured_seconds: Sequence[float]
    energy_joules: Sequence[float]
    priced_seconds: Sequence[float]
    cost_usd: Sequence[float]


@dataclass(frozen=True, slots=True)
class UsageHistory:
    """Complete UTC days of use: hour n begins at ``since_at`` + n h, ``since_at`` is a midnight.

    ``known`` says of each hour whether the books of any place were closed for it: there are 24
    per day. What the other places used then was not watched; UsageSeries says how that counts.
    """

    since_at: float
    known: Sequence[bool]
    series: tuple[UsageSeries, ...]

    @property
    def until_at(self) -> float:
        """The midnight at which the history ends."""
        return self.since_at + len(self.known) * 3600.0
