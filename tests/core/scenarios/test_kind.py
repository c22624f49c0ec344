"""What an instance is like: everything that its group's key needs besides account and type."""

import pytest

from exporter.core.evidence import PriceKey
from exporter.core.fleet import PurchaseOption
from exporter.core.scenarios.kind import Kind
from exporter.core.scenarios.usage import UsageKey
from tests.factories import WEB_PRICE, instance


@pytest.mark.parametrize(
    ("tags", "environment"),
    [
        ((), ""),
        ((("environment", "Prod"), ("team", "web")), "prod"),
        ((("environment", ""),), ""),
        ((("env", "prod"), ("team", "environment")), ""),
    ],
)
def test_the_environment_is_a_tag_in_lower_case(tags, environment):
    """Empty without it: people write Prod, prod and PROD of one environment."""
    assert Kind.of(instance(tags=tags)).environment == environment


def test_the_group_of_an_instance():
    """All that it is billed by, where it is, and what it is for."""
    web = instance(tags=(("environment", "test"),))

    key = Kind.of(web).usage_key("111122223333", "m5.large")

    assert key == UsageKey(
        account_id="111122223333",
        location="eu-central-1",
        instance_type="m5.large",
        usage_operation="RunInstances",
        tenancy="default",
        purchase_option=PurchaseOption.ON_DEMAND,
        environment="test",
    )
    assert key.price_key == WEB_PRICE


def test_a_local_zone_is_a_location_of_its_own():
    """Its prices are its own; a purchase option is part of the kind as well."""
    zone = "eu-central-1-ham-1a"
    kind = Kind.of(instance(availability_zone=zone, purchase_option=PurchaseOption.SPOT))

    key = kind.usage_key("111122223333", "c5.large")
    assert key.price_key == PriceKey(
        "eu-central-1-ham-1", "c5.large", kind.usage_operation, kind.tenancy
    )
    assert key.purchase_option is PurchaseOption.SPOT
