"""The border between upstreams and the rest of the program."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

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
from exporter.core.fleet import Account, Instance, Inventory
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.trail import Trail

T = TypeVar("T")


class SourceError(Exception):
    """The only exception a source raises: an upstream did not give a usable answer.

    ``detail`` is one line for a person: what failed, and what to do about it where that is
    known. It must hold no secret. ``retry_after_seconds`` is what the upstream asked for.
    ``partial`` is what was learnt nevertheless: it takes the place of the last value, whose age
    goes on.
    """

    def __init__(
        self,
        reason: FailureReason,
        detail: str,
        retry_after_seconds: float | None = None,
        partial: Any = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds
        self.partial = partial


class Source(Protocol[T]):
    """One fact of one upstream in one scope.

    ``fetch`` blocks, has its own time-outs and raises SourceError only. ``previous`` is the last
    value it returned, or None: a source that asks only for what is new builds on it.
    """

    @property
    def name(self) -> SourceName:
        """The ``source`` label."""

    @property
    def scope(self) -> Scope:
        """The part of the world it answers for."""

    def fetch(self, previous: T | None) -> T:
        """Ask the upstream."""


class RequestObserver(Protocol):
    """Hears of every HTTP request made to an upstream."""

    def request(
        self, upstream: str, operation: str, seconds: float, failure: FailureReason | None
    ) -> None:
        """One attempt ended, successfully when ``failure`` is None."""

    def spend(self, operation: str, usd: float) -> None:
        """AWS bills this much for the call that just ended."""


class Upstreams(Protocol):
    """Makes the source of each fact: the real upstreams, or the simulated ones.

    Making a source does no I/O. The callables give what is needed at the time of the fetch.
    """

    def accounts(self) -> Source[tuple[Account, ...]]:
        """The accounts to poll."""

    def regions(self, account: Account) -> Source[tuple[str, ...]]:
        """The regions to poll of an account for which none were chosen."""

    def inventory(self, account: Account, region: str) -> Source[Inventory]:
        """The instances of one place."""

    def cpu(
        self, account: Account, region: str, metered: Callable[[], tuple[MeteredRun, ...]]
    ) -> Source[PlaceCpu]:
        """CPU points of the running instances of one place, and of runs that ended lately."""

    def trail(self, account: Account, region: str) -> Source[Trail]:
        """The starts and ends of instances of one place."""

    def bill(self, accounts: Callable[[], tuple[str, ...]]) -> Source[Bill]:
        """What AWS has billed for compute of the accounts, by id."""

    def list_price(self, key: PriceKey) -> Source[PriceQuote]:
        """The on-demand list price of one kind of instance."""

    def spot_prices(
        self, account: Account, region: str, running: Callable[[], tuple[Instance, ...]]
    ) -> Source[SpotPrices]:
        """Spot prices that the running spot instances of one place need."""

    def grid_intensity(self, grid_zone: str) -> Source[GridIntensity]:
        """The newest carbon intensity of one zone."""

    def grid_history(self, grid_zone: str) -> Source[GridHistory]:
        """The last 24 hours of one zone."""

    def profile_version(self) -> Source[str]:
        """The version of the hardware profiles' provider."""

    def profile(self, instance_type: str, version: Callable[[], str]) -> Source[HardwareProfile]:
        """Power and embodied emissions of one instance type."""

    def exchange_rate(self) -> Source[ExchangeRate]:
        """US dollars for one euro."""
