"""What the instances of a simulated place really used, hour by hour: what the books must say.

Straight from the simulated world, without anything of the exporter but its power curve.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil

from exporter.core.fleet import Place
from exporter.core.power import PowerCurve
from exporter.core.units import SECONDS_PER_HOUR
from exporter.data.regions import load_regions
from exporter.simulation import hardware, prices
from exporter.simulation.schedule import Life
from exporter.simulation.world import World

SLOT_SECONDS = 300.0
SLOTS = range(12)
NO_POINT = "--"
EVER = float("-inf")
SKIPPABLE = ("power", "emissions", "embodied", "cost_usd")


@dataclass(frozen=True, slots=True)
class TrueHour:
    """One instance in one hour, or the part of it that counts.

    By slot: seconds switched on, CPU in percent and IT watts; None where there is none.
    """

    running_seconds: float
    seconds: tuple[float, ...]
    percent: tuple[float | None, ...]
    watts: tuple[float | None, ...]
    embodied_grams: float | None
    cost_usd: float

    def measurable(self) -> frozenset[int]:
        """Slots of which a power can be known."""
        return frozenset(i for i in SLOTS if self.watts[i] is not None and self.seconds[i])

    def measured_seconds(self, slots: Collection[int]) -> float:
        """Seconds of those of the slots that have a power."""
        return sum(self.seconds[i] for i in self.measurable() if i in slots)

    def joules(self, slots: Collection[int]) -> float:
        """IT energy of those of the slots that have a power."""
        return sum(
            self.seconds[i] * watts for i, watts in enumerate(self.watts) if watts and i in slots
        )

    def cpu(self, slot: int) -> str:
        """How the history writes the point of a slot."""
        percent = self.percent[slot]
        return NO_POINT if percent is None else f"{min(ceil(percent), 100):02x}"

    def usage(self, slots: Collection[int]) -> dict[str, float]:
        """What its hour adds to the counters when these slots have their points."""
        unmeasured = self.running_seconds - self.measured_seconds(slots)
        return {
            "energy_joules": self.joules(slots),
            "embodied_grams": self.embodied_grams or 0.0,
            "cost_usd": self.cost_usd,
            "skipped power": unmeasured,
            "skipped emissions": unmeasured,
            "skipped embodied": self.running_seconds if self.embodied_grams is None else 0.0,
            "skipped cost_usd": 0.0,
        }


class Truth:
    """Answers for any place and hour of one simulated world."""

    def __init__(self, seed: int, instances: int) -> None:
        self._world = World(seed=seed, instances=instances)
        self._regions = load_regions()
        self.hour = cache(self._hour)
        self.most = cache(self._most)

    def grid_zone(self, place: Place) -> str:
        """Where the electricity of a place comes from."""
        return self._regions[place.region].grid_zone

    def intensity(self, grid_zone: str, hour_at: float) -> float:
        """Grams of CO2e per kilowatt-hour in an hour."""
        return self._world.intensity(grid_zone, hour_at)

    def grams(self, place: Place, hour_at: float, joules: float) -> float:
        """Operational emissions of so much IT energy."""
        pue = self._regions[place.region].published_pue
        if pue is None:
            raise ValueError(f"{place.region} has no published PUE")
        return joules / 3.6e6 * pue * self.intensity(self.grid_zone(place), hour_at)

    def _hour(self, place: Place, hour_at: float, since_at: float) -> Mapping[str, TrueHour]:
        """Every instance that runs in an hour, from ``since_at`` on."""
        begin_at, end_at = max(hour_at, since_at), hour_at + SECONDS_PER_HOUR
        return {
            instance_id: hour
            for life in self._world.lives(hour_at, end_at, place)
            for instance_id in (self._world.instance_id(life),)
            if (hour := self._of(life, instance_id, hour_at, begin_at)).running_seconds
        }

    def _of(self, life: Life, instance_id: str, hour_at: float, begin_at: float) -> TrueHour:
        end_at = hour_at + SECONDS_PER_HOUR
        spans = self._world.running_spans(instance_id, begin_at, end_at)
        points = {
            point.start_at: point.utilization_percent
            for point in self._world.cpu_points(instance_id, hour_at, end_at)
        }
        edges = [(hour_at + i * SLOT_SECONDS, hour_at + (i + 1) * SLOT_SECONDS) for i in SLOTS]
        percent = tuple(points.get(start_at) for start_at, _ in edges)
        profile = hardware.profile(life.post.instance_type)
        curve = None if profile.power_gap else PowerCurve.through(profile.watts)
        price = prices.list_price(prices.price_key(life.post)).usd_per_hour
        if price is None:
            raise ValueError(f"{life.post.name} has no price")
        running = sum(ended_at - started_at for started_at, ended_at in spans)
        embodied = profile.embodied
        return TrueHour(
            running,
            tuple(
                sum(max(0.0, min(b, ended_at) - max(a, began_at)) for began_at, ended_at in spans)
                for a, b in edges
            ),
            percent,
            tuple(None if p is None or curve is None else curve.at(p) for p in percent),
            embodied.grams_per_hour * running / SECONDS_PER_HOUR if embodied else None,
            price * running / SECONDS_PER_HOUR,
        )

    def _most(self, place: Place, since_at: float, until_at: float) -> Mapping[str, float]:
        """What the counters of a place can have at most when every hour before is closed.

        ``until_at`` is the begin of an hour.
        """
        hour_at = until_at - SECONDS_PER_HOUR
        if until_at <= since_at:
            return dict.fromkeys(("emissions_grams", *COUNTED), 0.0)
        total = dict(self.most(place, since_at, hour_at))
        for hour in self.hour(place, hour_at, since_at).values():
            for name, amount in hour.usage(SLOTS).items():
                total[name] += hour.running_seconds if name in SKIPPED else amount
            total["emissions_grams"] += self.grams(place, hour_at, hour.joules(SLOTS))
        return total


SKIPPED = tuple(f"skipped {quantity}" for quantity in SKIPPABLE)
COUNTED = ("energy_joules", "embodied_grams", "cost_usd", *SKIPPED)


def hours(start_at: float, end_at: float) -> Iterator[float]:
    """Begin of each hour."""
    at = start_at
    while at < end_at:
        yield at
        at += SECONDS_PER_HOUR
