"""The simulated cloud: every fact follows from the seed and the time it is asked for."""

from datetime import UTC, datetime
from math import ceil, floor

from exporter.core.evidence import CpuPoint
from exporter.core.fleet import Instance, InstanceState, Place
from exporter.core.units import CPU_SLOT_SECONDS
from exporter.simulation import fleet, grid, hardware, load, schedule
from exporter.simulation.identity import Identities
from exporter.simulation.schedule import Life, Run

_SHORTEST_MEASURED_SECONDS = 60.0
"""A slot in which an instance ran less has no CPU point."""


class World:
    """The fleet and its grid, past, present and future.

    Nothing is remembered between calls: the answer does not depend on what was asked before.
    Raises ValueError for a number of instances that cannot be had. The methods that take an
    instance id raise LookupError for an id that this world never has.
    """

    def __init__(self, *, seed: int, instances: int) -> None:
        self.seed = seed
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
        run = schedule.latest_run(life, at)
        running = at < run.ended_at
        stopped = datetime.fromtimestamp(run.ended_at, UTC)
        return Instance(
            instance_id=self._identities.instance_id(post.number, life.born_at),
            account_id=post.place.account_id,
            region=post.place.region,
            availability_zone=post.availability_zone,
            instance_type=post.instance_type,
            state=InstanceState.RUNNING if running else InstanceState.STOPPED,
            launched_at=run.started_at,
            purchase_option=post.purchase_option,
            usage_operation=post.usage_operation,
            platform=post.platform,
            tenancy="default",
            architecture=hardware.MODELS[post.instance_type].architecture,
            name=post.name,
            tags=post.tags,
            state_reason="" if running else "Client.UserInitiatedShutdown",
            state_transition_reason=(
                "" if running else f"User initiated ({stopped:%Y-%m-%d %H:%M:%S} GMT)"
            ),
        )


def _measured_slots(run: Run, from_at: float, to_at: float) -> list[float]:
    """Starts of the slots inside [from_at, to_at) that the run fills long enough."""
    first_at = max(from_at, floor(run.started_at / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS)
    end_at = min(to_at, run.ended_at)
    slots = (
        first_at + step * CPU_SLOT_SECONDS
        for step in range(ceil((end_at - first_at) / CPU_SLOT_SECONDS))
    )
    return [
        slot
        for slot in slots
        if min(run.ended_at, slot + CPU_SLOT_SECONDS) - max(run.started_at, slot)
        >= _SHORTEST_MEASURED_SECONDS
    ]
