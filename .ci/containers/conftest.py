"""One engine, and one image of the Dockerfile, for all checks."""

import os
import shutil
from pathlib import Path

import pytest

from engine import BASE, Engine

IMAGE = "localhost/carbonfinops-exporter:ci"
PROGRAMS = ("podman", "runc", "debootstrap")


@pytest.fixture(scope="session")
def engine() -> Engine:
    """podman, with a base to build on. Kept in CONTAINERS_HOME between runs."""
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        pytest.exit(f"missing: {', '.join(missing)}", returncode=1)
    engine = Engine(Path(os.environ.get("CONTAINERS_HOME", "/var/tmp/carbonfinops-containers")))  # noqa: S108
    engine.make_base()
    return engine


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """The exporter's image, as the Dockerfile says."""
    engine.build(IMAGE, PYTHON_IMAGE=BASE, REVISION="0123abc")
    return IMAGE
