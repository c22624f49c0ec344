"""The simulated cloud behind the protocol of the real upstreams."""

from collections.abc import Callable
from math import ceil, floor
from typing import TypeVar

from exporter.core.evidence import (
    CpuPoint,
    ExchangeRate,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    InstanceCpu,
    PlaceCpu,
    PriceKey,
    PriceQuote,
    SpotKey,
    SpotPrices,
)
from exporter.core.fleet import Account, Instance, Inventory, Place, PurchaseOption
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.units import CPU_SLOT_SECONDS
from exporter.simulation import currency, grid, hardware, prices, roster
from exporter.simulation.faults import Faults
from exporter.simulation.source import SimulatedSource
from exporter.simulation.world import World
from exporter.sources.source import SourceError

T = TypeVar("T")

_FEWEST_SLOTS = 3


class SimulatedUpstreams:
    """Sources that all describe the same deterministic world.

    ``wall`` gives the time in epoch seconds; ``faults`` lets two sources fail now and then (see
    Faults). ``instances`` is how many posts the fleet has; a few of them are vacant at times.
    Raises ValueError for a number of instances that cannot be had.
    """

    def __init__(
        self,
        *,
        seed: int = 7,
        wall: Callable[[], float],
        faults: bool = True,
        instances: int = 100,
        cpu_interval_seconds: float = 900.0,
    ) -> None:
        self.world = World(seed=seed, instances=instances)
        self._seed = seed
        self._wall = wall
        self._faults = Faults(started_at=wall()) if faults else None
        self._window_slots = max(_FEWEST_SLOTS, ceil(cpu_interval_seconds / CPU_SLOT_SECONDS))

    def accounts(self) -> SimulatedSource[tuple[Account, ...]]:
        """The company's two accounts."""
        return self._source(SourceName.EC2_INVENTORY, Scope(), lambda _: roster.ACCOUNTS)

    def regions(self, account: Account) -> SimulatedSource[tuple[str, ...]]:
        """The company's three regions, or those chosen for the account."""
        scope = Scope(account_id=account.account_id)
        return self._source(
            SourceName.EC2_INVENTORY, scope, lambda _: account.regions or roster.REGIONS
        )

    def inventory(self, account: Account, region: str) -> SimulatedSource[Inventory]:
        """The instances of one place."""
        place = Place(account.account_id, region)
        return self._source(
            SourceName.EC2_INVENTORY, Scope(*place), lambda at: self._inventory(place, at)
        )

    def cpu(
        self, account: Account, region: str, running: Callable[[], tuple[Instance, ...]]
    ) -> SimulatedSource[PlaceCpu]:
        """CPU points of the running instances of one place."""
        place = Place(account.account_id, region)
        return self._source(
            SourceName.CLOUDWATCH_CPU,
            Scope(*place),
            lambda at: PlaceCpu(place, tuple(self._cpu(each, at) for each in running())),
        )

    def list_price(self, key: PriceKey) -> SimulatedSource[PriceQuote]:
        """The on-demand list price of one kind of instance."""
        scope = Scope(region=key.location)
        return self._source(SourceName.PRICING, scope, lambda _: prices.list_price(key))

    def spot_prices(
        self, account: Account, region: str, running: Callable[[], tuple[Instance, ...]]
    ) -> SimulatedSource[SpotPrices]:
        """Spot prices that the running spot instances of one place need."""
        place = Place(account.account_id, region)
        return self._source(
            SourceName.SPOT_PRICE,
            Scope(*place),
            lambda at: self._spot_prices(place, running(), at),
        )

    def grid_intensity(self, grid_zone: str) -> SimulatedSource[GridIntensity]:
        """The intensity of the hour in force in one zone."""

        def answer(at: float) -> GridIntensity:
            _require_covered(grid_zone)
            return grid.latest(self._seed, grid_zone, at)

        return self._source(SourceName.ELECTRICITY_MAPS, Scope(grid_zone=grid_zone), answer)

    def grid_history(self, grid_zone: str) -> SimulatedSource[GridHistory]:
        """The last 24 hours of one zone."""

        def answer(at: float) -> GridHistory:
            _require_covered(grid_zone)
            return grid.history(self._seed, grid_zone, at)

        scope = Scope(grid_zone=grid_zone)
        return self._source(SourceName.ELECTRICITY_MAPS_HISTORY, scope, answer)

    def profile_version(self) -> SimulatedSource[str]:
        """The version of the profiles: says that they are simulated."""
        return self._source(SourceName.BOAVIZTA, Scope(), lambda _: hardware.PROVIDER_VERSION)

    def profile(
        self,
        instance_type: str,
        version: Callable[[], str],  # noqa: ARG002 - the protocol's; there is one version only
    ) -> SimulatedSource[HardwareProfile]:
        """Power and embodied emissions of one instance type."""
        return self._source(SourceName.BOAVIZTA, Scope(), lambda _: hardware.profile(instance_type))

    def exchange_rate(self) -> SimulatedSource[ExchangeRate]:
        """US dollars for one euro."""
        return self._source(
            SourceName.EXCHANGE_RATE, Scope(), lambda at: currency.rate(self._seed, at)
        )

    def _source(
        self, name: SourceName, scope: Scope, answer: Callable[[float], T]
    ) -> SimulatedSource[T]:
        return SimulatedSource(name, scope, self._wall, self._faults, answer)

    def _inventory(self, place: Place, at: float) -> Inventory:
        instances = self.world.instances_at(at, place)
        types = sorted({instance.instance_type for instance in instances})
        return Inventory(place, instances, tuple(map(hardware.describe, types)))

    def _cpu(self, instance: Instance, at: float) -> InstanceCpu:
        end_at = floor(at / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS
        begin_at = end_at - self._window_slots * CPU_SLOT_SECONDS
        return InstanceCpu(
            instance_id=instance.instance_id,
            launched_at=instance.launched_at,
            polled_at=at,
            window_end_at=end_at,
            window_slots=self._window_slots,
            points=self._points(instance.instance_id, begin_at, end_at),
        )

    def _points(self, instance_id: str, begin_at: float, end_at: float) -> tuple[CpuPoint, ...]:
        try:
            return self.world.cpu_points(instance_id, begin_at, end_at)
        except LookupError:  # CloudWatch has no error either for an id it never heard of
            return ()

    def _spot_prices(self, place: Place, running: tuple[Instance, ...], at: float) -> SpotPrices:
        keys = {
            SpotKey(each.availability_zone, each.instance_type, each.platform)
            for each in running
            if each.purchase_option is PurchaseOption.SPOT
        }
        quotes = (prices.spot_price(self._seed, key, at) for key in sorted(keys))
        return SpotPrices(place, tuple(quote for quote in quotes if quote is not None))


def _require_covered(grid_zone: str) -> None:
    if grid_zone not in grid.CLIMATES:
        covered = ", ".join(grid.CLIMATES)
        raise SourceError(
            FailureReason.NOT_COVERED,
            f"simulated: no carbon intensity for zone {grid_zone}; the simulation covers {covered}",
        )
