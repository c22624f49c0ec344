"""Makes cells: the source, what an earlier process left of it, and its place in the schedule."""

from collections.abc import Callable
from typing import Any, TypeVar

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
    SpotPrices,
)
from exporter.core.fleet import Account, Instance, Inventory, Place
from exporter.core.provenance import SourceName
from exporter.core.trail import Trail
from exporter.refresh import Cadence, Cell, CellKey, Clock
from exporter.scheduler import Scheduler
from exporter.sources.source import Source, Upstreams
from exporter.store import StateDirectory

T = TypeVar("T")


class Cells:
    """One method for each kind of fact. ``seldom`` is the cadence of what seldom changes."""

    def __init__(
        self,
        upstreams: Upstreams,
        cadence: Callable[[SourceName], Cadence],
        seldom: Cadence,
        scheduler: Scheduler,
        store: StateDirectory | None,
        clock: Clock,
    ) -> None:
        self._upstreams = upstreams
        self._cadence = cadence
        self._seldom = seldom
        self._scheduler = scheduler
        self._store = store
        self._clock = clock

    def accounts(self) -> Cell[tuple[Account, ...]]:
        """The accounts to poll."""
        source = self._upstreams.accounts()
        return self._cell(source, tuple[Account, ...], cadence=lambda _: self._seldom)

    def regions(self, account: Account) -> Cell[tuple[str, ...]]:
        """The regions of an account for which none were chosen."""
        source = self._upstreams.regions(account)
        return self._cell(source, tuple[str, ...], cadence=lambda _: self._seldom)

    def inventory(self, account: Account, place: Place) -> Cell[Inventory]:
        """The instances of one place; one without instances is asked about seldom."""
        regular = self._cadence(SourceName.EC2_INVENTORY)
        seldom = self._seldom

        def cadence(inventory: Inventory | None) -> Cadence:
            return seldom if inventory is not None and not inventory.instances else regular

        source = self._upstreams.inventory(account, place.region)
        return self._cell(source, Inventory, cadence=cadence)

    def cpu(
        self, account: Account, place: Place, metered: Callable[[], tuple[MeteredRun, ...]]
    ) -> Cell[PlaceCpu]:
        """CPU points of one place."""
        return self._cell(self._upstreams.cpu(account, place.region, metered), PlaceCpu)

    def trail(self, account: Account, place: Place) -> Cell[Trail]:
        """The starts and ends of instances of one place."""
        return self._cell(self._upstreams.trail(account, place.region), Trail)

    def spot(
        self, account: Account, place: Place, priced: Callable[[], tuple[Instance, ...]]
    ) -> Cell[SpotPrices]:
        """Spot prices of one place."""
        return self._cell(self._upstreams.spot_prices(account, place.region, priced), SpotPrices)

    def bill(self, account_ids: Callable[[], tuple[str, ...]]) -> Cell[Bill]:
        """What AWS has billed."""
        return self._cell(self._upstreams.bill(account_ids), Bill)

    def price(self, key: PriceKey) -> Cell[PriceQuote]:
        """One list price."""
        item = f"{key.instance_type}|{key.usage_operation}|{key.tenancy}"
        return self._cell(self._upstreams.list_price(key), PriceQuote, item)

    def profile(self, instance_type: str, version: Callable[[], str]) -> Cell[HardwareProfile]:
        """Power and embodied emissions of one instance type."""
        source = self._upstreams.profile(instance_type, version)
        return self._cell(source, HardwareProfile, instance_type)

    def profile_version(self) -> Cell[str]:
        """The version of the profiles' provider."""
        source = self._upstreams.profile_version()
        return self._cell(source, str, "version", lambda _: self._seldom)

    def grid_intensity(self, grid_zone: str) -> Cell[GridIntensity]:
        """The newest intensity of one zone."""
        return self._cell(self._upstreams.grid_intensity(grid_zone), GridIntensity)

    def grid_history(self, grid_zone: str) -> Cell[GridHistory]:
        """The last hours of one zone."""
        return self._cell(self._upstreams.grid_history(grid_zone), GridHistory)

    def exchange_rate(self) -> Cell[ExchangeRate]:
        """US dollars for one euro."""
        return self._cell(self._upstreams.exchange_rate(), ExchangeRate)

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
