"""From one body of facts to the whole business case."""

from collections import Counter
from collections.abc import Mapping

from exporter.core.bounded import Bounded
from exporter.core.evidence import ExchangeRate
from exporter.core.reconciliation import CostRatio
from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.facts import BilledRatios, CaseFacts
from exporter.core.scenarios.office_hours import office_hours
from exporter.core.scenarios.outcome import Outcome, Scenario, ScenarioGap
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.profile import emissions_profile, grid_profile
from exporter.core.scenarios.region_shift import region_shift
from exporter.core.scenarios.rightsizing import rightsizing
from exporter.core.scenarios.time_shift import time_shift


def study(facts: CaseFacts, plan: ScenarioPlan) -> BusinessCase:
    """Look at every scenario; each is absent for its own reasons, without touching the others."""
    resized = rightsizing(facts, plan)
    shifts = [region_shift(facts, region) for region in plan.target_regions]
    found: list[tuple[Scenario, Outcome | ScenarioGap]] = [
        (Scenario.OFFICE_HOURS, office_hours(facts, plan)),
        (Scenario.RIGHTSIZING, resized.outcome),
        *((Scenario.REGION_SHIFT, shift.outcome) for shift in shifts),
        (Scenario.TIME_SHIFT, time_shift(facts, plan)),
    ]
    if not shifts:
        found.append((Scenario.REGION_SHIFT, ScenarioGap.NOT_CONFIGURED))
    gaps = Counter((name, gap) for name, gap in found if isinstance(gap, ScenarioGap))
    gaps |= Counter({(Scenario.RIGHTSIZING, gap): n for gap, n in resized.unjudged.items()})
    outcomes = tuple(outcome for _, outcome in found if isinstance(outcome, Outcome))
    rate = facts.exchange_rate if isinstance(facts.exchange_rate, ExchangeRate) else None
    if rate is None:
        gaps.update((outcome.scenario, ScenarioGap.NO_EXCHANGE_RATE) for outcome in outcomes)
    running = {instance.instance_id for instance in facts.instances}
    return BusinessCase(
        outcomes=outcomes,
        eur_per_month={
            (outcome.scenario, outcome.target_region): saved_eur_per_month(
                outcome, rate.usd_per_eur, facts.billed_ratios
            )
            for outcome in outcomes
            if rate
        },
        gaps=dict(gaps),
        idle={name: idle for name, idle in facts.idle.items() if name in running},
        resizes=resized.resizes,
        emissions_profile=emissions_profile(facts),
        grid_profile=grid_profile(facts),
        wishes=resized.wishes.union(*(shift.wishes for shift in shifts)),
        usd_per_eur=rate.usd_per_eur if rate else None,
        eur_per_usd={
            account_id: _typical(facts.billed_ratios.get(account_id)) / rate.usd_per_eur
            for account_id in {instance.account_id for instance in facts.instances}
            if rate
        },
    )


def saved_eur_per_month(outcome: Outcome, usd_per_eur: float, billed: BilledRatios) -> Bounded:
    """The monthly cost saving in euros: as billed, once the bill was compared, else at list price.

    The value is in the middle of what the bill has shown, the bounds are at its ends; there are
    none until it was compared for every account that saves something.
    """
    saved = outcome.cost.per_month
    ratio = _mixed(outcome.saved_usd_by_account, billed)
    value = saved.value * ratio.value / usd_per_eur
    if saved.lower is None or saved.upper is None or ratio.lower is None or ratio.upper is None:
        return Bounded(value)
    ends = [bound * r for bound in (saved.lower, saved.upper) for r in (ratio.lower, ratio.upper)]
    return Bounded(value, min(ends) / usd_per_eur, max(ends) / usd_per_eur)


def _mixed(saved_usd_by_account: Mapping[str, float], billed: BilledRatios) -> Bounded:
    """Billed dollars per dollar at list price, weighted by what each account saves."""
    weights = {name: abs(usd) for name, usd in saved_usd_by_account.items() if usd}
    total = sum(weights.values())
    if not total:
        return Bounded(1.0, 1.0, 1.0)
    value = sum(_typical(billed.get(name)) * weight for name, weight in weights.items()) / total
    known = [(billed[name], weight) for name, weight in weights.items() if name in billed]
    if len(known) < len(weights):
        return Bounded(value)
    return Bounded(
        value,
        sum(ratio.lower * weight for ratio, weight in known) / total,
        sum(ratio.upper * weight for ratio, weight in known) / total,
    )


def _typical(ratio: CostRatio | None) -> float:
    """List price is all that is known of what was never compared."""
    return (ratio.lower + ratio.upper) / 2 if ratio else 1.0
