"""How far computed costs are from the bill, by account, over closed days.

Formulae and their sources are in docs/calculations.md, "Reconciliation".
"""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exporter.core.billing import Bill, BilledAs
from exporter.core.compared_day import COMPARED_AS, ComparedDay, Usage, Usages
from exporter.core.units import SECONDS_PER_DAY

COMPARED_DAYS = 14
"""Most days that are compared: the newest ones."""

MINIMUM_SAMPLES = 5
"""Fewer days tell nothing of how billed and computed cost usually relate."""

SETTLED_SECONDS = 2 * SECONDS_PER_DAY
"""A day is compared once it ended so long ago: late usage is billed by then."""

MINIMUM_BILLED_USD = 1.0
"""Days billed less are left out: the ratio of two small amounts says nothing."""

MOST_UNKNOWN_RATIO = 0.001
"""Share of unknown hours above which a computed day is not complete."""


@dataclass(frozen=True, slots=True)
class ComputedUsage:
    """Compute of one account in the UTC day that begins at ``day_at``, as the exporter computes it.

    ``hours`` are billed instance-hours with a price, ``usd`` is what they cost at list or spot
    prices, ``unknown_hours`` are those without a price or with unknown runtime.
    """

    account_id: str
    day_at: float
    billed_as: BilledAs
    hours: float
    usd: float
    unknown_hours: float


class ExclusionReason(StrEnum):
    """Why a day is not compared. Where several apply, the first one that is looked for counts."""

    TOO_RECENT = "too_recent"
    ESTIMATED = "estimated"
    TOO_SMALL = "too_small"
    INCOMPLETE = "incomplete"


@dataclass(frozen=True, slots=True)
class CostRatio:
    """Billed over computed cost: 5 % and 95 % quantile over the compared days."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The comparison of one account.

    The deviation is (computed - billed) / billed of the median day, signed; with an even number
    of days the mean of the two middle ones. Its parts are those of the same days, so that
    deviation = time + price. None without a day to compare. ``weighted_error_ratio`` is the sum
    of absolute differences over the sum billed. ``cost_ratios`` needs MINIMUM_SAMPLES days.
    """

    samples: int
    deviation_ratio: float | None
    time_deviation_ratio: float | None
    price_deviation_ratio: float | None
    weighted_error_ratio: float | None
    cost_ratios: Mapping[BilledAs, CostRatio]
    excluded: Mapping[ExclusionReason, int]


def reconcile(
    bill: Bill, computed: Iterable[ComputedUsage], now: float
) -> Mapping[str, Reconciliation]:
    """Compare the days of the bill with what was computed for them, by account.

    Accounts that are only billed, or only computed, are in the result too, without samples.
    """
    billed = _by_day(
        (line.account_id, line.start_at, line.billed_as, Usage(line.usd, line.hours))
        for line in bill.days
    )
    reckoned = _by_day(
        (
            each.account_id,
            each.day_at,
            each.billed_as,
            Usage(each.usd, each.hours, each.unknown_hours),
        )
        for each in computed
    )
    estimated = {line.start_at for line in bill.days if line.estimated}
    return {
        account_id: _reconciliation(
            [
                ComparedDay(
                    day_at,
                    billed.get((account_id, day_at), {}),
                    reckoned.get((account_id, day_at), {}),
                    day_at in estimated,
                )
                for day_at in _days(bill)
            ],
            now,
        )
        for account_id in sorted({account_id for account_id, _ in (*billed, *reckoned)})
    }


def _days(bill: Bill) -> Iterator[float]:
    day_at = bill.days_since_at
    while day_at <= bill.fetched_at:
        yield day_at
        day_at += SECONDS_PER_DAY


def _by_day(
    usages: Iterable[tuple[str, float, BilledAs, Usage]],
) -> Mapping[tuple[str, float], Usages]:
    """Usage by account and day; a day with nothing to compare is there, and empty."""
    found: defaultdict[tuple[str, float], dict[BilledAs, Usage]] = defaultdict(dict)
    for account_id, day_at, billed_as, usage in usages:
        day = found[account_id, day_at]
        if billed_as in COMPARED_AS:
            day[billed_as] = day.get(billed_as, Usage()) + usage
    return found


def _reconciliation(days: Sequence[ComparedDay], now: float) -> Reconciliation:
    exclusions = [(day, _exclusion(day, now)) for day in days]
    compared = [day for day, reason in exclusions if reason is None][-COMPARED_DAYS:]
    excluded = Counter(reason for _, reason in exclusions if reason is not None)
    if not compared:
        return Reconciliation(0, None, None, None, None, {}, excluded)
    ordered = sorted(compared, key=lambda day: (day.deviation_ratio, day.day_at))
    middle = ordered[(len(ordered) - 1) // 2 : len(ordered) // 2 + 1]
    deviation_ratio = statistics.fmean(day.deviation_ratio for day in middle)
    time_deviation_ratio = statistics.fmean(day.time_deviation_ratio for day in middle)
    return Reconciliation(
        samples=len(compared),
        deviation_ratio=deviation_ratio,
        time_deviation_ratio=time_deviation_ratio,
        price_deviation_ratio=deviation_ratio - time_deviation_ratio,
        weighted_error_ratio=math.fsum(abs(day.difference_usd) for day in compared)
        / math.fsum(day.billed_usd for day in compared),
        cost_ratios=_cost_ratios(compared),
        excluded=excluded,
    )


def _exclusion(day: ComparedDay, now: float) -> ExclusionReason | None:
    if now - (day.day_at + SECONDS_PER_DAY) < SETTLED_SECONDS:
        return ExclusionReason.TOO_RECENT
    if day.estimated:
        return ExclusionReason.ESTIMATED
    if day.billed_usd < MINIMUM_BILLED_USD:
        return ExclusionReason.TOO_SMALL
    hours = math.fsum(usage.hours for usage in day.computed.values())
    unknown_hours = math.fsum(usage.unknown_hours for usage in day.computed.values())
    if not day.computed or unknown_hours > MOST_UNKNOWN_RATIO * hours:
        return ExclusionReason.INCOMPLETE
    return None


def _cost_ratios(compared: Sequence[ComparedDay]) -> Mapping[BilledAs, CostRatio]:
    found = {}
    for billed_as in COMPARED_AS:
        pairs = [
            (day.billed.get(billed_as, Usage()).usd, day.computed.get(billed_as, Usage()).usd)
            for day in compared
        ]
        ratios = [
            billed / computed
            for billed, computed in pairs
            if billed >= MINIMUM_BILLED_USD and computed > 0
        ]
        if len(ratios) >= MINIMUM_SAMPLES:
            # Twentieths, interpolated linearly between the days.
            cuts = statistics.quantiles(ratios, n=20, method="inclusive")
            found[billed_as] = CostRatio(cuts[0], cuts[-1])
    return found
