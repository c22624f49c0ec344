"""A copy of the project's compose file, and of what it mounts, as podman-compose can run it here.

What differs from the real file: no build (the image is there), images of others by tag (stand-ins
have digests of their own), no bridge network (names of services are addresses on loopback), alerts
that wait for seconds instead of minutes and are told to a web hook.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from alerting import hastened_rules

from engine import ROOT

HOSTS = ("exporter", "boaviztapi", "prometheus", "alertmanager", "grafana")
SETTINGS = """\
EXPORTER_LISTEN=127.0.0.1:10105
PROMETHEUS_LISTEN=127.0.0.1:9090
ALERTMANAGER_LISTEN=127.0.0.1:9093
ALERTMANAGER_CONFIG=./alertmanager.yml
"""

Services = Mapping[str, Mapping[str, Any]]


def copy_project(folder: Path, image: str, hook: str) -> Services:
    """Copy it into a new folder; the services as they are in the copy."""
    shutil.copytree(ROOT / "prometheus", folder / "prometheus")
    shutil.rmtree(folder / "prometheus/rules")
    hastened_rules(folder / "prometheus/rules")
    main = folder / "prometheus/prometheus.yml"
    text = main.read_text().replace("_interval: 1m", "_interval: 2s")
    main.write_text(text.replace("scrape_timeout: 30s", "scrape_timeout: 2s"))
    (folder / "alertmanager.yml").write_text(_receivers(hook))
    (folder / ".env").write_text(SETTINGS)
    content = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    services: dict[str, dict[str, Any]] = {
        name: _on_host(service, image) for name, service in content["services"].items()
    }
    text = yaml.safe_dump(content | {"services": services}, sort_keys=False)
    (folder / "docker-compose.yml").write_text(text)
    return services


def _receivers(hook: str) -> str:
    """A copy of the project's file with receivers of one's own, as a user makes it."""
    found = yaml.safe_load((ROOT / "prometheus/alertmanager.yml").read_text())
    found["route"] |= {"group_wait": "1s", "group_interval": "2s"}
    found["receivers"] = [
        {
            "name": receiver["name"],
            "webhook_configs": [{"url": f"http://{hook}/{receiver['name']}"}],
        }
        for receiver in found["receivers"]
    ]
    text: str = yaml.safe_dump(found)
    return text


def _on_host(service: Mapping[str, Any], image: str) -> dict[str, Any]:
    kept = {
        key: value for key, value in service.items() if key not in {"build", "networks", "ports"}
    }
    return kept | {
        "image": image if "build" in service else service["image"].partition("@")[0],
        "network_mode": "host",
        "extra_hosts": [f"{host}:127.0.0.1" for host in HOSTS],
    }
