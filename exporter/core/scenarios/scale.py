"""How far the emissions of a month may be off as a whole: what cancels in a ratio of them."""

from collections.abc import Hashable, Iterable, Mapping
from math import sqrt
from typing import NamedTuple

from exporter.core.fleet import Hardware
from exporter.core.instance_estimate import Siting
from exporter.core.uncertainty import (
    MEASURED_GRID_DEVIATION_LN,
    MODEL_DEVIATION_LN,
    PUE_DEVIATION_LN,
    TYPE_REFERENCE_LOAD_RATIO,
    type_deviation_ln,
)


class Part(NamedTuple):
    """Emissions of instances of one type at one location, in grams."""

    instance_type: str
    location: str
    grams: float


def scale_deviation_ln(
    parts: Iterable[Part], hardware: Mapping[str, Hardware], siting: Siting
) -> float:
    """Deviation (ln) of the sum, 0 for nothing.

    As in the fleet's bounds, errors add up within a type, a zone and a location, and the model's
    own over all. Missing points and allocation average out over four weeks of many instances.
    """
    shared: dict[Hashable, float] = {}
    total = 0.0
    for instance_type, location, grams in parts:
        described = hardware.get(instance_type)
        burstable = described is not None and described.burstable
        total += grams
        for group, deviation_ln in (
            (("type", instance_type), _type_ln(burstable=burstable)),
            (("grid", siting.grid_zones.get(location)), MEASURED_GRID_DEVIATION_LN),
            (("pue", location), PUE_DEVIATION_LN),
            (("model", ""), MODEL_DEVIATION_LN),
        ):
            shared[group] = shared.get(group, 0.0) + grams * deviation_ln
    if not total:
        return 0.0
    return sqrt(sum(part * part for part in shared.values())) / abs(total)


def _type_ln(*, burstable: bool) -> float:
    return type_deviation_ln(TYPE_REFERENCE_LOAD_RATIO, burstable=burstable)
