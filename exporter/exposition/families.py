"""The pure mapping from a fleet snapshot to metric families."""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.core.evidence import Quantity
from exporter.core.fleet import InstanceState
from exporter.core.scenarios.case import BusinessCase
from exporter.core.snapshot import Bounded, FleetSnapshot
from exporter.core.statement import WINDOW_SECONDS, Statement
from exporter.core.uncertainty import COVERAGE_FACTOR, COVERAGE_RATIO
from exporter.exposition.catalogue import MetricSpec, factors, fleet, instances, time_and_money
from exporter.exposition.family import Family, labelled, single
from exporter.exposition.instance_families import InstanceFamilies
from exporter.exposition.scenario_families import AdviceFamilies, scenario_families
from exporter.exposition.statement_families import statement_families


@dataclass(frozen=True, slots=True)
class Budgets:
    """What the operator allows per month; None where nothing is set."""

    cost_eur_per_month: float | None = None
    emissions_grams_per_month: float | None = None
    upstream_usd_per_month: float | None = None


class FleetFamilies:
    """Maps snapshots to families, remembering label sets only. Not thread-safe.

    ``tag_labels`` and ``max_tag_values`` as in InstanceFamilies. Raises ValueError for an
    invalid tag label.
    """

    def __init__(
        self,
        tag_labels: Sequence[str] = (),
        *,
        max_tag_values: int = 200,
        budgets: Budgets | None = None,
    ) -> None:
        self._instances = InstanceFamilies(tag_labels, max_tag_values)
        self._advice = AdviceFamilies()
        self._case = BusinessCase()
        self._scenarios = scenario_families(self._case)
        self._declared = _declared(budgets or Budgets())

    def of(self, snapshot: FleetSnapshot | None) -> tuple[Family, ...]:
        """Build every family of the fleet, in a fixed order; before the first snapshot, empty ones.

        What the operator and the method declare is there from the start.
        """
        if snapshot is None:
            empty = (*instances.METRICS, *_UNDECLARED)
            return (
                *(Family(spec, (), ()) for spec in empty),
                _COVERS_NOTHING,
                *self._advice.of(BusinessCase(), (), ()),
                *statement_families(Statement(), None),
                *scenario_families(BusinessCase()),
                *self._declared,
            )
        return (
            *self._instances.of(snapshot.instances),
            *self._advice.of(snapshot.case, snapshot.instances, self._instances.identities),
            *_totals(snapshot),
            *_counts(snapshot),
            *statement_families(snapshot.statement, snapshot.exchange_rate),
            *self._scenarios_of(snapshot.case),
            *_grid(snapshot),
            *_factors(snapshot),
            *self._declared,
        )

    def _scenarios_of(self, case: BusinessCase) -> tuple[Family, ...]:
        """Give the very same families again while the case is in force, for an hour."""
        if case is not self._case:
            self._case, self._scenarios = case, scenario_families(case)
        return self._scenarios


def _declared(budgets: Budgets) -> tuple[Family, ...]:
    return (
        single(fleet.BUDGET_COST, budgets.cost_eur_per_month),
        single(fleet.BUDGET_EMISSIONS, budgets.emissions_grams_per_month),
        single(fleet.BUDGET_UPSTREAM, budgets.upstream_usd_per_month),
        single(time_and_money.WINDOW, WINDOW_SECONDS),
        single(factors.COVERAGE_RATIO, COVERAGE_RATIO),
        single(factors.COVERAGE_FACTOR, COVERAGE_FACTOR),
    )


# Of a fleet that nobody could look at, nothing is covered: an alert on it must not stay silent.
_COVERS_NOTHING = labelled(fleet.COVERED, [((quantity,), 0.0) for quantity in sorted(Quantity)])
_DECLARED = {family.spec for family in _declared(Budgets())}
_UNDECLARED = tuple(
    spec
    for spec in (*fleet.METRICS, *factors.METRICS)
    if spec not in _DECLARED and spec is not fleet.COVERED
)


