"""What a running hour of an instance means: its power curve, embodied emissions and price."""

from collections.abc import Callable

from exporter.books.facts import Facts
from exporter.core.accrual import Facility
from exporter.core.cost import SpotTimeline
from exporter.core.evidence import PriceKey, SpotKey
from exporter.core.fleet import Instance, Place, PurchaseOption
from exporter.core.instance_estimate import Siting
from exporter.core.metering import Rates
from exporter.core.power import PowerCurve


class Tariff:
    """Looks rates up in one body of facts."""

    def __init__(self, facts: Facts, siting: Siting) -> None:
        self._facts = facts
        self._siting = siting
        self._curves = {
            name: PowerCurve.through(profile.watts)
            for name, profile in facts.profiles.items()
            if profile.power_gap is None and not self._is_accelerated(name)
        }
        self._spot = {p.place: SpotTimeline(p.spot) for p in facts.places if p.spot}
        self._standing: dict[tuple[str, str, str, str], Rates] = {}

    def _is_accelerated(self, instance_type: str) -> bool:
        hardware = self._facts.hardware.get(instance_type)
        return hardware is not None and hardware.accelerators > 0

    def is_awaited(self, instance: Instance, instance_type: str) -> bool:
        """Whether a rate of it is not known only because the answer is still on its way."""
        awaited = self._facts.awaited
        return bool(awaited) and (
            instance_type in awaited or _price_key(instance, instance_type) in awaited
        )

    def facility(self, instance: Instance) -> Facility:
        """Grid zone and PUE of where it is."""
        pue = self._siting.pue.get(instance.location)
        zone = self._siting.grid_zones.get(instance.location, "")
        return Facility(zone, pue.ratio if pue else None)

    def rates(self, instance: Instance, at: float) -> Callable[[str], Rates]:
        """Rates by instance type for the hour that begins at an instant."""
        return lambda instance_type: self._rates(instance, instance_type, at)

    def _rates(self, instance: Instance, instance_type: str, at: float) -> Rates:
        if instance.purchase_option is not PurchaseOption.ON_DEMAND:
            return self._with_price(instance_type, self._other_price(instance, instance_type, at))
        key = _price_key(instance, instance_type)
        rates = self._standing.get(key)
        if rates is None:
            quote = self._facts.prices.get(key)
            usd = quote.usd_per_hour if quote else None
            rates = self._standing[key] = self._with_price(instance_type, usd)
        return rates

    def _with_price(self, instance_type: str, usd_per_hour: float | None) -> Rates:
        profile = self._facts.profiles.get(instance_type)
        embodied = profile.embodied.grams_per_hour if profile and profile.embodied else None
        return Rates(self._curves.get(instance_type), embodied, usd_per_hour)

    def _other_price(self, instance: Instance, instance_type: str, at: float) -> float | None:
        """Spot price in force; a capacity block is paid in advance and has no hourly price."""
        prices = self._spot.get(Place(instance.account_id, instance.region))
        if instance.purchase_option is not PurchaseOption.SPOT or prices is None:
            return None
        key = SpotKey(instance.availability_zone, instance_type, instance.platform)
        return prices.usd_per_hour_at(key, at)


def _price_key(instance: Instance, instance_type: str) -> PriceKey:
    return PriceKey(instance.location, instance_type, instance.usage_operation, instance.tenancy)
