"""Days of polling in simulated time: the real roster, scheduler and sources."""

import json
import os
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

from prometheus_client.parser import text_string_to_metric_families

from exporter.app import SELDOM
from exporter.cells import Cells
from exporter.configuration import load_settings
from exporter.core.provenance import SourceName
from exporter.core.units import SECONDS_PER_DAY
from exporter.exposition.instrumentation import Instrumentation
from exporter.location import siting
from exporter.refresh import Cadence
from exporter.roster import Roster
from exporter.scheduler import Scheduler
from exporter.settings import Settings
from exporter.sources.aws.events import CloudTrailEvents
from exporter.upstreams import live_upstreams
from tests.benchmarks.organization import ACCOUNTS, OWN_KEY, Fleet


class SteppedClock:
    """Both clocks of a time that passes as fast as it can."""

    def __init__(self, started_at: float) -> None:
        self.passed_seconds = 0.0
        self._started_at = started_at

    def wall(self) -> float:
        """Epoch seconds."""
        return self._started_at + self.passed_seconds

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.passed_seconds


class Pauses:
    """Only added up: a real exporter makes them on a thread of their own."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def pause(self, seconds: float) -> None:
        """Leave so much time between two requests."""
        self.seconds += seconds

    def timer(self) -> float:
        """Seconds of all pauses."""
        return self.seconds


class InlineLane:
    """Runs a job at once."""

    def submit(self, job: Callable[[], None]) -> None:
        """Run it."""
        job()


def settings_for(fleet: Fleet, url: str, **variables: str) -> Settings:
    """Everything at one address; the first account owns the base credentials."""
    roles = [
        {"role_arn": f"arn:aws:iam::{account}:role/carbonfinops"}
        for account in ACCOUNTS[1:]
        if (account, fleet.regions[0]) in fleet.places
    ]
    known = {
        "AWS__REGIONS": ",".join(fleet.regions),
        "AWS__ACCOUNTS": json.dumps(roles),
        "ELECTRICITY_MAPS__BASE_URL": url,
        "ELECTRICITY_MAPS__TOKEN": "made-up",
        "BOAVIZTA__BASE_URL": url,
        "CURRENCY__ECB_URL": f"{url}/daily.xml",
    }
    environment = {f"CARBONFINOPS_{name}": value for name, value in (known | variables).items()}
    return load_settings(environment, dotenv=Path(os.devnull))


def point_aws_at(url: str) -> None:
    """Keep botocore away from the machine's own configuration and from the internet."""
    os.environ |= {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": OWN_KEY,
        "AWS_SECRET_ACCESS_KEY": "made-up",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        os.environ.pop(name, None)


class Poller:
    """A new exporter without any state, whose days pass as fast as they can."""

    def __init__(self, settings: Settings, clock: SteppedClock) -> None:
        self.pauses = Pauses()
        self._clock = clock
        self._own = Instrumentation(version="0", revision="", simulated=False)
        self._ended = False
        lane = InlineLane()
        self._scheduler = Scheduler(
            clock,
            dict.fromkeys(SourceName, lane),
            self._note,
            random.Random(7),  # noqa: S311 - jitter
        )
        places = siting(settings)
        cells = Cells(
            live_upstreams(settings, self._own, clock),
            cadence=lambda source: Cadence(
                settings.interval_seconds(source), settings.max_age_seconds(source)
            ),
            seldom=SELDOM,
            scheduler=self._scheduler,
            store=None,
            clock=clock,
        )
        self._roster = Roster(
            cells,
            grid_zone=lambda location: places.grid_zones.get(location, ""),
            scheduler=self._scheduler,
            clock=clock,
            cpu_interval_seconds=settings.interval_seconds(SourceName.CLOUDWATCH_CPU),
        )

    def poll_for_a_day(self) -> None:
        """Let one more day pass."""
        ends_at = self._clock.passed_seconds + SECONDS_PER_DAY
        pauses = self.pauses  # CloudTrail allows two requests a second
        unhurried = partial(CloudTrailEvents, pause=pauses.pause, timer=pauses.timer)
        with mock.patch("exporter.sources.live.CloudTrailEvents", unhurried):
            while self._clock.passed_seconds < ends_at:
                self._ended = False
                self._roster.reconcile()
                delay_seconds = self._scheduler.step()
                if not self._ended:  # else what was learnt may call for more at this very moment
                    self._clock.passed_seconds += delay_seconds or 0.0

    def failures(self) -> int:
        """Refreshes that failed so far."""
        return sum(tally.failures.total() for tally in self._scheduler.tallies.values())

    def published_usd(self) -> float:
        """What the exporter itself says that its calls have cost."""
        name = "carbonfinops_upstream_cost_usd_total"
        return sum(
            sample.value
            for family in text_string_to_metric_families(self._own.render())
            for sample in family.samples
            if sample.name == name
        )

    def _note(self) -> None:
        self._ended = True
