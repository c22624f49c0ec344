"""Energy, emissions, cost and seconds of a simulated day: the second calculation.

From what the rig says of spans, five-minute points, watts, prices and intensities, by slot and
hour; nothing of the exporter's own code is used.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from expectation import epoch, published_pue
from power_curve import LOADS, watts_at
from simulated_day import HOUR, Place
from timed_rig import TimedRig

SLOT = 300
LEAST_POINTS_RATIO = 0.8
MINIMUM_BILLED_SECONDS = 60.0
SPOT_PRICE_SECONDS = 6 * HOUR
"""The rig's spot prices change so often."""

REVISED_SECONDS = 6 * HOUR
"""What is still an estimate then is never measured, and will not change."""

JOULES_PER_KILOWATT_HOUR = 3.6e6

Span = tuple[float, float, str]


@dataclass
class Used:
    """What ran in some hours of one place."""

    running_seconds: float = 0.0
    billed_seconds: float = 0.0
    measured_seconds: float = 0.0
    energy_joules: float = 0.0
    emissions_grams: float = 0.0
    embodied_grams: float = 0.0
    cost_usd: float = 0.0

    def add(self, other: "Used") -> None:
        """Add another part."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def is_measured(self) -> bool:
        """Whether enough of it has a power."""
        return self.measured_seconds >= LEAST_POINTS_RATIO * self.running_seconds


@dataclass
class DayTruth:
    """Filled by ``take`` at least every three hours: the rig tells of no older points."""

    points: dict[tuple[str, int], float] = field(default_factory=dict)
    intensities: dict[tuple[str, int], float] = field(default_factory=dict)
    types: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    prices: dict[tuple[str, str], float] = field(default_factory=dict)
    _instances: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    _spans: dict[str, dict[float, Span]] = field(default_factory=dict)
    _now: float = 0.0

    def take(self, rig: TimedRig, now: float) -> None:
        """Note what the rig tells at an instant."""
        rig.set_clock(now)
        truth = rig.truth()
        self._now = now
        self._instances = {i["id"]: i for i in truth["instances"]}
        self.types |= truth["types"]
        for instance in truth["instances"]:
            spans = self._spans.setdefault(instance["id"], {})
            for start, end, instance_type in instance["spans"]:
                end_at = min(epoch(end), now) if end else now
                spans[epoch(start)] = epoch(start), end_at, instance_type
            points = instance["cpu"]["recent_points"]
            self.points |= {(instance["id"], int(epoch(at))): value for at, value in points}
            self.prices[instance["id"], self._period(instance, now)] = instance[
                "spot_usd_per_h" if instance["market"] == "spot" else "on_demand_usd_per_h"
            ]
        for zone, grid in truth["grid"].items():
            for hour in grid["hours"]:
                hour_at = int(epoch(hour["hour"]))
                if not hour["estimated"] or now - hour_at >= REVISED_SECONDS:
                    self.intensities[zone, hour_at] = hour["published"]

    @staticmethod
    def _period(instance: Mapping[str, Any], at: float, instance_type: str = "") -> str:
        """What tells apart the prices of one instance: its type, or the time at a spot market."""
        if instance["market"] == "spot":
            return str(at // SPOT_PRICE_SECONDS)
        return instance_type or str(instance["type"])

    def used(
        self, place: Place, hours: Iterable[float], since_at: float = 0.0
    ) -> dict[float, dict[str, Used]]:
        """By hour and instance: what ran in these hours, but not before ``since_at``."""
        members = [i for i in self._instances.values() if (i["account"], i["region"]) == place]
        return {
            hour_at: {
                instance["id"]: used
                for instance in members
                if (used := self._in_hour(instance, hour_at, since_at)).running_seconds
            }
            for hour_at in hours
        }

    def total(self, place: Place, hours: Iterable[float], since_at: float = 0.0) -> Used:
        """Everything in these hours."""
        total = Used()
        for by_instance in self.used(place, hours, since_at).values():
            for used in by_instance.values():
                total.add(used)
        return total

    def _in_hour(self, instance: Mapping[str, Any], hour_at: float, since_at: float) -> Used:
        used = Used()
        begin_at, end_at = max(hour_at, since_at), hour_at + HOUR
        for start_at, stop_at, instance_type in self._spans[instance["id"]].values():
            seconds = max(0.0, min(stop_at, end_at) - max(start_at, begin_at))
            billed = seconds
            if begin_at <= start_at < end_at and stop_at < self._now:
                billed += max(0.0, MINIMUM_BILLED_SECONDS - (stop_at - start_at))
            period = self._period(instance, hour_at, instance_type)
            price = self.prices.get((instance["id"], period), math.nan)
            used.add(
                Used(
                    running_seconds=seconds,
                    billed_seconds=billed,
                    embodied_grams=self._embodied_grams_per_hour(instance_type) * seconds / HOUR,
                    cost_usd=price * billed / HOUR,
                )
            )
            inside = max(start_at, begin_at), min(stop_at, end_at)
            self._meter(used, instance["id"], inside, self._watts(instance_type), hour_at)
        self._emit(used, instance, hour_at)
        return used

    def _meter(
        self,
        used: Used,
        instance_id: str,
        span: tuple[float, float],
        watts: tuple[float, ...],
        hour_at: float,
    ) -> None:
        """Each point stands for the running seconds inside its slot."""
        for slot_at in range(int(hour_at), int(hour_at) + HOUR, SLOT):
            load = self.points.get((instance_id, slot_at))
            seconds = min(span[1], slot_at + SLOT) - max(span[0], slot_at)
            if load is not None and seconds > 0:
                used.measured_seconds += seconds
                used.energy_joules += seconds * watts_at(load, watts)

    def _watts(self, instance_type: str) -> tuple[float, ...]:
        profile = self.types[instance_type]
        return tuple(profile["watts"][f"{load:g}"]["value"] for load in LOADS)

    def _embodied_grams_per_hour(self, instance_type: str) -> float:
        return float(self.types[instance_type]["embedded_kg_per_h"]["value"]) * 1000

    def _emit(self, used: Used, instance: Mapping[str, Any], hour_at: float) -> None:
        """Nothing while the hour's intensity is not measured; nobody asks for it then."""
        grams = self.intensities.get((instance["zone"], int(hour_at)))
        if grams is not None:
            kilowatt_hours = used.energy_joules / JOULES_PER_KILOWATT_HOUR
            used.emissions_grams = kilowatt_hours * PUE[instance["region"]] * grams


PUE = published_pue()
