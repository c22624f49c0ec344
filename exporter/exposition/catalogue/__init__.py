"""Every metric the exporter serves, once: code, reference page, rules and dashboards follow it."""

from exporter.exposition.catalogue import (
    accrual,
    factors,
    fleet,
    health,
    instances,
    scenarios,
    time_and_money,
)
from exporter.exposition.catalogue.spec import MetricSpec

METRICS: tuple[MetricSpec, ...] = (
    *instances.METRICS,
    *fleet.METRICS,
    *accrual.METRICS,
    *time_and_money.METRICS,
    *scenarios.METRICS,
    *factors.METRICS,
    *health.METRICS,
)

__all__ = ["METRICS", "MetricSpec"]
