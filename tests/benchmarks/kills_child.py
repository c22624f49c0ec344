"""The exporter as a program of its own, on a clock that runs many times faster than the machine's.

``python -m tests.benchmarks.kills_child SCENE``, SCENE in JSON. Its first line says that it begins;
then one line after each publication that has changed a counter: the time, and what a scrape gets.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from exporter.app import Application, build
from exporter.configuration import load_settings
from exporter.core.evidence import MeteredRun, PlaceCpu
from exporter.core.fleet import Account, Place
from exporter.core.provenance import Scope, SourceName
from exporter.logs import configure_logging
from exporter.refresh import Clock
from exporter.settings import Settings
from exporter.simulation.source import SimulatedSource
from exporter.simulation.upstreams import SimulatedUpstreams
from exporter.sources.aws.cpu_poll import CpuPoll, run_key
from exporter.sources.source import RequestObserver
from exporter.store import StateDirectory

BEGINS = "begins"
LOOK_SECONDS = 0.002
LONGEST_WAIT_SECONDS = 0.05
CPU_INTERVAL_SECONDS = 900.0
TTL = {
    "CLOUDWATCH_CPU": f"{CPU_INTERVAL_SECONDS:g}s",
    "CLOUDTRAIL_EVENTS": "6h",  # a quarter of the default: that much sooner all is told
    "ELECTRICITY_MAPS_HISTORY": "30m",
}
COUNTERS = (b"carbonfinops_accrual_skipped_seconds_total{", b"carbonfinops_fleet_")


@dataclass(frozen=True, slots=True)
class Scene:
    """What all lives share: state directory, simulated cloud, and time.

    ``speed`` simulated seconds pass in one of the machine's; at ``origin_seconds`` of its
    monotonic clock, which all processes share, it is ``origin_at`` (epoch seconds) in the scene.
    """

    folder: str
    seed: int
    instances: int
    speed: float
    origin_seconds: float
    origin_at: float

    def to_json(self) -> str:
        """For the command line of a child."""
        return json.dumps(asdict(self))


class AcceleratedClock:
    """The clock of a scene: it goes on while nobody lives."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def wall(self) -> float:
        """Epoch seconds."""
        elapsed_seconds = time.monotonic() - self._scene.origin_seconds
        return self._scene.origin_at + elapsed_seconds * self._scene.speed

    def monotonic(self) -> float:
        """Seconds since some instant."""
        return time.monotonic() * self._scene.speed


class AcceleratedEvent(threading.Event):
    """Waits as long as the scene's clock takes.

    Work takes as long as ever, and so many times too long by the scene's clock: what is to be
    rested in proportion to it is therefore cut short.
    """

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for so many simulated seconds at most."""
        seconds = LONGEST_WAIT_SECONDS if timeout is None else timeout / self._speed
        return super().wait(min(seconds, LONGEST_WAIT_SECONDS))


class StubbornCloud(SimulatedUpstreams):
    """The simulated cloud, its CPU points asked for in the way of the real source.

    The demo tells whoever knows nothing of 74 hours, and so would make good what a kill has lost.
    """

    def cpu(
        self, account: Account, region: str, metered: Callable[[], tuple[MeteredRun, ...]]
    ) -> SimulatedSource[PlaceCpu]:
        """Ask for what is new of the runs that are due."""
        place = Place(account.account_id, region)

        def answer(at: float, previous: PlaceCpu | None) -> PlaceCpu:
            poll = CpuPoll.after(previous, at, CPU_INTERVAL_SECONDS)
            runs = {run_key(run): run for run in metered()}
            due = {key: run for key, run in runs.items() if poll.is_due(run)}
            start_at = poll.start_at(due.values())
            polled = {
                key: poll.entry(run, self._percent(run, start_at, poll.end_at))
                for key, run in due.items()
            }
            entries = {**poll.known, **polled}
            return PlaceCpu(place, tuple(entries[key] for key in sorted(runs) if key in entries))

        return self._source(SourceName.CLOUDWATCH_CPU, Scope(*place), answer)

    def _percent(self, run: MeteredRun, start_at: float, end_at: float) -> dict[float, float]:
        points = self.world.cpu_points(run.instance.instance_id, start_at, end_at)
        return {point.start_at: point.utilization_percent for point in points}


def wired(scene: Scene, clock: AcceleratedClock, store: StateDirectory) -> Application:
    """The exporter's own wiring."""

    def upstreams(settings: Settings, _: RequestObserver, clock: Clock) -> SimulatedUpstreams:
        del settings
        return StubbornCloud(
            seed=scene.seed, wall=clock.wall, faults=None, instances=scene.instances
        )

    known = {f"CARBONFINOPS_TTL__{source}": interval for source, interval in TTL.items()}
    known |= {"CARBONFINOPS_WEB__LISTEN_ADDRESS": "127.0.0.1:0"}
    settings = load_settings(known, dotenv=Path("/dev/null"))
    application = build(settings, upstreams, store=store, simulated=True, clock=clock)
    application.scheduler._wake = AcceleratedEvent(scene.speed)
    application.publisher._stopped = AcceleratedEvent(scene.speed)
    return application


def counters(body: bytes) -> list[str]:
    """The samples of the counters in a scrape's body."""
    lines = (line for line in body.splitlines() if line.startswith(COUNTERS))
    return [line.decode() for line in lines if b"_total{" in line]


def show(application: Application, clock: AcceleratedClock) -> NoReturn:
    """Print the counters whenever they have changed, until killed."""
    published, shown = None, None
    while True:
        if application.publisher.published is not published:
            published = application.publisher.published
            found = counters(published.exposition.identity())
            if found != shown:
                shown = found
                print(json.dumps([clock.wall(), found]), flush=True)
        time.sleep(LOOK_SECONDS)


def main() -> None:
    """Keep books until killed."""
    scene = Scene(**json.loads(sys.argv[1]))
    clock = AcceleratedClock(scene)
    configure_logging("info", "logfmt")
    print(BEGINS, flush=True)
    with StateDirectory(Path(scene.folder)) as store:
        application = wired(scene, clock, store)
        application.start()
        show(application, clock)


if __name__ == "__main__":
    main()
