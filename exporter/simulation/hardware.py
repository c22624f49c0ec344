"""Instance types: size, watts and manufacturing emissions.

Sizes are those EC2 sells under the name; some are there only because a running instance would fit
them. Watts and emissions are INVENTED, of a believable magnitude; no provider's data is copied,
and they must not be used for anything but a demo.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from exporter.core.evidence import Embodied, GapReason, HardwareProfile
from exporter.core.fleet import Hardware, family_of

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
    "m5.xlarge": Model(4, 16, 5.8, 32.0),
    "m5.2xlarge": Model(8, 32, 11.5, 63.0),
    "m5.4xlarge": Model(16, 64, 23.0, 126.0),
    "m6i.large": Model(2, 8, 2.5, 14.1),
    "m6i.xlarge": Model(4, 16, 5.0, 28.0),
    "m6i.2xlarge": Model(8, 32, 9.9, 55.5),
    "m6g.medium": Model(1, 4, 1.0, 4.3, "arm64"),
    "m6g.large": Model(2, 8, 2.0, 8.5, "arm64"),
    "m7i.large": Model(2, 8, 2.2, 12.5),
    "m7i.xlarge": Model(4, 16, 4.4, 24.8),
    "m8a.medium": Model(1, 4, 1.0, 5.5, known=False),
    "m8a.large": Model(2, 8, 2.0, 11.0, known=False),
    "c5.large": Model(2, 4, 2.8, 19.1),
    "c5.xlarge": Model(4, 8, 5.5, 38.0),
    "c5.2xlarge": Model(8, 16, 10.9, 75.5),
    "c6g.medium": Model(1, 2, 0.7, 3.8, "arm64"),
    "c6g.large": Model(2, 4, 1.4, 7.6, "arm64"),
    "c6g.xlarge": Model(4, 8, 2.8, 15.0, "arm64"),
    "c7g.medium": Model(1, 2, 0.8, 4.3, "arm64"),
    "c7g.large": Model(2, 4, 1.5, 8.6, "arm64"),
    "c7g.xlarge": Model(4, 8, 3.0, 17.0, "arm64"),
    "r5.large": Model(2, 16, 4.1, 17.5),
    "r5.xlarge": Model(4, 32, 8.1, 34.8),
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


def describe_families(instance_types: Iterable[str]) -> tuple[Hardware, ...]:
    """What EC2 says of all sizes of the families of these types of MODELS, sorted by name."""
    families = set(map(family_of, instance_types))
    return tuple(describe(name) for name in sorted(MODELS) if family_of(name) in families)


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
