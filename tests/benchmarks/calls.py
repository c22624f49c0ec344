"""Calls a day and what AWS bills for them, counted where they arrive.

The real roster, scheduler and sources run through a day of simulated time against upstreams on
the loopback that count every request. The other side is the same facts asked at every scrape.
"""

import json
import os
import random
import sys
from pathlib import Path
from typing import NamedTuple

from exporter.app import EMPTY_REGION, live_upstreams, siting
from exporter.configuration import load_settings
from exporter.core.provenance import SourceName
from exporter.core.units import SECONDS_PER_DAY
from exporter.exposition.instrumentation import Instrumentation
from exporter.refresh import Cadence
from exporter.roster import Roster
from exporter.scheduler import Scheduler
from exporter.settings import Settings
from tests.benchmarks.cloud import ACCOUNTS, OWN_KEY, STARTED_AT, TYPES, Fleet, LoopbackCloud
from tests.benchmarks.figures import ratio, result

INSTANCES = 100
SCRAPES_PER_DAY = 1440
# Amazon CloudWatch and AWS Cost Explorer price pages, us-east-1, 2026; all other calls are free.
USD_PER_METRIC = 0.01 / 1000
USD_PER_CLOUDWATCH_REQUEST = 0.01 / 1000
USD_PER_COST_EXPLORER_REQUEST = 0.01
COST_EXPLORER_PER_DAY = 24 / (6 * 0.85)
"""At an interval of 6 hours, begun at 80-90 % of it. The exporter does not ask it yet."""


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

    def submit(self, job) -> None:
        """Run it."""
        job()


class Day(NamedTuple):
    """What one day took."""

    calls: int
    cloudwatch_usd: float


class Naive(NamedTuple):
    """The same facts asked at every scrape, one request per fact."""

    calls: int
    cloudwatch_usd: float
    cost_explorer_usd: float


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
    roster = Roster(
        live_upstreams(settings, own, clock),
        cadence=lambda source: Cadence(
            settings.interval_seconds(source), settings.max_age_seconds(source)
        ),
        empty_region=EMPTY_REGION,
        grid_zone=lambda location: places.grid_zones.get(location, ""),
        scheduler=scheduler,
        store=None,
        clock=clock,
    )
    while clock.passed_seconds < SECONDS_PER_DAY:
        ended = False
        roster.reconcile()
        delay_seconds = scheduler.step()
        if not ended:  # else what was learnt may call for more at this very moment
            clock.passed_seconds += delay_seconds or 0.0
    return sum(tally.failures.total() for tally in scheduler.tallies.values())


def counted(name: str, fleet: Fleet, **variables: str) -> Day:
    """Poll for a day, print what arrived, and price it."""
    clock = SimulatedClock()
    cloud = LoopbackCloud(fleet, clock.wall)
    point_aws_at(cloud.url)
    failures = poll_for_a_day(settings_for(fleet, cloud.url, **variables), clock)
    cloud.close()
    day = Day(cloud.calls.total(), cloud.metrics_asked * USD_PER_METRIC)
    result(f"{name}: calls, USD a day", f"{day.calls:,} calls, {day.cloudwatch_usd:.3f} USD")
    by_operation = ", ".join(
        f"{operation.rpartition('/')[2]} {count}" for operation, count in cloud.calls.most_common()
    )
    print(f"    {by_operation}; {cloud.metrics_asked:,} metrics; {failures} failed refreshes")
    return day


def naive(fleet: Fleet) -> Naive:
    """One GetMetricStatistics per instance; one request per place, region, zone and type else."""
    regions = len(fleet.regions)
    per_scrape = (
        fleet.size  # GetMetricStatistics
        + 2 * len(fleet.places)  # DescribeInstances and DescribeSpotPriceHistory, one page each
        + regions * len(TYPES)  # GetProducts
        + regions  # Electricity Maps, latest only: one zone per region
        + len(TYPES)  # Boavizta, once per type
    )
    return Naive(
        per_scrape * SCRAPES_PER_DAY,
        fleet.size * SCRAPES_PER_DAY * USD_PER_CLOUDWATCH_REQUEST,
        SCRAPES_PER_DAY * USD_PER_COST_EXPLORER_REQUEST,
    )


def compare(name: str, ours: Day, other: Naive, *, goal: float) -> None:
    """Print the ratios with CPU alone, and with Cost Explorer on the naive side and on both."""
    fewer_percent = 100 * (1 - ours.calls / other.calls)
    met = "met" if fewer_percent > 80 else "MISSED"
    result(f"{name}: fewer calls", f"{fewer_percent:.2f} %", f"> 80 %: {met}")
    ratio(f"{name}: times fewer calls", other.calls / ours.calls)
    ratio(f"{name}: times cheaper, CPU alone", other.cloudwatch_usd / ours.cloudwatch_usd)
    dearer_usd = other.cloudwatch_usd + other.cost_explorer_usd
    with_billing_usd = ours.cloudwatch_usd + COST_EXPLORER_PER_DAY * USD_PER_COST_EXPLORER_REQUEST
    ratio(
        f"{name}: times cheaper, naive asks Cost Explorer too",
        dearer_usd / ours.cloudwatch_usd,
        at_least=goal,
    )
    ratio(f"{name}: the same, if ours asked it every 6 h", dearer_usd / with_billing_usd)


def main() -> None:
    """Print a day of both sizes of organization, with the default intervals and with 3 h CPU."""
    # Asking and answering take turns in this process: by default a turn may last 5 ms.
    sys.setswitchinterval(0.0002)
    for place, fleet in (
        ("1 account, 1 region", Fleet(INSTANCES, 1, ["eu-central-1"])),
        ("2 accounts x 3 regions", Fleet(INSTANCES, 2, ["eu-central-1", "eu-west-1", "us-east-1"])),
    ):
        other = naive(fleet)
        print(f"  {fleet.size} instances, {place}, one replaced every hour; first day, no state")
        result(
            "naive, every 60 s: calls, USD a day",
            f"{other.calls:,} calls, {other.cloudwatch_usd:.2f} USD"
            f" + {other.cost_explorer_usd:.2f} USD with Cost Explorer",
        )
        compare("CPU 15 min", counted("CPU 15 min", fleet), other, goal=100)
        slow = counted("CPU 3 h", fleet, TTL__CLOUDWATCH_CPU="3h")
        compare("CPU 3 h", slow, other, goal=300)


if __name__ == "__main__":
    main()
