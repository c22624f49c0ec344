"""Instances that only CloudTrail tells of: no inventory has ever shown them."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import NamedTuple

from exporter.core.cost import price_key, spot_key
from exporter.core.fleet import Instance, InstanceState, Place, PurchaseOption
from exporter.core.trail import Trail, TrailAction, TrailEvent


class System(NamedTuple):
    """Operating system, as AWS bills it."""

    usage_operation: str
    platform: str


_UNKNOWN = System("", "")


def systems_by_image(sighted: Iterable[Instance]) -> Mapping[str, System]:
    """The system of each machine image that inventories have shown: the image decides it.

    The billing code is a property of the image ("AMI billing information fields", EC2 User
    Guide).
    """
    return {i.image_id: System(i.usage_operation, i.platform) for i in sighted if i.image_id}


def unseen_instance(
    place: Place, events: Sequence[TrailEvent], systems: Mapping[str, System]
) -> Instance | None:
    """What the events of one instance tell; None without its launch.

    Its operating system, and so its price, is known where another instance of its image was seen.
    """
    launch = _launch(events)
    if launch is None:
        return None
    system = systems.get(launch.image_id, _UNKNOWN)
    return Instance(
        instance_id=launch.instance_id,
        account_id=place.account_id,
        region=place.region,
        availability_zone=launch.availability_zone,
        instance_type=launch.instance_type,
        state=InstanceState.TERMINATED,
        launched_at=launch.at,
        purchase_option=PurchaseOption.SPOT if _is_spot(events) else PurchaseOption.ON_DEMAND,
        usage_operation=system.usage_operation,
        platform=system.platform,
        tenancy=launch.tenancy,
        architecture="",
        name="",
        image_id=launch.image_id,
    )


def unseen_instances(trail: Trail, sighted: Sequence[Instance]) -> tuple[Instance, ...]:
    """One unseen instance for each price that such instances need, as far as it can be known."""
    systems, seen = systems_by_image(sighted), {instance.instance_id for instance in sighted}
    needed: dict[object, Instance] = {}
    for events in _unlike(trail, seen):
        instance = unseen_instance(trail.place, events, systems)
        if instance and instance.usage_operation and instance.instance_type:
            spot = instance.purchase_option is PurchaseOption.SPOT
            needed.setdefault(spot_key(instance) if spot else price_key(instance), instance)
    return tuple(needed.values())


def _unlike(trail: Trail, seen: Container[str]) -> Iterable[Sequence[TrailEvent]]:
    """The events of the first of all unseen instances that were launched alike: there are few."""
    found: dict[object, Sequence[TrailEvent]] = {}
    for instance_id, events in trail.by_instance().items():
        launch = _launch(events)
        if launch and instance_id not in seen:
            place, what = launch.availability_zone, (launch.instance_type, launch.image_id)
            found.setdefault((place, what, launch.tenancy, _is_spot(events)), events)
    return found.values()


def _launch(events: Iterable[TrailEvent]) -> TrailEvent | None:
    return next((event for event in events if event.action is TrailAction.RUN), None)


def _is_spot(events: Iterable[TrailEvent]) -> bool:
    return any(event.spot for event in events)
