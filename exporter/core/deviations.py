"""The error components behind the bounds, as they are published."""

from collections.abc import Mapping
from math import sqrt

from exporter.core.evidence import GapReason
from exporter.core.fleet import Hardware
from exporter.core.instance_estimate import GridView, InstanceResult
from exporter.core.snapshot import Deviation
from exporter.core.uncertainty import (
    ALLOCATION_DEVIATION_LN,
    MODEL_DEVIATION_LN,
    PUE_DEVIATION_LN,
    TYPE_REFERENCE_LOAD_RATIO,
    type_deviation_ln,
)


def published_deviations(
    running: list[InstanceResult],
    grid: Mapping[str, GridView | GapReason],
    hardware: Mapping[str, Hardware],
) -> tuple[Deviation, ...]:
    """Each error component; util and cpu_age, which vary by instance, as their RMS."""
    found = [
        Deviation("model", MODEL_DEVIATION_LN),
        Deviation("alloc", ALLOCATION_DEVIATION_LN),
        Deviation("pue", PUE_DEVIATION_LN),
    ]
    errors = [result.power_errors for result in running if result.power_errors]
    if errors:
        found += [
            Deviation("util", _root_mean_square([e.utilization_ln for e in errors])),
            Deviation("cpu_age", _root_mean_square([e.cpu_age_ln for e in errors])),
        ]
    types = {r.estimate.instance.instance_type for r in running if r.power_errors}
    for name in sorted(types):
        deviation = type_deviation_ln(
            TYPE_REFERENCE_LOAD_RATIO, burstable=name in hardware and hardware[name].burstable
        )
        found.append(Deviation("type", deviation, instance_type=name))
    for zone, view in sorted(grid.items()):
        if isinstance(view, GridView):
            found.append(Deviation("est", view.estimate_ln, grid_zone=zone))
            if view.age_ln is not None:
                found.append(Deviation("grid", view.age_ln, grid_zone=zone))
    return tuple(found)


def _root_mean_square(numbers: list[float]) -> float:
    return sqrt(sum(number * number for number in numbers) / len(numbers))
