"""The exporter's own metrics, kept by the Prometheus client library."""

import platform
from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    Metric,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from exporter.core.provenance import FailureReason
from exporter.exposition.catalogue import MetricSpec, health

_DURATION_BUCKETS_SECONDS = (0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Instrumentation:
    """Hears of every upstream request, and renders the exporter's own metrics.

    Everything lives in a registry of its own: importing or making this changes no global state.
    Thread-safe.
    """

    def __init__(self, *, version: str, revision: str, simulated: bool) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self._requests = _counter(health.UPSTREAM_REQUESTS, registry)
        self._failures = _counter(health.UPSTREAM_FAILURES, registry)
        self._cost = _counter(health.UPSTREAM_COST, registry)
        self._cost.labels("GetMetricData")
        spec = health.UPSTREAM_DURATION
        self._duration = Histogram(
            spec.name, spec.help, spec.labels, registry=registry, buckets=_DURATION_BUCKETS_SECONDS
        )
        Gauge(health.SIMULATED.name, health.SIMULATED.help, registry=registry).set(int(simulated))
        self._build = _Build(version, revision, "demo" if simulated else "live")
        registry.register(self._build)

    def request(
        self, upstream: str, operation: str, seconds: float, failure: FailureReason | None
    ) -> None:
        """One HTTP request ended after ``seconds``, successfully when ``failure`` is None."""
        self._requests.labels(upstream, operation).inc()
        self._duration.labels(upstream, operation).observe(seconds)
        for reason in FailureReason:
            # A counter that appears with a value has no increase: all reasons start at 0.
            self._failures.labels(upstream, operation, reason).inc(float(reason is failure))

    def spend(self, operation: str, usd: float) -> None:
        """AWS bills this much for the call that just ended."""
        self._cost.labels(operation).inc(usd)

    def set_boavizta_version(self, version: str) -> None:
        """Tell the version of the Boavizta server, once it is known."""
        self._build.boavizta_version = version

    def render(self) -> str:
        """Render all of it in the text format 0.0.4."""
        return generate_latest(_WithoutCreated(self._registry)).decode()


class _Build(Collector):
    """The versions; a plain attribute changes in one step, so a render never misses them."""

    def __init__(self, version: str, revision: str, mode: str) -> None:
        self._build = (version, revision, platform.python_version())
        self._mode = mode
        self.boavizta_version = ""

    def collect(self) -> Iterator[Metric]:
        spec = health.BUILD_INFO
        family = GaugeMetricFamily(spec.name, spec.help, labels=spec.labels)
        family.add_metric((*self._build, self.boavizta_version, self._mode), 1)
        yield family


class _WithoutCreated(Collector):
    """A registry without the ``_created`` series, which the text format has no use for.

    The client library has only a global switch for them.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            family.samples = [s for s in family.samples if not s.name.endswith("_created")]
            yield family


def _counter(spec: MetricSpec, registry: CollectorRegistry) -> Counter:
    return Counter(spec.name, spec.help, spec.labels, registry=registry)
