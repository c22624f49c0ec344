"""What AWS would answer about a composed fleet: clients that stand where boto3's do."""

import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, cast

from exporter.core.fleet import Instance, InstanceState, PurchaseOption
from exporter.sources.aws.session import AwsClients
from tests.validation.lives import EndedBy, Life, Run

PENDING_SECONDS = 15.0
STOPPING_SECONDS = 40.0
VISIBLE_SECONDS = 3600.0
"""How long a terminated instance is still listed: "about an hour" (EC2 User Guide)."""

_PAGES_OVERLAP = 3


@dataclass(frozen=True, slots=True)
class TrailClient:
    """LookupEvents, worse than AWS: pages in disorder, and the end of each again on the next."""

    events: Mapping[str, Sequence[dict[str, Any]]]
    seed: int

    def lookup_events(
        self,
        *,
        LookupAttributes: Sequence[Mapping[str, str]],  # noqa: N803  # boto3's names
        StartTime: datetime,  # noqa: N803  # as above
        EndTime: datetime,  # noqa: N803  # as above
        MaxResults: int,  # noqa: N803  # as above
        NextToken: str = "0",  # noqa: N803  # as above
    ) -> dict[str, Any]:
        """Give one page."""
        named = self.events.get(LookupAttributes[0]["AttributeValue"], ())
        found = [event for event in named if StartTime <= event["EventTime"] <= EndTime]
        random.Random(self.seed).shuffle(found)  # noqa: S311  # repeatable, nothing to protect
        begin = int(NextToken)
        end = begin + MaxResults
        page = found[max(0, begin - _PAGES_OVERLAP) : end]
        return {"Events": page} | ({"NextToken": str(end)} if end < len(found) else {})


@dataclass(frozen=True, slots=True)
class BillClient:
    """GetCostAndUsage: the days given, a few on each page."""

    days: Sequence[Mapping[str, Any]]
    page_days: int = 20

    def get_cost_and_usage(
        self,
        *,
        TimePeriod: Mapping[str, str],  # noqa: N803  # boto3's names
        NextPageToken: str = "0",  # noqa: N803  # as above
        **_: Any,
    ) -> dict[str, Any]:
        """Give one page."""
        start, end = TimePeriod["Start"], TimePeriod["End"]
        asked = [day for day in self.days if start <= day["TimePeriod"]["Start"] < end]
        begin = int(NextPageToken)
        following = begin + self.page_days
        page = {"ResultsByTime": asked[begin:following]}
        return page | ({"NextPageToken": str(following)} if following < len(asked) else {})


def clients_of(client: object) -> AwsClients:
    """Clients that are always this one."""

    class _Clients:
        def client(self, *_: object) -> object:
            return client

    return cast("AwsClients", _Clients())


class Listing:
    """What DescribeInstances shows of one life, at any instant."""

    def __init__(self, life: Life) -> None:
        phases: list[tuple[float, Instance | None]] = [(float("-inf"), None)]
        ends = [after.start_at for after in life.runs[1:]] + [float("inf")]
        for run, next_at in zip(life.runs, ends, strict=True):
            phases += _phases(life, run, next_at)
        self._since = [at for at, _ in phases]
        self._shown = [instance for _, instance in phases]
        if any(later < earlier for earlier, later in pairwise(self._since)):
            raise ValueError(f"{life.instance_id} lives in disorder")

    def at(self, instant: float) -> Instance | None:
        """The instance, or None while it is not listed."""
        return self._shown[bisect_right(self._since, instant) - 1]


def listed(listings: Iterable[Listing], at: float) -> list[Instance]:
    """Every instance that is shown at an instant."""
    return [instance for each in listings if (instance := each.at(at)) is not None]


def _phases(life: Life, run: Run, next_at: float) -> list[tuple[float, Instance | None]]:
    def shown(state: InstanceState, reason: str = "") -> Instance:
        return _instance(life, run, state, reason)

    running_at = min(run.start_at + PENDING_SECONDS, run.called_at)
    found: list[tuple[float, Instance | None]] = [
        (run.start_at, shown(InstanceState.PENDING)),
        (running_at, shown(InstanceState.RUNNING)),
    ]
    if not run.is_over:
        return found
    told = run.ended_by in {EndedBy.STOP, EndedBy.HIBERNATION, EndedBy.TERMINATION}
    reason = ""
    if told or run.ended_by is EndedBy.SHUTDOWN_TOLD:
        reason = _reason(run.called_at + (run.clock_lag_seconds if told else 0.0))
    rest_at = run.end_at
    if run.ended_by is not EndedBy.HIBERNATION:
        rest_at = min(run.end_at + STOPPING_SECONDS, (run.end_at + next_at) / 2)
    if run.ended_by.is_final:
        found.append((run.end_at, shown(InstanceState.SHUTTING_DOWN, reason)))
        found.append((run.end_at + STOPPING_SECONDS, shown(InstanceState.TERMINATED, reason)))
        return [*found, (run.end_at + VISIBLE_SECONDS, None)]
    found.append((run.called_at, shown(InstanceState.STOPPING, reason)))
    found.append((rest_at, shown(InstanceState.STOPPED, reason)))
    if life.terminated_at is not None and run is life.runs[-1]:
        gone = shown(InstanceState.TERMINATED, _reason(life.terminated_at))
        found += [(life.terminated_at, gone), (life.terminated_at + VISIBLE_SECONDS, None)]
    return found


def _reason(at: float) -> str:
    return f"User initiated ({datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} GMT)"


def _instance(life: Life, run: Run, state: InstanceState, reason: str) -> Instance:
    # Recorded launches carry the time of their event; other starts are told a little later.
    lag_seconds = 0.0 if run is life.runs[0] else run.clock_lag_seconds
    return Instance(
        instance_id=life.instance_id,
        account_id=life.place.account_id,
        region=life.place.region,
        availability_zone=f"{life.place.region}a",
        instance_type=run.instance_type,
        state=state,
        launched_at=run.start_at + lag_seconds,
        purchase_option=PurchaseOption.SPOT if life.spot else PurchaseOption.ON_DEMAND,
        usage_operation="RunInstances",
        platform="Linux/UNIX",
        tenancy="default",
        architecture="",
        name="",
        state_transition_reason=reason,
    )
