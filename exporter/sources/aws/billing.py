"""What AWS has billed for compute, by account."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import NoReturn

from exporter.core.billing import Bill, month_start_at
from exporter.core.fleet import Account
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.reconciliation import COMPARED_DAYS
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.session import AwsClients
from exporter.sources.aws.usage import DAILY, HOURLY, ComputeUsage
from exporter.sources.source import SourceError

COST_EXPLORER_REGION = "us-east-1"
"""The one endpoint of the service (AWS General Reference, "Cost Management endpoints")."""

HOURS_SECONDS = 72 * SECONDS_PER_HOUR
"""How far hours reach back; AWS keeps 14 days of them."""

_CLOSING_SECONDS = 10 * SECONDS_PER_DAY
"""By then AWS has closed the month before: usually three to five days into the next one."""

_SETTLED_SECONDS = 2 * SECONDS_PER_DAY
"""What ended so long ago must be in the answer, if only with nothing billed."""

_PATIENCE_SECONDS = SECONDS_PER_HOUR
_NOT_SOON = {FailureReason.DENIED, FailureReason.MALFORMED, FailureReason.NO_RECENT_DATA}

_SETTING = "CARBONFINOPS_AWS__COST_EXPLORER"


class CostExplorerBill:
    """GetCostAndUsage for all polled accounts, asked of the payer: each page costs 0.01 USD.

    ``accounts`` gives their ids. ``role`` is the payer's role to assume, None where the base
    credentials are the payer's. With ``hourly`` the newest hours are asked for as well, in a
    query of their own.
    """

    name = SourceName.COST_EXPLORER
    scope = Scope()

    def __init__(
        self,
        clients: AwsClients,
        *,
        accounts: Callable[[], tuple[str, ...]],
        role: Account | None,
        hourly: bool,
        regions: tuple[str, ...] = (),
        wall: Callable[[], float],
        interval_seconds: float = 6 * SECONDS_PER_HOUR,
    ) -> None:
        self._endpoint = Endpoint(clients, "ce", COST_EXPLORER_REGION, role)
        self._accounts = accounts
        self._hourly = hourly
        self._regions = regions
        self._wall = wall
        self._patience_seconds = min(interval_seconds, _PATIENCE_SECONDS)

    def fetch(self, previous: Bill | None) -> Bill:
        """Ask for all days since some before the last closed month. Raises SourceError."""
        account_ids = self._accounts()
        if not account_ids:
            raise SourceError(FailureReason.UNAVAILABLE, "no account is known yet")
        usage = ComputeUsage(self._endpoint, account_ids, self._regions)
        try:
            bill = self._days(usage)
            _refuse_older(bill, previous, account_ids)
            return self._with_hours(bill, usage) if self._hourly else bill
        except SourceError as error:
            if error.reason in _NOT_SOON:
                # To ask again may cost again, and would seldom help.
                error.retry_after_seconds = self._patience_seconds
            raise

    def _days(self, usage: ComputeUsage) -> Bill:
        now = self._wall()
        since_at = days_since_at(now)
        tomorrow_at = (now // SECONDS_PER_DAY + 1) * SECONDS_PER_DAY
        try:
            days = usage.lines(DAILY, since_at, tomorrow_at, now - _SETTLED_SECONDS)
        except SourceError as error:
            if error.reason is not FailureReason.DENIED:
                raise
            advice = f"{_SETTING}_ROLE_ARN names the payer's role; {_SETTING}=false does without"
            raise SourceError(error.reason, f"{error.detail}; {advice}") from error
        return Bill(now, since_at, days, regions=self._regions)

    def _with_hours(self, bill: Bill, usage: ComputeUsage) -> Bill:
        """Add the hours to the days, which are paid for and good without them."""
        until_at = math.floor(bill.fetched_at / SECONDS_PER_HOUR) * SECONDS_PER_HOUR
        since_at = until_at - HOURS_SECONDS
        try:
            hours = usage.lines(HOURLY, since_at, until_at, bill.fetched_at - _SETTLED_SECONDS)
        except SourceError as error:
            detail = error.detail
            if error.reason is FailureReason.DENIED:
                # The days were given, so the permission is there.
                detail += (
                    "; hours need an opt-in of the payer, in the preferences of Cost Management:"
                    f" opt in, or set {_SETTING}_HOURLY=false"
                )
            return replace(bill, hours_failure=f"{error.reason}: {detail}")
        return replace(bill, hours_since_at=since_at, hours=hours)


class UnconfiguredBill:
    """Stands for the bill where the operator does not want to pay for asking."""

    name = SourceName.COST_EXPLORER
    scope = Scope()

    def fetch(self, previous: object) -> NoReturn:  # noqa: ARG002  # protocol
        """Raise SourceError (not_configured), naming the setting."""
        raise SourceError(FailureReason.NOT_CONFIGURED, f"switched off by {_SETTING}=false")


def days_since_at(now: float) -> float:
    """First day to ask for: one query serves the month to date and the days to compare.

    AWS marks a month as estimated until it is closed, so the days to compare are the last of the
    month before, and of the one before that until the former is closed: at most 55 days back.
    """
    return month_start_at(now - _CLOSING_SECONDS) - COMPARED_DAYS * SECONDS_PER_DAY


def _refuse_older(bill: Bill, previous: Bill | None, account_ids: tuple[str, ...]) -> None:
    """Billed usage is never taken back altogether: an answer that ends earlier is an old one."""
    known = previous.days if previous else ()
    had_at = [d.start_at for d in known if d.usd > 0 and d.account_id in account_ids]
    have_at = [line.start_at for line in bill.days if line.usd > 0]
    if had_at and max(had_at) >= bill.days_since_at and max(had_at) > max(have_at, default=0.0):
        raise SourceError(
            FailureReason.NO_RECENT_DATA,
            "Cost Explorer: the newest day with any cost is older than in the answer before",
        )
