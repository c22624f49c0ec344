"""What an instance is like, as far as scenarios ask: what it is billed as, where, and for what."""

from collections.abc import Iterable
from typing import NamedTuple

from exporter.core.fleet import Instance, PurchaseOption
from exporter.core.scenarios.usage import UsageKey

ENVIRONMENT = "environment"
"""Label of the tag that tells it."""


def environment_of(tags: Iterable[tuple[str, str]]) -> str:
    """The environment tag in lower case; empty without one."""
    return next((value.lower() for label, value in tags if label == ENVIRONMENT), "")


class Kind(NamedTuple):
    """Everything of a UsageKey besides account and type; the columns of a record's ``kinds``."""

    location: str
    usage_operation: str
    tenancy: str
    purchase_option: PurchaseOption
    environment: str

    @classmethod
    def of(cls, instance: Instance) -> "Kind":
        """The kind of an instance as it was last seen."""
        return cls(
            instance.location,
            instance.usage_operation,
            instance.tenancy,
            instance.purchase_option,
            environment_of(instance.tags),
        )

    def usage_key(self, account_id: str, instance_type: str) -> UsageKey:
        """The group of all instances like this."""
        return UsageKey(
            account_id,
            self.location,
            instance_type,
            self.usage_operation,
            self.tenancy,
            self.purchase_option,
            self.environment,
        )
