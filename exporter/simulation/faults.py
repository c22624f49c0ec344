"""Upstream faults by the clock, so that a demo shows how the exporter takes them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.units import SECONDS_PER_HOUR
from exporter.simulation import roster
from exporter.sources.source import SourceError

THROTTLED_SCOPE = Scope(account_id=roster.LAB_ACCOUNT.account_id, region="us-east-1")
UNAVAILABLE_SCOPE = Scope(grid_zone="IE")

_THROTTLED_AFTER_START_SECONDS = (60.0, 180.0)
_THROTTLED_MINUTES = (20, 26)
_UNAVAILABLE_MINUTES = (40, 50)


OUTAGE_REGION = "eu-west-1"
_OUTAGE_AFTER_START_SECONDS = 120.0
_OF_THE_KEY = frozenset({SourceName.ELECTRICITY_MAPS, SourceName.ELECTRICITY_MAPS_HISTORY})


class Fault(Protocol):
    """What fails, and when."""

    def strike(self, source: SourceName, scope: Scope, at: float) -> None:
        """Raise the SourceError of this instant, if there is one."""


FaultPlan = Callable[[float], Fault]
"""Makes the faults of a demo that is started at an instant."""


@dataclass(frozen=True, slots=True)
class Faults:
    """The windows in which two sources fail, each including its begin and not its end.

    CPU of the second account in us-east-1 is throttled from minute 20 to 26 of every hour (UTC),
    and from 60 to 180 seconds after ``started_at``, so that a visitor need not wait. The
    intensity of Ireland is unavailable from minute 40 to 50; its history is not.
    """

    started_at: float

    def strike(self, source: SourceName, scope: Scope, at: float) -> None:
        """Raise the SourceError of this instant, if there is one."""
        minute = at % SECONDS_PER_HOUR / 60
        if (source, scope) == (SourceName.CLOUDWATCH_CPU, THROTTLED_SCOPE):
            begins, ends = _THROTTLED_AFTER_START_SECONDS
            just_started = begins <= at - self.started_at < ends
            if just_started or _THROTTLED_MINUTES[0] <= minute < _THROTTLED_MINUTES[1]:
                raise SourceError(
                    FailureReason.THROTTLED, "simulated: GetMetricData asked too often"
                )
        if (source, scope) == (SourceName.ELECTRICITY_MAPS, UNAVAILABLE_SCOPE):
            begins, ends = _UNAVAILABLE_MINUTES
            if begins <= minute < ends:
                raise SourceError(
                    FailureReason.UNAVAILABLE, "simulated: carbon intensity of IE answers HTTP 503"
                )


@dataclass(frozen=True, slots=True)
class Outage:
    """Two lasting failures, from two minutes after ``started_at``, when everything is known, on.

    The key for the grids is refused, and nothing of AWS answers in OUTAGE_REGION.
    """

    started_at: float

    def strike(self, source: SourceName, scope: Scope, at: float) -> None:
        """Raise the SourceError of this instant, if there is one."""
        if at - self.started_at < _OUTAGE_AFTER_START_SECONDS:
            return
        if source in _OF_THE_KEY:
            raise SourceError(FailureReason.DENIED, "simulated: ElectricityMaps refuses the key")
        if scope.account_id and scope.region == OUTAGE_REGION:
            raise SourceError(FailureReason.UNAVAILABLE, f"simulated: {OUTAGE_REGION} is down")
