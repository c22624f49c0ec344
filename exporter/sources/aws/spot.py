"""Spot prices in force."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from exporter.core.evidence import SpotPrices, SpotQuote
from exporter.core.fleet import Account, Instance, Place, PurchaseOption
from exporter.core.provenance import Scope, SourceName
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.money import is_nonsense, usd
from exporter.sources.aws.record import Record
from exporter.sources.aws.session import AwsClients

# The description of accounts that still knew networks outside a VPC; the price is the same.
_VPC_SUFFIX = " (Amazon VPC)"


class _Pool(NamedTuple):
    """What a spot price is for."""

    availability_zone: str
    instance_type: str
    platform: str


class SpotPriceHistory:
    """DescribeSpotPriceHistory for the running spot instances of one account in one region."""

    name = SourceName.SPOT_PRICE

    def __init__(
        self,
        clients: AwsClients,
        account: Account,
        region: str,
        *,
        running: Callable[[], tuple[Instance, ...]],
        wall: Callable[[], float],
    ) -> None:
        self._endpoint = Endpoint(clients, "ec2", region, account)
        self._place = Place(account.account_id, region)
        self._running = running
        self._wall = wall
        self.scope = Scope(account.account_id, region)

    def fetch(self, previous: SpotPrices | None) -> SpotPrices:
        """Ask for the newest price of every pool that is in use; no call when none is."""
        del previous  # always asked anew
        pools = {
            _Pool(instance.availability_zone, instance.instance_type, instance.platform)
            for instance in self._running()
            if instance.purchase_option is PurchaseOption.SPOT
        }
        newest = self._newest(pools) if pools else {}
        return SpotPrices(self._place, tuple(newest[pool] for pool in sorted(newest)))

    def _newest(self, pools: set[_Pool]) -> dict[_Pool, SpotQuote]:
        newest: dict[_Pool, SpotQuote] = {}
        refused = False
        # A history that starts now begins with the prices in force (API reference, StartTime).
        for page in self._endpoint.pages(
            "describe_spot_price_history",
            StartTime=datetime.fromtimestamp(self._wall(), UTC),
            InstanceTypes=sorted({pool.instance_type for pool in pools}),
            ProductDescriptions=sorted({pool.platform for pool in pools}),
        ):
            for record in page.parts("SpotPriceHistory"):
                quote = _quote(record)
                pool = _Pool(quote.availability_zone, quote.instance_type, quote.platform)
                if pool not in pools:
                    continue
                if is_nonsense(quote.usd_per_hour) or quote.usd_per_hour == 0:
                    refused = True
                elif pool not in newest or quote.priced_at > newest[pool].priced_at:
                    newest[pool] = quote
        if refused and not newest:
            raise page.malformed("no spot price is an amount of money")
        return newest


def _quote(record: Record) -> SpotQuote:
    return SpotQuote(
        availability_zone=record.text("AvailabilityZone"),
        instance_type=record.text("InstanceType"),
        platform=record.text("ProductDescription").removesuffix(_VPC_SUFFIX),
        usd_per_hour=usd(record.text("SpotPrice")),
        priced_at=record.instant("Timestamp"),
    )
