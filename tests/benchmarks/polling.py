"""A day of polling in simulated time: the real roster, scheduler and sources."""

import json
import os
import random
from collections.abc import Callable
from pathlib import Path

from exporter.app import SELDOM, live_upstreams, siting
from exporter.cells import Cells
from exporter.configuration import load_settings
from exporter.core.provenance import SourceName
from exporter.core.units import SECONDS_PER_DAY
from exporter.exposition.instrumentation import Instrumentation
from exporter.refresh import Cadence
from exporter.roster import Roster
from exporter.scheduler import Scheduler
from exporter.settings import Settings
from tests.benchmarks.organization import ACCOUNTS, OWN_KEY, STARTED_AT, Fleet


class SimulatedClock:
    """Both clocks of a day that passes as fast as it can."""

    def __init__(self) -> None:
        self.passed_seconds = 0.0

    def wall(self) -> float:
        """Epoch seconds."""
        return STARTED_AT + self.passed_seconds

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self.passed_seconds


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


def poll_for_a_day(settings: Settings, clock: SimulatedClock) -> int:
    """Run the first day of a new exporter, without any state; the number of failed refreshes."""
    ended = False

    def note() -> None:
        nonlocal ended
        ended = True

    own = Instrumentation(version="0", revision="", simulated=False)
    lane = InlineLane()
    scheduler = Scheduler(clock, dict.fromkeys(SourceName, lane), note, random.Random(7))  # noqa: S311 - jitter
    places = siting(settings)
    cells = Cells(
        live_upstreams(settings, own, clock),
        cadence=lambda source: Cadence(
            settings.interval_seconds(source), settings.max_age_seconds(source)
        ),
        seldom=SELDOM,
        scheduler=scheduler,
        store=None,
        clock=clock,
    )
    roster = Roster(
        cells,
        grid_zone=lambda location: places.grid_zones.get(location, ""),
        scheduler=scheduler,
        clock=clock,
        cpu_interval_seconds=settings.interval_seconds(SourceName.CLOUDWATCH_CPU),
    )
    while clock.passed_seconds < SECONDS_PER_DAY:
        ended = False
        roster.reconcile()
        delay_seconds = scheduler.step()
        if not ended:  # else what was learnt may call for more at this very moment
            clock.passed_seconds += delay_seconds or 0.0
    return sum(tally.failures.total() for tally in scheduler.tallies.values())
