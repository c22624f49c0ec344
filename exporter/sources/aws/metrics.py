"""CPU utilization of instances, as CloudWatch's GetMetricData gives it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from exporter.core.provenance import FailureReason
from exporter.core.units import CPU_SLOT_SECONDS
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.parallel import run_all
from exporter.sources.aws.record import Record

METRICS_PER_CALL = 500
"""Most MetricDataQuery elements of one GetMetricData call (API reference, 2026)."""

# Burst credits and clock effects can push the average a little over 100; far beyond is no data.
_HIGHEST_PERCENT = 200.0


@dataclass(frozen=True, slots=True)
class CpuMetrics:
    """Asks for five-minute averages of CPUUtilization, one metric per instance, in batches."""

    endpoint: Endpoint
    threads: int

    def utilization_percent(
        self, instance_ids: Sequence[str], start_at: float, end_at: float
    ) -> dict[str, dict[float, float]]:
        """Give per instance the averages by the start of their slot; empty where there are none.

        Slots that begin at or after ``end_at`` are left out. Raises SourceError, also when only
        one of the batches fails or holds nothing but nonsense.
        """
        batches = [
            instance_ids[first : first + METRICS_PER_CALL]
            for first in range(0, len(instance_ids), METRICS_PER_CALL)
        ]
        tasks = [partial(self._batch, batch, start_at, end_at) for batch in batches]
        found: dict[str, dict[float, float]] = {}
        for part in run_all(tasks, self.threads):
            found |= part
        return found

    def _batch(
        self, instance_ids: Sequence[str], start_at: float, end_at: float
    ) -> dict[str, dict[float, float]]:
        by_query = {f"i{number}": instance_id for number, instance_id in enumerate(instance_ids)}
        found: dict[str, dict[float, float]] = {name: {} for name in instance_ids}
        given = sensible = 0
        pages = self.endpoint.pages(
            "get_metric_data",
            MetricDataQueries=[_query(key, name) for key, name in by_query.items()],
            StartTime=datetime.fromtimestamp(start_at, UTC),
            EndTime=datetime.fromtimestamp(end_at, UTC),
        )
        for page in pages:
            for result in page.parts("MetricDataResults"):
                instance_id = by_query.get(result.text("Id"))
                if instance_id is None:
                    raise result.malformed("a result that was not asked for")
                _refuse_failed(result)
                points = _points(result)
                percents = [point for point in points if 0 <= point[1] <= _HIGHEST_PERCENT]
                given += len(points)
                sensible += len(percents)
                found[instance_id] |= {at: percent for at, percent in percents if at < end_at}
        if given and not sensible:
            raise page.malformed("no value is a percentage")
        return found


def _query(key: str, instance_id: str) -> Mapping[str, Any]:
    metric = {
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Dimensions": [{"Name": "InstanceId", "Value": instance_id}],
    }
    period = {"Metric": metric, "Period": int(CPU_SLOT_SECONDS), "Stat": "Average"}
    return {"Id": key, "MetricStat": period}


def _refuse_failed(result: Record) -> None:
    """Partial data goes on on the next page; the two other codes mean there will be none."""
    status = result.optional_text("StatusCode")
    if status == "InternalError":
        raise result.failure(FailureReason.UNAVAILABLE, "internal error for a metric")
    if status == "Forbidden":
        raise result.failure(FailureReason.DENIED, "a metric may not be read")


def _points(result: Record) -> list[tuple[float, float]]:
    """Give (start of the slot, percent), NaN where CloudWatch says so."""
    instants, values = result.values("Timestamps"), result.values("Values")
    if len(instants) != len(values):
        raise result.malformed("as many timestamps as values are needed")
    try:
        # CloudWatch's JSON writes NaN and the infinities as texts.
        return [
            (_slot_start(instant), float(value))
            for instant, value in zip(instants, values, strict=True)
        ]
    except (AttributeError, TypeError, ValueError):
        raise result.malformed("a timestamp or a value of another type") from None


def _slot_start(instant: datetime) -> float:
    return math.floor(instant.timestamp() / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS
