import pytest

from exporter.core.fleet import InstanceState, Inventory, Place
from tests.factories import FRANKFURT, instance


@pytest.mark.parametrize(
    ("region", "availability_zone", "location"),
    [
        ("eu-central-1", "eu-central-1a", "eu-central-1"),
        ("us-gov-west-1", "us-gov-west-1a", "us-gov-west-1"),
        ("eusc-de-east-1", "eusc-de-east-1b", "eusc-de-east-1"),
        ("eu-central-1", "eu-central-1-ham-1a", "eu-central-1-ham-1"),
        ("us-west-2", "us-west-2-lax-1b", "us-west-2-lax-1"),
        ("us-east-1", "us-east-1-wl1-bos-wlz-1", "us-east-1-wl1-bos-wlz-1"),
        ("eu-central-1", "", "eu-central-1"),
    ],
)
def test_location(region, availability_zone, location):
    """The region, or the Local Zone group where the instance is in a Local Zone."""
    assert instance(region=region, availability_zone=availability_zone).location == location


def test_only_running_instances_run():
    """Instances that start, stop or are gone do not count."""
    members = tuple(instance(f"i-{state}", state=state) for state in InstanceState)
    inventory = Inventory(FRANKFURT, members, ())

    assert [member.state for member in members if member.is_running] == [InstanceState.RUNNING]
    assert inventory.running_count == 1


def test_place():
    """The account and region an instance is asked for in."""
    assert instance().place == Place("111122223333", "eu-central-1")
