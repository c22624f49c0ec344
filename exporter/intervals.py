"""How often each source is asked by default, and how long its last good value may serve.

The intervals cost about 3 USD a month per 100 instances, nearly all of it for CPU points: AWS
bills each metric asked for, so the interval of CloudWatch decides. Everything but CPU changes
slowly, or is free of charge to ask.
"""

from collections.abc import Mapping

from exporter.core.provenance import SourceName

DEFAULT_INTERVALS_SECONDS: Mapping[SourceName, float] = {
    SourceName.EC2_INVENTORY: 300.0,
    SourceName.CLOUDWATCH_CPU: 900.0,
    SourceName.CLOUDTRAIL_EVENTS: 86400.0,
    SourceName.PRICING: 7 * 86400.0,
    SourceName.SPOT_PRICE: 3600.0,
    SourceName.COST_EXPLORER: 6 * 3600.0,
    SourceName.ELECTRICITY_MAPS: 3600.0,
    SourceName.ELECTRICITY_MAPS_HISTORY: 7200.0,
    SourceName.BOAVIZTA: 7 * 86400.0,
    SourceName.EXCHANGE_RATE: 86400.0,
}
DEFAULT_MAX_AGES_SECONDS: Mapping[SourceName, float] = {
    SourceName.EC2_INVENTORY: 900.0,
    SourceName.CLOUDWATCH_CPU: 3600.0,
    SourceName.CLOUDTRAIL_EVENTS: 48 * 3600.0,
    SourceName.PRICING: 14 * 86400.0,
    SourceName.SPOT_PRICE: 6 * 3600.0,
    SourceName.COST_EXPLORER: 48 * 3600.0,
    SourceName.ELECTRICITY_MAPS: 3 * 3600.0,
    SourceName.ELECTRICITY_MAPS_HISTORY: 6 * 3600.0,
    SourceName.BOAVIZTA: 14 * 86400.0,
    SourceName.EXCHANGE_RATE: 7 * 86400.0,
}
SELDOM_INTERVAL_SECONDS = 3600.0
"""For what seldom changes: accounts, regions, regions without instances, Boavizta's version."""
