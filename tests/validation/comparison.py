"""Ways to tell the running time, compared with the composed bill by the exporter's own rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.core.billing import BilledAs
from exporter.core.reconciliation import Reconciliation, reconcile
from tests.validation.bill import FETCHED_AT, NO_DISCOUNTS, Discounts, composed_bill
from tests.validation.observation import Observation
from tests.validation.polling import phases, polled_usage

INTERVALS = {
    "polled every 5 minutes": 300.0,
    "polled every hour": 3600.0,
    "polled every 3 hours": 10800.0,
}
PHASES = 12
"""Starting points of the polls, evenly over the interval."""

EXPORTER = "exporter"

_ByAccount = Mapping[str, Reconciliation]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One way: results by account, one mapping for each starting point of its polls.

    ``discounted`` against the bill with the hidden discounts, ``at_list`` against one at list
    prices, so that only the hours differ.
    """

    discounted: Sequence[_ByAccount]
    at_list: Sequence[_ByAccount]

    def deviations(self) -> tuple[Sequence[float], Sequence[float], Sequence[float]]:
        """Absolute deviations of each account at list prices: whole, of hours, of price."""
        listed = list(self._listed())
        return (
            [abs(r.deviation_ratio) for r in listed if r.deviation_ratio is not None],
            [abs(r.time_deviation_ratio) for r in listed if r.time_deviation_ratio is not None],
            [abs(r.price_deviation_ratio) for r in listed if r.price_deviation_ratio is not None],
        )

    def weighted_errors(self) -> Iterator[float]:
        """Weighted mean absolute error of each account, at list prices."""
        for result in self._listed():
            if result.weighted_error_ratio is not None:
                yield result.weighted_error_ratio

    def recovered(self) -> Iterator[tuple[str, float, float]]:
        """Account, and lower and upper bound of its discount on demand, 0..1."""
        for results in self.discounted:
            for account_id, result in results.items():
                ratio = result.cost_ratios.get(BilledAs.ON_DEMAND)
                if ratio:
                    yield account_id, 1 - ratio.upper, 1 - ratio.lower

    def _listed(self) -> Iterator[Reconciliation]:
        return (result for results in self.at_list for result in results.values())


def comparisons(data: Path, seen: Observation, discounts: Discounts) -> dict[str, Comparison]:
    """The exporter, and a poller at each interval."""
    discounted = composed_bill(data, seen.fleet, discounts)
    at_list = composed_bill(data, seen.fleet, NO_DISCOUNTS)
    usages = {EXPORTER: [list(seen.usage)]}
    for name, interval_seconds in INTERVALS.items():
        usages[name] = [
            list(polled_usage(seen.fleet, interval_seconds, phase))
            for phase in phases(interval_seconds, PHASES)
        ]
    return {
        name: Comparison(
            [reconcile(discounted, usage, FETCHED_AT) for usage in each],
            [reconcile(at_list, usage, FETCHED_AT) for usage in each],
        )
        for name, each in usages.items()
    }
