"""Which facts are needed: a cell for each, made and dropped as the fleet changes.

Accounts lead to regions, regions to inventories, and inventories to everything that the listed
instances need: CPU points, prices, profiles, grid zones. A cell that is no longer needed goes,
and with it its health metrics.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from exporter.core.cost import needs_list_price, price_key, spot_key
from exporter.core.evidence import (
    ExchangeRate,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    PlaceCpu,
    PriceKey,
    PriceQuote,
    SpotPrices,
)
from exporter.core.fleet import Account, Instance, Inventory, Place, PurchaseOption
from exporter.core.power import is_newcomer
from exporter.core.provenance import SourceName
from exporter.refresh import Cadence, Cell, CellKey, Clock
from exporter.scheduler import Scheduler
from exporter.sources.source import Source, Upstreams
from exporter.store import StateDirectory

K = TypeVar("K")
T = TypeVar("T")


class Roster:
    """The cells in use, by what they are about. Changed by ``reconcile`` only, on one thread."""

    def __init__(
        self,
        upstreams: Upstreams,
        cadence: Callable[[SourceName], Cadence],
        seldom: Cadence,
        grid_zone: Callable[[str], str],
        scheduler: Scheduler,
        store: StateDirectory | None,
        clock: Clock,
    ) -> None:
        self._upstreams = upstreams
        self._cadence = cadence
        self._seldom = seldom
        self._grid_zone = grid_zone
        self._scheduler = scheduler
        self._store = store
        self._clock = clock
        self._polled: dict[str, Account] = {}
        self._seen_inventories: dict[Place, Inventory | None] = {}
        self.regions: dict[str, Cell[tuple[str, ...]]] = {}
        self.inventories: dict[Place, Cell[Inventory]] = {}
        self.cpu: dict[Place, Cell[PlaceCpu]] = {}
        self.spot: dict[Place, Cell[SpotPrices]] = {}
        self.prices: dict[PriceKey, Cell[PriceQuote]] = {}
        self.profiles: dict[str, Cell[HardwareProfile]] = {}
        self.grid: dict[str, Cell[GridIntensity]] = {}
        self.grid_history: dict[str, Cell[GridHistory]] = {}
        self.exchange_rate: Cell[ExchangeRate] = self._cell(upstreams.exchange_rate(), ExchangeRate)
        self.profile_version: Cell[str] = self._cell(
            upstreams.profile_version(), str, "version", lambda _: self._seldom
        )
        self.accounts: Cell[tuple[Account, ...]] = self._cell(
            upstreams.accounts(), tuple[Account, ...], cadence=lambda _: self._seldom
        )
        # A restored list serves at once, but the settings behind it may have changed.
        scheduler.poke(self.accounts.key)

    def cells(self) -> Iterable[Cell[Any]]:
        """Every cell in use."""
        yield from (self.accounts, self.exchange_rate, self.profile_version)
        for held in (
            self.regions,
            self.inventories,
            self.cpu,
            self.spot,
            self.prices,
            self.profiles,
            self.grid,
            self.grid_history,
        ):
            yield from held.values()

    def reconcile(self) -> None:
        """Make the cells that the facts known now call for; drop those that nothing needs."""
        accounts = {account.account_id: account for account in self.accounts.state.value or ()}
        for account_id, account in self._polled.items():
            if accounts.get(account_id, account) != account:
                self._forget(account_id)
        self._polled = accounts
        open_ended = [name for name, account in accounts.items() if not account.regions]
        self._keep(self.regions, open_ended, lambda key: self._regions_cell(accounts[key]))
        places = {
            Place(account_id, region): account
            for account_id, account in accounts.items()
            for region in account.regions or self._enabled_regions(account_id)
        }
        self._keep(self.inventories, places, lambda key: self._inventory_cell(places[key], key))
        instances = self._instances()
        running = {i.place for i in instances if i.is_running}
        spot = {i.place for i in instances if _is_running_spot(i)}
        zones = {self._grid_zone(i.location) for i in instances} - {""}
        types = {i.instance_type for i in instances}
        prices = {price_key(i) for i in instances if needs_list_price(i)}
        make = self._upstreams
        self._keep(self.cpu, running, lambda key: self._cpu_cell(places[key], key))
        self._keep(self.spot, spot, lambda key: self._spot_cell(places[key], key))
        self._keep(self.grid, zones, lambda z: self._cell(make.grid_intensity(z), GridIntensity))
        self._keep(
            self.grid_history, zones, lambda z: self._cell(make.grid_history(z), GridHistory)
        )
        self._keep(self.profiles, types, self._profile_cell)
        self._keep(self.prices, prices, self._price_cell)
        self._poke_newcomers()
        self._poke_outdated_profiles()

    def _forget(self, account_id: str) -> None:
        """Drop the cells of an account that is now to be polled in another way."""
        self._drop(self.regions, [account_id])
        by_place: tuple[dict[Place, Any], ...] = (self.inventories, self.cpu, self.spot)
        for held in by_place:
            self._drop(held, [place for place in held if place.account_id == account_id])

    def _drop(self, held: dict[K, Any], unwanted: Iterable[K]) -> None:
        for key in unwanted:
            cell = held.pop(key, None)
            if cell is not None:
                self._scheduler.remove(cell.key)

    def _keep(
        self, held: dict[K, Cell[T]], wanted: Iterable[K], make: Callable[[K], Cell[T]]
    ) -> None:
        wanted = set(wanted)
        self._drop(held, held.keys() - wanted)
        for key in wanted - held.keys():
            held[key] = make(key)

    def _cell(
        self,
        source: Source[T],
        value_type: Any,
        item: str = "",
        cadence: Callable[[T | None], Cadence] | None = None,
    ) -> Cell[T]:
        regular = self._cadence(source.name)
        key = CellKey(source.name, source.scope, item)
        cell = Cell(key, source, cadence or (lambda _: regular), self._clock, value_type)
        if self._store:
            self._store.restore(cell)
        self._scheduler.add(cell)
        return cell

    def _regions_cell(self, account: Account) -> Cell[tuple[str, ...]]:
        source = self._upstreams.regions(account)
        return self._cell(source, tuple[str, ...], cadence=lambda _: self._seldom)

    def _enabled_regions(self, account_id: str) -> tuple[str, ...]:
        """Regions of an account for which none were chosen, as last known."""
        return self.regions[account_id].state.value or ()

    def _inventory_cell(self, account: Account, place: Place) -> Cell[Inventory]:
        regular = self._cadence(SourceName.EC2_INVENTORY)
        seldom = self._seldom

        def cadence(inventory: Inventory | None) -> Cadence:
            return seldom if inventory is not None and not inventory.instances else regular

        source = self._upstreams.inventory(account, place.region)
        return self._cell(source, Inventory, cadence=cadence)

    def _cpu_cell(self, account: Account, place: Place) -> Cell[PlaceCpu]:
        source = self._upstreams.cpu(account, place.region, lambda: self._running(place))
        return self._cell(source, PlaceCpu)

    def _spot_cell(self, account: Account, place: Place) -> Cell[SpotPrices]:
        source = self._upstreams.spot_prices(account, place.region, lambda: self._running(place))
        return self._cell(source, SpotPrices)

    def _profile_cell(self, instance_type: str) -> Cell[HardwareProfile]:
        source = self._upstreams.profile(
            instance_type, lambda: self.profile_version.state.value or ""
        )
        return self._cell(source, HardwareProfile, instance_type)

    def _price_cell(self, key: PriceKey) -> Cell[PriceQuote]:
        item = f"{key.instance_type}|{key.usage_operation}|{key.tenancy}"
        return self._cell(self._upstreams.list_price(key), PriceQuote, item)

    def _instances(self) -> list[Instance]:
        """Every listed instance, as last known."""
        values = [cell.state.value for cell in self.inventories.values()]
        return [instance for value in values if value for instance in value.instances]

    def _running(self, place: Place) -> tuple[Instance, ...]:
        """Those that are shown: nothing is bought for instances that may be long gone."""
        cell = self.inventories.get(place)
        value = cell.fresh() if cell else None
        return tuple(i for i in value.instances if i.is_running) if value else ()

    def _poke_newcomers(self) -> None:
        """Ask for new instances at the inventory that shows them, not a whole interval later."""
        now = self._clock.wall()
        seen, self._seen_inventories = self._seen_inventories, {}
        for place, cell in self.inventories.items():
            inventory = self._seen_inventories[place] = cell.state.value
            if inventory is None or seen.get(place) is inventory:
                continue
            running = self._running(place)
            cpu = self.cpu.get(place)
            if cpu and cpu.state.up and cpu.state.value:
                polled = {c.instance_id: c for c in cpu.state.value.instances}
                if any(is_newcomer(i, polled.get(i.instance_id), now) for i in running):
                    self._scheduler.poke(cpu.key)
            spot = self.spot.get(place)
            if spot and spot.state.up and spot.state.value:
                quoted = {quote.key for quote in spot.state.value.quotes}
                if any(_is_running_spot(i) and spot_key(i) not in quoted for i in running):
                    self._scheduler.poke(spot.key)

    def _poke_outdated_profiles(self) -> None:
        """Watts move between releases of the provider: an upgrade makes profiles outdated."""
        version = self.profile_version.state.value
        for cell in self.profiles.values():
            profile = cell.state.value
            known = version and profile and profile.provider_version
            if known and profile and profile.provider_version != version and cell.state.up:
                self._scheduler.poke(cell.key)


def _is_running_spot(instance: Instance) -> bool:
    return instance.is_running and instance.purchase_option is PurchaseOption.SPOT
