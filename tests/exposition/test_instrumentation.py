from collections.abc import Callable, Iterable

import prometheus_client
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.core.provenance import FailureReason
from exporter.exposition.catalogue import health
from exporter.exposition.instrumentation import Instrumentation

OWN = (
    health.UPSTREAM_REQUESTS,
    health.UPSTREAM_FAILURES,
    health.UPSTREAM_DURATION,
    health.UPSTREAM_COST,
    health.SIMULATED,
    health.BUILD_INFO,
)


@pytest.fixture
def instrumentation() -> Instrumentation:
    return Instrumentation(version="1.2.3", revision="abc", simulated=False)


def samples(instrumentation: Instrumentation, name: str) -> dict[tuple[str, ...], float]:
    """Values of one series by its label values."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(instrumentation.render())
        for sample in family.samples
        if sample.name == name
    }


def test_metrics_are_those_of_the_catalogue(instrumentation: Instrumentation) -> None:
    """Name, kind and HELP of every own metric come from the catalogue, and no other is there."""
    lines = instrumentation.render().splitlines()
    helps = [line for line in lines if line.startswith("# HELP carbonfinops_")]
    types = [line for line in lines if line.startswith("# TYPE carbonfinops_")]
    assert sorted(helps) == sorted(f"# HELP {spec.name} {spec.help}" for spec in OWN)
    assert sorted(types) == sorted(f"# TYPE {spec.name} {spec.kind}" for spec in OWN)


def test_labels_are_those_of_the_catalogue(instrumentation: Instrumentation) -> None:
    """Every own series has the labels that the catalogue promises."""
    instrumentation.request("aws", "DescribeInstances", 0.2, None)
    promised = {spec.name: set(spec.labels) for spec in OWN}
    for family in text_string_to_metric_families(instrumentation.render()):
        for sample in family.samples:
            name = sample.name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
            if name in promised:
                assert sample.labels.keys() - {"le"} == promised[name], name


def test_requests_and_failures_are_counted(instrumentation: Instrumentation) -> None:
    """Each request counts once; a failed one also counts under its reason."""
    instrumentation.request("aws", "GetMetricData", 0.2, None)
    instrumentation.request("aws", "GetMetricData", 3.0, FailureReason.THROTTLED)
    instrumentation.request("boavizta", "instance", 0.05, FailureReason.TIMEOUT)

    assert samples(instrumentation, health.UPSTREAM_REQUESTS.name) == {
        ("GetMetricData", "aws"): 2,
        ("instance", "boavizta"): 1,
    }
    failures = samples(instrumentation, health.UPSTREAM_FAILURES.name)
    assert len(failures) == 2 * len(FailureReason)
    assert {labels: n for labels, n in failures.items() if n} == {
        ("GetMetricData", "throttled", "aws"): 1,
        ("instance", "timeout", "boavizta"): 1,
    }
    durations = samples(instrumentation, f"{health.UPSTREAM_DURATION.name}_sum")
    assert durations[("GetMetricData", "aws")] == pytest.approx(3.2)


def test_spending_starts_at_zero(instrumentation: Instrumentation) -> None:
    """The paid operation is there before its first call."""
    assert samples(instrumentation, health.UPSTREAM_COST.name) == {("GetMetricData",): 0.0}
    instrumentation.spend("GetMetricData", 0.001)
    instrumentation.spend("GetMetricData", 0.002)
    spent = samples(instrumentation, health.UPSTREAM_COST.name)
    assert spent[("GetMetricData",)] == pytest.approx(0.003)


@pytest.mark.parametrize(("simulated", "mode", "flag"), [(True, "demo", 1.0), (False, "live", 0.0)])
def test_the_mode_is_told(simulated: bool, mode: str, flag: float) -> None:  # noqa: FBT001 (a table)
    """Nobody takes a simulated fleet for a real one."""
    made = Instrumentation(version="1", revision="r", simulated=simulated)
    assert samples(made, health.SIMULATED.name) == {(): flag}
    assert f'mode="{mode}"' in made.render()


def test_build_info_follows_boavizta(instrumentation: Instrumentation) -> None:
    """There is one series, before and after the server's version is known."""
    for version in ("", "2.5.0", "2.6.0"):
        instrumentation.set_boavizta_version(version)
        (family,) = (
            f
            for f in text_string_to_metric_families(instrumentation.render())
            if f.name == health.BUILD_INFO.name
        )
        (sample,) = family.samples
        assert sample.labels["boavizta_version"] == version
        assert sample.labels["version"] == "1.2.3"
        assert sample.labels["revision"] == "abc"


def test_no_created_series_and_no_global_state(
    instrumentation: Instrumentation, check_metrics: Callable[[bytes], str]
) -> None:
    """The library's defaults are neither used nor changed; promtool is content."""
    registered: Iterable[object] = list(prometheus_client.REGISTRY.collect())
    instrumentation.request("aws", "DescribeInstances", 0.2, None)
    text = instrumentation.render()
    assert "_created" not in text
    assert check_metrics(text.encode()) == ""
    assert not any("carbonfinops" in str(metric) for metric in registered)
    elsewhere = prometheus_client.Counter("elsewhere", "Elsewhere.", registry=None)
    assert any(s.name.endswith("_created") for m in elsewhere.collect() for s in m.samples)


def test_process_and_python_are_included(instrumentation: Instrumentation) -> None:
    """Memory, CPU, garbage collection and the Python version come along."""
    text = instrumentation.render()
    for name in ("process_resident_memory_bytes", "python_info", "python_gc_collections_total"):
        assert f"\n{name}" in text
