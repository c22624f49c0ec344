"""Office hours: instances that nobody needs at night are switched off by a weekly schedule."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter, mul

from exporter.core.scenarios.amounts import Amounts, amounts_of_each, covered_only
from exporter.core.scenarios.coverage import coverage_of, main_gap
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.month import (
    DRIFT_AMOUNT_RATIO,
    DRIFT_RATIO,
    WEEKS,
    WEEKS_PER_MONTH,
    Week,
    amount_of_month,
    ratio_of_month,
)
from exporter.core.scenarios.outcome import Outcome, Saving, Scenario, ScenarioGap, is_worthwhile
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.scale import Part, scale_deviation_ln
from exporter.core.scenarios.usage import UsageHistory, UsageKey
from exporter.core.scenarios.weeks import DAYS_PER_WEEK, HOURS_PER_WEEK, newest_weeks
from exporter.core.units import SECONDS_PER_HOUR

WORSE_RATIO = 0.0
"""What is switched off costs and emits nothing: no day can be worse than without the schedule."""


def office_hours(facts: CaseFacts, plan: ScenarioPlan) -> Outcome | ScenarioGap:
    """What switching the office environments off outside the schedule would have saved."""
    if not plan.office_environments:
        return ScenarioGap.NOT_CONFIGURED
    history = facts.history
    scope = [each for each in history.series if each.key.environment in plan.office_environments]
    # Nothing is known yet of a fleet that was never watched: not even that it has no candidates.
    if not scope and any(history.known):
        return ScenarioGap.NO_CANDIDATES
    weeks = [_WeekOfHours.of(week, history, plan) for week in newest_weeks(history.known)]
    if not weeks:
        return ScenarioGap.TOO_LITTLE_HISTORY
    groups = amounts_of_each(scope, history, facts.intensities, facts.siting, facts.grid_gaps)
    hours = [hour for week in weeks for hour in week.hours]
    coverage = coverage_of(groups, hours)
    if not coverage.running_seconds:
        return ScenarioGap.NO_CANDIDATES
    if not coverage.suffices:
        return main_gap(groups, hours, facts.hardware, facts.profiles)
    covered = [covered_only(each) for _, each in groups if isinstance(each, Amounts)]
    return _outcome([_Saved.in_weeks(each, weeks) for each in covered], coverage.ratio, facts)


@dataclass(frozen=True, slots=True)
class _WeekOfHours:
    """The known hours of one week, by index, with the share of each that is off schedule."""

    hours: Sequence[int]
    off_ratios: Sequence[float]
    of_hours: Callable[[Sequence[float]], tuple[float, ...]]

    @classmethod
    def of(cls, week: range, history: UsageHistory, plan: ScenarioPlan) -> "_WeekOfHours":
        hours = [hour for hour in week if history.known[hour]]
        starts = (history.since_at + hour * SECONDS_PER_HOUR for hour in hours)
        on_ratios = (plan.office_hours.on_ratio(at, plan.time_zone) for at in starts)
        return cls(hours, [1.0 - on_ratio for on_ratio in on_ratios], itemgetter(*hours))

    def sums(self, amounts: Sequence[float]) -> Week:
        """Saved and used, as if the unknown hours of the week had been like the known ones."""
        used, scale = self.of_hours(amounts), HOURS_PER_WEEK / len(self.hours)
        return Week(sum(map(mul, used, self.off_ratios)) * scale, sum(used) * scale)


@dataclass(frozen=True, slots=True)
class _Saved:
    """What one group would have saved, week by week."""

    key: UsageKey
    usd: Sequence[Week]
    grams: Sequence[Week]

    @classmethod
    def in_weeks(cls, amounts: Amounts, weeks: Sequence[_WeekOfHours]) -> "_Saved":
        return cls(
            amounts.series.key,
            [week.sums(amounts.usd) for week in weeks],
            [week.sums(amounts.grams) for week in weeks],
        )


def _outcome(
    groups: Sequence[_Saved], covered_ratio: float, facts: CaseFacts
) -> Outcome | ScenarioGap:
    """The groups together; a gap where none costs or emits anything that could be saved."""
    usd = _total(each.usd for each in groups)
    grams = _total(each.grams for each in groups)
    if not sum(week.base for week in usd) or not sum(week.base for week in grams):
        return ScenarioGap.NO_CANDIDATES
    parts = [
        Part(each.key.instance_type, each.key.location, sum(week.saved for week in each.grams))
        for each in groups
    ]
    scale_ln = scale_deviation_ln(parts, facts.hardware, facts.siting)
    cost = Saving(ratio_of_month(usd, 0.0), amount_of_month(usd))
    emissions = Saving(
        ratio_of_month(grams, DRIFT_RATIO), amount_of_month(grams, scale_ln, DRIFT_AMOUNT_RATIO)
    )
    return Outcome(
        Scenario.OFFICE_HOURS,
        cost,
        emissions,
        samples=WEEKS * DAYS_PER_WEEK,
        worse_ratio=WORSE_RATIO,
        covered_ratio=covered_ratio,
        feasible=is_worthwhile(cost.ratio.value, emissions.ratio.value, WORSE_RATIO),
        saved_usd_by_account=_usd_per_month_by_account(groups),
    )


def _total(groups: Iterable[Sequence[Week]]) -> list[Week]:
    return [
        Week(sum(week.saved for week in same_week), sum(week.base for week in same_week))
        for same_week in zip(*groups, strict=True)
    ]


def _usd_per_month_by_account(groups: Iterable[_Saved]) -> dict[str, float]:
    saved: dict[str, float] = {}
    for each in groups:
        account_id, usd = each.key.account_id, sum(week.saved for week in each.usd)
        saved[account_id] = saved.get(account_id, 0.0) + usd / WEEKS * WEEKS_PER_MONTH
    return saved
