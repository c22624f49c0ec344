"""The whole fleet: from evidence to one snapshot."""

from collections import Counter
from collections.abc import Iterable, Mapping

from exporter.core.deviations import published_deviations
from exporter.core.evidence import Evidence, ExchangeRate, GapReason, GridIntensity, Quantity
from exporter.core.fleet import InstanceState, Inventory, Place
from exporter.core.instance_estimate import (
    GridView,
    InstanceEstimator,
    InstanceResult,
    Siting,
)
from exporter.core.snapshot import (
    Bounded,
    FleetSnapshot,
    GridEstimate,
    InstanceEstimate,
    Pue,
)
from exporter.core.statement import Statement
from exporter.core.totals import fleet_totals
from exporter.core.uncertainty import (
    bounded,
    combined_ln,
    grid_age_deviation_ln,
    grid_estimate_deviation_ln,
)

ESTIMATED = tuple(quantity for quantity in Quantity if quantity is not Quantity.RUNTIME)
"""What each running instance is estimated by; its runtime comes from the books."""

NO_STATEMENT = Statement()


def estimate_fleet(
    evidence: Evidence, siting: Siting, now: float, statement: Statement = NO_STATEMENT
) -> FleetSnapshot:
    """Everything that the evidence and the books say of the fleet at ``now`` (epoch seconds)."""
    grid = {zone: _grid_view(zone, evidence, now) for zone in evidence.grid}
    hardware = {
        described.instance_type: described
        for inventory in evidence.inventories.values()
        for described in inventory.hardware
    }
    estimator = InstanceEstimator(evidence, siting, grid, hardware, now, statement)
    running: list[InstanceResult] = []
    listed: list[InstanceEstimate] = []
    for place in sorted(evidence.inventories):
        for instance in evidence.inventories[place].instances:
            if instance.is_running:
                result = estimator.estimate(instance)
                running.append(result)
                listed.append(result.estimate)
            else:
                listed.append(estimator.idle(instance))
    gaps = _gaps(running, evidence.unreachable)
    count = len(running) + sum(evidence.unreachable.values())
    rate = evidence.exchange_rate
    return FleetSnapshot(
        estimated_at=now,
        instances=tuple(listed),
        totals=fleet_totals(running, evidence, grid),
        covered_ratio=_covered_ratio(count, gaps)
        | {Quantity.RUNTIME: _runtime_ratio(count, running)},
        gaps=gaps | _runtime_gaps(evidence, statement),
        counts=_counts(evidence.inventories.values()),
        grid={zone: view.estimate for zone, view in grid.items() if isinstance(view, GridView)},
        pue=_pue_in_use(listed, siting),
        exchange_rate=rate if isinstance(rate, ExchangeRate) else None,
        cpu_newest_point_at=_newest_points(evidence),
        deviations=published_deviations(running, grid, hardware),
        statement=statement,
    )


def _grid_view(zone: str, evidence: Evidence, now: float) -> GridView | GapReason:
    intensity = evidence.grid[zone]
    if not isinstance(intensity, GridIntensity):
        return intensity
    estimate_ln = grid_estimate_deviation_ln(intensity)
    history = evidence.grid_history.get(zone)
    age_ln = None if history is None else grid_age_deviation_ln(history, intensity, now)
    grams = intensity.grams_per_kilowatt_hour
    bounds = Bounded(grams) if age_ln is None else bounded(grams, combined_ln(age_ln, estimate_ln))
    return GridView(GridEstimate(intensity, bounds), age_ln, estimate_ln)


def _gaps(
    running: Iterable[InstanceResult], unreachable: Mapping[Place, int]
) -> dict[tuple[Place, Quantity, GapReason], int]:
    counted: Counter[tuple[Place, Quantity, GapReason]] = Counter()
    for result in running:
        place = result.estimate.instance.place
        for quantity, reason in result.gaps:
            counted[place, quantity, reason] += 1
    for place, count in unreachable.items():
        for quantity in ESTIMATED:
            if count:
                counted[place, quantity, GapReason.SOURCE_DOWN] += count
    return dict(counted)


def _covered_ratio(
    total: int, gaps: Mapping[tuple[Place, Quantity, GapReason], int]
) -> dict[Quantity, float]:
    """Share of the running instances, last known, that have a quantity; 1 for an empty fleet."""
    missing: Counter[Quantity] = Counter()
    for (_, quantity, _), count in gaps.items():
        missing[quantity] += count
    return {q: 1 - missing[q] / total if total else 1.0 for q in ESTIMATED}


def _runtime_gaps(
    evidence: Evidence, statement: Statement
) -> dict[tuple[Place, Quantity, GapReason], int]:
    """Listed instances of unknown runtime, stopped ones too: they may have run in the window."""
    gaps = {
        (place, Quantity.RUNTIME, reason): count
        for (place, reason), count in statement.runtime_gaps.items()
        if place in evidence.inventories
    }
    for place, count in evidence.unreachable.items():
        if count:
            gaps[place, Quantity.RUNTIME, GapReason.SOURCE_DOWN] = count
    return gaps


def _runtime_ratio(total: int, running: Iterable[InstanceResult]) -> float:
    known = sum(1 for result in running if result.estimate.runtime_seconds is not None)
    return known / total if total else 1.0


def _counts(inventories: Iterable[Inventory]) -> dict[tuple[Place, InstanceState], int]:
    counted: Counter[tuple[Place, InstanceState]] = Counter()
    for inventory in inventories:
        for state in (InstanceState.RUNNING, InstanceState.STOPPED):
            counted[inventory.place, state] = 0
        for instance in inventory.instances:
            counted[inventory.place, instance.state] += 1
    return dict(counted)


def _pue_in_use(listed: Iterable[InstanceEstimate], siting: Siting) -> dict[str, Pue]:
    locations = {estimate.instance.location for estimate in listed}
    return {place: siting.pue[place] for place in sorted(locations) if place in siting.pue}


def _newest_points(evidence: Evidence) -> dict[Place, float]:
    """Start of the newest five-minute CPU point in use, by place."""
    newest = {}
    for place, instances in evidence.cpu.items():
        starts = [cpu.points[-1].start_at for cpu in instances.values() if cpu.points]
        if place in evidence.inventories and starts:
            newest[place] = max(starts)
    return newest
