"""What the books are kept from: the latest answers, however old, with their times."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.billing import Bill
from exporter.core.evidence import (
    ExchangeRate,
    GapReason,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    PlaceCpu,
    PriceKey,
    PriceQuote,
    SpotPrices,
)
from exporter.core.fleet import Hardware, Inventory, Place
from exporter.core.trail import Trail


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """One place. ``seen_until_at`` is when its inventory was last asked for successfully.

    ``trail_asked`` is False until CloudTrail was asked for the first time, ``trail_fresh`` tells
    whether its last answer is young enough for inventories to stand in for what came since.
    ``cpu_age_seconds`` is None when there was no answer.
    """

    place: Place
    inventory: Inventory
    seen_until_at: float
    trail: Trail | None
    trail_asked: bool
    trail_fresh: bool
    cpu: PlaceCpu | None
    cpu_age_seconds: float | None
    spot: SpotPrices | None


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the books look at, at ``now`` (epoch seconds).

    ``bill`` and ``exchange_rate`` are None unless they are fresh. ``grid`` holds the latest value
    and the history of each zone, None where there was no answer; ``grid_gaps`` tell of zones
    without a fresh value why. ``awaited`` are the instance types and prices whose first answer is
    still to come. ``chosen_regions`` are those of each account whose places have all answered;
    empty regions mean all that are enabled.
    """

    now: float
    places: tuple[PlaceFacts, ...]
    hardware: Mapping[str, Hardware]
    profiles: Mapping[str, HardwareProfile]
    prices: Mapping[PriceKey, PriceQuote]
    grid: Mapping[str, tuple[GridIntensity | None, GridHistory | None]]
    bill: Bill | None
    exchange_rate: ExchangeRate | None = None
    awaited: frozenset[str | PriceKey] = frozenset()
    chosen_regions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    grid_gaps: Mapping[str, GapReason] = field(default_factory=dict)
