"""From one body of facts to the whole business case."""

from collections import Counter
from collections.abc import Mapping
from math import fsum, hypot

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
    running = {instance.instance_id for instance in facts.instances if instance.is_running}
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

    Each account's part by its own bill, for one may save what another loses: the value is in the
    middle of what the bills have shown, the bounds are at their ends and hold, in quadrature, the
    month's spread as well. There are none until the bill was compared for every account that saves
    something.
    """
    parts = {name: usd for name, usd in outcome.saved_usd_by_account.items() if usd}
    value = fsum(usd * _typical(billed.get(name)) for name, usd in parts.items())
    month = outcome.cost.per_month
    if month.lower is None or month.upper is None or not parts.keys() <= billed.keys():
        return Bounded(value / usd_per_eur)
    ends = [(usd * billed[name].lower, usd * billed[name].upper) for name, usd in parts.items()]
    ratio = _mean_ratio(parts, billed)
    below = hypot(value - fsum(map(min, ends)), (month.value - month.lower) * ratio)
    above = hypot(fsum(map(max, ends)) - value, (month.upper - month.value) * ratio)
    return Bounded(value, value - below, value + above).in_units_of(usd_per_eur)


def _mean_ratio(saved_usd_by_account: Mapping[str, float], billed: BilledRatios) -> float:
    """Billed dollars per dollar at list price, weighted by what is at stake in each account."""
    at_stake = fsum(map(abs, saved_usd_by_account.values()))
    if not at_stake:
        return 1.0
    parts = saved_usd_by_account.items()
    return fsum(abs(usd) * _typical(billed.get(name)) for name, usd in parts) / at_stake


def _typical(ratio: CostRatio | None) -> float:
    """List price is all that is known of what was never compared."""
    return (ratio.lower + ratio.upper) / 2 if ratio else 1.0
