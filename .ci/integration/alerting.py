"""The project's own Prometheus and Alertmanager configuration, run in seconds instead of hours."""

import json
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import requests
import yaml

from exporter_process import ROOT, free_address
from waiting import ended, eventually

PROMETHEUS = ROOT / "prometheus"
UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
FOR = re.compile(r"^(\s+for: )(\d+)(ms|s|m|h|d)$", re.MULTILINE)
SCALE = 360
SHORTEST_SECONDS = 4
"""Two scrapes: one that is lost on a busy machine is no outage."""


def hastened_rules(folder: Path) -> Path:
    """Copies of all rules whose alerts wait 360 times shorter; windows and limits stay."""
    folder.mkdir()
    for source in (PROMETHEUS / "rules").glob("*.yml"):
        (folder / source.name).write_text(FOR.sub(_hastened, source.read_text()))
    return folder


def _hastened(found: re.Match[str]) -> str:
    seconds = float(found[2]) * UNITS[found[3]] / SCALE
    return f"{found[1]}{max(round(seconds), SHORTEST_SECONDS)}s"


def prometheus_configuration(rules: Path, exporter: str, alertmanager: str) -> str:
    """The project's, with these addresses, scraping and evaluating every second or two."""
    found: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    found["global"] |= {
        "scrape_interval": "2s",
        "scrape_timeout": "2s",
        "evaluation_interval": "1s",
    }
    found["rule_files"] = [str(rules / "*.yml")]
    found["scrape_configs"] = [
        job | {"static_configs": [{"targets": [exporter]}]}
        for job in found["scrape_configs"]
        if job["job_name"] == "carbonfinops"
    ]
    found["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
    return yaml.safe_dump(found)


def backfill(folder: Path, data: Path, series: Mapping[str, float], days: int) -> None:
    """Write constant series of the job, a sample every 30 seconds up to now."""
    now = int(time.time()) - 30
    instants = range(now - days * 86400, now, 30)
    lines: list[str] = []
    for name, value in series.items():
        lines.append(f"# TYPE {name} gauge")
        lines += [f'{name}{{job="carbonfinops"}} {value!r} {at}' for at in instants]
    history = folder / "history.om"
    history.write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(
        [  # noqa: S607 - the one of the machine is to be used
            "promtool",
            "tsdb",
            "create-blocks-from",
            "--max-block-duration=1458h",
            "-q",
            "openmetrics",
            str(history),
            str(data),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )


class Alert(NamedTuple):
    """What a message said of one alert."""

    status: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def name(self) -> str:
        """Which alert."""
        return self.labels["alertname"]


class WebHook:
    """Stands for the on-call person: keeps every alert of every message, in order."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        received = self.alerts

        class Receiver(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.extend(
                    Alert(found["status"], found["labels"], found["annotations"])
                    for found in json.loads(body)["alerts"]
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def awaited(self, name: str, status: str, limit_seconds: float) -> Alert:
        """The first message that says this of an alert."""
        what = f"{name} {status}; there came {[(a.name, a.status) for a in self.alerts]}"
        return eventually(
            lambda: next((a for a in self.alerts if (a.name, a.status) == (name, status)), None),
            limit_seconds,
            what,
        )

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class AlertmanagerServer:
    """The project's configuration, without its pauses; ``stop`` ends it."""

    def __init__(self, folder: Path, hook: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        found: dict[str, Any] = yaml.safe_load((PROMETHEUS / "alertmanager.yml").read_text())
        found["route"] |= {"group_wait": "1s", "group_interval": "2s"}
        for receiver in found["receivers"]:
            for target in receiver["webhook_configs"]:
                target["url"] = f"http://{hook}/{receiver['name']}"
        configuration = folder / "alertmanager.yml"
        configuration.write_text(yaml.safe_dump(found))
        self.log_path = folder / "alertmanager.log"
        self.address = free_address()
        with self.log_path.open("w") as log:
            self._process = subprocess.Popen(
                [  # noqa: S607 - the Alertmanager of the machine is the one to test with
                    "prometheus-alertmanager",
                    f"--config.file={configuration}",
                    f"--storage.path={folder / 'data'}",
                    f"--web.listen-address={self.address}",
                    "--cluster.listen-address=",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        eventually(self._ready, 30, "an Alertmanager that is ready")

    def _ready(self) -> bool:
        assert self._process.poll() is None, self.log_path.read_text()[-2000:]
        try:
            return requests.get(f"http://{self.address}/-/ready", timeout=5).ok
        except requests.ConnectionError:
            return False

    def stop(self) -> None:
        """End the process."""
        ended(self._process)
