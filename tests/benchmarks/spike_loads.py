"""Fleets made of recorded machines: watts by five-minute slot."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path
from statistics import fmean

from exporter.core.power import PowerCurve
from tests.validation.cpu_hours import Slots, recordings
from tests.validation.load_weeks import WATTS
from tests.validation.recordings import rows_in

SLOTS_PER_DAY = 288
SLACK_SLOTS = 12

CLOUDWATCH, PLANETLAB, BITBRAINS = "EC2 in CloudWatch", "PlanetLab", "Bitbrains"
BITBRAINS_DAYS = 7
"""As long as most of them were recorded."""

_NAMES = {
    "EC2 instances in CloudWatch (NAB)": CLOUDWATCH,
    "PlanetLab machines": PLANETLAB,
    "Bitbrains machines, samples spread over their span": BITBRAINS,
}
_VCPUS_OF_CURVE = 2
_CURVE = PowerCurve.through(WATTS)

Watts = Sequence[float]


@dataclass(frozen=True, slots=True)
class Machine:
    """The recorded days of one machine in a row, as watts of an instance of two vCPUs.

    A machine of more draws as many times more (``scale``).
    """

    days: Sequence[Watts]
    scale: float = 1.0

    @property
    def watts(self) -> Watts:
        """All of its days at its own scale."""
        return [self.scale * watts for day in self.days for watts in day]


Pools = dict[str, Sequence[Machine]]


@dataclass(frozen=True, slots=True)
class Load:
    """Watts of a fleet by slot.

    ``concentration`` is the root of the sum of the instances' squared shares of it: 1 for a single
    one, 0.1 for a hundred like ones. So much of an instance's own error is left in the total.
    """

    watts: Watts
    concentration: float

    @classmethod
    def of(cls, columns: Sequence[Watts]) -> "Load":
        """Instances that run side by side."""
        watts = list(map(sum, zip(*columns, strict=True)))
        return cls(watts, _concentration([fmean(column) for column in columns]))


def recorded_pools(data: Path) -> Pools:
    """Machines by data set."""
    vcpus = {row["vm_id"]: int(row["cpu_count"]) for row in rows_in(data, "cpu/bitbrains/vms.csv")}
    traced = sorted({row["vm_id"] for row in rows_in(data, "cpu/bitbrains/trace.csv")})
    pools: Pools = {}
    for recording in recordings(data):
        if recording.name not in _NAMES:
            continue
        name = _NAMES[recording.name]
        scales = [1.0] * len(recording.machines)
        if name == BITBRAINS:
            scales = [vcpus[vm_id] / _VCPUS_OF_CURVE for vm_id in traced]
        pools[name] = [
            Machine(days, scale)
            for slots, scale in zip(recording.machines, scales, strict=True)
            if (days := whole_days(slots))
        ]
    return pools


def whole_days(slots: Slots) -> list[Watts]:
    """The days (UTC) from the first point to the last, as watts; a gap is held from before.

    Gaps are merged runs of equal samples of Bitbrains. A day may lack an hour at either end.
    """
    first = -(-(min(slots) - SLACK_SLOTS) // SLOTS_PER_DAY)
    last = (max(slots) + SLACK_SLOTS + 1) // SLOTS_PER_DAY
    held = _watts(slots[min(slots)])
    days: list[Watts] = []
    for day in range(first, last):
        points = (slots.get(day * SLOTS_PER_DAY + number) for number in range(SLOTS_PER_DAY))
        days.append([held := held if point is None else _watts(point) for point in points])
    return days


def steady(pools: Pools, scales: Sequence[float], days: int, draw: random.Random) -> Load:
    """A fleet without any common rhythm: one instance for each of ``scales``.

    An instance is one recorded machine of any data set for all its life. Each of its days is
    one recorded day of that machine, begun at any slot: bursts stay as long as they were, but
    neither the hour nor the neighbours tell when they come.
    """
    sets = list(pools.values())
    fleet = [(draw.choice(draw.choice(sets)), scale) for scale in scales]
    watts: list[float] = []
    for _ in range(days):
        columns = [_turned(draw.choice(machine.days), scale, draw) for machine, scale in fleet]
        watts.extend(map(sum, zip(*columns, strict=True)))
    means = [scale * fmean(map(fmean, machine.days)) for machine, scale in fleet]
    return Load(watts, _concentration(means))


def together(machines: Sequence[Machine]) -> Load:
    """Machines as they ran side by side, as long as all were recorded."""
    days = min(len(machine.days) for machine in machines)
    return Load.of(
        [
            [machine.scale * watts for day in machine.days[:days] for watts in day]
            for machine in machines
        ]
    )


def shuffled(loads: Sequence[Load], days: int, draw: random.Random) -> Load:
    """Days of whole fleets in any order, repeated: what machines do together stays together."""
    recorded = [
        load.watts[begin : begin + SLOTS_PER_DAY]
        for load in loads
        for begin in range(0, len(load.watts), SLOTS_PER_DAY)
    ]
    watts = [each for _ in range(days) for each in draw.choice(recorded)]
    return Load(watts, fmean(load.concentration for load in loads))


def office_hours(load: Load, on_ratio: float, shut_days: range = range(0)) -> Load:
    """A fleet of which only so much runs outside office hours: Monday to Friday, 07 to 19.

    The first day is a Monday; ``shut_days`` are days without any office hours.
    """
    watts = [
        each if is_office(slot, shut_days) else on_ratio * each
        for slot, each in enumerate(load.watts)
    ]
    return Load(watts, load.concentration)


def is_office(slot: int, shut_days: range = range(0)) -> bool:
    """Whether a slot lies in office hours."""
    day, hour = slot // SLOTS_PER_DAY, slot % SLOTS_PER_DAY // 12
    return day % 7 < 5 and 7 <= hour < 19 and day not in shut_days


def variation_ratio(values: Sequence[float]) -> float:
    """Standard deviation by mean."""
    mean = fmean(values)
    return sqrt(fmean((value - mean) ** 2 for value in values)) / mean


def _concentration(means: Sequence[float]) -> float:
    return sqrt(sum(mean * mean for mean in means)) / sum(means)


def _turned(day: Watts, scale: float, draw: random.Random) -> Watts:
    begin = draw.randrange(SLOTS_PER_DAY)
    turned = [*day[begin:], *day[:begin]]
    return turned if scale == 1 else [scale * watts for watts in turned]


@cache
def _watts(percent: float) -> float:
    return _CURVE.at(percent)
