from itertools import pairwise

import pytest

from exporter.core.evidence import LOAD_ANCHORS_PERCENT, GapReason
from exporter.simulation import fleet, hardware, prices


@pytest.mark.parametrize("instance_type", hardware.MODELS)
def test_profiles_are_complete_or_say_why_not(instance_type: str) -> None:
    """Watts rise with the load, bounds enclose the value, and a gap stands where one is missing."""
    profile = hardware.profile(instance_type)

    assert profile.instance_type == instance_type
    assert profile.provider_version == "simulated"
    assert (profile.power_gap is None) == (len(profile.watts) == len(LOAD_ANCHORS_PERCENT))
    assert (profile.embodied_gap is None) == (profile.embodied is not None)
    assert all(0 < before < after for before, after in pairwise(profile.watts))
    if profile.embodied:
        embodied = profile.embodied
        assert 0 < embodied.lower_grams_per_hour < embodied.grams_per_hour
        assert embodied.grams_per_hour < embodied.upper_grams_per_hour


@pytest.mark.parametrize("unknown", ["m8a.large", "z9.huge", ""])
def test_unknown_types_have_no_profile(unknown: str) -> None:
    """The newest generation and what does not exist are gaps, not guesses."""
    profile = hardware.profile(unknown)

    assert (profile.watts, profile.embodied) == ((), None)
    assert profile.power_gap is profile.embodied_gap is GapReason.NO_PROFILE


def test_the_gpu_type_has_embodied_emissions_only() -> None:
    """An accelerator's power is not modelled; its manufacturing is."""
    profile = hardware.profile("g4dn.xlarge")

    assert profile.power_gap is GapReason.ACCELERATOR_UNMODELLED
    assert profile.embodied is not None
    assert hardware.describe("g4dn.xlarge").accelerators == 1


@pytest.mark.parametrize(
    ("instance_type", "vcpus", "memory_mebibytes", "architecture", "burstable"),
    [
        ("t3.micro", 2, 1024, "x86_64", True),
        ("m6g.large", 2, 8192, "arm64", False),
        ("m5.4xlarge", 16, 65536, "x86_64", False),
    ],
)
def test_sizes(
    *,
    instance_type: str,
    vcpus: int,
    memory_mebibytes: int,
    architecture: str,
    burstable: bool,
) -> None:
    """EC2 sells these sizes under these names."""
    described = hardware.describe(instance_type)

    assert described.vcpus == vcpus
    assert described.memory_mebibytes == memory_mebibytes
    assert described.architecture == architecture
    assert described.burstable is burstable


@pytest.mark.parametrize(
    ("instance_type", "smaller"),
    [
        ("m5.4xlarge", {"m5.large", "m5.xlarge", "m5.2xlarge"}),
        ("m6i.xlarge", {"m6i.large"}),
        ("c5.xlarge", {"c5.large"}),
        ("c6g.xlarge", {"c6g.medium", "c6g.large"}),
        ("c7g.xlarge", {"c7g.medium", "c7g.large"}),
        ("m6g.large", {"m6g.medium"}),
        ("r5.large", set()),
    ],
)
def test_smaller_sizes_of_a_family_are_described(instance_type: str, smaller: set[str]) -> None:
    """Those an instance could be moved to, as many times less as it has fewer vCPUs."""
    own = hardware.describe(instance_type)
    sizes = hardware.describe_families([instance_type])

    assert own in sizes
    assert {each.instance_type for each in sizes if each.vcpus < own.vcpus} == smaller
    for each in sizes:
        ratio = each.vcpus / own.vcpus
        assert each.memory_mebibytes == own.memory_mebibytes * ratio
        watts, own_watts = (hardware.profile(e.instance_type).watts for e in (each, own))
        assert watts == pytest.approx([w * ratio for w in own_watts], rel=0.1)


def test_families_are_described_once_each() -> None:
    """Sorted by name, without other families."""
    sizes = hardware.describe_families(["r5.large", "m6g.large", "r5.xlarge"])

    assert [each.instance_type for each in sizes] == [
        *("m6g.large", "m6g.medium", "r5.large", "r5.xlarge"),
    ]


def test_every_type_of_the_fleet_is_modelled_and_priced() -> None:
    """The roster, the hardware and the price list know the same types."""
    types = {post.instance_type for post in fleet.posts(7, 1000)}

    assert types <= set(hardware.MODELS)
    assert set(hardware.MODELS) == set(prices._LINUX_USD_PER_HOUR)
