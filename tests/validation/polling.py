"""Running time by looking only: what an inventory polled now and then would add up."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

from exporter.core.billing import BilledAs
from exporter.core.reconciliation import ComputedUsage
from tests.validation.composition import DAY, DAYS, START_AT
from tests.validation.fleet import Fleet
from tests.validation.lives import Life


def polled_seconds(
    life: Life, since_at: float, until_at: float, interval_seconds: float, phase_seconds: float
) -> dict[str, float]:
    """Each poll that shows it running counts one interval, by the type it shows.

    Polls are at START_AT + phase + k x interval; those inside [since_at, until_at) count.
    """
    first_at = START_AT + phase_seconds
    found: dict[str, float] = {}
    for run in life.runs:
        low, high = max(run.start_at, since_at), min(run.end_at, until_at)
        if low < high:
            polls = _polls_before(high, first_at, interval_seconds)
            polls -= _polls_before(low, first_at, interval_seconds)
            if polls:
                seconds = found.get(run.instance_type, 0.0) + polls * interval_seconds
                found[run.instance_type] = seconds
    return found


def _polls_before(at: float, first_at: float, interval_seconds: float) -> int:
    """Number of polls before an instant, less some constant."""
    return math.ceil((at - first_at) / interval_seconds)


def polled_usage(
    fleet: Fleet, interval_seconds: float, phase_seconds: float
) -> Iterator[ComputedUsage]:
    """What would be computed of each account and day, at list and spot prices."""
    for number in range(DAYS):
        day_at = START_AT + number * DAY
        sums: dict[tuple[str, BilledAs], list[float]] = defaultdict(lambda: [0.0, 0.0])
        for life in fleet.lives:
            billed_as = BilledAs.SPOT if life.spot else BilledAs.ON_DEMAND
            amounts = sums[life.place.account_id, billed_as]
            polled = polled_seconds(life, day_at, day_at + DAY, interval_seconds, phase_seconds)
            for instance_type, seconds in polled.items():
                amounts[0] += seconds / 3600
                amounts[1] += seconds / 3600 * fleet.usd_per_hour(life, instance_type)
        for (account_id, billed_as), (hours, usd) in sums.items():
            yield ComputedUsage(account_id, day_at, billed_as, hours, usd, 0.0)


def phases(interval_seconds: float, count: int) -> Sequence[float]:
    """When the first poll is, evenly over the interval: nobody chooses it."""
    return tuple((number + 0.5) * interval_seconds / count for number in range(count))
