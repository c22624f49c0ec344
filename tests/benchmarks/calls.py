"""Calls a day and what AWS bills for them, counted where they arrive.

The real roster, scheduler and sources run through days of simulated time against upstreams on
the loopback that count every request. The other side is the same facts asked at every scrape.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tests.benchmarks.cloud import LoopbackCloud
from tests.benchmarks.figures import ratio, result
from tests.benchmarks.organization import STARTED_AT, Fleet
from tests.benchmarks.polling import Poller, SteppedClock, point_aws_at, settings_for

INSTANCES = 100
SCRAPES_PER_DAY = 1440
DAYS = ("first day", "second day")
# Amazon CloudWatch and AWS Cost Explorer price pages, us-east-1, 2026; all other calls are free.
USD_PER_METRIC = 0.01 / 1000
USD_PER_CLOUDWATCH_REQUEST = 0.01 / 1000
USD_PER_COST_EXPLORER_PAGE = 0.01


class Day(NamedTuple):
    """What one day took."""

    name: str
    calls: int
    cloudwatch_usd: float
    cost_explorer_usd: float

    @property
    def usd(self) -> float:
        """What AWS bills."""
        return self.cloudwatch_usd + self.cost_explorer_usd


def counted(fleet: Fleet, **variables: str) -> Iterator[Day]:
    """Poll day by day, print what arrived, and price it."""
    clock = SteppedClock(STARTED_AT)
    cloud = LoopbackCloud(fleet, clock.wall)
    point_aws_at(cloud.url)
    poller = Poller(settings_for(fleet, cloud.url, **variables), clock)
    calls_before: Counter[str] = Counter()
    metrics_before, usd_before = 0, 0.0
    for name in DAYS:
        poller.poll_for_a_day()
        calls, metrics = cloud.calls - calls_before, cloud.metrics_asked - metrics_before
        calls_before, metrics_before = cloud.calls.copy(), cloud.metrics_asked
        published_usd, usd_before = poller.published_usd() - usd_before, poller.published_usd()
        print(f"  {name}: {_written(calls)}; {metrics:,} metrics")
        print(f"    {poller.failures()} failed refreshes so far, {published_usd:.4f} USD published")
        yield Day(
            name,
            calls.total(),
            metrics * USD_PER_METRIC,
            calls["GetCostAndUsage"] * USD_PER_COST_EXPLORER_PAGE,
        )
    print(f"    {poller.pauses.seconds:.0f} s of pauses for CloudTrail, all places together")
    cloud.close()


def _written(calls: Counter[str]) -> str:
    return ", ".join(f"{name.rpartition('/')[2]} {count}" for name, count in calls.most_common())


def naive(fleet: Fleet) -> Day:
    """One GetMetricStatistics per instance; else one request per place, price, zone or type.

    CloudTrail is left out: nobody asks it at every scrape, which would be six requests per place
    where two a second are allowed. They would be free of charge.
    """
    machines = [(place, each) for place in fleet.places for each in fleet.at(STARTED_AT, place)]
    prices = {(region, each.instance_type) for (_, region), each in machines if not each.spot}
    per_scrape = (
        len(machines)  # GetMetricStatistics
        + len(fleet.places)  # DescribeInstances, one page each
        + len({place for place, each in machines if each.spot})  # DescribeSpotPriceHistory
        + len(prices)  # GetProducts
        + len(fleet.regions)  # Electricity Maps, latest only: one zone per region
        + len({each.instance_type for _, each in machines})  # Boavizta, once per type
        + 1  # GetCostAndUsage
    )
    return Day(
        "every 60 s",
        per_scrape * SCRAPES_PER_DAY,
        fleet.size * SCRAPES_PER_DAY * USD_PER_CLOUDWATCH_REQUEST,
        SCRAPES_PER_DAY * USD_PER_COST_EXPLORER_PAGE,
    )


def compare(interval: str, ours: Day, other: Day, *, goal: float) -> None:
    """Print the ratios with Cost Explorer on both sides, and of CPU alone."""
    name = f"{interval}, {ours.name}"
    show(name, ours)
    fewer_percent = 100 * (1 - ours.calls / other.calls)
    met = "met" if fewer_percent > 80 else "MISSED"
    result(f"{name}: fewer calls", f"{fewer_percent:.2f} %", f"> 80 %: {met}")
    ratio(f"{name}: times fewer calls", other.calls / ours.calls)
    ratio(f"{name}: times cheaper", other.usd / ours.usd, at_least=goal)
    ratio(f"{name}: times cheaper, CPU alone", other.cloudwatch_usd / ours.cloudwatch_usd)
    without = other.cloudwatch_usd / ours.usd
    ratio(f"{name}: times cheaper than CPU alone, ours with both", without)


def show(name: str, day: Day) -> None:
    """Print calls and price."""
    price = f"{day.cloudwatch_usd:.4f} CloudWatch + {day.cost_explorer_usd:.2f} Cost Explorer"
    result(f"{name}: calls, USD a day", f"{day.calls:,} calls, {price} = {day.usd:.4f} USD")


def main() -> None:
    """Print two days of both sizes of organization, with the default intervals and with 3 h CPU."""
    # Asking and answering take turns in this process: by default a turn may last 5 ms.
    sys.setswitchinterval(0.0002)
    for place, fleet in (
        ("1 account, 1 region", Fleet(INSTANCES, 1, ["eu-central-1"])),
        ("2 accounts x 3 regions", Fleet(INSTANCES, 2, ["eu-central-1", "eu-west-1", "us-east-1"])),
    ):
        other = naive(fleet)
        print(f"  {fleet.size} instances, {place}, one replaced every hour; begun without state")
        show("naive, every 60 s", other)
        for day in counted(fleet):
            compare("CPU 15 min", day, other, goal=100)
        for day in counted(fleet, TTL__CLOUDWATCH_CPU="3h"):
            compare("CPU 3 h", day, other, goal=300)


if __name__ == "__main__":
    main()
