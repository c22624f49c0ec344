"""Where facts come from: the closed sets of sources and failure reasons, and a source's health."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class SourceName(StrEnum):
    """Every upstream fact the exporter polls; the value of the ``source`` label."""

    EC2_INVENTORY = "ec2_inventory"
    CLOUDWATCH_CPU = "cloudwatch_cpu"
    CLOUDTRAIL_EVENTS = "cloudtrail_events"
    PRICING = "pricing"
    SPOT_PRICE = "spot_price"
    COST_EXPLORER = "cost_explorer"
    ELECTRICITY_MAPS = "electricity_maps"
    ELECTRICITY_MAPS_HISTORY = "electricity_maps_history"
    BOAVIZTA = "boavizta"
    EXCHANGE_RATE = "exchange_rate"


class Scope(NamedTuple):
    """What part of the world a source answers for; empty where it does not apply."""

    account_id: str = ""
    region: str = ""
    grid_zone: str = ""


class FailureReason(StrEnum):
    """Why a refresh or a request failed; a closed set, because it is a label."""

    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    DENIED = "denied"
    UNAVAILABLE = "unavailable"
    MALFORMED = "malformed"
    NOT_COVERED = "not_covered"
    NO_RECENT_DATA = "no_recent_data"
    NOT_CONFIGURED = "not_configured"
    UNEXPECTED = "unexpected"


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Health of one source in one scope.

    ``last_success_at`` is 0 when it never succeeded. Counters run since the start of the process.
    """

    source: SourceName
    scope: Scope
    up: bool
    last_success_at: float
    last_duration_seconds: float
    refreshes: int
    failures: Mapping[FailureReason, int]
    reason: FailureReason | None
    detail: str
    age_seconds: float | None
    interval_seconds: float
    max_age_seconds: float
