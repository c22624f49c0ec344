"""A whole exporter whose grid source hangs: ``python -m tests.benchmarks.hanging``.

Everything but that source is the demo. The first line is the port.
"""

import sys
import threading
from pathlib import Path
from typing import NoReturn

from exporter.app import build
from exporter.configuration import load_settings
from exporter.core.provenance import Scope, SourceName
from exporter.demo import demo_defaults
from exporter.refresh import Clock
from exporter.settings import Settings
from exporter.simulation.upstreams import SimulatedUpstreams
from exporter.sources.source import RequestObserver


class HangingSource:
    """A source that never answers, and never gives up either."""

    name = SourceName.ELECTRICITY_MAPS

    def __init__(self, grid_zone: str) -> None:
        self.scope = Scope(grid_zone=grid_zone)

    def fetch(self, previous: object) -> NoReturn:
        """Hang."""
        del previous
        while True:
            threading.Event().wait()


class HangingGrid(SimulatedUpstreams):
    """The simulated cloud, but for the newest carbon intensity."""

    def grid_intensity(self, grid_zone: str) -> HangingSource:  # type: ignore[override]  # another class, the same protocol
        """A source that hangs."""
        return HangingSource(grid_zone)


def upstreams(settings: Settings, observer: RequestObserver, clock: Clock) -> HangingGrid:
    """Make the upstreams of this benchmark."""
    del settings, observer
    return HangingGrid(wall=clock.wall, faults=None, cpu_interval_seconds=60)


def main() -> None:
    """Serve until killed."""
    listen = {"CARBONFINOPS_WEB__LISTEN_ADDRESS": "127.0.0.1:0"}
    settings = load_settings({**demo_defaults(100), **listen}, dotenv=Path("/dev/null"))
    application = build(settings, upstreams, store=None, simulated=True)
    application.server.start()
    application.start()
    print(application.server.port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
