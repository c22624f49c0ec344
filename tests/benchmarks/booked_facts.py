"""Facts about the made-up fleet of the books: everything that was ever asked for is known."""

import random
from dataclasses import replace

from exporter.books.facts import Facts, PlaceFacts
from exporter.core.billing import Bill, BilledAs, BilledUsage
from exporter.core.cost import price_key
from exporter.core.evidence import (
    Embodied,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    PriceQuote,
    SpotPrices,
    SpotQuote,
)
from exporter.core.fleet import Instance, PurchaseOption
from exporter.core.instance_estimate import Siting
from exporter.core.snapshot import Pue
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.sources.aws.billing import days_since_at
from tests.benchmarks.booked_fleet import REGIONS, BookedPlace, booked_places
from tests.benchmarks.fleet import TYPES

SITING = Siting(REGIONS, dict.fromkeys(REGIONS, Pue(1.15, "published")))
SPOT_DAYS = 50
SPOT_CHANGES_PER_DAY = 4


class BookedFacts:
    """Bodies of facts, each with something new; what is not new stays the same object."""

    def __init__(self, instances: int, places: int, now: float) -> None:
        self.places = booked_places(instances, places)
        self._draw = random.Random(instances)  # noqa: S311 - made-up numbers
        held = tuple(self._place(place, now) for place in self.places)
        fleet = [s.instance for place in held for s in place.inventory.sightings]
        profiles = {name: self._profile(name) for name in TYPES}
        prices = {price_key(each) for each in fleet}
        self.now = Facts(
            now,
            held,
            {each.instance_type: each for place in held for each in place.inventory.hardware},
            profiles,
            {key: PriceQuote(key, self._draw.uniform(0.01, 1)) for key in sorted(prices)},
            self._grid(now),
            bill=None,
        )

    def wait(self, seconds: float) -> Facts:
        """Let time pass without any answer."""
        self.now = replace(self.now, now=self.now.now + seconds)
        return self.now

    def poll(self, slots: int) -> Facts:
        """Take the answers of a CPU poll of every place."""
        now = self.now.now
        polled = zip(self.places, self.now.places, strict=True)
        places = (replace(old, cpu=place.cpu(now, slots)) for place, old in polled)
        self.now = replace(self.now, places=tuple(places))
        return self.now

    def look(self) -> Facts:
        """Take new inventories of every place, and what the grid tells."""
        now = self.now.now
        looked = zip(self.places, self.now.places, strict=True)
        places = (
            replace(old, inventory=place.inventory(now), seen_until_at=now) for place, old in looked
        )
        self.now = replace(self.now, places=tuple(places), grid=self._grid(now))
        return self.now

    def ask_trail(self, *, places: int | None = None) -> Facts:
        """Take CloudTrail's answer of so many places; of all unless it is said."""
        asked = list(self.now.places)
        for index in range(len(asked) if places is None else places):
            asked[index] = replace(asked[index], trail=self.places[index].trail(self.now.now))
        self.now = replace(self.now, places=tuple(asked))
        return self.now

    def lose_one(self) -> Facts:
        """Let one instance of one place be missing in its newest inventory."""
        first, *others = self.now.places
        inventory = replace(first.inventory, instances=first.inventory.instances[1:])
        self.now = replace(self.now, places=(replace(first, inventory=inventory), *others))
        return self.now

    def ask_bill(self) -> Facts:
        """Take Cost Explorer's answer."""
        now = self.now.now
        since_at = days_since_at(now)
        accounts = {place.place.account_id: 0 for place in self.now.places}
        for place in self.now.places:
            accounts[place.place.account_id] += len(place.inventory.instances)
        days = int((now - since_at) // SECONDS_PER_DAY) + 1
        lines = (
            BilledUsage(account_id, day_at, billed_as, usd, 24.0 * count, estimated=False)
            for day_at in (since_at + number * SECONDS_PER_DAY for number in range(days))
            for account_id, count in sorted(accounts.items())
            for billed_as, usd in ((BilledAs.ON_DEMAND, 9.0 * count), (BilledAs.SPOT, 0.5 * count))
        )
        self.now = replace(self.now, bill=Bill(now, since_at, tuple(lines)))
        return self.now

    def _place(self, place: BookedPlace, now: float) -> PlaceFacts:
        inventory = place.inventory(now)
        spot = self._spot(place, [s.instance for s in inventory.sightings], now)
        return PlaceFacts(
            place.place,
            inventory,
            seen_until_at=now,
            trail=place.trail(now),
            trail_asked=True,
            trail_fresh=True,
            cpu=None,
            cpu_age_seconds=0.0,
            spot=spot,
        )

    def _spot(self, place: BookedPlace, fleet: list[Instance], now: float) -> SpotPrices:
        pools = {
            (each.availability_zone, each.instance_type, each.platform)
            for each in fleet
            if each.purchase_option is PurchaseOption.SPOT
        }
        step_seconds = SECONDS_PER_DAY / SPOT_CHANGES_PER_DAY
        changes = [
            now - number * step_seconds for number in range(SPOT_DAYS * SPOT_CHANGES_PER_DAY, 0, -1)
        ]
        past = [
            SpotQuote(*pool, self._draw.uniform(0.01, 0.1), at)
            for at in changes
            for pool in sorted(pools)
        ]
        count = len(pools)
        return SpotPrices(place.place, tuple(past[-count:]), tuple(past[:-count]), asked_at=now)

    def _profile(self, name: str) -> HardwareProfile:
        watts = tuple(sorted(self._draw.uniform(2, 20) for _ in range(6)))
        return HardwareProfile(name, watts, None, Embodied(0.5, 0.3, 0.8), None, "2")

    def _grid(self, now: float) -> dict[str, tuple[GridIntensity | None, GridHistory | None]]:
        hour_at = now // SECONDS_PER_HOUR * SECONDS_PER_HOUR
        hours = [hour_at - age * SECONDS_PER_HOUR for age in range(23, -1, -1)]
        told = {
            zone: tuple(self._intensity(zone, at, estimated=at > hour_at - 7200) for at in hours)
            for zone in REGIONS.values()
        }
        return {zone: (hours[-1], GridHistory(zone, hours)) for zone, hours in told.items()}

    @staticmethod
    def _intensity(zone: str, at: float, *, estimated: bool) -> GridIntensity:
        return GridIntensity(zone, 200 + at / SECONDS_PER_HOUR % 24, at, estimated, "made up")
