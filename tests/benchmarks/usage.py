"""A made-up fleet's hours and days, as the history keeps them."""

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
                    "levels": [
                        sorted(Counter(self._points(percent, CPU_POINTS_PER_DAY)).items())
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
        return {"kind": "place"} | _named(number) | {"columns": columns}

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
