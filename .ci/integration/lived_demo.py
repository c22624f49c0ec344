"""The demo as ``make demo`` starts it, with the history that Prometheus is given."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

from exporter_process import ROOT, clean_environment, free_address
from waiting import ended, eventually

DAYS = 35
INSTANCES = 24
SETTLED_SECONDS = 150
"""Two scrapes, and the rules that read what others have recorded of them."""


class LivedDemo:
    """An exporter without faults and a Prometheus; ``stop`` ends both."""

    def __init__(self, folder: Path) -> None:
        self.log_path = folder / "demo.log"
        self.exporter, self.address = free_address(), free_address()
        environment = clean_environment(folder, {}) | {
            "TMPDIR": str(folder),
            "DAYS": f"{DAYS}",
            "INSTANCES": f"{INSTANCES}",
            "DEMO_OPTIONS": "--faults off",
            "CARBONFINOPS_WEB__LISTEN_ADDRESS": self.exporter,
            "PROMETHEUS_ADDRESS": self.address,
            "HISTORY_ADDRESS": free_address(),
        }
        self._http = requests.Session()
        self._http.trust_env = False
        self.begun_at = time.time()
        with self.log_path.open("w") as log:
            self._process = subprocess.Popen(
                [str(ROOT / "prometheus/demo.sh"), sys.executable, "-m", "exporter"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._answers, 400, "a Prometheus with history")
        self.started_at = time.time()
        eventually(self._has_scraped, 120, "the first scrape by Prometheus")

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log_path.read_text()[-2000:]
        try:
            return self._http.get(f"http://{self.address}/-/ready", timeout=10).ok
        except requests.ConnectionError:
            return False

    def _has_scraped(self) -> bool:
        return bool(self.series('up{job="carbonfinops"} == 1', time.time()))

    def series(self, query: str, at: float) -> list[dict[str, str]]:
        """The label sets that a query has at an instant."""
        return [each["metric"] for each in self._ask(query, at)]

    def value(self, query: str, at: float) -> float:
        """The only value that a query has at an instant."""
        (found,) = self._ask(query, at)
        return float(found["value"][1])

    def _ask(self, query: str, at: float) -> list[dict[str, Any]]:
        return self.ask("query", query=query, time=at)

    def ask(self, path: str, **parameters: object) -> list[dict[str, Any]]:
        """The result of a query at an instant, or of a query over a range (``query_range``)."""
        answer = self._http.post(
            f"http://{self.address}/api/v1/{path}", data=parameters, timeout=60
        )
        body = answer.json()
        assert body["status"] == "success", body
        found: list[dict[str, Any]] = body["data"]["result"]
        return found

    def settled(self) -> float:
        """An instant at which every rule has seen live samples; waits for it."""
        at = self.started_at + SETTLED_SECONDS
        time.sleep(max(0.0, at - time.time()))
        return time.time()

    def stop(self) -> None:
        """End everything."""
        self._http.close()
        ended(self._process)
        left = list(self.log_path.parent.glob("tmp.*"))
        assert not left, f"temporary files stay behind: {left}"
