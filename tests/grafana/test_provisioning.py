import re
from typing import Any

import yaml

from tests.grafana.queries import SCRAPE_SECONDS
from tests.prometheus.rulebook import FOLDER, PROJECT

PROVISIONING = PROJECT / "grafana" / "provisioning"


def load(kind: str) -> Any:
    return yaml.safe_load((PROVISIONING / kind / "carbonfinops.yml").read_text(encoding="utf-8"))


def test_the_data_source_is_named_by_the_environment():
    """One Prometheus with a fixed uid; it is not edited, and goes with its file."""
    found = load("datasources")
    (source,) = found["datasources"]
    assert (found["apiVersion"], found["prune"]) == (1, True)
    assert (source["uid"], source["type"]) == ("carbonfinops", "prometheus")
    assert source["url"] == "${PROMETHEUS_URL}"
    assert (source["isDefault"], source["editable"]) == (True, False)
    assert source["jsonData"]["manageAlerts"] is False


def test_graphs_are_as_fine_as_the_scrapes():
    """Steps, and the ranges of rates, come from the interval that the data source is told."""
    scrape = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["global"]["scrape_interval"]
    (source,) = load("datasources")["datasources"]
    assert source["jsonData"]["timeInterval"] == scrape == f"{SCRAPE_SECONDS // 60}m"


def test_nobody_edits_or_deletes_a_dashboard_in_the_browser():
    """The files are what is shown, half a minute after they change."""
    found = load("dashboards")
    (provider,) = found["providers"]
    assert found["apiVersion"] == 1
    assert (provider["disableDeletion"], provider["allowUiUpdates"]) == (True, False)
    assert provider["updateIntervalSeconds"] == 30
    assert provider["options"]["path"] == "/etc/grafana/dashboards"


def test_the_environment_is_asked_for_the_address_only():
    """Grafana has no defaults for variables: each is one more that must be set."""
    text = "".join(path.read_text() for path in PROVISIONING.rglob("*.yml"))
    assert re.findall(r"\$\{(\w+)\}", text) == ["PROMETHEUS_URL"]
