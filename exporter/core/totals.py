"""Totals over the running instances, with the errors they share."""

from collections.abc import Hashable, Iterable, Mapping
from math import fsum

from exporter.core.aggregate import BoundedSum
from exporter.core.evidence import Evidence, GapReason
from exporter.core.fleet import Instance
from exporter.core.instance_estimate import GridView, InstanceResult, PowerErrors
from exporter.core.snapshot import FleetTotals
from exporter.core.uncertainty import (
    MODEL_DEVIATION_LN,
    PUE_DEVIATION_LN,
    embodied_deviation_ln,
)


def fleet_totals(
    running: Iterable[InstanceResult], evidence: Evidence, grid: Mapping[str, GridView | GapReason]
) -> FleetTotals:
    """Sums over the running instances that have the quantity."""
    power, emissions, embodied = BoundedSum(), BoundedSum(), BoundedSum()
    usd: list[float] = []
    eur: list[float] = []
    for result in running:
        estimate, errors = result.estimate, result.power_errors
        instance = estimate.instance
        if estimate.power_watts and errors:
            power.add(estimate.power_watts.value, errors.own_ln, _shared_by_type(instance, errors))
        if estimate.emissions_grams_per_hour and errors:
            grams = estimate.emissions_grams_per_hour.value
            view = grid[estimate.grid_zone]
            if isinstance(view, GridView) and view.age_ln is not None:
                shared = _shared_by_type(instance, errors) | {
                    ("pue", instance.location): PUE_DEVIATION_LN,
                    ("grid", estimate.grid_zone): view.age_ln,
                    ("est", estimate.grid_zone): view.estimate_ln,
                }
                emissions.add(grams, errors.own_ln, shared)
            else:
                emissions.add_unbounded(grams)
        profile = evidence.profiles.get(instance.instance_type)
        if estimate.embodied_grams_per_hour and profile and profile.embodied:
            deviation_ln = embodied_deviation_ln(profile.embodied)
            group: Mapping[Hashable, float] = {("type", instance.instance_type): deviation_ln}
            embodied.add(estimate.embodied_grams_per_hour.value, 0.0, group)
        if estimate.cost_usd_per_hour is not None:
            usd.append(estimate.cost_usd_per_hour)
        if estimate.cost_eur_per_hour is not None:
            eur.append(estimate.cost_eur_per_hour)
    return FleetTotals(
        power.result(),
        emissions.result(),
        embodied.result(),
        fsum(usd) if usd else None,
        fsum(eur) if eur else None,
    )


def _shared_by_type(instance: Instance, errors: PowerErrors) -> dict[Hashable, float]:
    return {("type", instance.instance_type): errors.type_ln, "model": MODEL_DEVIATION_LN}
