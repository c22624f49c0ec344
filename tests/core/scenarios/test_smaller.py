import pytest

from exporter.core.scenarios.smaller import SmallerType, SmallerTypes
from tests.core.scenarios.machines import hardware

TYPES = {
    described.instance_type: described
    for described in (
        hardware("m5.large"),
        hardware("m5.xlarge"),
        hardware("m5.2xlarge"),
        hardware("m5.12xlarge", vcpus=48),
        hardware("m5d.large"),
        hardware("m5.arm", architecture="arm64"),
        hardware("m5.video", accelerators=1),
    )
}


def test_smaller_types_are_of_the_same_family_and_architecture():
    """Neither m5d, nor another architecture, nor one with an accelerator, nor as many vCPUs."""
    found = SmallerTypes(TYPES, 80.0).of(TYPES["m5.2xlarge"])

    assert found == (
        # 80 % of 2 vCPUs are 20 % of 8, and 80 % of 4 are 40 %.
        SmallerType("m5.large", vcpus=2, load_factor=4.0, highest_level=20),
        SmallerType("m5.xlarge", vcpus=4, load_factor=2.0, highest_level=40),
    )


def test_nothing_is_smaller_than_the_smallest():
    """There is no type with fewer vCPUs."""
    assert SmallerTypes(TYPES, 80.0).of(TYPES["m5.large"]) == ()


def test_a_level_between_two_percents_is_rounded_down():
    """80 % of 2 vCPUs are 3.3 % of 48: a point at level 4 was above 3 and may be above 3.3."""
    found = SmallerTypes(TYPES, 80.0).of(TYPES["m5.12xlarge"])

    assert [each.highest_level for each in found] == [3, 6, 13]


@pytest.mark.parametrize("percent", [10.0, 50.0, 80.0, 100.0])
def test_the_highest_level_is_the_highest_that_fits(percent):
    """At it the other type is at most so busy; one percent above it is busier."""
    for own in TYPES.values():
        for smaller in SmallerTypes(TYPES, percent).of(own):
            ratio = own.vcpus / smaller.vcpus

            assert smaller.highest_level * ratio <= percent < (smaller.highest_level + 1) * ratio
