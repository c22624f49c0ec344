"""What the exporter ought to say, calculated a second time from the rig's truth.

Nothing of the exporter's own code is used; only its table of regions is read, for the PUE that AWS
publishes. Where several reasons for a gap apply: not_configured, zone_not_covered, source_down,
then what is said of the machine, of its CPU points, of its place, of its price.
"""

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from power_curve import LOADS, watts_at

REGIONS_TABLE = Path(__file__).parents[2] / "exporter/data/regions.csv"
SLOT_SECONDS = 300
WINDOW_SLOTS = 3
YOUNG_SECONDS = 900

Place = tuple[str, str]


def epoch(instant: str) -> float:
    """Seconds since 1970 of the rig's ISO time."""
    return datetime.fromisoformat(instant).timestamp()


def published_pue() -> dict[str, float]:
    """PUE by region, where AWS publishes one."""
    with REGIONS_TABLE.open() as table:
        return {row["region"]: float(row["pue"]) for row in csv.DictReader(table) if row["pue"]}


@dataclass(frozen=True)
class Circumstances:
    """What the exporter was given, and which of its upstreams did not answer."""

    polled_at: float
    newest_points: Mapping[Place, float]
    grid_hours: Mapping[str, float]
    down: frozenset[str] = frozenset()
    grid_configured: bool = True
    zones_covered: frozenset[str] | None = None
    absent_accounts: frozenset[str] = frozenset()


@dataclass
class Expectation:
    """Every quantity of every running instance, and why the others are missing."""

    values: dict[str, dict[str, float]] = field(default_factory=dict)
    gaps: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    listed: dict[str, dict[str, Any]] = field(default_factory=dict)
    running: int = 0
    states: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, truth: Mapping[str, Any], around: Circumstances) -> "Expectation":
        """Calculate it for everything in the truth."""
        found = cls()
        judge = _Judge(truth, around)
        for instance in truth["instances"]:
            if instance["account"] in around.absent_accounts or not instance["visible"]:
                continue
            if instance["state"] in ("terminated", "shutting-down"):
                continue
            found.listed[instance["id"]] = instance
            place = instance["account"], instance["region"]
            found.states[*place, instance["state"]] += 1
            if instance["state"] != "running":
                continue
            found.running += 1
            for quantity, outcome in judge.outcomes(instance).items():
                if isinstance(outcome, str):
                    found.gaps[*place, quantity, outcome] += 1
                else:
                    found.values.setdefault(quantity, {})[instance["id"]] = outcome
        return found


Outcome = float | str


class _Judge:
    def __init__(self, truth: Mapping[str, Any], around: Circumstances) -> None:
        self._truth = truth
        self._around = around
        self._pue = published_pue()

    def outcomes(self, instance: Mapping[str, Any]) -> dict[str, Outcome]:
        """Per quantity its value, or the reason for the gap."""
        cpu = self._cpu(instance)
        power = self._power(instance, cpu)
        usd = self._usd(instance)
        return {
            "cpu": cpu if isinstance(cpu, str) else sum(cpu) / len(cpu) / 100,
            "power": power,
            "emissions": self._emissions(instance, power),
            "embodied": self._embodied(instance),
            "cost_usd": usd,
            "cost_eur": self._eur(usd),
        }

    def _cpu(self, instance: Mapping[str, Any]) -> list[float] | str:
        if "cloudwatch" in self._around.down:
            return "source_down"
        launched_at = epoch(instance["launch_time"])
        if self._around.polled_at - launched_at < YOUNG_SECONDS:
            return "too_young"
        newest = self._around.newest_points.get((instance["account"], instance["region"]))
        if newest is None:
            return "no_datapoints"
        recent = {epoch(at): value for at, value in instance["cpu"]["recent_points"]}
        if newest not in recent and newest - SLOT_SECONDS in recent:
            newest -= SLOT_SECONDS  # not published yet, which is no gap: the window waits for it
        starts = [newest - n * SLOT_SECONDS for n in reversed(range(WINDOW_SLOTS))]
        used = [
            min(recent[at], 100.0)
            for at in starts
            if at in recent and at + SLOT_SECONDS > launched_at
        ]
        whole = sum(at >= launched_at for at in starts)
        return used if used and len(used) >= 0.8 * whole else "no_datapoints"

    def _profile(self, instance: Mapping[str, Any]) -> Mapping[str, Any] | str:
        if "boavizta" in self._around.down:
            return "source_down"
        profile: Mapping[str, Any] = self._truth["types"][instance["type"]]
        gap = {"not_found": "no_profile", "fuzzy": "substituted_profile"}.get(profile["status"])
        return gap or profile

    def _power(self, instance: Mapping[str, Any], cpu: list[float] | str) -> Outcome:
        profile = self._profile(instance)
        if "source_down" in (profile, cpu):
            return "source_down"
        if isinstance(profile, str):
            return profile
        if profile["gpu_units"]:
            return "accelerator_unmodelled"
        if isinstance(cpu, str):
            return cpu
        watts = tuple(profile["watts"][f"{load:g}"]["value"] for load in LOADS)
        return sum(watts_at(load, watts) for load in cpu) / len(cpu)

    def _emissions(self, instance: Mapping[str, Any], power: Outcome) -> Outcome:
        around, zone = self._around, instance["zone"]
        if not around.grid_configured:
            return "not_configured"
        if zone and around.zones_covered is not None and zone not in around.zones_covered:
            return "zone_not_covered"
        if zone and "electricity_maps" in around.down:
            return "source_down"
        if isinstance(power, str):
            return power
        if not zone:
            return "no_pue"
        hour = around.grid_hours[zone]
        hours = self._truth["grid"][zone]["hours"]
        intensity = next(h["published"] for h in hours if epoch(h["hour"]) == hour)
        return float(power * self._pue[instance["region"]] * intensity / 1000)

    def _embodied(self, instance: Mapping[str, Any]) -> Outcome:
        profile = self._profile(instance)
        if isinstance(profile, str):
            return profile
        return float(profile["embedded_kg_per_h"]["value"] * 1000)

    def _usd(self, instance: Mapping[str, Any]) -> Outcome:
        spot = instance["market"] == "spot"
        if ("ec2_spot" if spot else "pricing") in self._around.down:
            return "source_down"
        price = instance["spot_usd_per_h" if spot else "on_demand_usd_per_h"]
        return price or "no_price"

    def _eur(self, usd: Outcome) -> Outcome:
        if "fx" in self._around.down:
            return "source_down"
        return usd if isinstance(usd, str) else usd / float(self._truth["usd_per_eur"]["rate"])
