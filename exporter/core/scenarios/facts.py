"""What the scenarios are computed from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.core.evidence import ExchangeRate, GapReason, HardwareProfile, PriceKey, PriceQuote
from exporter.core.fleet import Hardware, Instance
from exporter.core.instance_estimate import Siting
from exporter.core.reconciliation import CostRatio
from exporter.core.scenarios.grid_gap import GridGaps
from exporter.core.scenarios.load import LoadDistribution
from exporter.core.scenarios.usage import Intensities, UsageHistory

BilledRatios = Mapping[str, CostRatio]
"""Billed over computed cost of on-demand instances, by account; those that were compared."""


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """What the scenarios are computed from; whatever is unknown is not in its mapping.

    ``instances`` are the listed ones that run now, or had a CPU point lately: what stops at night
    is not another fleet at noon. ``idle`` says of each that was watched for long enough whether it
    is idle. ``hardware`` and ``profiles`` are by instance type, those of types that are not in use
    included. ``awaited`` are prices and types that were not asked for yet.
    """

    history: UsageHistory
    intensities: Intensities
    instances: tuple[Instance, ...]
    loads: Mapping[str, LoadDistribution]
    idle: Mapping[str, bool]
    hardware: Mapping[str, Hardware]
    profiles: Mapping[str, HardwareProfile]
    prices: Mapping[PriceKey, PriceQuote]
    siting: Siting
    exchange_rate: ExchangeRate | GapReason
    billed_ratios: BilledRatios
    awaited: frozenset[str | PriceKey] = frozenset()
    grid_gaps: GridGaps = field(default_factory=dict)
