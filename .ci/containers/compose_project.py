"""The project's compose file as podman-compose can run it here: on the host's network.

What differs from the real file: no build (the image is there), no bridge network (names of services
are addresses on loopback), alerts that wait for seconds instead of minutes.
"""

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from alerting import hastened_rules

from engine import BASE, ROOT, Engine

HOSTS = ("exporter", "boaviztapi", "prometheus", "alertmanager", "grafana")
PROMETHEUS_IMAGE = "docker.io/prom/prometheus:v3.5.0"
ALERTMANAGER_IMAGE = "docker.io/prom/alertmanager:v0.28.1"
PROGRAMS: Mapping[str, tuple[tuple[str, ...], str]] = {
    PROMETHEUS_IMAGE: (("prometheus", "promtool"), "/prometheus"),
    ALERTMANAGER_IMAGE: (("prometheus-alertmanager", "amtool"), "/alertmanager"),
}
TEMPLATES = Path("/usr/share/prometheus/alertmanager")


def make_stand_ins(engine: Engine) -> None:
    """Images with Debian's binaries under the upstream names and paths."""
    for image, (programs, data) in PROGRAMS.items():
        if engine.has(image):
            continue
        context = engine.home / "stand-in"
        shutil.rmtree(context, ignore_errors=True)
        (context / "bin").mkdir(parents=True)
        for program in programs:
            name = program.removeprefix("prometheus-")
            shutil.copy(str(shutil.which(program)), context / "bin" / name)
        shutil.copytree(TEMPLATES, context / "templates")
        main = programs[0].removeprefix("prometheus-")
        (context / "Dockerfile").write_text(
            f"FROM {BASE}\nCOPY bin/ /bin/\nCOPY templates/ {TEMPLATES}/\n"
            f"RUN mkdir -p {data} && chown 65534:65534 {data}\nUSER 65534:65534\n"
            f'ENTRYPOINT ["/bin/{main}"]\n'
        )
        options = ("--format", "docker", "--isolation", "chroot", "--pull-never")
        engine.podman("build", *options, "-t", image, str(context))


class ComposeProject:
    """A copy of the project's files in ``folder``; services are started one by one."""

    def __init__(self, engine: Engine, program: str, folder: Path, image: str, hook: str) -> None:
        self._engine = engine
        self._program = program
        self._folder = folder
        shutil.copytree(ROOT / "grafana", folder / "grafana")
        shutil.copytree(ROOT / "prometheus", folder / "prometheus")
        shutil.rmtree(folder / "prometheus/rules")
        hastened_rules(folder / "prometheus/rules")
        self._hasten(hook)
        services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
        services["services"] = {
            name: _on_host(service, image) for name, service in services["services"].items()
        }
        (folder / "docker-compose.yml").write_text(yaml.safe_dump(services, sort_keys=False))

    def _hasten(self, hook: str) -> None:
        main = self._folder / "prometheus/prometheus.yml"
        text = main.read_text().replace("_interval: 1m", "_interval: 2s")
        main.write_text(text.replace("scrape_timeout: 30s", "scrape_timeout: 2s"))
        alerts = self._folder / "prometheus/alertmanager.yml"
        text = re.sub("127.0.0.1:9099", hook, alerts.read_text())
        text = text.replace("group_wait: 30s", "group_wait: 1s")
        alerts.write_text(text.replace("group_interval: 5m", "group_interval: 2s"))

    def up(self, service: str) -> str:
        """Start one service; the name of its container."""
        self._compose("up", "-d", "--no-build", "--no-deps", service)
        return f"carbonfinops_{service}_1"

    def finished(self, service: str) -> None:
        """Start one service and wait until it has done what it has to. Raises RuntimeError."""
        name = self.up(service)
        code = self._engine.podman("wait", name).stdout.strip()
        if code != "0":
            raise RuntimeError(f"{service}: {self._engine.podman('logs', name).stderr}")

    def down(self) -> None:
        """Remove everything, volumes too."""
        self._compose("down", "-v")

    def _compose(self, *arguments: str) -> None:
        done = subprocess.run(
            [self._program, "--in-pod=false", "--profile=demo", *arguments],
            env=self._engine.environment,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )
        if done.returncode:
            raise RuntimeError(f"podman-compose {arguments}:\n{done.stdout}\n{done.stderr}")


def _on_host(service: dict[str, Any], image: str) -> dict[str, Any]:
    kept = {
        key: value for key, value in service.items() if key not in {"build", "networks", "ports"}
    }
    if "build" in service:
        kept["image"] = image
    return kept | {
        "network_mode": "host",
        "extra_hosts": [f"{host}:127.0.0.1" for host in HOSTS],
    }
