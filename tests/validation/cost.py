"""Computed against billed cost: what a discount shows, and what exact running time is worth."""

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from exporter.core.billing import BilledAs
from exporter.core.reconciliation import ComputedUsage, Reconciliation
from tests.validation.bill import ON_DEMAND, SPOT, Discounts, charges, hidden_discounts
from tests.validation.comparison import EXPORTER, PHASES, Comparison, comparisons
from tests.validation.composition import DAY, DAYS, START_AT
from tests.validation.currency import PATTERNS as CURRENCY_PATTERNS
from tests.validation.currency import currency
from tests.validation.fleet import Fleet
from tests.validation.observation import observed
from tests.validation.peers import account_table, instance_table
from tests.validation.recordings import json_in, names_in
from tests.validation.section import Section, Table, Verdict
from tests.validation.spread import Spread, percent

PATTERNS = ("aws-api/cost_explorer/*.json", "prices/*.csv", *CURRENCY_PATTERNS)
"""The files it rests on."""

FEWEST_USD, MOST_UNKNOWN_RATIO = 1.0, 0.001
"""Billed on a day that counts, and unknown of its hours."""

HIGHEST_TIME_RATIO = 0.001
HIGHEST_MISS_POINTS = 0.1
NEGLIGIBLE = 1e-9

_TEXT = (
    """**There is no comparison with a real bill on this page.** No public bill with instance-hours
was found: of {groups:,} amounts in the public Cost Explorer answers, {compute} are of EC2 compute,
and {with_hours} of these come with a number of hours. A company makes the comparison with its own
account: the exporter asks Cost Explorer by itself (`CARBONFINOPS_AWS__COST_EXPLORER`, on by
default, 0.01 USD a page). Once AWS has closed a month,
`carbonfinops_reconciliation_deviation_ratio` says for each account how far computed cost is from
the bill, `carbonfinops_reconciliation_time_deviation_ratio` and
`carbonfinops_reconciliation_price_deviation_ratio` which part of that is hours and which is price,
`carbonfinops_reconciliation_weighted_error_ratio` how large the error of a day is, and
`carbonfinops_reconciliation_samples` over how many days. A day counts when it ended two days ago,
is final, was billed at least 1 USD, and at most 0.1 % of its hours are unknown.""",
    """**Composed**: the fleet of section 1 in six accounts, priced by **recorded** prices (Linux
on demand and mean spot prices in three regions, spring 2026, as mirrored by ec2instances.info and
published in `AWS-EC2-Pricing-Landscape-Analysis`). Its bill follows from the true seconds, with a
discount on on-demand hours that the exporter is not told (3 to 40 %, one for each account; spot
hours at their price), written in the recorded shape of Cost Explorer's answers (a public account's
daily costs, in `cloudtoolbox`, MIT); the grouping by account and purchase type follows the
documentation. The exporter's Cost Explorer source reads it, and its books compute the other
side. wMAPE is the sum of absolute differences over the sum billed.""",
    """**Peer**: an inventory polled at an interval, where each poll that shows an instance running
counts one interval; {phases} starting points spread evenly over the interval. A poller that reads
LaunchTime as well would do better.""",
)


def section(data: Path) -> Section:
    """Check the cost."""
    seen = observed(data)
    discounts = hidden_discounts()
    methods = comparisons(data, seen, discounts)
    days = {
        account_id: _days_by_hand(seen.fleet, seen.usage, discounts, account_id)
        for account_id in sorted(discounts)
    }
    (found,) = methods[EXPORTER].discounted
    currency_table, currency_verdicts = currency(data)
    return Section(
        "Computed against billed cost",
        (_TEXT[0].format(**_real_bills(data)), _TEXT[1], _TEXT[2].format(phases=PHASES)),
        (
            _discount_table(found, days, methods[EXPORTER], discounts),
            account_table(methods, discounts),
            instance_table(seen.days),
            currency_table,
        ),
        (*_verdicts(found, days, methods[EXPORTER], discounts), *currency_verdicts),
    )


def _real_bills(data: Path) -> dict[str, int]:
    groups = [
        group
        for name in names_in(data, PATTERNS[0])
        for period in json_in(data, name)["ResultsByTime"]
        for group in period["Groups"]
    ]
    compute = [g for g in groups if "Elastic Compute Cloud - Compute" in g["Keys"][0]]
    with_hours = sum("UsageQuantity" in group["Metrics"] for group in compute)
    return {"groups": len(groups), "compute": len(compute), "with_hours": with_hours}


@dataclass(frozen=True, slots=True)
class _Day:
    """One account on one day, by hand: the deviation from the bill, and its part of hours."""

    deviation: float
    time_deviation: float


