"""Which facts are needed: a cell for each, made and dropped as the fleet changes.

Accounts lead to regions, regions to inventories, and inventories to everything that the listed
instances need: CPU points, prices, profiles, grid zones. A cell that is no longer needed goes,
and with it its health metrics.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from exporter.cells import Cells
from exporter.core.billing import Bill
from exporter.core.cost import needs_list_price, price_key
from exporter.core.evidence import (
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
from exporter.core.remembered import Remembered, departed_instances, metered_runs, remembered
from exporter.core.trail import Trail
from exporter.core.units import SECONDS_PER_HOUR
from exporter.refresh import Cell, Clock
from exporter.scheduler import Scheduler
from exporter.wishes import Wishes

OUTAGE_SECONDS = 16 * SECONDS_PER_HOUR
"""CPU points are not asked for further back: a longer outage leaves a gap anyway."""

NOTHING_REMEMBERED = Remembered((), ())

K = TypeVar("K")
T = TypeVar("T")


class Roster:
    """The cells in use, by what they are about. Changed by ``reconcile`` only, on one thread.

    ``further_zones`` are asked about whether or not there are instances, so that their history
    grows. ``wishes`` are types and prices that are asked for though nothing in the fleet has them.
    """

    def __init__(
        self,
        cells: Cells,
        grid_zone: Callable[[str], str],
        scheduler: Scheduler,
        clock: Clock,
        *,
        cpu_interval_seconds: float,
        further_zones: Iterable[str] = (),
    ) -> None:
        self._cells = cells
        self._grid_zone = grid_zone
        self._scheduler = scheduler
        self._clock = clock
        self._further_zones = frozenset(further_zones)
        self._lately_seconds = 2 * cpu_interval_seconds + SECONDS_PER_HOUR
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
        self.exchange_rate = cells.exchange_rate()
        self.profile_version = cells.profile_version()
        self.accounts = cells.accounts()
        self.bill: Cell[Bill] | None = None
        self.wishes: frozenset[str | PriceKey] = frozenset()
        self._wishes = Wishes()
        # A restored list serves at once, but the settings behind it may have changed.
        scheduler.poke(self.accounts.key)

    def cells(self) -> Iterable[Cell[Any]]:
        """Every cell in use."""
        yield from (self.accounts, self.exchange_rate, self.profile_version)
        if self.bill:
            yield self.bill
        for held in (self.regions, self.inventories, self.cpu, self.trails, self.spot):
            yield from held.values()
        for shared in (self.prices, self.profiles, self.grid, self.grid_history):
            yield from shared.values()

    def reconcile(self) -> None:
        """Make the cells that the facts known now call for; drop those that nothing needs."""
        cells = self._cells
        accounts = {account.account_id: account for account in self.accounts.state.value or ()}
        for account_id, account in self._polled.items():
            if accounts.get(account_id, account) != account:
                self._forget(account_id)
        self._polled = accounts
        if accounts and self.bill is None:  # each question is paid for: it must not come too early
            self.bill = self._cells.bill(self._account_ids)
        open_ended = [name for name, account in accounts.items() if not account.regions]
        self._keep(self.regions, open_ended, lambda key: cells.regions(accounts[key]))
        places = {
            Place(account_id, region): account
            for account_id, account in accounts.items()
            for region in account.regions or self._enabled_regions(account_id)
        }
        self._keep(self.inventories, places, lambda key: cells.inventory(places[key], key))
        held = [self._recalled(place) for place in self.inventories]
        known = [instance for recalled in held for instance in recalled.known]
        priced = [*known, *(instance for recalled in held for instance in recalled.unseen)]
        metered = {p for p, cell in self.inventories.items() if self._runs(cell.state.value)}
        spot = {i.place for i in priced if i.purchase_option is PurchaseOption.SPOT}
        zones = {self._grid_zone(i.location) for i in known} - {""} | self._further_zones
        wished_types, wished_prices = self._wishes.lately(self.wishes, self._clock.monotonic())
        types = {i.instance_type for i in known} | wished_types
        prices = {price_key(i) for i in priced if needs_list_price(i)} | wished_prices
        self._keep(
            self.cpu, metered, lambda key: cells.cpu(places[key], key, lambda: self._metered(key))
        )
        inhabited = {i.place for i in known}
        self._keep(self.trails, inhabited, lambda key: cells.trail(places[key], key))
        self._keep(
            self.spot, spot, lambda key: cells.spot(places[key], key, lambda: self._priced(key))
        )
        self._keep(self.grid, zones, cells.grid_intensity)
        self._keep(self.grid_history, zones, cells.grid_history)
        self._keep(self.profiles, types, lambda name: cells.profile(name, self._version))
        self._keep(self.prices, prices, cells.price)
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

    def _enabled_regions(self, account_id: str) -> tuple[str, ...]:
        """Regions of an account for which none were chosen, as last known."""
        return self.regions[account_id].state.value or ()

    def _version(self) -> str:
        return self.profile_version.state.value or ""

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
        """Running instances, and runs that ended so lately that points may be outstanding.

        While EC2 does not answer these are the ones last known: once it does, the hours of the
        outage can be accrued.
        """
        cell = self.inventories.get(place)
        age_seconds = cell.age_seconds() if cell else None
        if cell is None or age_seconds is None or age_seconds > OUTAGE_SECONDS:
            return ()
        return self._runs(cell.state.value)

    def _runs(self, inventory: Inventory | None) -> tuple[MeteredRun, ...]:
        lately_at = self._clock.wall() - self._lately_seconds
        return metered_runs(inventory, lately_at) if inventory else ()

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
