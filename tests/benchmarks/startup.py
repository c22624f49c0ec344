"""How soon /metrics answers while every upstream hangs, how soon SIGTERM ends it, and restarts."""

import tempfile
import time
from pathlib import Path
from unittest import mock

from exporter.app import Application, build, state_directory
from exporter.configuration import load_settings
from exporter.upstreams import simulated_upstreams
from tests.benchmarks.child import Child
from tests.benchmarks.figures import Spread, below, result
from tests.benchmarks.polling import InlineLane, SteppedClock
from tests.benchmarks.serving import (
    POLL_SECONDS,
    BlackHole,
    get,
    series_of,
    serving,
)

RUNS = 5
RESTART_SIZES = (100, 10_000)
HANG_SECONDS = 1.0
"""After this long every source that is due has asked, and hangs."""
LIVED_SECONDS = 3600.0
STEP_SECONDS = 900.0
"""Before a warm restart the exporter has polled CPU points for an hour."""

SCRAPING_SECONDS = 10.0
BETWEEN_SCRAPES_SECONDS = 0.01


def cold_starts(hole: BlackHole) -> None:
    """Nothing known, nothing answers."""
    starts, ends = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder, serving(hole.url, Path(folder)) as exporter:
            starts.append(exporter.seconds_until(frozenset()))
            time.sleep(HANG_SECONDS)
            ends.append(exporter.seconds_to_end())
    below("all upstreams hang: process start to first /metrics", Spread.of(starts), 1.0)
    below("all upstreams hang: SIGTERM to exit", Spread.of(ends), 2.0)


def warm_start(hole: BlackHole, instances: int) -> None:
    """Everything known from before, nothing answers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = fill_state(folder, instances)
        megabytes = sum(path.stat().st_size for path in folder.glob("*.json")) / 1e6
        hole.connections()
        with serving(hole.url, folder) as exporter:
            seconds = exporter.seconds_until(expected)
            time.sleep(HANG_SECONDS)
            result(
                f"warm restart, {instances:,} instances: start to complete /metrics",
                f"{1e3 * seconds:,.0f} ms, {len(expected):,} series, "
                f"{hole.connections()} connections to upstreams",
            )
            now, most = exporter.resident_megabytes()
            memory = f"{now:,.0f} MB, at most {most:,.0f} MB"
            result(f"its memory; state files of {megabytes:,.0f} MB", memory)


def fill_state(folder: Path, instances: int) -> frozenset[bytes]:
    """Leave the state of a simulated fleet behind; its series that must be there again."""
    settings = load_settings({"CARBONFINOPS_STATE_DIR": str(folder)}, dotenv=folder / "none")
    clock = SteppedClock(time.time() - LIVED_SECONDS)
    with (
        state_directory(settings) as store,
        mock.patch("exporter.app.ThreadLane", return_value=InlineLane()),
    ):
        make = simulated_upstreams(7, instances, faults=None)
        application = build(settings, make, store=store, simulated=True, clock=clock)
        refresh(application)
        while clock.passed_seconds < LIVED_SECONDS:
            clock.passed_seconds += STEP_SECONDS
            refresh(application)
        application.publisher.stop(0.0)
        application.publisher.run()  # stopped already: it only writes what is not yet written
        shown = series_of(application.publisher.published.exposition.identity())
    kinds = ("instance", "fleet", "grid", "time_alignment", "billed", "reconciliation", "accrual")
    prefixes = tuple(f"carbonfinops_{kind}_".encode() for kind in kinds)
    return frozenset(series for series in shown if series.startswith(prefixes))


def refresh(application: Application) -> None:
    """Ask whatever is due, and what that makes due."""
    before = -1
    while before != _refreshes(application):
        before = _refreshes(application)
        application.publisher.publish()
        application.scheduler.step()


def _refreshes(application: Application) -> int:
    return sum(tally.refreshes for tally in application.scheduler.tallies.values())


def scrapes_while_hanging() -> None:
    """The demo's fleet, refreshed all the time, with one source that never comes back."""
    with Child("tests.benchmarks.hanging") as child:
        port = int(child.ready)
        while b"carbonfinops_instance_power_watts{" not in get(port, "/metrics"):
            time.sleep(POLL_SECONDS)
        seconds = []
        ends_at = time.monotonic() + SCRAPING_SECONDS
        while time.monotonic() < ends_at:
            asked_at = time.monotonic()
            get(port, "/metrics")
            seconds.append(time.monotonic() - asked_at)
            time.sleep(BETWEEN_SCRAPES_SECONDS)
    below("one upstream hangs, 10 s: wall time of a scrape", Spread.of(seconds), 0.1)


def main() -> None:
    """Print all of it."""
    hole = BlackHole()
    cold_starts(hole)
    for instances in RESTART_SIZES:
        warm_start(hole, instances)
    scrapes_while_hanging()


if __name__ == "__main__":
    main()
