"""The exporter inside this process, on a clock that the checks move, one thread for everything."""

import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Self
from unittest import mock

from exporter import app, upstreams
from exporter.configuration import load_settings
from exporter.core.fleet import Account
from exporter.core.trail import Trail
from exporter.sources.aws.events import CloudTrailEvents
from exporter.sources.live import LiveUpstreams
from exporter.sources.source import Source
from exporter.store import StateDirectory

from cloud_rig import live_settings
from exposition import Exposition
from timed_rig import TimedRig

STEP_SECONDS = 300.0
MOST_ROUNDS = 12
"""Discovery takes four rounds; a poke and what follows from it a few more."""

PREFIX = "CARBONFINOPS_"


class SteppedClock:
    """Stands still until it is advanced."""

    def __init__(self, wall_at: float) -> None:
        self._wall_at = wall_at
        self._monotonic = 5_000.0

    def wall(self) -> float:
        """Epoch seconds."""
        return self._wall_at

    def monotonic(self) -> float:
        """Seconds since some instant."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._wall_at += seconds
        self._monotonic += seconds


def _same_jitter() -> random.Random:
    return random.Random(7)  # noqa: S311 - the same in every run


class _InlineLane:
    """Runs each job at once."""

    def submit(self, job: Callable[[], None]) -> None:
        job()


class _HastyUpstreams(LiveUpstreams):
    """Reads CloudTrail without keeping the distance that only the real service asks for."""

    def trail(self, account: Account, region: str) -> Source[Trail]:
        return CloudTrailEvents(
            self._clients, account, region, wall=self._wall, pause=lambda _: None
        )


class SteppedExporter:
    """``serve`` without its threads and its port; state in ``home``, which may be used again.

    The rig's clock is set to the exporter's before every step. ``hasty`` leaves out the pauses
    between requests to CloudTrail: the rig must then have no limits. At the end of the context
    everything is written, and the state directory is free for the next one.
    """

    def __init__(
        self,
        rig: TimedRig,
        regions: str,
        home: Path,
        start_at: float,
        *,
        settings: Mapping[str, str] | None = None,
        hasty: bool = True,
    ) -> None:
        self.rig = rig
        self.state = home / "state"
        self.clock = SteppedClock(start_at)
        found = {**live_settings(rig, regions), **(settings or {})}
        own = {name: value for name, value in found.items() if name.startswith(PREFIX)}
        own |= {f"{PREFIX}STATE_DIR": str(self.state), f"{PREFIX}WEB__LISTEN_ADDRESS": "[::1]:0"}
        self.environment = {
            "HOME": str(home),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": str(home / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-credentials"),
            **{name: value for name, value in found.items() if not name.startswith(PREFIX)},
        }
        self._store = StateDirectory(self.state)
        self._tallied = 0
        with (
            mock.patch.dict(os.environ, self.environment),
            mock.patch.object(app, "ThreadLane", return_value=_InlineLane()),
            mock.patch.object(app, "random", SimpleNamespace(Random=_same_jitter)),
            mock.patch.object(
                upstreams, "LiveUpstreams", _HastyUpstreams if hasty else LiveUpstreams
            ),
        ):
            self.application = app.build(
                load_settings(own, dotenv=home / "no.env"),
                upstreams.live_upstreams,
                store=self._store,
                clock=self.clock,
            )

    @property
    def now(self) -> float:
        """Its clock, epoch seconds."""
        return self.clock.wall()

    def settle(self) -> None:
        """Ask whatever is due, and what that makes due."""
        with mock.patch.dict(os.environ, self.environment):
            self.rig.set_clock(self.now)
            for _ in range(MOST_ROUNDS):
                self.application.publisher.publish()
                self.application.scheduler.step()
                before, self._tallied = self._tallied, self._refreshes()
                if before == self._tallied:
                    return
        raise AssertionError(f"more is due after {MOST_ROUNDS} rounds")

    def _refreshes(self) -> int:
        tallies = self.application.scheduler.tallies.values()
        return sum(tally.refreshes for tally in tallies)

    def body(self) -> Exposition:
        """What a scrape gets now."""
        published = self.application.publisher.published
        return Exposition.of(published.exposition.identity().decode(), self.now)

    def run_until(self, at: float, step_seconds: float = STEP_SECONDS) -> None:
        """Step up to an instant, the last step as long as it takes."""
        while self.now < at:
            self.clock.advance(min(step_seconds, at - self.now))
            self.settle()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        publisher = self.application.publisher
        publisher.stop(wait_seconds=0)
        publisher.run()  # it ends at once, as it was told to, and writes everything
        self._store.__exit__()
