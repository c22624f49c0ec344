"""The page on remote write: what is recorded arrives in VictoriaMetrics, instances do not."""

import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from exporter_process import ROOT, ExporterProcess, free_address
from prometheus_server import PrometheusServer
from tests.docs.pages import Page
from waiting import ended, eventually

PAGE = Page(ROOT / "docs" / "how-to" / "remote-write.md")
INSTANCES = 400
MOST_SERIES = 2000
"""About 1,400, says the page; single instances would be 20 times as many as there are."""


class VictoriaMetrics:
    """A store that takes remote write; ``stop`` ends it."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("victoria-metrics")
        assert program, "victoria-metrics is not installed"
        self.address = free_address()
        self._log_path = folder / "store.log"
        with self._log_path.open("w") as log:
            self._process = subprocess.Popen(
                [
                    program,
                    f"-storageDataPath={folder / 'store'}",
                    f"-httpListenAddr={self.address}",
                    "-search.latencyOffset=0s",
                    "-loggerLevel=WARN",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._http = requests.Session()
        self._http.trust_env = False
        eventually(self._answers, 30, "VictoriaMetrics")

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log_path.read_text()
        try:
            return self._http.get(f"http://{self.address}/health", timeout=5).ok
        except requests.ConnectionError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        answer = self._http.get(
            f"http://{self.address}/api/v1/query", params={"query": expression}, timeout=10
        )
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def stop(self) -> None:
        """End the process."""
        self._http.close()
        ended(self._process)


@pytest.fixture(scope="module")
def store(ending: ExitStack, tmp_path_factory: pytest.TempPathFactory) -> VictoriaMetrics:
    store = VictoriaMetrics(tmp_path_factory.mktemp("store"))
    ending.callback(store.stop)
    return store


@pytest.fixture(scope="module")
def prometheus(
    ending: ExitStack, store: VictoriaMetrics, tmp_path_factory: pytest.TempPathFactory
) -> PrometheusServer:
    """It scrapes a demo, loads all rules, and writes as the page says."""
    place = tmp_path_factory.mktemp("exporter")
    options = ("demo", "--instances", str(INSTANCES), "--faults", "off")
    exporter = ExporterProcess(place, {}, *options)
    ending.callback(exporter.stop)
    shown = next(block for block in PAGE.blocks if block.language == "yaml").text
    configuration = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    configuration |= yaml.safe_load(
        re.sub(r"http://[\w.-]+:8428", f"http://{store.address}", shown)
    )
    configuration["global"] |= {"scrape_interval": "2s", "scrape_timeout": "2s"}
    configuration["global"] |= {"evaluation_interval": "2s"}
    configuration["rule_files"] = [f"{ROOT}/prometheus/rules/*.yml"]
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [exporter.address]}]
    del configuration["scrape_configs"][1:], configuration["alerting"]
    server = PrometheusServer(
        tmp_path_factory.mktemp("prometheus"), exporter.address, yaml.safe_dump(configuration)
    )
    ending.callback(server.stop)
    return server


def test_recorded_series_arrive(prometheus: PrometheusServer, store: VictoriaMetrics):
    """With the value that Prometheus has, and by tag."""
    name = "fleet:carbonfinops_instance_power_watts:sum"

    def same() -> bool:
        here, there = prometheus.query(name), store.query(name)
        if not (here and there):
            return False
        return float(there[0]["value"][1]) == pytest.approx(float(here[0]["value"][1]), rel=1e-9)

    eventually(same, 90, "the power of the fleet in the store")
    by_team = store.query("tag_team:carbonfinops_instance_running:sum")
    assert len({series["metric"].get("tag_team") for series in by_team}) > 1


def test_single_instances_stay_behind(prometheus: PrometheusServer, store: VictoriaMetrics):
    """Their number hardly matters to the store."""
    assert len(prometheus.query("carbonfinops_instance_info")) > INSTANCES / 2
    assert not store.query('{__name__=~"carbonfinops_instance_.+"}')
    (counted,) = store.query('count({__name__!=""})')
    print(f"{counted['value'][1]} series in the store")
    assert float(counted["value"][1]) < MOST_SERIES
