"""CPU points of the hours that are still open.

A poll brings the points since the poll before it and replaces them at the next one: here they are
kept until their hour is closed. Taking the same poll twice changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from exporter.core.evidence import InstanceCpu, PlaceCpu
from exporter.core.metering import NO_POINTS, SLOTS_PER_HOUR, HourPoints, hour_of
from exporter.core.units import CPU_SLOT_SECONDS

LATEST_POINT_SECONDS = 1200.0
"""A point is not published later than this after the end of its slot, or never."""


@dataclass(slots=True)
class Metered:
    """One instance: points of open hours, when it was last asked about, when its last point ends.

    ``hours`` holds twelve slots by begin of the hour.
    """

    polled_at: float = 0.0
    last_point_at: float | None = None
    hours: dict[float, list[float | None]] = field(default_factory=dict)


class Meter:
    """Not thread-safe: one owner."""

    def __init__(self, restored: Mapping[str, Metered] | None = None) -> None:
        self.instances: dict[str, Metered] = dict(restored or {})
        self._taken: dict[tuple[str, float], InstanceCpu] = {}
        points = (metered.last_point_at for metered in self.instances.values())
        self.newest_point_at = max((at for at in points if at), default=0.0)
        self.changed = False

    def take(self, cpu: PlaceCpu, open_since_at: float) -> None:
        """Add the points of one place's latest poll; those before ``open_since_at`` are over."""
        for entry in cpu.instances:
            run = (entry.instance_id, entry.launched_at)
            if self._taken.get(run) is not entry:
                self._taken[run] = entry
                self._take_entry(entry, open_since_at)
                self.changed = True

    def _take_entry(self, entry: InstanceCpu, open_since_at: float) -> None:
        metered = self.instances.setdefault(entry.instance_id, Metered())
        metered.polled_at = max(metered.polled_at, entry.polled_at)
        if not entry.points:
            return
        ends_at = entry.points[-1].start_at + CPU_SLOT_SECONDS
        metered.last_point_at = max(metered.last_point_at or ends_at, ends_at)
        self.newest_point_at = max(self.newest_point_at, ends_at)
        for point in entry.points:
            hour_at = hour_of(point.start_at)
            if hour_at >= open_since_at:
                slots = metered.hours.get(hour_at)
                if slots is None:
                    slots = metered.hours[hour_at] = [None] * SLOTS_PER_HOUR
                slot = int((point.start_at - hour_at) // CPU_SLOT_SECONDS)
                slots[slot] = min(point.utilization_percent, 100.0)

    def points(self, instance_id: str, hour_at: float) -> HourPoints:
        """The slots of one hour."""
        metered = self.instances.get(instance_id)
        return metered.hours.get(hour_at, NO_POINTS) if metered else NO_POINTS

    def is_metered(self, instance_id: str, until_at: float) -> bool:
        """Whether there will be no further point of a slot that ends by then.

        CloudWatch publishes in order: a later point is proof, and so is a poll late enough.
        """
        metered = self.instances.get(instance_id)
        if metered is None:
            return False
        told = metered.last_point_at is not None and metered.last_point_at >= until_at
        return told or metered.polled_at >= until_at + LATEST_POINT_SECONDS

    def last_point_at(self, instance_id: str) -> float | None:
        """End of the newest slot with a point."""
        metered = self.instances.get(instance_id)
        return metered.last_point_at if metered else None

    def close(self, instance_ids: Iterable[str], closed_until_at: float) -> None:
        """Drop the points of hours that are closed now."""
        for instance_id in instance_ids:
            metered = self.instances.get(instance_id)
            if metered:
                for hour_at in [hour for hour in metered.hours if hour < closed_until_at]:
                    del metered.hours[hour_at]
                self.changed = True

    def forget_before(self, at: float) -> None:
        """Drop the instances that nobody has asked about since."""
        for instance_id in [i for i, metered in self.instances.items() if metered.polled_at < at]:
            del self.instances[instance_id]
            self.changed = True
        self._taken = {run: entry for run, entry in self._taken.items() if entry.polled_at >= at}
