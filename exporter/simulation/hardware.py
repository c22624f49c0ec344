"""Instance types: size, watts and manufacturing emissions.

Sizes are those EC2 sells under the name. Watts and emissions are INVENTED, of a believable
magnitude; no provider's data is copied, and they must not be used for anything but a demo.
"""

from collections.abc import Mapping
from typing import NamedTuple

from exporter.core.evidence import Embodied, GapReason, HardwareProfile
from exporter.core.fleet import Hardware

PROVIDER_VERSION = "simulated"

_LOAD_SHAPE = (0.0, 0.25, 0.45, 0.7, 0.87, 1.0)
"""Share of the way from idle to full watts at LOAD_ANCHORS_PERCENT."""

_GRAMS_PER_HOUR_PER_VCPU = 0.13
_GRAMS_PER_HOUR_PER_GIBIBYTE = 0.03
_GRAMS_PER_HOUR_PER_ACCELERATOR = 1.5
_LOWER_RATIO = 0.6
_UPPER_RATIO = 1.6


class Model(NamedTuple):
    """One type. ``known`` says whether the profile provider has heard of it yet."""

    vcpus: int
    memory_gibibytes: int
    idle_watts: float
    full_watts: float
    architecture: str = "x86_64"
    burstable: bool = False
    accelerators: int = 0
    known: bool = True


MODELS: Mapping[str, Model] = {
    "t3.micro": Model(2, 1, 1.9, 13.0, burstable=True),
    "t3.medium": Model(2, 4, 2.3, 14.0, burstable=True),
    "t3a.large": Model(2, 8, 2.2, 10.5, burstable=True),
    "t4g.medium": Model(2, 4, 1.4, 7.0, "arm64", burstable=True),
    "m5.large": Model(2, 8, 2.9, 16.0),
    "m5.4xlarge": Model(16, 64, 23.0, 126.0),
    "m6i.xlarge": Model(4, 16, 5.0, 28.0),
    "m6g.large": Model(2, 8, 2.0, 8.5, "arm64"),
    "m7i.large": Model(2, 8, 2.2, 12.5),
    "m8a.large": Model(2, 8, 2.0, 11.0, known=False),
    "c5.xlarge": Model(4, 8, 5.5, 38.0),
    "c6g.xlarge": Model(4, 8, 2.8, 15.0, "arm64"),
    "c7g.xlarge": Model(4, 8, 3.0, 17.0, "arm64"),
    "r5.large": Model(2, 16, 4.1, 17.5),
    "g4dn.xlarge": Model(4, 16, 6.0, 30.0, accelerators=1),
}


def describe(instance_type: str) -> Hardware:
    """What EC2 says of a type of MODELS."""
    model = MODELS[instance_type]
    return Hardware(
        instance_type=instance_type,
        vcpus=model.vcpus,
        memory_mebibytes=model.memory_gibibytes * 1024,
        accelerators=model.accelerators,
        burstable=model.burstable,
        architecture=model.architecture,
    )


def profile(instance_type: str) -> HardwareProfile:
    """What the profile provider says of any type."""
    model = MODELS.get(instance_type)
    if model is None or not model.known:
        return HardwareProfile(
            instance_type, (), GapReason.NO_PROFILE, None, GapReason.NO_PROFILE, PROVIDER_VERSION
        )
    embodied = _embodied(model)
    if model.accelerators:
        gap = GapReason.ACCELERATOR_UNMODELLED
        return HardwareProfile(instance_type, (), gap, embodied, None, PROVIDER_VERSION)
    return HardwareProfile(instance_type, _watts(model), None, embodied, None, PROVIDER_VERSION)


def _watts(model: Model) -> tuple[float, ...]:
    span = model.full_watts - model.idle_watts
    return tuple(round(model.idle_watts + span * share, 2) for share in _LOAD_SHAPE)


def _embodied(model: Model) -> Embodied:
    grams_per_hour = (
        model.vcpus * _GRAMS_PER_HOUR_PER_VCPU
        + model.memory_gibibytes * _GRAMS_PER_HOUR_PER_GIBIBYTE
        + model.accelerators * _GRAMS_PER_HOUR_PER_ACCELERATOR
    )
    return Embodied(grams_per_hour, grams_per_hour * _LOWER_RATIO, grams_per_hour * _UPPER_RATIO)
