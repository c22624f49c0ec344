"""Waiting for something to become true, and for moments at which nothing flips."""

import subprocess
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

CALM_SECONDS = 75.0


def eventually(
    probe: Callable[[], T | None], limit_seconds: float, what: str, pause_seconds: float = 0.2
) -> T:
    """The first truthy answer of ``probe``. Raises AssertionError that says what never came."""
    deadline_at = time.monotonic() + limit_seconds
    while True:
        found = probe()
        if found:
            return found
        if time.monotonic() >= deadline_at:
            raise AssertionError(f"not within {limit_seconds:.0f} s: {what}")
        time.sleep(pause_seconds)


def calm_moment() -> None:
    """Wait until no full hour is due, nor the quarter after it.

    Schedules start and stop instances at full hours, prices change at some of them, and an
    instance started at a full hour stops being too young a quarter later.
    """
    for minute in (60, 15):
        left = (minute * 60 - time.time() - 5) % 3600
        if left < CALM_SECONDS:
            time.sleep(left + 10)


def ended(process: "subprocess.Popen[Any]") -> None:
    """Ask a process to end, and make it."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
