"""A Prometheus that is given a past: promtool makes the blocks, a live demo goes on from there."""

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exporter.cli import main
from tests.e2e.conftest import Exporter, free_port, until

INSTANCES = "20"
CONFIG = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: carbonfinops
    static_configs: [{{targets: ["{address}"]}}]
"""
OURS = '{__name__=~"carbonfinops_.+"}'


class Prometheus:
    """Answers of a server."""

    def __init__(self, address: str) -> None:
        self._address = address

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """An answer of the API."""
        url = f"http://{self._address}/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            body = answer.read()
            return dict(json.loads(body)) if body.startswith(b"{") else {}

    def is_ready(self) -> bool:
        """Whether it answers questions."""
        try:
            self.get("-/ready")
        except OSError:
            return False
        return True

    def series_at(self, at: float) -> set[frozenset[tuple[str, str]]]:
        """The labels of every series that has a value at an instant."""
        answer = self.get("api/v1/query", query=OURS, time=f"{at}")
        return {frozenset(each["metric"].items()) for each in answer["data"]["result"]}

    def value(self, query: str, at: float) -> float:
        """The only value of a query."""
        (found,) = self.get("api/v1/query", query=query, time=f"{at}")["data"]["result"]
        return float(found["value"][1])


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def live(start_exporter: Callable[..., Exporter]) -> Exporter:
    """A demo that has studied its scenarios."""
    exporter = start_exporter("demo", "--faults", "off", "--instances", INSTANCES)
    until(lambda: exporter.answers("/-/ready"), "the demo is ready")
    until(lambda: "carbonfinops_scenario_saving_ratio{" in exporter.get("/metrics"), "scenarios")
    return exporter


@pytest.fixture
def promtool(tool: Callable[[str], str]) -> str:
    """Reads what was written."""
    return tool("promtool")


@pytest.fixture
def begins_at(
    live: Exporter, promtool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> float:
    """Make three hours of the past; when they end and the present begins."""
    monkeypatch.setenv("CARBONFINOPS_STATE_DIR", str(tmp_path / "state"))
    history, now = str(tmp_path / "history.om"), time.time()
    options = ["--days", "0.125", "--instances", INSTANCES, "--instance", live.address]
    assert main(["backfill", *options, "--output", history]) == 0
    made = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=1458h", "openmetrics"]
    run(*made, history, str(tmp_path / "data"))

    rows = [
        row.split() for row in run(promtool, "tsdb", "list", str(tmp_path / "data")).split("\n")
    ]
    samples = sum(int(row[4]) for row in rows[1:] if row)
    lines = Path(history).read_text().splitlines()
    assert samples == sum(not line.startswith("#") for line in lines)
    return now


@pytest.fixture
def prometheus(live: Exporter, begins_at: float, tool: Callable[[str], str], tmp_path: Path):
    """Has the past on its disk, and scrapes the present."""
    assert begins_at
    config, address = tmp_path / "prometheus.yml", f"127.0.0.1:{free_port()}"
    config.write_text(CONFIG.format(address=live.address))
    flags = {
        "config.file": config,
        "storage.tsdb.path": tmp_path / "data",
        "storage.tsdb.retention.time": "60d",
        "web.listen-address": address,
    }
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [tool("prometheus"), *(f"--{name}={value}" for name, value in flags.items())],
            stderr=log,
        )
    server = Prometheus(address)
    until(server.is_ready, "Prometheus is ready")
    yield server
    process.kill()
    process.wait()


def test_the_past_joins_the_present(prometheus: Prometheus, begins_at: float) -> None:
    """The series go on with the same labels: none ends where the live samples begin."""
    count = "count(carbonfinops_instance_info)"
    scraped = 'count_over_time(carbonfinops_simulated[3s]) > 1 and on() up{job="carbonfinops"} == 1'
    until(
        lambda: bool(
            prometheus.get("api/v1/query", query=scraped, time=f"{time.time()}")["data"]["result"]
        ),
        "it scrapes",
    )
    now = time.time()

    past, present = prometheus.series_at(begins_at), prometheus.series_at(now)

    assert len(past) > 1000
    # An instance may have come or gone in between.
    assert len(past ^ present) < 0.05 * len(present)
    assert {dict(labels)["__name__"] for labels in past ^ present} <= {
        name for name in (dict(labels)["__name__"] for labels in present) if "_instance" in name
    }
    for at in (begins_at - 3 * 3600 + 60, begins_at - 5000, begins_at):
        assert prometheus.value(count, at) == pytest.approx(prometheus.value(count, now), abs=3)
        assert prometheus.value("carbonfinops_simulated", at) == 1
        assert prometheus.value("sum(carbonfinops_fleet_power_watts)", at) > 0
