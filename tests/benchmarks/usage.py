"""A made-up fleet's hours and days, as the history keeps them."""

import itertools
import math
import random
from collections import Counter
from typing import Any

from exporter.core.units import SECONDS_PER_HOUR
from tests.benchmarks.fleet import TYPES

STARTED_AT = 1_790_035_200.0
"""Midnight."""
DRAWN_HOURS = 12
CPU_POINTS_PER_DAY = 288
ENVIRONMENTS = ("prod", "test", "")
ZONES = tuple(f"ZONE-{number:02}" for number in range(20))

Record = dict[str, Any]


class Usage:
    """What the instances of so many places used; the numbers of an hour repeat after twelve."""

    def __init__(self, instances: int, places: int) -> None:
        self._draw = random.Random(instances)  # noqa: S311 - made-up numbers
        self._places = [
            [self._machine() for _ in range(instances // places)] for _ in range(places)
        ]
        self._drawn = [
            [self._place(number, own) for number, own in enumerate(self._places)]
            for _ in range(DRAWN_HOURS)
        ]

    def hour(self, hour: int) -> list[Record]:
        """The records of one hour, ``hour`` hours after the first."""
        at = STARTED_AT + hour * SECONDS_PER_HOUR
        places = self._drawn[hour % DRAWN_HOURS]
        grids = [{"kind": "intensity"} | grid for grid in self.grid(hour)]
        return [record | {"hour": at} for record in places] + grids

    def use(self, hour: int) -> list[Record]:
        """What the groups of each place used in one hour: a type is all of one environment."""
        at = STARTED_AT + hour * SECONDS_PER_HOUR
        return [
            _named(number) | {"hour": at, "columns": _groups(number, record["columns"])}
            for number, record in enumerate(self._drawn[hour % DRAWN_HOURS])
        ]

    def grid(self, hour: int) -> list[Record]:
        """The intensity of every grid zone, as ElectricityMaps has it: in whole grams."""
        at = STARTED_AT + hour * SECONDS_PER_HOUR
        known = {"hour": at, "estimated": True}
        return [
            {"grid_zone": zone, "grams_per_kilowatt_hour": self._draw.randrange(20, 700)} | known
            for zone in ZONES
        ]

    def cpu_day(self) -> list[Record]:
        """How often each CPU percentage was seen in a day."""
        return [
            _named(number)
            | {
                "day": STARTED_AT,
                "columns": {
                    "instance_id": [instance_id for instance_id, _, _ in own],
                    "instance_type": [name for _, name, _ in own],
                    "levels": [
                        _flat(Counter(self._points(percent, CPU_POINTS_PER_DAY)))
                        for _, _, percent in own
                    ],
                },
            }
            for number, own in enumerate(self._places)
        ]

    def _machine(self) -> tuple[str, str, float]:
        instance_id = f"i-{self._draw.getrandbits(68):017x}"
        return instance_id, self._draw.choice(TYPES), 100 * self._draw.betavariate(1.2, 6)

    def _place(self, number: int, own: list[tuple[str, str, float]]) -> Record:
        rows = [self._row(number, *machine) for machine in own]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        kinds = [_kind(number, environment) for environment in ENVIRONMENTS]
        return {"kind": "place"} | _named(number) | {"kinds": kinds, "columns": columns}

    def _row(self, place: int, instance_id: str, name: str, percent: float) -> Record:
        """One in twenty has run for a part of the hour, and lacks a CPU point."""
        part = self._draw.random() < 0.05
        running_seconds = round(self._draw.uniform(60, 3600), 3) if part else SECONDS_PER_HOUR
        points = self._points(percent, 12)
        cpu = [f"{point:02x}" for point in points]
        watts = self._draw.gauss(1, 0.01) * (4 + sum(points) / 120)
        usd_per_hour = 0.0125 * (1 + TYPES.index(name))
        return {
            "instance_id": instance_id,
            "instance_type": name,
            "kind": _environment(name),
            "running_seconds": running_seconds,
            "billed_seconds": running_seconds,
            "unknown_seconds": 0.0,
            "measured_seconds": running_seconds,
            "energy_joules": watts * running_seconds,
            "embodied_grams": usd_per_hour * running_seconds / 90_000,
            "cost_usd": usd_per_hour * running_seconds / SECONDS_PER_HOUR,
            "cpu": "".join(["--", *cpu[1:]] if part else cpu),
            "grid_zone": ZONES[place // 2],
            "pue_ratio": 1.15,
        }

    def _points(self, percent: float, count: int) -> list[int]:
        drawn = (self._draw.gauss(percent, percent / 5) for _ in range(count))
        return [min(100, math.ceil(max(0.0, point))) for point in drawn]


def _named(place: int) -> Record:
    return {"account_id": f"{111122223333 + place // 4}", "region": f"eu-west-{place % 4}"}


def _flat(counted: Counter[int]) -> list[int]:
    return list(itertools.chain(*sorted(counted.items())))


def _environment(instance_type: str) -> int:
    return TYPES.index(instance_type) % len(ENVIRONMENTS)


def _kind(place: int, environment: str) -> Record:
    return {
        "location": _named(place)["region"],
        "usage_operation": "RunInstances",
        "tenancy": "default",
        "purchase_option": "on_demand",
        "environment": environment,
    }


def _groups(place: int, columns: Record) -> Record:
    sums: dict[str, list[float]] = {}
    names = ("running_seconds", "measured_seconds", "energy_joules", "running_seconds", "cost_usd")
    for name, *row in zip(
        columns["instance_type"], *(columns[each] for each in names), strict=True
    ):
        known = sums.setdefault(name, [0.0] * len(names))
        for number, amount in enumerate(row):
            known[number] += amount
    kinds = [_kind(place, ENVIRONMENTS[_environment(name)]) for name in sums]
    return {
        "instance_type": list(sums),
        **{column: [kind[column] for kind in kinds] for column in kinds[0]},
        "running_seconds": [each[0] for each in sums.values()],
        "measured_seconds": [each[1] for each in sums.values()],
        "energy_joules": [each[2] for each in sums.values()],
        "priced_seconds": [each[3] for each in sums.values()],
        "cost_usd": [each[4] for each in sums.values()],
    }
