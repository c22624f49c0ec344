"""What one instance used in one UTC hour: seconds, energy, embodied emissions and cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor

from exporter.core.power import MINIMUM_POINTS_RATIO, PowerCurve
from exporter.core.runtime import Runtime
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_HOUR

SLOTS_PER_HOUR = int(SECONDS_PER_HOUR / CPU_SLOT_SECONDS)

HourPoints = Sequence[float | None]
"""CPU in percent of the twelve slots of an hour; None where there is no point."""

NO_POINTS: HourPoints = (None,) * SLOTS_PER_HOUR


def hour_of(at: float) -> float:
    """Begin of the UTC hour that holds an instant."""
    return floor(at / SECONDS_PER_HOUR) * SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Rates:
    """What a running hour of one instance type means, as far as it is known.

    ``curve`` gives IT watts, ``usd_per_hour`` the price of the instance's own purchase option.
    """

    curve: PowerCurve | None
    embodied_grams_per_hour: float | None
    usd_per_hour: float | None


UNKNOWN_RATES = Rates(None, None, None)


@dataclass(frozen=True, slots=True)
class InstanceHour:
    """One instance in the hour (or the part of it) that was asked about.

    ``measured_seconds`` are those running seconds that have a CPU point and a power curve;
    ``energy_joules`` is the IT energy of those. Cost and embodied emissions are None where a rate
    is missing for any second that counts.
    """

    running_seconds: float
    billed_seconds: float
    unknown_seconds: float
    measured_seconds: float
    energy_joules: float
    embodied_grams: float | None
    cost_usd: float | None

    @property
    def is_measured(self) -> bool:
        """Whether enough of the running time has a power for the hour to count as known."""
        enough = self.measured_seconds >= MINIMUM_POINTS_RATIO * self.running_seconds
        return enough and not self.unknown_seconds


def instance_hour(
    runtime: Runtime,
    points: HourPoints,
    rates: Callable[[str], Rates],
    hour_at: float,
    since_at: float = float("-inf"),
) -> InstanceHour:
    """Join runtime and CPU points of the hour that begins at ``hour_at``.

    Each point stands for the running seconds inside its slot: nothing is carried over a gap.
    Only seconds from ``since_at`` on count. ``rates`` are asked by instance type.
    """
    start_at, end_at = max(hour_at, since_at), hour_at + SECONDS_PER_HOUR
    running = runtime.running_seconds(start_at, end_at)
    billed_by_type = billed_seconds_by_type(runtime, start_at, end_at)
    measured = joules = 0.0
    embodied: float | None = 0.0
    for segment in runtime.segments:
        begin_at, finish_at = max(segment.start_at, start_at), min(segment.end_at, end_at)
        if begin_at >= finish_at:
            continue
        rate = rates(segment.instance_type)
        if rate.curve is not None:
            seconds, energy = _metered(points, rate.curve, hour_at, begin_at, finish_at)
            measured += seconds
            joules += energy
        if embodied is not None:
            grams = rate.embodied_grams_per_hour
            hours = (finish_at - begin_at) / SECONDS_PER_HOUR
            embodied = None if grams is None else embodied + grams * hours
    return InstanceHour(
        running,
        sum(billed_by_type.values()),
        runtime.unknown_seconds(start_at, end_at),
        measured,
        joules,
        embodied,
        cost_usd(billed_by_type, rates),
    )


def _metered(
    points: HourPoints, curve: PowerCurve, hour_at: float, begin_at: float, finish_at: float
) -> tuple[float, float]:
    """Seconds and joules of the slots with a point, inside [begin_at, finish_at)."""
    seconds = joules = 0.0
    for number, percent in enumerate(points):
        if percent is None:
            continue
        slot_at = hour_at + number * CPU_SLOT_SECONDS
        inside = min(finish_at, slot_at + CPU_SLOT_SECONDS) - max(begin_at, slot_at)
        if inside > 0:
            seconds += inside
            joules += inside * curve.at(percent)
    return seconds, joules


def billed_seconds_by_type(runtime: Runtime, start_at: float, end_at: float) -> Mapping[str, float]:
    """Billed seconds inside [start_at, end_at) of each instance type; see Runtime."""
    billed: dict[str, float] = {}
    for segment in runtime.segments:
        seconds = segment.billed_seconds(start_at, end_at)
        if seconds:
            billed[segment.instance_type] = billed.get(segment.instance_type, 0.0) + seconds
    return billed


def cost_usd(
    billed_seconds_by_type: Mapping[str, float], rates: Callable[[str], Rates]
) -> float | None:
    """Price of the billed seconds; None where one that counts has no price."""
    total = 0.0
    for instance_type, seconds in billed_seconds_by_type.items():
        if seconds:
            price = rates(instance_type).usd_per_hour
            if price is None:
                return None
            total += price * seconds / SECONDS_PER_HOUR
    return total


def points_text(points: HourPoints) -> str:
    """Write each point as two hexadecimal digits: percent rounded up, at most 100; -- for none."""
    return "".join("--" if p is None else f"{min(ceil(p), 100):02x}" for p in points)
