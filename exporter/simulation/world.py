"""The simulated cloud: every fact follows from the seed and the time it is asked for."""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import ceil, floor

from exporter.core.evidence import CpuPoint
from exporter.core.fleet import Instance, InstanceState, Place, PurchaseOption
from exporter.core.units import CPU_SLOT_SECONDS
from exporter.simulation import fleet, grid, hardware, load, prices, schedule
from exporter.simulation.identity import Identities
from exporter.simulation.schedule import Life, Run

_SHORTEST_MEASURED_SECONDS = 60.0
"""A slot in which an instance ran less has no CPU point."""

_BY_USER = "Client.UserInitiatedShutdown"
_RECLAIMED = "Server.SpotInstanceTermination"

_SHOWN_AFTER_END_SECONDS = 3600.0
"""For how long EC2 still lists a terminated instance: "about an hour" (DescribeInstances)."""


class World:
    """The fleet and its grid, past, present and future.

    Nothing is remembered between calls: the answer does not depend on what was asked before.
    Raises ValueError for a number of instances that cannot be had. The methods that take an
    instance id raise LookupError for an id that this world never has.
    """

    def __init__(self, *, seed: int, instances: int) -> None:
        self.seed = seed
        self.size = instances
        self._posts = fleet.posts(seed, instances)
        self._identities = Identities.of_seed(seed)

    def instances_at(self, at: float, place: Place | None = None) -> tuple[Instance, ...]:
        """All instances that are not terminated at an instant, of one place or of all."""
        lives = (
            schedule.life_at(post, at)
            for post in self._posts
            if place is None or post.place == place
        )
        return tuple(self._instance(life, at) for life in lives if life is not None)

    def terminated_at(self, at: float, place: Place | None = None) -> tuple[Instance, ...]:
        """The instances that are terminated but still listed at an instant."""
        lately = self.lives(at - _SHOWN_AFTER_END_SECONDS, at, place)
        return tuple(self._instance(life, at) for life in lately if life.gone_at <= at)

    def lives(self, from_at: float, to_at: float, place: Place | None = None) -> Iterator[Life]:
        """Every life inside [from_at, to_at), of one place or of all: by post, oldest first."""
        for post in self._posts:
            if place is None or post.place == place:
                yield from schedule.lives(post, from_at, to_at)

    def instance_id(self, life: Life) -> str:
        """The id of the instance that lives this life."""
        return self._identities.instance_id(life.post.number, life.born_at)

    def running_spans(self, instance_id: str, from_at: float, to_at: float) -> tuple[Run, ...]:
        """When the instance runs inside [from_at, to_at), clipped to it, oldest first."""
        life = self._life(instance_id)
        return tuple(
            Run(max(run.started_at, from_at), min(run.ended_at, to_at))
            for run in schedule.runs(life, from_at, to_at)
        )

    def cpu_points(self, instance_id: str, from_at: float, to_at: float) -> tuple[CpuPoint, ...]:
        """CPU points of the slots inside [from_at, to_at), both on a slot's edge, oldest first.

        A slot has a point when the instance ran for at least a minute of it.
        """
        life = self._life(instance_id)
        if not life.post.reports_cpu:
            return ()
        return tuple(
            CpuPoint(slot_start_at, load.percent(life.post, slot_start_at))
            for run in schedule.runs(life, from_at, to_at)
            for slot_start_at in _measured_slots(run, from_at, to_at)
        )

    def cpu_percent(self, instance_id: str, slot_start_at: float) -> float | None:
        """Mean CPU of the slot, 0..100; None where there is no point."""
        points = self.cpu_points(instance_id, slot_start_at, slot_start_at + CPU_SLOT_SECONDS)
        return points[0].utilization_percent if points else None

    def intensity(self, grid_zone: str, hour_start_at: float) -> float:
        """Grams of CO2e per kilowatt-hour in the hour, as finally measured.

        Raises LookupError for a zone outside the simulation.
        """
        return grid.intensity(self.seed, grid_zone, hour_start_at)

    def _life(self, instance_id: str) -> Life:
        number, born_at = self._identities.trace(instance_id)
        if number < len(self._posts):
            life = schedule.life_at(self._posts[number], born_at)
            if life is not None and life.born_at == born_at:
                return life
        raise LookupError(instance_id)

    def _instance(self, life: Life, at: float) -> Instance:
        post = life.post
        run = schedule.latest_run(life, min(at, life.gone_at))
        state, reason, transition_reason = _state(life, run, at)
        return Instance(
            instance_id=self.instance_id(life),
            account_id=post.place.account_id,
            region=post.place.region,
            availability_zone=post.availability_zone,
            instance_type=post.instance_type,
            state=state,
            launched_at=run.started_at,
            purchase_option=post.purchase_option,
            usage_operation=post.usage_operation,
            platform=post.platform,
            tenancy=prices.SOLD_TENANCY,
            architecture=hardware.MODELS[post.instance_type].architecture,
            name=post.name,
            tags=post.tags,
            state_reason=reason,
            state_transition_reason=transition_reason,
            image_id=post.image_id,
        )


def _state(life: Life, run: Run, at: float) -> tuple[InstanceState, str, str]:
    """State, StateReason code and StateTransitionReason; a reclaimed one tells no time."""
    if at < run.ended_at:
        return InstanceState.RUNNING, "", ""
    if at < life.gone_at:
        return InstanceState.STOPPED, _BY_USER, _initiated(run.ended_at)
    if life.post.purchase_option is PurchaseOption.SPOT:
        return InstanceState.TERMINATED, _RECLAIMED, _RECLAIMED
    return InstanceState.TERMINATED, _BY_USER, _initiated(life.gone_at)


def _initiated(at: float) -> str:
    return f"User initiated ({datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} GMT)"


def _measured_slots(run: Run, from_at: float, to_at: float) -> list[float]:
    """Starts of the slots inside [from_at, to_at) that the run fills long enough."""
    first_at = max(from_at, floor(run.started_at / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS)
    end_at = min(to_at, run.ended_at)
    slots = (
        first_at + step * CPU_SLOT_SECONDS
        for step in range(ceil((end_at - first_at) / CPU_SLOT_SECONDS))
    )
    return [slot for slot in slots if measured_seconds(run, slot)]


def measured_seconds(run: Run, slot_start_at: float) -> float:
    """For how long a run lasts inside a slot; 0 where that is too short for a CPU point."""
    ended_at = min(run.ended_at, slot_start_at + CPU_SLOT_SECONDS)
    seconds = ended_at - max(run.started_at, slot_start_at)
    return seconds if seconds >= _SHORTEST_MEASURED_SECONDS else 0.0
