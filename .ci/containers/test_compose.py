"""The demo of the compose file: a wall with a week of history, an alert that is heard of."""

import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest
from alerting import WebHook
from waiting import eventually

from compose_project import PROGRAM, ComposeProject, composed
from engine import ROOT, Engine
from prometheus_answers import results, value

PATIENCE_SECONDS = 90


@pytest.fixture(scope="module")
def project(
    engine: Engine, image: str, hook: WebHook, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposeProject]:
    """What the Prometheus of the demo depends on, itself, and Alertmanager."""
    parent = tmp_path_factory.mktemp("demo")
    with composed(engine, parent, "demo", image, hook.address) as project:
        project.bring_up("demo-prometheus", "alertmanager")
        yield project


def test_the_file_is_a_compose_file() -> None:
    """It follows the specification, to the last key."""
    checker = shutil.which("check-jsonschema", path=str(PROGRAM.parent))
    assert checker
    command = [checker, "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def test_the_wall_has_a_past_and_a_present(project: ComposeProject) -> None:
    """Recorded sums of three days ago, and of now, under the same labels."""
    assert project
    series = "fleet:carbonfinops_instance_power_watts:sum"
    now = eventually(lambda: value(series), PATIENCE_SECONDS, "power now")
    then = value(series, time.time() - 3 * 86400)
    assert then is not None
    assert now > 0
    assert then > 0
    up = eventually(lambda: value('up{job="carbonfinops"}'), PATIENCE_SECONDS, "up")
    assert up == 1


def test_an_alert_reaches_the_web_hook(project: ComposeProject, hook: WebHook) -> None:
    """The exporter stops, and somebody hears of it."""
    down = 'ALERTS{alertname="CarbonFinOpsExporterDown"}'
    up = 'up{job="carbonfinops"} == 1'
    # Alerts wait for seconds here: before the first scrape this one may have fired already.
    eventually(lambda: value(up) and not results(down), PATIENCE_SECONDS, "up, and no alert")
    hook.alerts.clear()
    begin = time.monotonic()
    project.stop("demo-exporter")
    alert = hook.awaited("CarbonFinOpsExporterDown", "firing", PATIENCE_SECONDS)
    print(f"\nat the web hook {time.monotonic() - begin:.0f} s after the stop")
    assert alert.annotations["runbook_url"].endswith("CarbonFinOpsExporterDown.md")
