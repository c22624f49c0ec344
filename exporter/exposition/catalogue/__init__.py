"""Every metric the exporter serves, once: code, reference page, rules and dashboards follow it."""

from exporter.exposition.catalogue import factors, fleet, health, instances
from exporter.exposition.catalogue.spec import MetricSpec

METRICS: tuple[MetricSpec, ...] = (
    *instances.METRICS,
    *fleet.METRICS,
    *factors.METRICS,
    *health.METRICS,
)

__all__ = ["METRICS", "MetricSpec"]
