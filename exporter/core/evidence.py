"""The facts an estimate rests on, each with its own time, and the reasons for their absence."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from exporter.core.fleet import Instance, Inventory, Place
from exporter.core.units import CPU_SLOT_SECONDS


class Quantity(StrEnum):
    """What is estimated per instance; the ``quantity`` label."""

    CPU = "cpu"
    POWER = "power"
    EMISSIONS = "emissions"
    EMBODIED = "embodied"
    COST_USD = "cost_usd"
    COST_EUR = "cost_eur"
    RUNTIME = "runtime"


class GapReason(StrEnum):
    """Why a running instance lacks a quantity.

    Listed by precedence: where several apply, the first is the one reported.
    """

    NOT_CONFIGURED = "not_configured"
    ZONE_NOT_COVERED = "zone_not_covered"
    SOURCE_DOWN = "source_down"
    ACCELERATOR_UNMODELLED = "accelerator_unmodelled"
    NO_PROFILE = "no_profile"
    SUBSTITUTED_PROFILE = "substituted_profile"
    TOO_YOUNG = "too_young"
    NO_DATAPOINTS = "no_datapoints"
    NO_PUE = "no_pue"
    NO_GRID_INTENSITY = "no_grid_intensity"
    GRID_TOO_OLD = "grid_too_old"
    NO_PRICE = "no_price"
    NO_EXCHANGE_RATE = "no_exchange_rate"
    RUNTIME_UNKNOWN = "runtime_unknown"


_PRECEDENCE = {reason: rank for rank, reason in enumerate(GapReason)}


def first_reason(*reasons: GapReason) -> GapReason:
    """The reason that takes precedence among several."""
    return min(reasons, key=_PRECEDENCE.__getitem__)


class CpuPoint(NamedTuple):
    """Mean CPU utilization of one complete five-minute slot that begins at ``start_at``."""

    start_at: float
    utilization_percent: float


@dataclass(frozen=True, slots=True)
class InstanceCpu:
    """CPU points of one instance, oldest first: those since the poll before, at least the window.

    The window, which estimates average over, is ``window_slots`` complete slots, the last one
    ending at ``window_end_at``. ``launched_at`` is the launch the poll saw: points of an earlier
    run do not count.
    """

    instance_id: str
    launched_at: float
    polled_at: float
    window_end_at: float
    window_slots: int
    points: tuple[CpuPoint, ...]

    @property
    def window_start_at(self) -> float:
        """Where the window begins."""
        return self.window_end_at - self.window_slots * CPU_SLOT_SECONDS

    @property
    def window_points(self) -> tuple[CpuPoint, ...]:
        """The points inside the window."""
        start_at = self.window_start_at
        return tuple(point for point in self.points if point.start_at >= start_at)


@dataclass(frozen=True, slots=True)
class PlaceCpu:
    """CPU points of all running instances of one place."""

    place: Place
    instances: tuple[InstanceCpu, ...]


class MeteredRun(NamedTuple):
    """An instance whose CPU points are wanted: until now, or until its run ended."""

    instance: Instance
    ended_at: float | None = None


class PriceKey(NamedTuple):
    """What a list price depends on; ``location`` is a region or Local Zone group."""

    location: str
    instance_type: str
    usage_operation: str
    tenancy: str


@dataclass(frozen=True, slots=True)
class PriceQuote:
    """On-demand list price; None when the price list has no usable price for the key."""

    key: PriceKey
    usd_per_hour: float | None


class SpotKey(NamedTuple):
    """What a spot price depends on, inside one account and region."""

    availability_zone: str
    instance_type: str
    platform: str


@dataclass(frozen=True, slots=True)
class SpotQuote:
    """Spot price in force in one availability zone since ``priced_at``."""

    availability_zone: str
    instance_type: str
    platform: str
    usd_per_hour: float
    priced_at: float

    @property
    def key(self) -> SpotKey:
        """What the price is looked up by."""
        return SpotKey(self.availability_zone, self.instance_type, self.platform)


@dataclass(frozen=True, slots=True)
class SpotPrices:
    """Spot prices that the instances of one place need.

    ``quotes`` are in force. ``past`` were in force before: each until the next newer one of its
    key, oldest first. ``asked_at`` is when AWS was asked for them.
    """

    place: Place
    quotes: tuple[SpotQuote, ...]
    past: tuple[SpotQuote, ...] = ()
    asked_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Embodied:
    """Manufacturing emissions per running hour, with the provider's own lower and upper bound."""

    grams_per_hour: float
    lower_grams_per_hour: float
    upper_grams_per_hour: float


@dataclass(frozen=True, slots=True)
class HardwareProfile:
    """Boavizta's model of one instance type.

    ``watts`` belongs to ``LOAD_ANCHORS_PERCENT``; it is empty when ``power_gap`` says why there
    is none. ``embodied`` is None when the type itself is unknown (``embodied_gap`` says why).
    """

    instance_type: str
    watts: tuple[float, ...]
    power_gap: GapReason | None
    embodied: Embodied | None
    embodied_gap: GapReason | None
    provider_version: str


LOAD_ANCHORS_PERCENT = (0.0, 10.0, 25.0, 50.0, 75.0, 100.0)


@dataclass(frozen=True, slots=True)
class GridIntensity:
    """Carbon intensity of one grid zone for the hour that begins at ``valid_at``."""

    grid_zone: str
    grams_per_kilowatt_hour: float
    valid_at: float
    estimated: bool
    method: str


@dataclass(frozen=True, slots=True)
class GridHistory:
    """The last hours of one grid zone, oldest first."""

    grid_zone: str
    hours: tuple[GridIntensity, ...]


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """US dollars for one euro, as of the day that begins at ``as_of_at``."""

    usd_per_eur: float
    as_of_at: float
    basis: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything fresh enough to be used, at one instant.

    A value that cannot be had is a GapReason, or simply not in its mapping: then the reason is
    ``source_down``. ``unreachable`` holds the last known number of running instances of the
    places whose inventory is too old.
    """

    inventories: Mapping[Place, Inventory]
    unreachable: Mapping[Place, int]
    cpu: Mapping[Place, Mapping[str, InstanceCpu]]
    profiles: Mapping[str, HardwareProfile]
    prices: Mapping[PriceKey, PriceQuote]
    spot: Mapping[Place, Mapping[SpotKey, SpotQuote]]
    grid: Mapping[str, GridIntensity | GapReason]
    grid_history: Mapping[str, GridHistory]
    exchange_rate: ExchangeRate | GapReason
