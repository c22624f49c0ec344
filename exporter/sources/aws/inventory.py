"""The instances of one place."""

from collections.abc import Callable, Iterable, Mapping

from exporter.core.fleet import (
    Account,
    Instance,
    InstanceState,
    Inventory,
    Place,
    PurchaseOption,
    Sighting,
)
from exporter.core.provenance import Scope, SourceName
from exporter.core.sightings import sighted
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.hardware import HardwareCatalogue
from exporter.sources.aws.record import Record
from exporter.sources.aws.session import AwsClients
from exporter.sources.aws.tags import TagLabels

_PAGE_SIZE = 1000
_LISTED_STATES = frozenset(
    {
        InstanceState.PENDING,
        InstanceState.RUNNING,
        InstanceState.STOPPING,
        InstanceState.STOPPED,
    }
)
_PURCHASE_OPTIONS = {
    "spot": PurchaseOption.SPOT,
    "capacity-block": PurchaseOption.CAPACITY_BLOCK,
}
_LINUX = "Linux/UNIX"
# Billing code of Linux without a licence: "AMI billing information fields", EC2 User Guide (2026).
_LINUX_OPERATION = "RunInstances"


class Ec2Inventory:
    """DescribeInstances of one account in one region, and the hardware of the families found.

    ``tag_labels`` maps a label (without its ``tag_`` prefix) to the AWS tag key that feeds it.
    ``wall`` gives epoch seconds.
    """

    name = SourceName.EC2_INVENTORY

    def __init__(
        self,
        clients: AwsClients,
        account: Account,
        region: str,
        *,
        tag_labels: Mapping[str, str],
        hardware: HardwareCatalogue,
        wall: Callable[[], float],
    ) -> None:
        self._endpoint = Endpoint(clients, "ec2", region, account)
        self._account = account
        self._place = Place(account.account_id, region)
        self._labels = TagLabels(tag_labels)
        self._hardware = hardware
        self._wall = wall
        self.scope = Scope(account.account_id, region)

    def fetch(self, previous: Inventory | None) -> Inventory:
        """List all instances that are not terminated or about to be; note the runs of all."""
        began_at = self._wall()
        found = self._found()
        sightings = sighted(
            previous.sightings if previous else (), found.values(), began_at, self._wall()
        )
        instances = tuple(
            found[instance_id]
            for instance_id in sorted(found)
            if found[instance_id].state in _LISTED_STATES
        )
        types = _types(instances, sightings)
        hardware = self._hardware.look_up(self._account, self._place.region, types)
        return Inventory(self._place, instances, hardware, sightings)

    def _found(self) -> dict[str, Instance]:
        # By id: an instance can move between pages while they are read.
        return {
            instance.instance_id: instance
            for page in self._endpoint.pages("describe_instances", MaxResults=_PAGE_SIZE)
            for reservation in page.parts("Reservations")
            for instance in map(self._instance, reservation.parts("Instances"))
        }

    def _instance(self, record: Record) -> Instance:
        placement = record.part("Placement")
        tags = {
            tag.text("Key"): tag.optional_text("Value") for tag in record.optional_parts("Tags")
        }
        platform = _platform(record)
        return Instance(
            instance_id=record.text("InstanceId"),
            account_id=self._place.account_id,
            region=self._place.region,
            availability_zone=placement.optional_text("AvailabilityZone"),
            instance_type=record.text("InstanceType"),
            state=_state(record),
            launched_at=record.instant("LaunchTime"),
            purchase_option=_PURCHASE_OPTIONS.get(
                record.optional_text("InstanceLifecycle"), PurchaseOption.ON_DEMAND
            ),
            usage_operation=_usage_operation(record, platform),
            platform=platform,
            tenancy=placement.optional_text("Tenancy"),
            architecture=record.optional_text("Architecture"),
            name=tags.get("Name", ""),
            tags=self._labels.of(tags),
            state_reason=record.part("StateReason").optional_text("Code"),
            state_transition_reason=record.optional_text("StateTransitionReason"),
            image_id=record.optional_text("ImageId"),
        )


def _types(instances: Iterable[Instance], sightings: Iterable[Sighting]) -> set[str]:
    """Every type in use, and those of the runs remembered: their last points are still to come."""
    listed = {instance.instance_type for instance in instances}
    return listed | {run.instance_type for sighting in sightings for run in sighting.runs}


def _state(record: Record) -> InstanceState:
    name = record.part("State").text("Name")
    try:
        return InstanceState(name)
    except ValueError:
        raise record.malformed(f"unknown instance state {name!r}") from None


def _platform(record: Record) -> str:
    """Give the platform in the words of PlatformDetails; ``Platform`` is only set for Windows."""
    details = record.optional_text("PlatformDetails")
    if details:
        return details
    platform = record.optional_text("Platform")
    return platform.capitalize() if platform else _LINUX


def _usage_operation(record: Record, platform: str) -> str:
    """Give the billing code; empty where neither AWS nor the platform tells it."""
    given = record.optional_text("UsageOperation")
    return given or (_LINUX_OPERATION if platform == _LINUX else "")
