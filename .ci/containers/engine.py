"""A container engine without a daemon and without registries, and stand-ins for images of others.

Needs root, podman, runc, catatonit and debootstrap. Debian's own Python 3.11 takes the place of the
Dockerfile's base, and Debian's Prometheus and Alertmanager that of the upstream images: what is
checked is our Dockerfile and our compose file, not the images of others.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASE = "docker.io/library/python:3.11.15-slim-bookworm"
PACKAGES = "python3,python3-venv,python3-pip,python-is-python3,ca-certificates"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

STORAGE = """\
[storage]
driver = "overlay"
runroot = "{home}/run"
graphroot = "{home}/graph"
"""
CONTAINERS = """\
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc=32768:32768"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""


class Engine:
    """podman with a storage of its own in ``home``; what was made there before is used again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True)
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        (home / "storage.conf").write_text(STORAGE.format(home=home))
        (home / "containers.conf").write_text(CONTAINERS.format(files=files))
        self.environment: Mapping[str, str] = os.environ | {
            "CONTAINERS_STORAGE_CONF": f"{home}/storage.conf",
            "CONTAINERS_CONF": f"{home}/containers.conf",
        }

    def podman(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of podman; its output as text."""
        done = subprocess.run(
            ["podman", *arguments],  # noqa: S607 - the machine's own
            env=self.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if check and done.returncode:
            raise RuntimeError(f"podman {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}")
        return done

    def has(self, image: str) -> bool:
        """Whether there is such an image."""
        return self.podman("image", "exists", image, check=False).returncode == 0

    def make_base(self) -> None:
        """Import Debian's Python 3.11 under the name of the Dockerfile's base."""
        if self.has(BASE):
            return
        tree = self.home / "base"
        shutil.rmtree(tree, ignore_errors=True)
        subprocess.run(
            ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(tree)],  # noqa: S607
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for spare in (
            *tree.glob("usr/lib/python3*/EXTERNALLY-MANAGED"),
            *tree.glob("var/cache/apt/archives/*.deb"),
            *tree.glob("var/lib/apt/lists/*_*"),
        ):
            spare.unlink()
        # What the machine trusts: pip asks through it.
        shutil.copy(AUTHORITIES, tree / AUTHORITIES.relative_to("/"))
        trusted = [f"ENV {name}={AUTHORITIES}" for name in ("PIP_CERT", "SSL_CERT_FILE")]
        changes = [part for line in ('CMD ["python3"]', *trusted) for part in ("--change", line)]
        with subprocess.Popen(
            ["tar", "-C", str(tree), "-c", "."],  # noqa: S607
            stdout=subprocess.PIPE,
        ) as tar:
            subprocess.run(
                ["podman", "import", "-q", *changes, "-", BASE],  # noqa: S607
                env=self.environment,
                stdin=tar.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        shutil.rmtree(tree)

    def build(self, tag: str, *, context: Path = ROOT, **arguments: str) -> None:
        """Build an image of a folder, on what is there already."""
        options = [part for pair in arguments.items() for part in ("--build-arg", "=".join(pair))]
        chosen = ["--format", "docker", "--isolation", "chroot", "--pull-never"]
        self.podman("build", *chosen, *options, "-t", tag, str(context))

    def size_megabytes(self, image: str) -> float:
        """Of all its layers."""
        return int(self.podman("image", "inspect", "--format", "{{.Size}}", image).stdout) / 1e6
