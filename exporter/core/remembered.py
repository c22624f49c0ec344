"""Which instances still matter: those listed, those that were lately, and what they were before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from exporter.core.evidence import MeteredRun
from exporter.core.fleet import Instance, Inventory
from exporter.core.trail import Trail
from exporter.core.unseen import unseen_instances


def known_instances(inventory: Inventory, trail: Trail | None) -> tuple[Instance, ...]:
    """Every instance whose prices and profile are needed, once for each type that it had.

    One that is gone is still needed: its last hours are yet to be accrued and compared.
    """
    sighted = {sighting.instance.instance_id: sighting for sighting in inventory.sightings}
    types = {(instance.instance_id, instance.instance_type) for instance in inventory.instances}
    former = {(s.instance.instance_id, r.instance_type) for s in sighted.values() for r in s.runs}
    if trail:
        former |= {(e.instance_id, e.instance_type) for e in trail.events if e.instance_type}
    past = (
        replace(sighted[instance_id].instance, instance_type=instance_type)
        for instance_id, instance_type in sorted(former - types)
        if instance_id in sighted
    )
    return (*inventory.instances, *past)


@dataclass(frozen=True, slots=True)
class Remembered:
    """``known`` instances were listed or seen lately.

    ``unseen`` ones stand for those that only the trail tells of, one for each price.
    """

    known: tuple[Instance, ...]
    unseen: tuple[Instance, ...]


def remembered(inventory: Inventory, trail: Trail | None) -> Remembered:
    """Everything whose prices are needed."""
    sighted = tuple(sighting.instance for sighting in inventory.sightings)
    unseen = unseen_instances(trail, sighted) if trail else ()
    return Remembered(known_instances(inventory, trail), unseen)


def departed_instances(inventory: Inventory) -> Iterator[Instance]:
    """Those that were listed lately and are no more."""
    return (sighting.instance for sighting in inventory.sightings if not sighting.listed)


def metered_runs(inventory: Inventory, since_at: float) -> tuple[MeteredRun, ...]:
    """Running instances, and every run that ended after an instant."""
    running = tuple(MeteredRun(i) for i in inventory.instances if i.is_running)
    ended = (
        MeteredRun(replace(sighting.instance, launched_at=run.launched_at), ended_at)
        for sighting in inventory.sightings
        for run in sighting.runs
        for ended_at in (run.gone_at if run.ended_at is None else run.ended_at,)
        if ended_at is not None and ended_at >= since_at
    )
    return (*running, *ended)