def _days_by_hand(
    fleet: Fleet, usage: Iterable[ComputedUsage], discounts: Discounts, account_id: str
) -> list[_Day]:
    """Every day that is known well enough, against the truth and not against the bill's text."""
    own = [each for each in usage if each.account_id == account_id]
    found = []
    for day_at in (START_AT + number * DAY for number in range(DAYS)):
        paid = charges(fleet, day_at, discounts)
        billed_usd = sum(usd for (account, _), (usd, _) in paid.items() if account == account_id)
        computed_usd = excess_usd = hours_computed = hours_unknown = 0.0
        for each in own:
            if each.day_at != day_at:
                continue
            hours_computed += each.hours
            hours_unknown += each.unknown_hours
            if each.hours:
                option = SPOT if each.billed_as is BilledAs.SPOT else ON_DEMAND
                _, hours = paid.get((account_id, option), (0.0, 0.0))
                computed_usd += each.usd
                excess_usd += each.usd * (1 - hours / each.hours)
        if billed_usd >= FEWEST_USD and hours_unknown <= MOST_UNKNOWN_RATIO * hours_computed:
            found.append(_Day(computed_usd / billed_usd - 1, excess_usd / billed_usd))
    return found


def _discount_table(
    found: Mapping[str, Reconciliation],
    days: Mapping[str, Sequence[_Day]],
    exporter: Comparison,
    discounts: Discounts,
) -> Table:
    recovered = {account_id: bounds for account_id, *bounds in exporter.recovered()}
    rows = []
    for number, account_id in enumerate(days, start=1):
        result = found[account_id]
        low, high = recovered.get(account_id, (math.nan, math.nan))
        deviations = Spread.of(abs(day.deviation) for day in days[account_id])
        hours = Spread.of(abs(day.time_deviation) for day in days[account_id])
        rows.append(
            (
                f"{number}",
                percent(discounts[account_id]),
                f"{_signed(result.deviation_ratio)} ({percent(deviations.p90)})",
                f"{_signed(result.time_deviation_ratio, 3)} ({percent(hours.p90, 3)})",
                _signed(result.price_deviation_ratio),
                percent(result.weighted_error_ratio or math.nan),
                f"{percent(low)} to {percent(high)}",
                f"{result.samples}",
            )
        )
    columns = (
        "account",
        "hidden discount",
        "deviation (p90)",
        "of it hours (p90)",
        "of it price",
        "wMAPE",
        "discount recovered",
        "days",
    )
    note = (
        "The exporter's own comparison, as its metrics give it: signed, of the median day; the p90"
        " are absolute, over the days. Where all is on demand, list prices overstate a discounted"
        " bill by 1 / (1 - discount) - 1. The discount recovered is one minus the 5 % to 95 % range"
        " over the days of what was billed per computed dollar on demand."
    )
    return Table("A hidden discount", columns, tuple(rows), note)


def _signed(ratio: float | None, digits: int = 2) -> str:
    return "none" if ratio is None else f"{100 * ratio:+.{digits}f} %"


def _verdicts(
    found: Mapping[str, Reconciliation],
    days: Mapping[str, Sequence[_Day]],
    exporter: Comparison,
    discounts: Discounts,
) -> Iterator[Verdict]:
    off = max(
        abs((found[a].deviation_ratio or math.nan) - statistics.median(d.deviation for d in each))
        for a, each in days.items()
    )
    yield Verdict(
        f"The exporter's median deviation equals the one computed by hand, within {NEGLIGIBLE:.0e}",
        f"greatest difference {off:.0e} (n = {len(days)} accounts, {sum(map(len, days.values()))}"
        " days)",
        off <= NEGLIGIBLE,
    )
    hours = Spread.of(abs(day.time_deviation) for each in days.values() for day in each)
    yield Verdict(
        "Hours with running time from CloudTrail: p90 of a day's deviation at most"
        f" {percent(HIGHEST_TIME_RATIO, 1)}",
        hours.percent(3),
        hours.p90 <= HIGHEST_TIME_RATIO,
    )
    errors = Spread.of(exporter.weighted_errors())
    yield Verdict(
        f"wMAPE at list prices: p90 at most {percent(HIGHEST_TIME_RATIO, 1)}",
        errors.percent(3),
        errors.p90 <= HIGHEST_TIME_RATIO,
    )
    misses = Spread.of(
        100 * abs(bound - discounts[account_id])
        for account_id, *bounds in exporter.recovered()
        for bound in bounds
    )
    yield Verdict(
        f"Hidden discounts recovered: both bounds within {HIGHEST_MISS_POINTS} percentage points",
        f"greatest {misses.greatest:.3f}, median {misses.median:.3f} points (n = {misses.samples})",
        misses.greatest <= HIGHEST_MISS_POINTS,
    )
