"""Made-up use of a fleet, hour by hour, and the facts and plans that go with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from exporter.core.fleet import PurchaseOption
from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.core.scenarios.usage import UsageHistory, UsageKey, UsageSeries
from exporter.core.snapshot import Pue
from exporter.core.units import SECONDS_PER_HOUR
from tests.factories import M5_LARGE, RATE, T3_MICRO, WEB_PRICE, hardware

ACCOUNT_ID = "111122223333"
HOURS_PER_WEEK = 168
MONDAY_AT = datetime(2026, 2, 2, tzinfo=UTC).timestamp()
"""Where histories begin; no clock changes in the four weeks after it."""

FOUR_WEEKS = 4 * HOURS_PER_WEEK
TEN_WATTS_JOULES = 36_000.0
"""Energy of an hour at ten watts."""

SITING = Siting(
    grid_zones={"eu-central-1": "DE", "eu-west-1": "IE", "us-east-1": "US-MIDA-PJM"},
    pue={
        "eu-central-1": Pue(1.25, "published"),
        "eu-west-1": Pue(1.1, "published"),
        "us-east-1": Pue(1.2, "published"),
    },
)

Column = float | Sequence[float]
"""The same in every hour, or a value for each."""


def key(**changes: Any) -> UsageKey:
    """On-demand m5.large of the dev environment in Frankfurt; anything may be changed by name."""
    dev = UsageKey(
        ACCOUNT_ID,
        WEB_PRICE.location,
        WEB_PRICE.instance_type,
        WEB_PRICE.usage_operation,
        WEB_PRICE.tenancy,
        PurchaseOption.ON_DEMAND,
        "dev",
    )
    return dev._replace(**changes)


def series(
    of: UsageKey | None = None,
    *,
    hours: int = FOUR_WEEKS,
    running: Column = SECONDS_PER_HOUR,
    measured: Column | None = None,
    joules: Column = TEN_WATTS_JOULES,
    priced: Column | None = None,
    usd: Column = 0.1,
) -> UsageSeries:
    """One instance that always runs at ten watts and 0.10 USD/h; measured and priced as it runs."""
    return UsageSeries(
        key() if of is None else of,
        _column(running, hours),
        _column(running if measured is None else measured, hours),
        _column(joules, hours),
        _column(running if priced is None else priced, hours),
        _column(usd, hours),
    )


def history(
    *groups: UsageSeries, known: Sequence[bool] | None = None, since_at: float = MONDAY_AT
) -> UsageHistory:
    """Their history; every hour of the longest is known unless told otherwise."""
    if known is None:
        known = [True] * max((len(each.running_seconds) for each in groups), default=FOUR_WEEKS)
    return UsageHistory(since_at, known, groups)


def intensity(of: UsageHistory, grams: Column = 400.0) -> Mapping[float, float]:
    """gCO2e/kWh of each hour of a history."""
    hours = len(of.known)
    column = _column(grams, hours)
    return {of.since_at + n * SECONDS_PER_HOUR: column[n] for n in range(hours)}


def facts(of: UsageHistory | None = None, **changes: Any) -> CaseFacts:
    """A history with a grid of 400 g/kWh in every zone of SITING; all else by name."""
    told = history(series()) if of is None else of
    known = CaseFacts(
        history=told,
        intensities={zone: intensity(told) for zone in SITING.grid_zones.values()},
        instances=(),
        loads={},
        idle={},
        hardware={
            "m5.large": hardware("m5.large"),
            "t3.micro": hardware("t3.micro", burstable=True),
        },
        profiles={"m5.large": M5_LARGE, "t3.micro": T3_MICRO},
        prices={},
        siting=SITING,
        exchange_rate=RATE,
        billed_ratios={},
    )
    return replace(known, **changes)


def office_week(days: int = 5, begin_hour: int = 8, end_hour: int = 18) -> WeeklySchedule:
    """The first days of the week, from one hour to the other: Mon-Fri 08:00-18:00."""
    return WeeklySchedule(
        tuple(((day * 24 + begin_hour) * 60, (day * 24 + end_hour) * 60) for day in range(days))
    )


def plan(**changes: Any) -> ScenarioPlan:
    """Mon-Fri 08:00-18:00 UTC for the dev environment; anything may be changed by name."""
    usual = ScenarioPlan(
        office_hours=office_week(),
        office_environments=frozenset({"dev"}),
        time_zone=ZoneInfo("UTC"),
    )
    return replace(usual, **changes)


def _column(value: Column, hours: int) -> list[float]:
    return [float(value)] * hours if isinstance(value, int | float) else list(value)
