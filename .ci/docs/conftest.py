"""Where what is shared with the other checks is found, by paths without detours."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

CHECKS = Path(__file__).resolve().parents[1]
sys.path[1:1] = [str(CHECKS / "integration"), str(CHECKS.parent)]


@pytest.fixture(scope="module")
def ending() -> Iterator[ExitStack]:
    """Ends what the checks of one module started, in reverse order, whatever happens."""
    with ExitStack() as stack:
        yield stack
