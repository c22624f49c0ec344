"""The exporter's pod as the chart makes it, played by podman on the host's network.

What differs from a cluster: no published ports and no Service, since podman refuses ports on the
host's network; Secrets are folders of the host, since podman knows no projected volumes; health
checks are asked for by the checks, since podman leaves them to systemd.
"""

import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from waiting import eventually

from engine import Engine

PLAYED = {"ConfigMap", "PersistentVolumeClaim", "Deployment"}
START_SECONDS = 30


class PlayedPod:
    """A pod that runs, and how to ask it."""

    def __init__(
        self, engine: Engine, deployment: dict[str, Any], tls: ssl.SSLContext | None
    ) -> None:
        self.name = f"{deployment['metadata']['name']}-pod-0-exporter"
        self.container = deployment["spec"]["template"]["spec"]["containers"][0]
        (port,) = self.container.pop("ports")
        self._engine = engine
        self._tls = tls
        self._address = f"{'https' if tls else 'http'}://127.0.0.1:{port['containerPort']}"

    def ask(self, path: str) -> tuple[int, str]:
        """The status and text of one answer. Raises OSError where there is none."""
        try:
            url = f"{self._address}{path}"
            with urllib.request.urlopen(url, timeout=5, context=self._tls) as got:  # noqa: S310 - ours
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics_with(self, text: str) -> str:
        """The metrics, once there is a line that begins so."""
        try:
            return eventually(lambda: self._metrics_with(text), START_SECONDS, text)
        except AssertionError as error:
            raise AssertionError(f"{error}; the log:\n{self.log[-2000:]}") from None

    def _metrics_with(self, text: str) -> str:
        try:
            found = self.ask("/metrics")[1]
        except OSError:
            return ""
        return found if f"\n{text}" in found else ""

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside."""
        return self._engine.podman("exec", self.name, *command, check=False)

    @property
    def log(self) -> str:
        """Everything it printed."""
        return self._engine.podman("logs", self.name, check=False).stderr

    def stop(self) -> int:
        """End it as a cluster does, with the grace that the chart gives; its exit code."""
        self._engine.podman("stop", self.name)
        form = "{{.State.ExitCode}}"
        return int(self._engine.podman("inspect", "--format", form, self.name).stdout)


@contextmanager
def played(
    engine: Engine,
    objects: Sequence[Any],
    place: Path,
    *,
    secrets: Mapping[str, Path] | None = None,
    tls: ssl.SSLContext | None = None,
) -> Iterator[PlayedPod]:
    """Play what podman understands of these objects; nothing is left in the end.

    ``secrets`` are the folders that stand for volumes of Secrets; ``tls`` is how to ask the pod.
    """
    kept = [made for made in objects if made["kind"] in PLAYED]
    (deployment,) = (made for made in kept if made["kind"] == "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    pod["hostNetwork"] = True
    for volume in pod["volumes"]:
        if volume.pop("projected", None):
            volume["hostPath"] = {"path": str((secrets or {})[volume["name"]])}
    running = PlayedPod(engine, deployment, tls)
    file = place / "pod.yaml"
    file.write_text(yaml.safe_dump_all(kept))
    try:
        engine.podman("kube", "play", str(file))
        yield running
    finally:
        engine.podman("kube", "down", str(file), check=False)
        engine.podman("volume", "rm", "-f", deployment["metadata"]["name"], check=False)
