"""What the bill says by now: month to date, the newest full day and hour of each account."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping

from exporter.core.billing import (
    PUBLICATION_LAG_SECONDS,
    Bill,
    BilledUsage,
    month_start_at,
)
from exporter.core.statement import BilledTotals
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

SILENCE_SECONDS = 4 * SECONDS_PER_DAY
"""Longest end of the bill without any amount that is taken for a fleet that stood still.

A long weekend is that long. After more it cannot be told from a bill that AWS has stopped
writing, so the days without amounts count as not billed yet, not as free of charge.
"""


def billed_until_at(bill: Bill) -> float:
    """Until which instant, a full hour, everything has been billed, as far as the bill shows it."""
    newest_at = max((line.start_at for line in bill.days if line.usd > 0), default=None)
    complete_at = _complete_at(bill)
    if newest_at is None or complete_at - (newest_at + SECONDS_PER_DAY) <= SILENCE_SECONDS:
        return complete_at
    return newest_at  # that day itself may have been cut off anywhere


def billed_totals(bill: Bill) -> Mapping[str, BilledTotals]:
    """Totals of every account that has any line in the bill, by account id.

    Where a full day or hour has no line of such an account, it was billed nothing: zero is true.
    """
    month_at = month_start_at(bill.fetched_at)
    month = _usd_by_account(line for line in bill.days if line.start_at >= month_at)
    day, hour = _last_day_usd(bill), _last_hour_usd(bill)
    return {
        account_id: BilledTotals(
            month_to_date_usd=month.get(account_id, 0.0),
            last_day_usd=None if day is None else day.get(account_id, 0.0),
            last_hour_usd=None if hour is None else hour.get(account_id, 0.0),
        )
        for account_id in sorted({line.account_id for line in bill.days})
    }


def _last_day_usd(bill: Bill) -> Mapping[str, float] | None:
    until_at = _complete_at(bill)
    day_at = _floor(until_at, SECONDS_PER_DAY) - SECONDS_PER_DAY
    if day_at < bill.days_since_at or billed_until_at(bill) < until_at:
        return None
    return _usd_by_account(line for line in bill.days if line.start_at == day_at)


def _last_hour_usd(bill: Bill) -> Mapping[str, float] | None:
    until_at = _complete_at(bill)
    hour_at = until_at - SECONDS_PER_HOUR
    opted_in = bill.hours_since_at > 0
    if not opted_in or hour_at < bill.hours_since_at or billed_until_at(bill) < until_at:
        return None
    return _usd_by_account(line for line in bill.hours if line.start_at == hour_at)


def _complete_at(bill: Bill) -> float:
    return _floor(bill.fetched_at - PUBLICATION_LAG_SECONDS, SECONDS_PER_HOUR)


def _usd_by_account(lines: Iterable[BilledUsage]) -> Mapping[str, float]:
    amounts: defaultdict[str, list[float]] = defaultdict(list)
    for line in lines:
        amounts[line.account_id].append(line.usd)
    return {account_id: math.fsum(usd) for account_id, usd in amounts.items()}


def _floor(at: float, span_seconds: float) -> float:
    return math.floor(at / span_seconds) * span_seconds
