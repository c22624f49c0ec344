"""What goes wrong reaches a web hook as the right alert, and only it; recovery resolves it.

A real exporter, Prometheus and Alertmanager with the project's rules and configuration. Only how
long a condition must last is shortened, by a program; the promtool tests hold the true durations.
The fleet's week before is written by the checks, at the power it has when they begin.
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from alerting import (
    SHORTEST_SECONDS,
    AlertmanagerServer,
    WebHook,
    backfill,
    hastened_rules,
    prometheus_configuration,
)
from cloud_rig import CloudRig, live_settings
from conftest import LOGS, StartExporter, StartRig
from exporter_process import ExporterProcess, free_address
from lane import ACCOUNT
from prometheus_server import PrometheusServer
from waiting import calm_moment, eventually

REGION = "eu-central-1"
ZONE = "DE"
IDLE_PERCENT, BUSY_PERCENT = 3, 60
"""CPU before, and while the fleet draws about three times as much."""

INSTANCES = [
    {
        "id": f"i-{number:017x}",
        "account": ACCOUNT,
        "region": REGION,
        "type": "m5.large",
        "const": IDLE_PERCENT,
        "events": [{"at": "-5h", "action": "run"}],
    }
    for number in range(1, 21)
]
HASTE = {
    "CARBONFINOPS_AWS__COST_EXPLORER": "false",
    "CARBONFINOPS_TTL__EC2_INVENTORY": "2s",
    "CARBONFINOPS_TTL__CLOUDWATCH_CPU": "5s",
    "CARBONFINOPS_TTL__ELECTRICITY_MAPS": "2s",
    "CARBONFINOPS_MAX_AGE__ELECTRICITY_MAPS": "8s",
}
SPIKE, STALE, DOWN = (
    f"CarbonFinOps{name}" for name in ("CarbonSpike", "SourceStale", "ExporterDown")
)


@dataclass
class Watch:
    """Everything that runs, and what it told the on-call person."""

    rig: CloudRig
    exporter: ExporterProcess
    prometheus: PrometheusServer
    hook: WebHook

    def firing(self) -> set[str]:
        """What fires, inhibited or not."""
        found = self.prometheus.query('ALERTS{alertstate="firing"}')
        return {series["metric"]["alertname"] for series in found}

    def told(self, name: str) -> tuple[str, Mapping[str, str]]:
        """The text and labels of an alert that has come, and nothing else has."""
        alert = self.hook.awaited(name, "firing", 45)
        assert self.firing() == {name}
        assert {found.name for found in self.hook.alerts} == {name}
        assert f"/docs/runbooks/{name}.md" in alert.annotations["runbook_url"]
        return alert.annotations["description"], alert.labels

    def resolved(self, name: str) -> None:
        """Wait for the end of an alert; nothing else may have come."""
        self.hook.awaited(name, "resolved", 45)
        assert self.firing() == set()
        assert {found.name for found in self.hook.alerts} == {name}
        self.hook.alerts.clear()


def usual(exporter: ExporterProcess) -> dict[str, float]:
    """What the fleet draws and emits now, by the names it is recorded under."""

    def total(name: str) -> float | None:
        found = exporter.scrape().by_name.get(name, ())
        return sum(s.value for s in found) if len(found) == len(INSTANCES) else None

    power, emissions = (
        eventually(lambda: total(f"instance_{name}"), 30, f"{name} of every instance")  # noqa: B023 - called at once
        for name in ("power_watts", "emissions_grams_per_hour")
    )
    return {
        "fleet:carbonfinops_instance_power_watts:sum": power,
        "fleet:carbonfinops_instance_power_with_emissions_watts:sum": power,
        "fleet:carbonfinops_instance_emissions_grams_per_hour:sum": emissions,
        "fleet:carbonfinops_covered:min": 1.0,
    }


@pytest.fixture(scope="module")
def settings(start_rig: StartRig, folder: Callable[[str], Path]) -> tuple[CloudRig, dict[str, str]]:
    calm_moment()
    world = folder("world") / "world.json"
    world.write_text(json.dumps({"replace": True, "instances": INSTANCES}))
    rig = start_rig("--accounts", "1", "--regions", REGION, "--world", str(world))
    address = {"CARBONFINOPS_WEB__LISTEN_ADDRESS": free_address()}
    return rig, {**live_settings(rig, REGION), **HASTE, **address}


@pytest.fixture(scope="module")
def home(folder: Callable[[str], Path]) -> Path:
    return folder("exporter")


@pytest.fixture(scope="module")
def watch(
    settings: tuple[CloudRig, dict[str, str]],
    home: Path,
    start_exporter: StartExporter,
    ending: ExitStack,
    folder: Callable[[str], Path],
) -> Watch:
    rig, environment = settings
    exporter = start_exporter(environment, home=home)
    hook = WebHook()
    ending.callback(hook.stop)
    alertmanager = AlertmanagerServer(folder("alertmanager"), hook.address)
    ending.callback(alertmanager.stop)
    place = folder("prometheus")
    rules = hastened_rules(place / "rules")
    backfill(place, place / "data", usual(exporter), days=8)
    prometheus = PrometheusServer(
        place,
        exporter.address,
        prometheus_configuration(rules, exporter.address, alertmanager.address),
    )
    ending.callback(prometheus.stop)
    LOGS.extend((prometheus.log_path, alertmanager.log_path))
    return Watch(rig, exporter, prometheus, hook)


def test_more_power_is_told_with_its_cause_and_ends_with_it(watch: Watch):
    """Nothing fires at the power of the week before; at more it does, of usage, not of the grid."""
    ratio = (
        "fleet:carbonfinops_instance_power_watts:sum"
        " / fleet:carbonfinops_instance_power_watts:reference"
    )
    assert eventually(lambda: watch.prometheus.scalar(ratio), 20, "the reference") < 1.1
    time.sleep(2 * SHORTEST_SECONDS)
    assert watch.firing() == set()

    watch.rig.change("cpu", ids=[instance["id"] for instance in INSTANCES], const=BUSY_PERCENT)
    text, labels = watch.told(SPIKE)
    times = watch.prometheus.scalar(ratio)
    assert times is not None
    assert times > 2
    assert labels["severity"] == "warning"
    assert text.startswith(f"Power is {times:.1f} times the largest of its references ")
    assert " g/h by usage, +0 g/h by the grid." in text

    watch.rig.change("cpu", ids=[instance["id"] for instance in INSTANCES], const=IDLE_PERCENT)
    watch.resolved(SPIKE)


def test_a_lost_grid_is_told_with_its_zone_and_ends_with_it(watch: Watch):
    """The grid's provider fails: its zone is stale, and no other alert repeats that."""
    watch.rig.fail(upstream="electricitymaps", mode="http503")
    text, labels = watch.told(STALE)
    assert (labels["source"], labels["grid_zone"]) == ("electricity_maps", ZONE)
    assert labels["severity"] == "warning"
    assert text.startswith(f"electricity_maps for grid zone {ZONE} last answered ")
    gaps = 'carbonfinops_estimate_gaps{quantity="emissions"}'
    assert eventually(lambda: watch.prometheus.query(gaps), 10, "gaps")

    watch.rig.mend()
    watch.resolved(STALE)


def test_a_stopped_exporter_is_told_by_its_address_and_ends_with_its_start(
    watch: Watch,
    settings: tuple[CloudRig, dict[str, str]],
    home: Path,
    start_exporter: StartExporter,
):
    """Without the exporter that alone is told; it starts again, and all is well."""
    watch.exporter.stop()
    text, labels = watch.told(DOWN)
    assert labels["severity"] == "critical"
    assert f"; {watch.exporter.address} does not answer." in text

    watch.exporter = start_exporter(settings[1], home=home)
    watch.resolved(DOWN)
