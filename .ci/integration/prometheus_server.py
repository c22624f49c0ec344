"""A real Prometheus that scrapes one exporter."""

import subprocess
import time
from pathlib import Path
from typing import Any

import requests

from exporter_process import free_address
from waiting import ended, eventually

SCRAPE_SECONDS = 2

CONFIGURATION = """\
global:
  scrape_interval: {interval}s
  scrape_timeout: {interval}s
scrape_configs:
  - job_name: carbonfinops
    static_configs: [{{targets: ["{target}"]}}]
"""
REJECTED = (
    "prometheus_target_scrapes_sample_duplicate_timestamp_total",
    "prometheus_target_scrapes_sample_out_of_order_total",
    "prometheus_target_scrapes_sample_out_of_bounds_total",
    "prometheus_target_scrapes_exceeded_sample_limit_total",
    "prometheus_target_metadata_cache_entries_rejected_total",
    "prometheus_tsdb_out_of_order_samples_total",
)


class PrometheusServer:
    """Started at once, on the data in ``folder`` if there are any; ``stop`` ends it."""

    def __init__(self, folder: Path, target: str, text: str | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        configuration = folder / "prometheus.yml"
        default = CONFIGURATION.format(interval=SCRAPE_SECONDS, target=target)
        configuration.write_text(text or default)
        self.log_path = folder / "prometheus.log"
        self._address = free_address()
        with self.log_path.open("w") as log:
            self._process = subprocess.Popen(
                [  # noqa: S607 - the Prometheus of the machine is the one to test with
                    "prometheus",
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address={self._address}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._http = requests.Session()
        self._http.trust_env = False
        self.first_scrape_at = eventually(self._scraped, 40, "the first scrape by Prometheus")

    def _scraped(self) -> float | None:
        assert self._process.poll() is None, self.log_path.read_text()[-2000:]
        try:
            ready = self._http.get(f"http://{self._address}/-/ready", timeout=10).ok
            return time.time() if ready and self.query('up{job="carbonfinops"}') else None
        except requests.ConnectionError:
            return None

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The result of an instant query."""
        found: list[dict[str, Any]] = self._ask("query", {"query": expression})["result"]
        return found

    def scalar(self, expression: str) -> float | None:
        """The one value of an instant query, None if it is empty."""
        found = self.query(expression)
        assert len(found) <= 1, f"{expression}: {len(found)} results"
        return float(found[0]["value"][1]) if found else None

    def highest(self, expression: str, start_at: float, end_at: float) -> float | None:
        """The highest value that a range query finds, second by second."""
        query = {"query": expression, "start": start_at, "end": end_at, "step": 1}
        values = [
            float(value)
            for series in self._ask("query_range", query)["result"]
            for _, value in series["values"]
        ]
        return max(values, default=None)

    def rejected_samples(self) -> dict[str, float]:
        """Its own counters of samples that it refused."""
        lines = self._http.get(f"http://{self._address}/metrics", timeout=10).text.splitlines()
        pairs = (line.rpartition(" ") for line in lines if line.startswith(REJECTED))
        return {name: float(value) for name, _, value in pairs}

    def complaints(self) -> list[str]:
        """What its log says above the level of information."""
        lines = self.log_path.read_text().splitlines()
        return [line for line in lines if "level=warn" in line or "level=error" in line]

    def _ask(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.post(f"http://{self._address}/api/v1/{path}", data=query, timeout=20)
        assert answer.ok, answer.text[:300]
        found: dict[str, Any] = answer.json()["data"]
        return found

    def stop(self) -> None:
        """End the process."""
        self._http.close()
        ended(self._process)
