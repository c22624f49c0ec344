"""Which facts are needed: a cell for each, made and dropped as the fleet changes.

Accounts lead to regions, regions to inventories, and inventories to everything that the listed
instances need: CPU points, prices, profiles, grid zones. A cell that is no longer needed goes,
and with it its health metrics.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from exporter.core.billing import Bill
from exporter.core.cost import needs_list_price, price_key
from exporter.core.evidence import (
    ExchangeRate,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    MeteredRun,
    PlaceCpu,
    PriceKey,
    PriceQuote,
    SpotPrices,
)
from exporter.core.fleet import Account, Instance, Inventory, Place, PurchaseOption
from exporter.core.newcomers import lacks_points, lacks_quotes
from exporter.core.provenance import SourceName
from exporter.core.remembered import Remembered, departed_instances, metered_runs, remembered
from exporter.core.trail import Trail
from exporter.refresh import Cadence, Cell, CellKey, Clock
from exporter.scheduler import Scheduler
from exporter.sources.source import Source, Upstreams
from exporter.store import StateDirectory

NOTHING_REMEMBERED = Remembered((), ())

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
        self._remembered: dict[Place, tuple[Inventory, Trail | None, Remembered]] = {}
        self.regions: dict[str, Cell[tuple[str, ...]]] = {}
        self.inventories: dict[Place, Cell[Inventory]] = {}
        self.cpu: dict[Place, Cell[PlaceCpu]] = {}
        self.trails: dict[Place, Cell[Trail]] = {}
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
        self.bill: Cell[Bill] | None = None
        # A restored list serves at once, but the settings behind it may have changed.
        scheduler.poke(self.accounts.key)

    def cells(self) -> Iterable[Cell[Any]]:
        """Every cell in use."""
        yield from (self.accounts, self.exchange_rate, self.profile_version)
        if self.bill:
            yield self.bill
        for held in (
            self.regions,
            self.inventories,
            self.cpu,
            self.trails,
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
        if accounts and self.bill is None:  # each question is paid for: it must not come too early
            self.bill = self._cell(self._upstreams.bill(self._account_ids), Bill)
        open_ended = [name for name, account in accounts.items() if not account.regions]
        self._keep(self.regions, open_ended, lambda key: self._regions_cell(accounts[key]))
        places = {
            Place(account_id, region): account
            for account_id, account in accounts.items()
            for region in account.regions or self._enabled_regions(account_id)
        }
        self._keep(self.inventories, places, lambda key: self._inventory_cell(places[key], key))
        held = [self._recalled(place) for place in self.inventories]
        known = [instance for recalled in held for instance in recalled.known]
        priced = [*known, *(instance for recalled in held for instance in recalled.unseen)]
        metered = {place for place in self.inventories if self._metered(place)}
        spot = {i.place for i in priced if i.purchase_option is PurchaseOption.SPOT}
        zones = {self._grid_zone(i.location) for i in known} - {""}
        types = {i.instance_type for i in known}
        prices = {price_key(i) for i in priced if needs_list_price(i)}
        make = self._upstreams
        self._keep(self.cpu, metered, lambda key: self._cpu_cell(places[key], key))
        inhabited = {i.place for i in known}
        self._keep(self.trails, inhabited, lambda key: self._trail_cell(places[key], key))
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
        by_place: tuple[dict[Place, Any], ...] = (
            self.inventories,
            self.cpu,
            self.trails,
            self.spot,
        )
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
        source = self._upstreams.cpu(account, place.region, lambda: self._metered(place))
        return self._cell(source, PlaceCpu)

    def _trail_cell(self, account: Account, place: Place) -> Cell[Trail]:
        return self._cell(self._upstreams.trail(account, place.region), Trail)

    def _spot_cell(self, account: Account, place: Place) -> Cell[SpotPrices]:
        source = self._upstreams.spot_prices(account, place.region, lambda: self._priced(place))
        return self._cell(source, SpotPrices)

    def _profile_cell(self, instance_type: str) -> Cell[HardwareProfile]:
        source = self._upstreams.profile(
            instance_type, lambda: self.profile_version.state.value or ""
        )
        return self._cell(source, HardwareProfile, instance_type)

    def _price_cell(self, key: PriceKey) -> Cell[PriceQuote]:
        item = f"{key.instance_type}|{key.usage_operation}|{key.tenancy}"
        return self._cell(self._upstreams.list_price(key), PriceQuote, item)

    def _account_ids(self) -> tuple[str, ...]:
        return tuple(account.account_id for account in self.accounts.state.value or ())

    def _recalled(self, place: Place) -> Remembered:
        """The instances of a place that still matter, as last known."""
        inventory, trail = self.inventories[place].state.value, self._trail_of(place)
        if inventory is None:
            return NOTHING_REMEMBERED
        held = self._remembered.get(place)
        if held is None or held[0] is not inventory or held[1] is not trail:
            held = (inventory, trail, remembered(inventory, trail))
            self._remembered[place] = held
        return held[2]

    def _trail_of(self, place: Place) -> Trail | None:
        cell = self.trails.get(place)
        return cell.state.value if cell else None

    def _running(self, place: Place) -> tuple[Instance, ...]:
        """Those that are shown: nothing is bought for instances that may be long gone."""
        inventory = self._shown(place)
        return tuple(i for i in inventory.instances if i.is_running) if inventory else ()

    def _metered(self, place: Place) -> tuple[MeteredRun, ...]:
        """Running instances, and runs that ended so lately that points may be outstanding."""
        inventory = self._shown(place)
        if inventory is None:
            return ()
        lately_seconds = 2 * self._cadence(SourceName.CLOUDWATCH_CPU).interval_seconds + 3600.0
        return metered_runs(inventory, self._clock.wall() - lately_seconds)

    def _priced(self, place: Place) -> tuple[Instance, ...]:
        """Those that run, or ran lately."""
        inventory = self._shown(place)
        if inventory is None:
            return ()
        unseen = self._recalled(place).unseen
        return (*self._running(place), *departed_instances(inventory), *unseen)

    def _shown(self, place: Place) -> Inventory | None:
        cell = self.inventories.get(place)
        return cell.fresh() if cell else None

    def _poke_newcomers(self) -> None:
        """Ask for new instances at the inventory that shows them, not a whole interval later."""
        now = self._clock.wall()
        seen, self._seen_inventories = self._seen_inventories, {}
        for place, cell in self.inventories.items():
            inventory = self._seen_inventories[place] = cell.state.value
            if inventory is None or seen.get(place) is inventory:
                continue
            running, cpu, spot = self._running(place), self.cpu.get(place), self.spot.get(place)
            if cpu and cpu.state.up and lacks_points(running, cpu.state.value, now):
                self._scheduler.poke(cpu.key)
            if spot and spot.state.up and lacks_quotes(running, spot.state.value):
                self._scheduler.poke(spot.key)

    def _poke_outdated_profiles(self) -> None:
        """Watts move between releases of the provider: an upgrade makes profiles outdated."""
        version = self.profile_version.state.value
        for cell in self.profiles.values():
            profile = cell.state.value
            known = version and profile and profile.provider_version
            if known and profile and profile.provider_version != version and cell.state.up:
                self._scheduler.poke(cell.key)
