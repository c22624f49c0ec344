"""The real upstreams."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

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
from exporter.core.provenance import SourceName
from exporter.core.trail import Trail
from exporter.sources.aws.accounts import PolledAccounts
from exporter.sources.aws.billing import CostExplorerBill, UnconfiguredBill
from exporter.sources.aws.events import CloudTrailEvents
from exporter.sources.aws.hardware import HardwareCatalogue
from exporter.sources.aws.inventory import Ec2Inventory
from exporter.sources.aws.prices import ListPrice
from exporter.sources.aws.regions import EnabledRegions
from exporter.sources.aws.session import AwsClients
from exporter.sources.aws.spot import SpotPriceHistory
from exporter.sources.aws.utilization import CloudWatchCpu
from exporter.sources.currency.configured import ConfiguredRate
from exporter.sources.currency.ecb import EcbReferenceRate
from exporter.sources.grid.electricity_maps import (
    IntensityHistory,
    LatestIntensity,
    UnconfiguredGrid,
)
from exporter.sources.hardware.boavizta import InstanceProfile, ProfileVersion
from exporter.sources.http import HttpUpstream
from exporter.sources.source import RequestObserver, Source


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """What the operator decided about the upstreams; secrets in the clear, so never printed."""

    own_account: bool
    listed_accounts: tuple[Account, ...]
    organization_role: str
    regions: tuple[str, ...]
    tag_labels: dict[str, str]
    pricing_region: str
    cpu_interval_seconds: float
    grid_base_url: str
    grid_token: str = field(repr=False)
    grid_api_version: str
    boavizta_base_url: str
    usd_per_eur: float | None
    usd_per_eur_as_of_at: float | None
    ecb_url: str
    external_ids: dict[str, str] = field(repr=False)
    organization_external_id: str = field(repr=False)
    cost_explorer: bool = True
    cost_explorer_hourly: bool = False
    cost_explorer_interval_seconds: float = 6 * 3600.0
    cost_explorer_role_arn: str = ""
    cost_explorer_external_id: str = field(default="", repr=False)


class LiveUpstreams:
    """Makes the sources of AWS, ElectricityMaps, Boavizta and the ECB."""

    def __init__(
        self, options: LiveOptions, observer: RequestObserver, wall: Callable[[], float]
    ) -> None:
        self._options = options
        self._wall = wall
        self._started_at = wall()
        external_ids = {options.cost_explorer_role_arn: ""} | options.external_ids
        if options.cost_explorer_external_id:
            external_ids[options.cost_explorer_role_arn] = options.cost_explorer_external_id
        self._clients = AwsClients(
            observer,
            external_id=lambda account: external_ids.get(
                account.role_arn, options.organization_external_id
            ),
        )
        self._hardware = HardwareCatalogue(self._clients)
        token = {"auth-token": options.grid_token}
        self._grid = HttpUpstream(
            "electricity_maps", options.grid_base_url, observer, headers=token
        )
        self._boavizta = HttpUpstream("boavizta", options.boavizta_base_url, observer)
        ecb = urlsplit(options.ecb_url)
        self._ecb = HttpUpstream(
            "ecb",
            f"{ecb.scheme}://{ecb.netloc}",
            observer,
            base_url_setting="CARBONFINOPS_CURRENCY__ECB_URL",
        )
        self._ecb_path = f"{ecb.path}?{ecb.query}" if ecb.query else ecb.path

    def accounts(self) -> Source[tuple[Account, ...]]:
        """The accounts to poll."""
        return PolledAccounts(
            self._clients,
            own_account=self._options.own_account,
            listed=self._options.listed_accounts,
            organization_role=self._options.organization_role,
            regions=self._options.regions,
        )

    def regions(self, account: Account) -> Source[tuple[str, ...]]:
        """The regions to poll of an account for which none were chosen."""
        return EnabledRegions(self._clients, account)

    def inventory(self, account: Account, region: str) -> Source[Inventory]:
        """The instances of one place."""
        return Ec2Inventory(
            self._clients,
            account,
            region,
            tag_labels=self._options.tag_labels,
            hardware=self._hardware,
            wall=self._wall,
        )

    def trail(self, account: Account, region: str) -> Source[Trail]:
        """The starts and ends of instances of one place."""
        return CloudTrailEvents(self._clients, account, region, wall=self._wall)

    def cpu(
        self, account: Account, region: str, metered: Callable[[], tuple[MeteredRun, ...]]
    ) -> Source[PlaceCpu]:
        """CPU points of the running instances of one place, and of runs that ended lately."""
        return CloudWatchCpu(
            self._clients,
            account,
            region,
            metered=metered,
            interval_seconds=self._options.cpu_interval_seconds,
            wall=self._wall,
        )

    def bill(self, accounts: Callable[[], tuple[str, ...]]) -> Source[Bill]:
        """What AWS has billed for compute of the accounts, by id."""
        if not self._options.cost_explorer:
            return UnconfiguredBill()
        role_arn = self._options.cost_explorer_role_arn
        return CostExplorerBill(
            self._clients,
            accounts=accounts,
            role=Account(role_arn.split(":")[4], role_arn) if role_arn else None,
            hourly=self._options.cost_explorer_hourly,
            regions=self._billed_regions(),
            wall=self._wall,
            interval_seconds=self._options.cost_explorer_interval_seconds,
        )

    def _billed_regions(self) -> tuple[str, ...]:
        """All regions that were chosen for any account; empty when one is polled in all of them."""
        options = self._options
        chosen = [account.regions or options.regions for account in options.listed_accounts]
        if options.own_account or options.organization_role:
            chosen.append(options.regions)
        return tuple(sorted({r for regions in chosen for r in regions})) if all(chosen) else ()

    def list_price(self, key: PriceKey) -> Source[PriceQuote]:
        """The on-demand list price of one kind of instance."""
        return ListPrice(self._clients, key, pricing_region=self._options.pricing_region)

    def spot_prices(
        self, account: Account, region: str, running: Callable[[], tuple[Instance, ...]]
    ) -> Source[SpotPrices]:
        """Spot prices that the running spot instances of one place need."""
        return SpotPriceHistory(self._clients, account, region, running=running, wall=self._wall)

    def grid_intensity(self, grid_zone: str) -> Source[GridIntensity]:
        """The newest carbon intensity of one zone."""
        if not self._options.grid_token:
            return UnconfiguredGrid(SourceName.ELECTRICITY_MAPS, grid_zone)
        version = self._options.grid_api_version
        return LatestIntensity(self._grid, grid_zone, wall=self._wall, api_version=version)

    def grid_history(self, grid_zone: str) -> Source[GridHistory]:
        """The last 24 hours of one zone."""
        if not self._options.grid_token:
            return UnconfiguredGrid(SourceName.ELECTRICITY_MAPS_HISTORY, grid_zone)
        version = self._options.grid_api_version
        return IntensityHistory(self._grid, grid_zone, wall=self._wall, api_version=version)

    def profile_version(self) -> Source[str]:
        """The version of the hardware profiles' provider."""
        return ProfileVersion(self._boavizta)

    def profile(self, instance_type: str, version: Callable[[], str]) -> Source[HardwareProfile]:
        """Power and embodied emissions of one instance type."""
        return InstanceProfile(self._boavizta, instance_type, version)

    def exchange_rate(self) -> Source[ExchangeRate]:
        """US dollars for one euro."""
        if self._options.usd_per_eur is not None:
            as_of_at = self._options.usd_per_eur_as_of_at
            return ConfiguredRate(
                self._options.usd_per_eur, self._started_at if as_of_at is None else as_of_at
            )
        return EcbReferenceRate(self._ecb, self._ecb_path, wall=self._wall)
