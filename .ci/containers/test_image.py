"""The image of the Dockerfile, as an orchestrator runs it."""

import time
import urllib.request

import pytest

from engine import BASE, Engine

IMAGE = "localhost/carbonfinops-exporter:ci"
ADDRESS = "127.0.0.1:33810"
HARDENED = ("--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--network=host")
STOP_SECONDS = 2.0
INSTALLERS = """
from importlib.util import find_spec
print([name for name in ("pip", "setuptools", "wheel", "ensurepip") if find_spec(name)])
"""


@pytest.fixture(scope="module")
def running(engine: Engine, image: str):
    """A demo in a container that may do nothing but what it must."""
    engine.podman("rm", "-f", "ci-exporter", check=False)
    engine.podman(
        "run", "-d", "--name=ci-exporter", *HARDENED,
        f"--env=CARBONFINOPS_WEB__LISTEN_ADDRESS={ADDRESS}", image, "demo", "--instances=20",
    )  # fmt: skip
    yield "ci-exporter"
    engine.podman("rm", "-f", "ci-exporter", check=False)


def metrics() -> str:
    with urllib.request.urlopen(f"http://{ADDRESS}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def eventually_metrics(text: str) -> str:
    deadline = time.monotonic() + 30
    while True:
        try:
            found = metrics()
        except OSError:
            found = ""
        if text in found:
            return found
        assert time.monotonic() < deadline, f"no {text} within 30 s"
        time.sleep(0.2)


def test_it_serves_metrics_and_knows_its_revision(running: str) -> None:
    """A fleet is shown by a program that says which commit it is."""
    assert running
    found = eventually_metrics("carbonfinops_fleet_power_watts ")
    assert 'revision="0123abc"' in found


def test_it_is_healthy(engine: Engine, running: str) -> None:
    """The health check of the image succeeds."""
    eventually_metrics("carbonfinops_build_info")
    engine.podman("healthcheck", "run", running)


def test_it_runs_as_nobody(engine: Engine, running: str) -> None:
    """A numeric user without a name, on a file system that nobody can write to."""
    who = engine.podman(
        "exec", running, "python3", "-c", "import os; print(os.getuid(), os.getgid())"
    )
    assert who.stdout.split() == ["65532", "65532"]
    written = engine.podman("exec", running, "sh", "-c", "echo x > /opt/x", check=False)
    assert written.returncode != 0


def test_nothing_is_compiled_at_the_start(engine: Engine, image: str) -> None:
    """Every module of ours has its bytecode beside it."""
    listing = engine.podman(
        "run", "--rm", "--network=host", "--entrypoint=sh", image, "-c",
        "cd /opt/carbonfinops/lib/python3*/site-packages/exporter"
        " && find . -name '*.py' | wc -l && find . -name '*.pyc' | wc -l",
    ).stdout.split()  # fmt: skip
    assert listing[0] == listing[1]
    assert int(listing[0]) > 100


def test_it_has_the_labels(engine: Engine, image: str) -> None:
    """OCI labels say what it is."""
    label = '{{index .Labels "org.opencontainers.image.revision"}}'
    assert engine.podman("image", "inspect", "--format", label, image).stdout.strip() == "0123abc"


@pytest.mark.parametrize("python", ["sys.executable", "sys._base_executable"])
def test_it_has_no_installer(engine: Engine, image: str, python: str) -> None:
    """Neither the environment's Python nor the base's knows pip or its like."""
    listing = engine.podman(
        "run", "--rm", "--network=host", "--entrypoint=sh", image, "-c",
        f"$(python3 -c 'import sys; print({python})') -c '{INSTALLERS}'",
    ).stdout  # fmt: skip
    assert listing.strip() == "[]"


def test_the_image_is_small(engine: Engine, image: str) -> None:
    """What we add to the base is under 60 MB."""
    ours, base = engine.size_megabytes(image), engine.size_megabytes(BASE)
    print(f"\nimage: {ours:.0f} MB, of which the base {base:.0f} MB")
    assert ours - base < 60


def test_it_stops_when_it_is_told(engine: Engine, running: str) -> None:
    """SIGTERM ends it within two seconds, with exit code 0."""
    eventually_metrics("carbonfinops_build_info")
    begin = time.monotonic()
    engine.podman("stop", "-t", "10", running)
    took_seconds = time.monotonic() - begin
    print(f"\nstopped after {took_seconds:.1f} s")
    code = engine.podman("inspect", "--format", "{{.State.ExitCode}}", running).stdout.strip()
    assert code == "0"
    assert took_seconds < STOP_SECONDS
