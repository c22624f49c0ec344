"""CPU points of a poll: what CloudWatch tells of the runs that are metered."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor

from exporter.core.evidence import CpuPoint, InstanceCpu, MeteredRun, PlaceCpu
from exporter.core.fleet import Place
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_HOUR
from exporter.simulation.world import World

_FEWEST_SLOTS = 3
_FIRST_SLOTS = int(74 * SECONDS_PER_HOUR / CPU_SLOT_SECONDS)
_MOST_POINTS = 2_000_000
"""Of the whole fleet in one poll of each place: about a quarter of a gigabyte."""


@dataclass(frozen=True, slots=True)
class CpuPolls:
    """Polls of a world's instances.

    The window is ``window_slots`` slots. What was not polled before is told for up to
    ``reach_slots``: 74 h, so that a demo covers its alignment window from the start, or as much
    as the memory of a large fleet allows.
    """

    world: World
    window_slots: int
    reach_slots: int

    @classmethod
    def of(cls, world: World, interval_seconds: float) -> "CpuPolls":
        """Polls at an interval."""
        window_slots = max(_FEWEST_SLOTS, ceil(interval_seconds / CPU_SLOT_SECONDS))
        affordable_slots = min(_FIRST_SLOTS, _MOST_POINTS // world.size)
        return cls(world, window_slots, max(window_slots, affordable_slots))

    def poll(
        self, place: Place, metered: Iterable[MeteredRun], at: float, previous: PlaceCpu | None
    ) -> PlaceCpu:
        """One entry per run, those of an instance oldest first."""
        known_until = {
            entry.instance_id: entry.window_end_at
            for entry in (previous.instances if previous else ())
        }
        entries = [
            self._entry(run, at, known_until.get(run.instance.instance_id)) for run in metered
        ]
        entries.sort(key=lambda entry: (entry.instance_id, entry.launched_at))
        return PlaceCpu(place, tuple(entries))

    def _entry(self, run: MeteredRun, at: float, known_until_at: float | None) -> InstanceCpu:
        end_at = floor(at / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS
        if run.ended_at is not None:
            end_at = min(end_at, ceil(run.ended_at / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS)
        earliest_at = end_at - self.reach_slots * CPU_SLOT_SECONDS
        window_at = end_at - self.window_slots * CPU_SLOT_SECONDS
        begin_at = earliest_at
        if known_until_at is not None:
            begin_at = max(earliest_at, min(window_at, known_until_at))
        instance = run.instance
        return InstanceCpu(
            instance_id=instance.instance_id,
            launched_at=instance.launched_at,
            polled_at=at,
            window_end_at=end_at,
            window_slots=self.window_slots,
            points=self._points(instance.instance_id, begin_at, end_at),
        )

    def _points(self, instance_id: str, begin_at: float, end_at: float) -> tuple[CpuPoint, ...]:
        try:
            return self.world.cpu_points(instance_id, begin_at, end_at)
        except LookupError:  # CloudWatch has no error either for an id it never heard of
            return ()
