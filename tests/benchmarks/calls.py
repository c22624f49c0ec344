"""Calls a day and what AWS bills for them, counted where they arrive.

The real roster, scheduler and sources run through a day of simulated time against upstreams on
the loopback that count every request. The other side is the same facts asked at every scrape.
"""

import sys
from typing import NamedTuple

from tests.benchmarks.cloud import LoopbackCloud
from tests.benchmarks.figures import ratio, result
from tests.benchmarks.organization import STARTED_AT, Fleet
from tests.benchmarks.polling import SimulatedClock, point_aws_at, poll_for_a_day, settings_for

INSTANCES = 100
SCRAPES_PER_DAY = 1440
# Amazon CloudWatch and AWS Cost Explorer price pages, us-east-1, 2026; all other calls are free.
USD_PER_METRIC = 0.01 / 1000
USD_PER_CLOUDWATCH_REQUEST = 0.01 / 1000
USD_PER_COST_EXPLORER_REQUEST = 0.01
COST_EXPLORER_PER_DAY = 24 / (6 * 0.85)
"""At an interval of 6 hours, begun at 80-90 % of it. The exporter itself does not ask it."""


class Day(NamedTuple):
    """What one day took."""

    calls: int
    cloudwatch_usd: float


class Naive(NamedTuple):
    """The same facts asked at every scrape, one request per fact."""

    calls: int
    cloudwatch_usd: float
    cost_explorer_usd: float


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
    """One GetMetricStatistics per instance; else one request per place, price, zone or type."""
    machines = [(place, each) for place in fleet.places for each in fleet.at(STARTED_AT, place)]
    prices = {(region, each.instance_type) for (_, region), each in machines if not each.spot}
    per_scrape = (
        len(machines)  # GetMetricStatistics
        + len(fleet.places)  # DescribeInstances, one page each
        + len({place for place, each in machines if each.spot})  # DescribeSpotPriceHistory
        + len(prices)  # GetProducts
        + len(fleet.regions)  # Electricity Maps, latest only: one zone per region
        + len({each.instance_type for _, each in machines})  # Boavizta, once per type
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
