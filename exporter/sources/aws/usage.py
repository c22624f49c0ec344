"""Compute usage and its cost, as Cost Explorer's GetCostAndUsage gives them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from exporter.core.billing import BilledAs, BilledUsage
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.money import usd
from exporter.sources.aws.record import Record

_COST, _HOURS = "AmortizedCost", "UsageQuantity"

# The names that GetDimensionValues gives for PURCHASE_TYPE; others, such as those of capacity
# blocks, have no price to be compared with.
_BILLED_AS = {
    "Spot Instances": BilledAs.SPOT,
    "On Demand Instances": BilledAs.ON_DEMAND,
    "Savings Plans": BilledAs.ON_DEMAND,
    "Standard Reserved Instances": BilledAs.ON_DEMAND,
    "Convertible Reserved Instances": BilledAs.ON_DEMAND,
    "Scheduled Reserved Instances": BilledAs.ON_DEMAND,
}

_HIGHEST_USD = 10e6
"""Of one account in a day: the largest customers of AWS are billed a few million in all."""

_HIGHEST_HOURS = 100e6
"""Of one account in a day: four million instances all day long."""

_LARGEST_CORRECTION = 0.01
"""So far below zero an amount may be, after AWS's roundings and corrections; it counts as none."""


class Granularity(NamedTuple):
    """The length of a period, and how AWS writes where it begins."""

    name: str
    span_seconds: float
    form: str


DAILY = Granularity("DAILY", SECONDS_PER_DAY, "%Y-%m-%d")
HOURLY = Granularity("HOURLY", SECONDS_PER_HOUR, "%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class ComputeUsage:
    """Asks for what instances of some accounts used, and its amortized cost; each page is paid."""

    endpoint: Endpoint
    account_ids: Sequence[str]
    regions: Sequence[str] = ()

    def lines(
        self, granularity: Granularity, start_at: float, end_at: float, settled_at: float
    ) -> tuple[BilledUsage, ...]:
        """Give the usage of every period in [start_at, end_at), sorted.

        Raises SourceError, also when an amount is nonsense or a period that ended before
        ``settled_at`` is missing: to leave it out would count it as free of charge.
        """
        found: dict[tuple[float, str, BilledAs], BilledUsage] = {}
        told = set()
        for page in self._pages(granularity, start_at, end_at):
            for period in page.parts("ResultsByTime"):
                period_at = _start_at(period, granularity)
                if not start_at <= period_at < end_at:
                    raise period.malformed("a period that was not asked for")
                told.add(period_at)
                for line in self._period_lines(period, period_at):
                    key = (line.start_at, line.account_id, line.billed_as)
                    found[key] = _sum(found[key], line) if key in found else line
        if any(at not in told for at in _periods(granularity, start_at, settled_at)):
            raise page.malformed("a past day or hour is left out")
        return tuple(found[key] for key in sorted(found))

    def _pages(self, granularity: Granularity, start_at: float, end_at: float) -> Iterator[Record]:
        return self.endpoint.pages(
            "get_cost_and_usage",
            continued_by="NextPageToken",
            TimePeriod={
                "Start": datetime.fromtimestamp(start_at, UTC).strftime(granularity.form),
                "End": datetime.fromtimestamp(end_at, UTC).strftime(granularity.form),
            },
            Granularity=granularity.name,
            Metrics=[_COST, _HOURS],
            GroupBy=[
                {"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"},
                {"Type": "DIMENSION", "Key": "PURCHASE_TYPE"},
            ],
            Filter=_compute_of(self.account_ids, self.regions),
        )

    def _period_lines(self, period: Record, period_at: float) -> Iterator[BilledUsage]:
        estimated = period.optional_flag("Estimated")
        for group in period.parts("Groups"):
            match group.values("Keys"):
                case [str(account_id), str(purchase_type)]:
                    pass
                case _:
                    raise group.malformed("a group is not of an account and a purchase type")
            metrics = group.part("Metrics")
            if metrics.part(_COST).text("Unit") != "USD":
                raise group.malformed("a cost is not in US dollars")
            amount_usd = _amount(metrics, _COST, _HIGHEST_USD)
            hours = _amount(metrics, _HOURS, _HIGHEST_HOURS)
            billed_as = _BILLED_AS.get(purchase_type, BilledAs.OTHER)
            if account_id in self.account_ids:
                yield BilledUsage(account_id, period_at, billed_as, amount_usd, hours, estimated)


def _compute_of(account_ids: Sequence[str], regions: Sequence[str]) -> dict[str, Any]:
    """Instances only: no traffic, no fees and discounts of their own, no dedicated hosts.

    Where regions were chosen, only those: the others are not computed either.
    """
    return {
        "And": [
            *([_is("REGION", *regions)] if regions else []),
            _is("SERVICE", "Amazon Elastic Compute Cloud - Compute"),
            _is("RECORD_TYPE", "Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"),
            {"Not": _is("INSTANCE_TYPE", "NoInstanceType")},
            {"Not": _is("TENANCY", "Host")},
            _is("LINKED_ACCOUNT", *account_ids),
        ]
    }


def _is(dimension: str, *values: str) -> dict[str, Any]:
    return {"Dimensions": {"Key": dimension, "Values": list(values)}}


def _start_at(period: Record, granularity: Granularity) -> float:
    text = period.part("TimePeriod").text("Start")
    try:
        return datetime.strptime(text, granularity.form).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise period.malformed("the start of a period is not a time") from None


def _periods(granularity: Granularity, start_at: float, end_at: float) -> Iterator[float]:
    while start_at + granularity.span_seconds <= end_at:
        yield start_at
        start_at += granularity.span_seconds


def _amount(metrics: Record, name: str, highest: float) -> float:
    amount = usd(metrics.part(name).text("Amount"))
    if not -_LARGEST_CORRECTION <= amount <= highest:
        raise metrics.malformed(f"{name} is no possible amount")
    return max(0.0, amount)


def _sum(one: BilledUsage, other: BilledUsage) -> BilledUsage:
    return BilledUsage(
        one.account_id,
        one.start_at,
        one.billed_as,
        one.usd + other.usd,
        one.hours + other.hours,
        one.estimated or other.estimated,
    )
