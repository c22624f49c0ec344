"""What moves the parts of the exporter: live threads, or a clock that is stepped."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from exporter.core.provenance import SourceName
from exporter.publisher import Renders
from exporter.scheduler import Lane

LANE_THREADS: Mapping[SourceName, int] = {
    SourceName.EC2_INVENTORY: 8,
    SourceName.CLOUDWATCH_CPU: 8,
    SourceName.CLOUDTRAIL_EVENTS: 8,
    SourceName.PRICING: 4,
    SourceName.SPOT_PRICE: 4,
    SourceName.COST_EXPLORER: 1,
    SourceName.ELECTRICITY_MAPS: 4,
    SourceName.ELECTRICITY_MAPS_HISTORY: 4,
    SourceName.BOAVIZTA: 4,
    SourceName.EXCHANGE_RATE: 1,
}


@dataclass(frozen=True, slots=True)
class Machinery:
    """What moves the parts; a history is made with one of its own.

    Of every source a lane, and the ``draw`` of the scheduler's jitter; what is made of families.
    Statements and business cases are made no sooner than so many seconds after the last.
    """

    lanes: Mapping[SourceName, Lane]
    draw: random.Random
    renderer: Renders
    statement_rest_seconds: float = 0.0
    case_rest_seconds: float = 0.0
