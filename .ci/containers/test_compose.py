"""The demo of the compose file: a wall with a week of history, an alert that is heard of."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from alerting import WebHook
from waiting import eventually

from compose_project import ComposeProject, make_stand_ins
from engine import ROOT, Engine

PROGRAM = Path(os.environ.get("CONTAINER_TOOLS", Path(sys.executable).parent)) / "podman-compose"
PATIENCE_SECONDS = 90


def value(query: str, at: float) -> float | None:
    """The one value of a query to the Prometheus of the file."""
    asked = urllib.parse.urlencode({"query": query, "time": at})
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:9090/api/v1/query?{asked}", timeout=5
        ) as got:
            found = json.load(got)["data"]["result"]
    except OSError:
        return None
    return float(found[0]["value"][1]) if found else None


@pytest.fixture(scope="module")
def hook() -> Iterator[WebHook]:
    """Who is told."""
    hook = WebHook()
    yield hook
    hook.stop()


@pytest.fixture(scope="module")
def project(
    engine: Engine, image: str, hook: WebHook, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ComposeProject]:
    """The services of the profile `demo`, in the order of their conditions."""
    make_stand_ins(engine)
    folder = tmp_path_factory.mktemp("compose") / "carbonfinops"
    folder.mkdir()
    project = ComposeProject(engine, str(PROGRAM), folder, image, hook.address)
    project.finished("demo-samples")
    project.finished("demo-history")
    for service in ("demo-exporter", "demo-prometheus", "alertmanager"):
        project.up(service)
    yield project
    project.down()


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
    now = eventually(lambda: value(series, time.time()), PATIENCE_SECONDS, "power now")
    then = value(series, time.time() - 3 * 86400)
    assert then is not None
    assert now > 0
    assert then > 0
    up = eventually(lambda: value('up{job="carbonfinops"}', time.time()), PATIENCE_SECONDS, "up")
    assert up == 1


def test_an_alert_reaches_the_web_hook(
    engine: Engine, project: ComposeProject, hook: WebHook
) -> None:
    """The exporter stops, and somebody hears of it."""
    assert project
    begin = time.monotonic()
    engine.podman("stop", "-t", "5", "carbonfinops_demo-exporter_1")
    alert = hook.awaited("CarbonFinOpsExporterDown", "firing", PATIENCE_SECONDS)
    print(f"\nat the web hook {time.monotonic() - begin:.0f} s after the stop")
    assert alert.annotations["runbook_url"].endswith("CarbonFinOpsExporterDown.md")