def _totals(snapshot: FleetSnapshot) -> tuple[Family, ...]:
    totals = snapshot.totals
    return (
        *_bounded(fleet.POWER, fleet.POWER_LOWER, fleet.POWER_UPPER, totals.power_watts),
        *_bounded(
            fleet.EMISSIONS,
            fleet.EMISSIONS_LOWER,
            fleet.EMISSIONS_UPPER,
            totals.emissions_grams_per_hour,
        ),
        *_bounded(
            fleet.EMBODIED,
            fleet.EMBODIED_LOWER,
            fleet.EMBODIED_UPPER,
            totals.embodied_grams_per_hour,
        ),
        single(fleet.COST_USD, totals.cost_usd_per_hour),
        single(fleet.COST_EUR, totals.cost_eur_per_hour),
        labelled(
            fleet.COVERED,
            (((key,), ratio) for key, ratio in sorted(snapshot.covered_ratio.items())),
        ),
    )


def _bounded(
    value: MetricSpec, lower: MetricSpec, upper: MetricSpec, total: Bounded | None
) -> tuple[Family, Family, Family]:
    if total is None:
        return single(value, None), single(lower, None), single(upper, None)
    return single(value, total.value), single(lower, total.lower), single(upper, total.upper)


def _counts(snapshot: FleetSnapshot) -> tuple[Family, Family]:
    counts = dict(snapshot.counts)
    for place in {place for place, _ in snapshot.counts}:
        counts.setdefault((place, InstanceState.RUNNING), 0)
        counts.setdefault((place, InstanceState.STOPPED), 0)
    return (
        labelled(
            fleet.INSTANCES,
            (((*place, state), count) for (place, state), count in sorted(counts.items())),
        ),
        labelled(
            fleet.GAPS,
            (
                ((*place, quantity, reason), count)
                for (place, quantity, reason), count in sorted(snapshot.gaps.items())
            ),
        ),
    )


def _grid(snapshot: FleetSnapshot) -> tuple[Family, ...]:
    zones = sorted(snapshot.grid.items())
    bounds = [(zone, estimate.bounds) for zone, estimate in zones]
    return (
        labelled(factors.GRID_INTENSITY, (((zone,), b.value) for zone, b in bounds)),
        labelled(
            factors.GRID_INTENSITY_LOWER,
            (((zone,), b.lower) for zone, b in bounds if b.lower is not None),
        ),
        labelled(
            factors.GRID_INTENSITY_UPPER,
            (((zone,), b.upper) for zone, b in bounds if b.upper is not None),
        ),
        labelled(
            factors.GRID_ESTIMATED,
            (((zone,), float(estimate.intensity.estimated)) for zone, estimate in zones),
        ),
        labelled(
            factors.GRID_TIMESTAMP,
            (((zone,), estimate.intensity.valid_at) for zone, estimate in zones),
        ),
    )


def _factors(snapshot: FleetSnapshot) -> tuple[Family, ...]:
    rates = [] if snapshot.exchange_rate is None else [snapshot.exchange_rate]
    return (
        labelled(
            factors.PUE,
            (((region, pue.basis), pue.ratio) for region, pue in sorted(snapshot.pue.items())),
        ),
        labelled(factors.EXCHANGE_RATE, (((rate.basis,), rate.usd_per_eur) for rate in rates)),
        labelled(
            factors.EXCHANGE_RATE_TIMESTAMP, (((rate.basis,), rate.as_of_at) for rate in rates)
        ),
        labelled(factors.CPU_NEWEST_POINT, sorted(snapshot.cpu_newest_point_at.items())),
        labelled(
            factors.UNCERTAINTY,
            (
                ((d.component, d.grid_zone, d.instance_type), d.deviation_ln)
                for d in snapshot.deviations
            ),
        ),
    )
