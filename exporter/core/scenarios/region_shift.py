"""Region shift: the on-demand fleet runs in another region, on its grid and at its prices.

Every hour of the fleet is moved to the same hour of the other grid. Data transfer between regions
is not counted, and embodied emissions stay as they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import hypot, inf, sqrt

from exporter.core.bounded import Bounded
from exporter.core.evidence import PriceKey
from exporter.core.fleet import PurchaseOption
from exporter.core.scenarios.amounts import Amounts, amounts_of_each, grams_per_joule
from exporter.core.scenarios.coverage import Groups, coverage_of, main_gap
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.month import (
    DRIFT_AMOUNT_RATIO,
    DRIFT_RATIO,
    WEEKS,
    WEEKS_PER_MONTH,
    amount_of_month,
    ratio_of_month,
    scaled,
)
from exporter.core.scenarios.outcome import Outcome, Saving, Scenario, ScenarioGap, is_worthwhile
from exporter.core.scenarios.relocation import (
    CoveredUse,
    MovedCost,
    MovedEmissions,
    UsableWeeks,
    moved_cost,
    moved_emissions,
)
from exporter.core.scenarios.scale import scale_deviation_ln
from exporter.core.scenarios.target_prices import TargetPrices
from exporter.core.scenarios.usage import UsageHistory, UsageSeries
from exporter.core.scenarios.weeks import DAYS_PER_WEEK, newest_weeks
from exporter.core.uncertainty import COVERAGE_FACTOR, MEASURED_GRID_DEVIATION_LN, PUE_DEVIATION_LN

TWO_SITES_DEVIATION = sqrt(2) * hypot(MEASURED_GRID_DEVIATION_LN, PUE_DEVIATION_LN)
"""Of emissions there over those here: two grids and two PUEs, independent of each other."""

DAYS = WEEKS * DAYS_PER_WEEK


@dataclass(frozen=True, slots=True)
class RegionShift:
    """What a move to one region comes to; ``wishes`` are prices whose answers would complete it."""

    target_region: str
    outcome: Outcome | ScenarioGap
    wishes: frozenset[PriceKey]


def region_shift(facts: CaseFacts, target_region: str) -> RegionShift:
    """What running in the target region would have saved in every hour of the history.

    Groups whose price there or here was asked for in vain are not covered. The move is not advised
    then: they may not be sold there.
    """
    weeks = UsableWeeks(newest_weeks(facts.history.known), facts.history.known)
    scope = _scope(facts.history, weeks, target_region)
    there = grams_per_joule(
        target_region, facts.history, facts.intensities, facts.siting, facts.grid_gaps
    )
    if isinstance(scope, ScenarioGap):
        return RegionShift(target_region, scope, frozenset())
    if isinstance(there, ScenarioGap):
        return RegionShift(target_region, there, frozenset())
    keys = {each.key.price_key for each in scope}
    prices = TargetPrices.of(keys, target_region, facts.prices)
    shift = _Shift(facts, target_region, there, prices, weeks)
    awaited = not prices.wishes.isdisjoint(facts.awaited)
    outcome = ScenarioGap.AWAITED if awaited else shift.outcome(scope)
    return RegionShift(target_region, outcome, prices.wishes)


def _scope(
    history: UsageHistory, weeks: UsableWeeks, target_region: str
) -> Sequence[UsageSeries] | ScenarioGap:
    """On-demand groups that ran elsewhere in the weeks of evidence."""
    scope = [
        each
        for each in history.series
        if each.key.purchase_option is PurchaseOption.ON_DEMAND
        and each.key.location != target_region
    ]
    # Nothing is known yet of a fleet that was never watched: not even that it has no candidates.
    if not scope and any(history.known):
        return ScenarioGap.NO_CANDIDATES
    if not weeks.weeks:
        return ScenarioGap.TOO_LITTLE_HISTORY
    running = [each for each in scope if any(weeks.sums(each.running_seconds))]
    return running or ScenarioGap.NO_CANDIDATES


@dataclass(frozen=True, slots=True)
class _Shift:
    """A move to a region of which grid and prices are known."""

    facts: CaseFacts
    target_region: str
    grams_per_joule: Sequence[float]
    prices: TargetPrices
    weeks: UsableWeeks

    def outcome(self, scope: Iterable[UsageSeries]) -> Outcome | ScenarioGap:
        """What moving the groups in scope comes to; a gap where too little of them is known."""
        facts, groups, hours = self.facts, self._groups(scope), self.weeks.hours
        coverage = coverage_of(groups, hours)
        if not coverage.suffices:
            return main_gap(groups, hours, facts.hardware, facts.profiles)
        uses = [CoveredUse.of(amounts) for _, amounts in groups if isinstance(amounts, Amounts)]
        cost_ratios = self.prices.cost_ratios
        cost = moved_cost(uses, cost_ratios, self.weeks)
        emissions = moved_emissions(uses, cost_ratios, self.grams_per_joule, self.weeks)
        # A share of nothing is not known.
        if not all(sum(base for _, base in moved.weeks) for moved in (cost, emissions)):
            return ScenarioGap.NO_CANDIDATES
        return self._saved(cost, emissions, coverage.ratio)

    def _groups(self, scope: Iterable[UsageSeries]) -> Groups:
        """Amounts of each group here, in hours of which the grid there is known too."""
        facts = self.facts
        there = facts.intensities[facts.siting.grid_zones[self.target_region]]
        both = {
            zone: {at: grams for at, grams in hours.items() if at in there}
            for zone, hours in facts.intensities.items()
        }
        groups = amounts_of_each(scope, facts.history, both, facts.siting, facts.grid_gaps)
        return [(each, self._priced(each, amounts)) for each, amounts in groups]

    def _priced(self, series: UsageSeries, amounts: Amounts | ScenarioGap) -> Amounts | ScenarioGap:
        known = isinstance(amounts, ScenarioGap) or self.prices.knows(series.key.price_key)
        return amounts if known else ScenarioGap.NO_PRICE

    def _saved(self, cost: MovedCost, emissions: MovedEmissions, covered_ratio: float) -> Outcome:
        cost_saving = Saving(ratio_of_month(cost.weeks, 0.0), amount_of_month(cost.weeks))
        emissions_saving = self._emissions_saving(emissions)
        worse_ratio = emissions.worse_days / DAYS
        return Outcome(
            Scenario.REGION_SHIFT,
            cost_saving,
            emissions_saving,
            samples=DAYS,
            worse_ratio=worse_ratio,
            covered_ratio=covered_ratio,
            feasible=not (self.prices.unsold or self.prices.wishes)
            and is_worthwhile(cost_saving.ratio.value, emissions_saving.ratio.value, worse_ratio),
            saved_usd_by_account={
                account_id: usd / WEEKS * WEEKS_PER_MONTH
                for account_id, usd in cost.saved_by_account.items()
            },
            target_region=self.target_region,
        )

    def _emissions_saving(self, emissions: MovedEmissions) -> Saving:
        """The month's bands, wider by what the two sites may be off against each other."""
        scale_ln = scale_deviation_ln(emissions.parts, self.facts.hardware, self.facts.siting)
        base = sum(week.base for week in emissions.weeks)
        arrived_error = COVERAGE_FACTOR * TWO_SITES_DEVIATION * sum(emissions.arrived)
        ratio = ratio_of_month(emissions.weeks, DRIFT_RATIO)
        drifting = amount_of_month(emissions.weeks, 0.0, DRIFT_AMOUNT_RATIO)
        per_month = _widened(drifting, arrived_error / WEEKS * WEEKS_PER_MONTH)
        return Saving(
            _widened(ratio, arrived_error / base, most=1.0),
            scaled(per_month, scale_ln),  # last: a scale cannot change a sign
        )


def _widened(band: Bounded, half_width: float, most: float = inf) -> Bounded:
    """The band with an error of its own on both sides, in quadrature; at most ``most``."""
    value = band.value
    lower = value if band.lower is None else band.lower
    upper = value if band.upper is None else band.upper
    return Bounded(
        value,
        value - hypot(value - lower, half_width),
        min(most, value + hypot(upper - value, half_width)),
    )
