"""Time shift: a daily job starts when the grid was clean on the days before."""

from collections.abc import Iterable
from datetime import date
from math import hypot

from exporter.core.bounded import Bounded
from exporter.core.scenarios.backtest import BacktestDay, backtest, newest_date
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.grid_gap import grid_gap
from exporter.core.scenarios.month import (
    DRIFT_AMOUNT_RATIO,
    DRIFT_RATIO,
    WEEKS,
    Week,
    amount_of_month,
    ratio_of_month,
)
from exporter.core.scenarios.outcome import (
    Outcome,
    Saving,
    Scenario,
    ScenarioGap,
    is_worthwhile,
)
from exporter.core.scenarios.plan import DeferrableLoad, ScenarioPlan
from exporter.core.scenarios.weeks import DAYS_PER_WEEK
from exporter.core.uncertainty import MEASURED_GRID_DEVIATION_LN, PUE_DEVIATION_LN
from exporter.core.units import SECONDS_PER_DAY, WATTS_PER_KILOWATT

FEWEST_USABLE_DAYS = 6
"""Of the seven of a week."""

MOST_WEEKS = 6

SCALE_DEVIATION_LN = hypot(PUE_DEVIATION_LN, MEASURED_GRID_DEVIATION_LN)
"""The job's watts are told, not modelled: only its grid and PUE may be off as a whole."""

_NOTHING = Bounded(0.0, 0.0, 0.0)


def time_shift(facts: CaseFacts, plan: ScenarioPlan) -> Outcome | ScenarioGap:
    """What choosing the start anew each day, by what was known then, would have saved."""
    load = plan.deferrable
    if load is None:
        return ScenarioGap.NOT_CONFIGURED
    pue = facts.siting.pue.get(load.region)
    zone = facts.siting.grid_zones.get(load.region)
    # The history is that of the zone: where the site is not known it is not even too short.
    if pue is None:
        return ScenarioGap.NO_PUE
    if zone is None:
        return ScenarioGap.ZONE_NOT_COVERED
    hours = facts.intensities.get(zone)
    if not hours:
        return grid_gap(zone, facts.grid_gaps)
    until_at = facts.history.until_at
    from_at = until_at - MOST_WEEKS * DAYS_PER_WEEK * SECONDS_PER_DAY
    days = backtest(hours, load, plan.time_zone, from_at, until_at)
    return time_shift_of(days, newest_date(load, plan.time_zone, until_at), load, pue.ratio)


def time_shift_of(
    days: Iterable[BacktestDay], newest: date, load: DeferrableLoad, pue_ratio: float
) -> Outcome | ScenarioGap:
    """What days of a back-test say of the next month; weeks are counted back from ``newest``.

    A week is usable with FEWEST_USABLE_DAYS days, which then stand for all seven; the newest WEEKS
    usable weeks of at most MOST_WEEKS count, other days do not. Costs are the same at every hour.
    """
    weeks = _newest_weeks(days, newest)
    if not weeks:
        return ScenarioGap.TOO_LITTLE_HISTORY
    grams = [_week(week, load.watts / WATTS_PER_KILOWATT * pue_ratio) for week in weeks]
    if not sum(week.base for week in grams):
        return ScenarioGap.NO_CANDIDATES  # a share of nothing is not known
    used = [day for week in weeks for day in week]
    worse_ratio = sum(day.chosen > day.usual for day in used) / len(used)
    ratio = ratio_of_month(grams, DRIFT_RATIO)
    per_month = amount_of_month(grams, SCALE_DEVIATION_LN, DRIFT_AMOUNT_RATIO)
    return Outcome(
        Scenario.TIME_SHIFT,
        cost=Saving(_NOTHING, _NOTHING),
        emissions=Saving(ratio, per_month),
        samples=len(used),
        worse_ratio=worse_ratio,
        covered_ratio=len(used) / (WEEKS * DAYS_PER_WEEK),
        feasible=is_worthwhile(0.0, ratio.value, worse_ratio),
        saved_usd_by_account={},
    )


def _newest_weeks(days: Iterable[BacktestDay], newest: date) -> list[list[BacktestDay]]:
    """The days of the newest WEEKS usable weeks, newest week first; none if there are fewer."""
    by_age: list[list[BacktestDay]] = [[] for _ in range(MOST_WEEKS)]
    for day in days:
        age = (newest - day.date).days // DAYS_PER_WEEK
        if 0 <= age < MOST_WEEKS:
            by_age[age].append(day)
    usable = [week for week in by_age if len(week) >= FEWEST_USABLE_DAYS][:WEEKS]
    return usable if len(usable) == WEEKS else []


def _week(days: list[BacktestDay], kilowatts: float) -> Week:
    """Grams of a week, the days that are not usable taken to be like the others."""
    grams = kilowatts * DAYS_PER_WEEK / len(days)
    return Week(
        saved=grams * sum(day.usual - day.chosen for day in days),
        base=grams * sum(day.usual for day in days),
    )
