"""One engine, and one image of the Dockerfile, for all checks.

What is shared with the other checks is found by paths without detours.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CHECKS = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(CHECKS / "integration"), str(CHECKS.parent)]

from alerting import WebHook  # noqa: E402 - as above

from engine import BASE, Engine  # noqa: E402 - as above

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


@pytest.fixture(scope="module")
def hook() -> Iterator[WebHook]:
    """Who is told of alerts."""
    hook = WebHook()
    yield hook
    hook.stop()
