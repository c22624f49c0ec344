"""Office hours once more: hour by hour with clocks on the wall, nothing shared with the code."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import sqrt
from statistics import mean, stdev
from typing import NamedTuple

from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.usage import UsageKey, UsageSeries
from tests.core.scenarios.band_reference import with_scale

PER_MONTH = 365.25 / 12 / 7
SPREAD = 1.3 * 2.353 * sqrt(1 / 4 + 1 / PER_MONTH)

Band = tuple[float, float, float]
"""Lower bound, value and upper bound."""


class Expected(NamedTuple):
    """What office hours have to come to."""

    cost_ratio: Band
    usd_per_month: Band
    emissions_ratio: Band
    grams_per_month: Band
    covered_ratio: float
    usd_by_account: dict[str, float]


class Row(NamedTuple):
    """One hour of one group; amounts as if all hours of its week were known."""

    key: UsageKey
    week: int
    running: float
    covered: float
    usd: float
    grams: float
    off: float
    lacking: dict[ScenarioGap, float]


def expected_office_hours(facts: CaseFacts, plan: ScenarioPlan) -> Expected | ScenarioGap:
    """One table of hours, and sums over it."""
    groups = [g for g in facts.history.series if g.key.environment in plan.office_environments]
    if not groups:
        return ScenarioGap.NO_CANDIDATES
    weeks = [week for week in weeks_of(facts) if len(week) >= 0.9 * 168]
    if len(weeks) < 4:
        return ScenarioGap.TOO_LITTLE_HISTORY
    rows = [
        row_of(facts, plan, group, hour, week, 168 / len(weeks[week]))
        for week in range(4)
        for hour in weeks[week]
        for group in groups
    ]
    running, covered = sum(row.running for row in rows), sum(row.covered for row in rows)
    if not running:
        return ScenarioGap.NO_CANDIDATES
    if covered < running / 2:
        return max(ScenarioGap, key=lambda gap: sum(row.lacking.get(gap, 0.0) for row in rows))
    if not sum(row.usd for row in rows) or not sum(row.grams for row in rows):
        return ScenarioGap.NO_CANDIDATES
    accounts = {group.key.account_id for group in groups if group.key.location in facts.siting.pue}
    return Expected(
        ratio_band(rows, lambda row: row.usd, 0.0),
        amount_band(rows, lambda row: row.usd, 0.0, 0.0),
        ratio_band(rows, lambda row: row.grams, 0.01),
        amount_band(rows, lambda row: row.grams, scale_ln(rows), 0.08),
        covered / running,
        {
            account: sum(row.usd * row.off for row in rows if row.key.account_id == account)
            / 4
            * PER_MONTH
            for account in accounts
        },
    )


def weeks_of(facts: CaseFacts) -> list[list[int]]:
    """Known hours of each whole week, newest week first."""
    known = facts.history.known
    ends = [len(known) - 168 * back for back in range(len(known) // 168)]
    return [[hour for hour in range(end - 168, end) if known[hour]] for end in ends]


def row_of(
    facts: CaseFacts, plan: ScenarioPlan, group: UsageSeries, hour: int, week: int, scale: float
) -> Row:
    """The clock is read every quarter of the hour."""
    begin = datetime.fromtimestamp(facts.history.since_at, UTC) + timedelta(hours=hour)
    looks = [(begin + timedelta(minutes=15 * n)).astimezone(plan.time_zone) for n in range(4)]
    minutes = [look.weekday() * 1440 + look.hour * 60 + look.minute for look in looks]
    on = sum(any(a <= m < b for a, b in plan.office_hours.spans) for m in minutes) / 4

    running, location = group.running_seconds[hour], group.key.location
    measured, priced = group.measured_seconds[hour], group.priced_seconds[hour]
    nothing = Row(group.key, week, running, 0.0, 0.0, 0.0, 1 - on, {})
    if location not in facts.siting.pue:
        return nothing._replace(lacking={ScenarioGap.NO_PUE: running})
    zone = facts.siting.grid_zones[location]
    if begin.timestamp() not in facts.intensities[zone]:
        return nothing._replace(lacking={ScenarioGap.NO_GRID_INTENSITY: running})
    has_profile = group.key.instance_type in facts.profiles
    no_power = ScenarioGap.TOO_LITTLE_HISTORY if has_profile else ScenarioGap.NO_PROFILE
    both = min(measured, priced)
    row = nothing._replace(
        covered=both, lacking={no_power: running - measured, ScenarioGap.NO_PRICE: measured - both}
    )
    if not both:
        return row
    kilowatt_hours = group.energy_joules[hour] / 3_600_000
    grams = kilowatt_hours * facts.siting.pue[location].ratio
    grams *= facts.intensities[zone][begin.timestamp()]
    return row._replace(
        usd=group.cost_usd[hour] / priced * both * scale, grams=grams / measured * both * scale
    )


def ratio_band(rows: list[Row], amount: Callable[[Row], float], drift: float) -> Band:
    """Share of what was used, with the spread of the weeks and the drift."""
    saved = [sum(amount(row) * row.off for row in rows if row.week == n) for n in range(4)]
    used = [sum(amount(row) for row in rows if row.week == n) for n in range(4)]
    ratio = sum(saved) / sum(used)
    off = [one - ratio * other for one, other in zip(saved, used, strict=True)]
    half = sqrt((stdev(off) * SPREAD / mean(used)) ** 2 + drift**2)
    return ratio - half, ratio, min(1.0, ratio + half)


def amount_band(
    rows: list[Row], amount: Callable[[Row], float], error_ln: float, drift: float
) -> Band:
    """What a month saves, with the spread of the weeks, the error of the scale and the drift."""
    saved = [sum(amount(row) * row.off for row in rows if row.week == n) for n in range(4)]
    spread, value = stdev(saved) * SPREAD, mean(saved)
    weeks = sqrt(spread**2 + (drift * value) ** 2)
    lower, upper = with_scale(value, value - weeks, value + weeks, error_ln)
    return lower * PER_MONTH, value * PER_MONTH, upper * PER_MONTH


def scale_ln(rows: list[Row]) -> float:
    """Over all pairs of (type, location): their savings, times what errors they share."""
    saved: dict[tuple[str, str], float] = {}
    for row in rows:
        group = row.key.instance_type, row.key.location
        saved[group] = saved.get(group, 0.0) + row.grams * row.off
    total = sum(saved.values())
    variance = sum(
        one
        * other
        * (
            0.1**2
            + (kind == other_kind) * (0.29**2 - 0.1**2)
            + (place == other_place) * (0.05**2 + 0.03**2)
        )
        for (kind, place), one in saved.items()
        for (other_kind, other_place), other in saved.items()
    )
    return sqrt(variance) / total if total else 0.0
