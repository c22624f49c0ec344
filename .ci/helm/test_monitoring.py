"""What the chart gives to Prometheus and Grafana."""

import json

import pytest
import yaml
from chart import CHART, ROOT, Helm

from manifests import Manifests, Object

ANNOTATION_BYTES_LIMIT = 256 * 1024
"""`kubectl apply` keeps the object it was given in an annotation; longer ones are refused."""

GROUP_KEYS = {"name", "interval", "rules", "limit", "labels", "query_offset"}
RULE_KEYS = {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
"""What the operator's definition of a PrometheusRule has: others it would drop, or refuse."""

RULES = sorted(CHART.glob("files/rules/*.yml"))
DASHBOARDS = sorted(CHART.glob("files/dashboards/*.json"))


@pytest.fixture(scope="module")
def made(all_manifests: dict[str, Manifests]) -> Manifests:
    """Everything on."""
    return all_manifests["operator"]


@pytest.fixture(scope="module")
def monitor(made: Manifests) -> Object:
    """How it is scraped."""
    return dict(made.one("ServiceMonitor")["spec"])


def test_nothing_is_made_unasked(all_manifests: dict[str, Manifests]) -> None:
    """A cluster without the operator does not know these kinds."""
    kinds = {found["kind"] for found in all_manifests["defaults"].objects}
    assert not kinds & {"ServiceMonitor", "PrometheusRule"}
    assert len(all_manifests["defaults"].of("ConfigMap")) == 1


def test_the_monitor_finds_the_service(made: Manifests, monitor: Object) -> None:
    """By its labels, in its namespace, on its port."""
    service = made.one("Service")
    wanted = monitor["selector"]["matchLabels"].items()
    found = [one for one in made.of("Service") if wanted <= one["metadata"]["labels"].items()]
    assert found == [service]
    assert monitor["namespaceSelector"] == {"matchNames": ["watch"]}
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_it_is_scraped_as_the_example_configuration_does(monitor: Object) -> None:
    """The same interval and limit, and over what the exporter speaks."""
    example = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text())
    (endpoint,) = monitor["endpoints"]
    assert endpoint["interval"] == example["global"]["scrape_interval"]
    assert endpoint["scrapeTimeout"] == example["global"]["scrape_timeout"]
    assert monitor["sampleLimit"] == example["scrape_configs"][0]["sample_limit"]
    assert endpoint["scheme"] == "https"
    assert endpoint["tlsConfig"]["ca"]["secret"]["name"] == "certificate"
    assert endpoint["basicAuth"]["username"] == {"name": "scrape", "key": "user"}


def test_a_restart_goes_on_with_the_same_series(monitor: Object) -> None:
    """Only `job` and `instance` are left, and neither has to do with the pod."""
    job, instance, dropped = monitor["endpoints"][0]["relabelings"]
    assert job == {"targetLabel": "job", "replacement": "carbonfinops"}
    assert instance == {
        "targetLabel": "instance",
        "replacement": "ci-carbonfinops-exporter.watch:10105",
    }
    assert dropped["action"] == "labeldrop"
    assert set(dropped["regex"].split("|")) == {
        "pod",
        "container",
        "endpoint",
        "service",
        "namespace",
    }


def test_every_rule_is_that_of_its_file(made: Manifests) -> None:
    """One object for each file, with the same groups: no template has touched them."""
    rules = [found["spec"] for found in made.of("PrometheusRule")]
    assert rules == [yaml.safe_load(file.read_text()) for file in RULES]
    assert len(RULES) > 10


def test_the_operator_knows_every_key(made: Manifests) -> None:
    """It has a definition of its own, which is not at hand: the keys are checked by hand."""
    for found in made.of("PrometheusRule"):
        assert found["metadata"]["labels"]["release"] == "kube-prometheus-stack"
        assert found["spec"].keys() == {"groups"}
        for group in found["spec"]["groups"]:
            assert group.keys() <= GROUP_KEYS
            assert all(rule.keys() <= RULE_KEYS for rule in group["rules"])


def test_every_dashboard_is_that_of_its_file(made: Manifests) -> None:
    """One ConfigMap for each, labelled for Grafana's sidecar."""
    boards = made.of("ConfigMap", "dashboards")
    assert len(boards) == len(DASHBOARDS)
    for board, file in zip(boards, DASHBOARDS, strict=True):
        assert board["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert board["metadata"]["annotations"] == {"grafana_folder": "CarbonFinOps"}
        assert board["metadata"]["namespace"] == "grafana"
        ((name, text),) = board["data"].items()
        assert name == f"carbonfinops-{file.name}"
        assert json.loads(text) == json.loads(file.read_text())


def test_every_object_can_be_applied(made: Manifests) -> None:
    """Its copy fits into the annotation of `kubectl apply`."""
    sizes = {found["metadata"]["name"]: len(json.dumps(found)) for found in made.objects}
    largest = max(sizes, key=lambda name: sizes[name])
    print(f"\nlargest object: {largest}, {sizes[largest] / 1e3:.0f} kB")
    assert sizes[largest] < ANNOTATION_BYTES_LIMIT


@pytest.mark.parametrize(
    ("interval", "timeout"),
    [("30s", "30s"), ("1m", "59s"), ("1m30s", "90s"), ("1h", "60m"), ("1s", "1000ms")],
)
def test_a_scrape_may_last_as_long_as_its_interval(helm: Helm, interval: str, timeout: str) -> None:
    """Whatever the units."""
    chosen = {"enabled": True, "interval": interval, "scrapeTimeout": timeout}
    made = Manifests(helm.objects({"serviceMonitor": chosen}))
    (endpoint,) = made.one("ServiceMonitor")["spec"]["endpoints"]

    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == (interval, timeout)
