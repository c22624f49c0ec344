"""The simulated cloud behind the protocol of the real upstreams."""

from collections.abc import Callable
from typing import TypeVar

from exporter.core.billing import Bill
from exporter.core.evidence import (
    ExchangeRate,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    MeteredRun,
    PlaceCpu,
    PriceKey,
    PriceQuote,
    SpotKey,
    SpotPrices,
)
from exporter.core.fleet import Account, Instance, Inventory, Place, PurchaseOption
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.sightings import sighted
from exporter.core.trail import Trail
from exporter.simulation import billing, currency, grid, hardware, prices, roster, trail
from exporter.simulation.cpu import CpuPolls
from exporter.simulation.faults import FaultPlan, Faults
from exporter.simulation.source import SimulatedSource
from exporter.simulation.world import World
from exporter.sources.source import SourceError

T = TypeVar("T")


class SimulatedUpstreams:
    """Sources that all describe the same deterministic world.

    ``wall`` gives the time in epoch seconds; ``faults`` lets sources fail (see Faults and Outage).
    ``instances`` is how many posts the fleet has; a few of them are vacant at times.
    Raises ValueError for a number of instances that cannot be had.
    """

    def __init__(
        self,
        *,
        seed: int = 7,
        wall: Callable[[], float],
        faults: FaultPlan | None = Faults,
        instances: int = 100,
        cpu_interval_seconds: float = 900.0,
    ) -> None:
        self.world = World(seed=seed, instances=instances)
        self._seed = seed
        self._wall = wall
        self._faults = faults(wall()) if faults else None
        self._cpu = CpuPolls.of(self.world, cpu_interval_seconds)

    def accounts(self) -> SimulatedSource[tuple[Account, ...]]:
        """The company's two accounts."""
        return self._source(SourceName.EC2_INVENTORY, Scope(), lambda *_: roster.ACCOUNTS)

    def regions(self, account: Account) -> SimulatedSource[tuple[str, ...]]:
        """The company's three regions, or those chosen for the account."""
        scope = Scope(account_id=account.account_id)
        return self._source(
            SourceName.EC2_INVENTORY, scope, lambda *_: account.regions or roster.REGIONS
        )

    def inventory(self, account: Account, region: str) -> SimulatedSource[Inventory]:
        """The instances of one place."""
        place = Place(account.account_id, region)
        return self._source(
            SourceName.EC2_INVENTORY,
            Scope(*place),
            lambda at, previous: self._inventory(place, at, previous),
        )

    def cpu(
        self, account: Account, region: str, metered: Callable[[], tuple[MeteredRun, ...]]
    ) -> SimulatedSource[PlaceCpu]:
        """CPU points of the running instances of one place, and of runs that ended lately."""
        place = Place(account.account_id, region)
        return self._source(
            SourceName.CLOUDWATCH_CPU,
            Scope(*place),
            lambda at, previous: self._cpu.poll(place, metered(), at, previous),
        )

    def trail(self, account: Account, region: str) -> SimulatedSource[Trail]:
        """The starts and ends of instances of one place."""
        place = Place(account.account_id, region)
        return self._source(
            SourceName.CLOUDTRAIL_EVENTS,
            Scope(*place),
            lambda at, previous: trail.trail(self.world, place, at, previous),
        )

    def bill(self, accounts: Callable[[], tuple[str, ...]]) -> SimulatedSource[Bill]:
        """What the simulated cloud has billed for compute of the accounts."""

        def answer(at: float, _: Bill | None) -> Bill:
            account_ids = accounts()
            if not account_ids:
                raise SourceError(FailureReason.UNAVAILABLE, "simulated: no account is known yet")
            return billing.bill(self.world, account_ids, at)

        return self._source(SourceName.COST_EXPLORER, Scope(), answer)

    def list_price(self, key: PriceKey) -> SimulatedSource[PriceQuote]:
        """The on-demand list price of one kind of instance."""
        scope = Scope(region=key.location)
        return self._source(SourceName.PRICING, scope, lambda *_: prices.list_price(key))

    def spot_prices(
        self, account: Account, region: str, running: Callable[[], tuple[Instance, ...]]
    ) -> SimulatedSource[SpotPrices]:
        """Spot prices that the running spot instances of one place need."""
        place = Place(account.account_id, region)

        def answer(at: float, _: SpotPrices | None) -> SpotPrices:
            keys = {
                SpotKey(each.availability_zone, each.instance_type, each.platform)
                for each in running()
                if each.purchase_option is PurchaseOption.SPOT
            }
            return prices.spot_prices(self._seed, place, keys, at)

        return self._source(SourceName.SPOT_PRICE, Scope(*place), answer)

    def grid_intensity(self, grid_zone: str) -> SimulatedSource[GridIntensity]:
        """The intensity of the hour in force in one zone."""

        def answer(at: float, _: GridIntensity | None) -> GridIntensity:
            _require_covered(grid_zone)
            return grid.latest(self._seed, grid_zone, at)

        return self._source(SourceName.ELECTRICITY_MAPS, Scope(grid_zone=grid_zone), answer)

    def grid_history(self, grid_zone: str) -> SimulatedSource[GridHistory]:
        """The last 24 hours of one zone; at first so many that they cover the alignment window."""

        def answer(at: float, previous: GridHistory | None) -> GridHistory:
            _require_covered(grid_zone)
            hours = grid.HISTORY_HOURS if previous else grid.FIRST_HISTORY_HOURS
            return grid.history(self._seed, grid_zone, at, hours)

        scope = Scope(grid_zone=grid_zone)
        return self._source(SourceName.ELECTRICITY_MAPS_HISTORY, scope, answer)

    def profile_version(self) -> SimulatedSource[str]:
        """The version of the profiles: says that they are simulated."""
        return self._source(SourceName.BOAVIZTA, Scope(), lambda *_: hardware.PROVIDER_VERSION)

    def profile(
        self,
        instance_type: str,
        version: Callable[[], str],  # noqa: ARG002 - the protocol's; there is one version only
    ) -> SimulatedSource[HardwareProfile]:
        """Power and embodied emissions of one instance type."""
        return self._source(
            SourceName.BOAVIZTA, Scope(), lambda *_: hardware.profile(instance_type)
        )

    def exchange_rate(self) -> SimulatedSource[ExchangeRate]:
        """US dollars for one euro."""
        return self._source(
            SourceName.EXCHANGE_RATE, Scope(), lambda at, _: currency.rate(self._seed, at)
        )

    def _source(
        self, name: SourceName, scope: Scope, answer: Callable[[float, T | None], T]
    ) -> SimulatedSource[T]:
        return SimulatedSource(name, scope, self._wall, self._faults, answer)

    def _inventory(self, place: Place, at: float, previous: Inventory | None) -> Inventory:
        instances = self.world.instances_at(at, place)
        found = (*instances, *self.world.terminated_at(at, place))
        return Inventory(
            place,
            instances,
            hardware.describe_families({instance.instance_type for instance in instances}),
            sighted(previous.sightings if previous else (), found, began_at=at, ended_at=at),
        )


def _require_covered(grid_zone: str) -> None:
    if grid_zone not in grid.CLIMATES:
        covered = ", ".join(grid.CLIMATES)
        raise SourceError(
            FailureReason.NOT_COVERED,
            f"simulated: no carbon intensity for zone {grid_zone}; the simulation covers {covered}",
        )
