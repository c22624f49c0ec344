"""What tests of every kind share."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator

import pytest


@pytest.fixture
def tool() -> Callable[[str], str]:
    """The path of a program; the test is skipped where it is missing, unless REQUIRE_TOOLS."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None:
            if os.environ.get("REQUIRE_TOOLS"):
                pytest.fail(f"{name} is not installed")
            pytest.skip(f"{name} is not installed")
        return path

    return find


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Programs that a test starts take SIGINT, even where the tests run in the background."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)
