"""Rightsizing: a smaller type of the same family, where the CPU alone says that it fits."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum

from exporter.core.evidence import PriceKey
from exporter.core.fleet import Instance, PurchaseOption
from exporter.core.scenarios.coverage import Coverage
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.judgement import (
    Change,
    Judge,
    Judgement,
    Unjudged,
    out_of_scope,
)
from exporter.core.scenarios.load import p95_percent, points_in, points_per_week
from exporter.core.scenarios.month import WEEKS
from exporter.core.scenarios.outcome import Outcome, Resize, Scenario, ScenarioGap, is_worthwhile
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.resized_fleet import (
    cost_saving,
    emissions_saving,
    saved_usd_by_account,
)
from exporter.core.scenarios.weeks import DAYS_PER_WEEK, newest_weeks
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_DAY

_EVIDENCE_SECONDS = WEEKS * DAYS_PER_WEEK * SECONDS_PER_DAY


@dataclass(frozen=True, slots=True)
class Rightsizing:
    """The total, each instance that fits a smaller type, and what kept others from being judged.

    ``outcome`` is a gap where nothing could be judged, or too little, or not all of those that a
    smaller type may fit: the others alone would save too little. ``unjudged`` counts instances.
    ``wishes`` are prices and types whose answers would allow more to be judged.
    """

    outcome: Outcome | ScenarioGap
    resizes: Mapping[str, Resize]
    unjudged: Mapping[ScenarioGap, int]
    wishes: frozenset[str | PriceKey]


def rightsizing(facts: CaseFacts, plan: ScenarioPlan) -> Rightsizing:
    """Judge every on-demand instance by its CPU; its memory use is not known.

    The ratios of the outcome are shares of what all judged instances cost and emit, whether they
    fit a smaller type or not: ratio x that base is the amount. It covers the running time of four
    weeks of the instances that could be judged by their kind: burstable and accelerated types are
    counted as unjudged, but are not what it is about.
    """
    scope = [each for each in facts.instances if each.purchase_option is PurchaseOption.ON_DEMAND]
    if not scope:
        return Rightsizing(ScenarioGap.NO_CANDIDATES, {}, {}, frozenset())
    weeks = newest_weeks(facts.history.known)
    if not weeks:
        reason = ScenarioGap.TOO_LITTLE_HISTORY
        return Rightsizing(reason, {}, {reason: len(scope)}, frozenset())
    judge = Judge(facts, plan.rightsizing_percent, weeks)
    verdicts = [(instance, judge.judge(instance)) for instance in scope]
    judged = [verdict for _, verdict in verdicts if isinstance(verdict, Judgement)]
    unjudged = [verdict for _, verdict in verdicts if isinstance(verdict, Unjudged)]
    counts = Counter(each.reason for each in unjudged)
    coverage, missing = _coverage(verdicts, facts)
    unvalued = {each.reason for each in unjudged if each.may_fit}
    # The first by precedence of several alike.
    if not coverage.suffices:
        gap: ScenarioGap | None = max(ScenarioGap, key=lambda gap: (missing[gap], counts[gap]))
    else:
        gap = next((gap for gap in ScenarioGap if gap in unvalued), None)
    return Rightsizing(
        gap or _outcome(judged, coverage.ratio, facts),
        {
            each.instance.instance_id: _resize(each, each.likely, facts)
            for each in judged
            if each.likely
        },
        counts,
        frozenset[str | PriceKey]().union(*(each.wishes for each in unjudged)),
    )


def _coverage(
    verdicts: Iterable[tuple[Instance, Judgement | Unjudged]], facts: CaseFacts
) -> tuple[Coverage, Mapping[ScenarioGap, float]]:
    """For how much of the running time there is a judgement, and seconds that lack one by reason.

    A judged instance covers its time as far as the grid is known for its energy.
    """
    running: list[float] = []
    covered: list[float] = []
    missing: defaultdict[ScenarioGap, list[float]] = defaultdict(list)
    for instance, verdict in verdicts:
        hardware = facts.hardware.get(instance.instance_type)
        if hardware is not None and out_of_scope(hardware):
            continue
        seconds = _running_seconds(instance, facts)
        running.append(seconds)
        if isinstance(verdict, Judgement):
            covered.append(seconds * verdict.grid_known_ratio)
            missing[ScenarioGap.NO_GRID_INTENSITY].append(seconds - covered[-1])
        else:
            missing[verdict.reason].append(seconds)
    return Coverage(fsum(running), fsum(covered)), {gap: fsum(missing[gap]) for gap in ScenarioGap}


def _running_seconds(instance: Instance, facts: CaseFacts) -> float:
    """Running time in four weeks: that of its CPU points, at least that of the present run."""
    load = facts.loads.get(instance.instance_id)
    points = min(WEEKS * points_per_week(load), points_in(sum(load.blocks))) if load else 0.0
    seconds = points * CPU_SLOT_SECONDS
    if not instance.is_running:
        return seconds
    until_at = facts.history.until_at
    launched_at = max(instance.launched_at, until_at - _EVIDENCE_SECONDS)
    return max(until_at - launched_at, seconds)


def _outcome(
    judged: Sequence[Judgement], covered_ratio: float, facts: CaseFacts
) -> Outcome | ScenarioGap:
    """The total; a gap where nothing costs or emits anything that could be saved."""
    if not any(each.usd for each in judged) or not any(each.grams for each in judged):
        return ScenarioGap.NO_CANDIDATES
    cost = cost_saving(judged)
    emissions = emissions_saving(judged, facts.hardware, facts.siting)
    # It is another machine at every hour: if it emits more, it does so on every day.
    worse_ratio = 1.0 if emissions.per_month.value < 0 else 0.0
    return Outcome(
        Scenario.RIGHTSIZING,
        cost,
        emissions,
        samples=WEEKS * DAYS_PER_WEEK,
        worse_ratio=worse_ratio,
        covered_ratio=covered_ratio,
        feasible=is_worthwhile(cost.ratio.value, emissions.ratio.value, worse_ratio),
        saved_usd_by_account=saved_usd_by_account(judged),
    )


def _resize(judgement: Judgement, change: Change, facts: CaseFacts) -> Resize:
    load = facts.loads[judgement.instance.instance_id]
    return Resize(
        change.target_type,
        float(p95_percent(sum(load.blocks))),
        judgement.usd - change.usd,
        judgement.grams - change.grams,
    )
