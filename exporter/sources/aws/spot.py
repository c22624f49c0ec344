"""Spot prices in force now, and those of the last weeks."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain

from exporter.core.cost import spot_key
from exporter.core.evidence import SpotKey, SpotPrices, SpotQuote
from exporter.core.fleet import Account, Instance, Place, PurchaseOption
from exporter.core.provenance import Scope, SourceName
from exporter.core.units import SECONDS_PER_DAY
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.money import is_nonsense, usd
from exporter.sources.aws.record import Record
from exporter.sources.aws.session import AwsClients

KEPT_SECONDS = 50 * SECONDS_PER_DAY
"""How far back prices are known: further than any hour that is computed. AWS tells of 90 days."""

# The description of accounts that still knew networks outside a VPC; the price is the same.
_VPC_SUFFIX = " (Amazon VPC)"


class SpotPriceHistory:
    """DescribeSpotPriceHistory, free of charge, for the spot instances of one place.

    ``running`` may also give instances that ran until lately: their prices are needed too.
    """

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
        """Ask for what changed since the last time, of new pools for all that is kept.

        No call when no pool is in use. Raises SourceError.
        """
        now = self._wall()
        keep_at = now - KEPT_SECONDS
        pools = {
            spot_key(instance)
            for instance in self._running()
            if instance.purchase_option is PurchaseOption.SPOT
        }
        known = _by_pool(previous, pools) if previous and previous.asked_at > keep_at else {}
        fresh = self._since(keep_at, pools - known.keys())
        if previous and known:
            fresh |= self._since(min(previous.asked_at, now), known.keys() & pools)
        # A pool that AWS gave no price for has none in force: it is asked for as new again.
        histories = [_history((*known.get(pool, ()), *fresh[pool]), keep_at) for pool in fresh]
        return SpotPrices(
            self._place,
            quotes=tuple(sorted((history[-1] for history in histories), key=_pool)),
            past=tuple(sorted(chain(*(history[:-1] for history in histories)), key=_order)),
            asked_at=now,
        )

    def _since(self, start_at: float, pools: set[SpotKey]) -> dict[SpotKey, list[SpotQuote]]:
        """Prices in force at or after an instant, of the pools that have any."""
        if not pools:
            return {}
        found: defaultdict[SpotKey, list[SpotQuote]] = defaultdict(list)
        refused = False
        # A history begins with the prices in force at its start (API reference, StartTime).
        for page in self._endpoint.pages(
            "describe_spot_price_history",
            StartTime=datetime.fromtimestamp(start_at, UTC),
            InstanceTypes=sorted({pool.instance_type for pool in pools}),
            ProductDescriptions=sorted({pool.platform for pool in pools}),
        ):
            for record in page.parts("SpotPriceHistory"):
                quote = _quote(record)
                if quote.key not in pools:
                    continue
                if is_nonsense(quote.usd_per_hour) or quote.usd_per_hour == 0:
                    refused = True
                else:
                    found[quote.key].append(quote)
        if refused and not found:
            raise page.malformed("no spot price is an amount of money")
        return dict(found)


def _by_pool(previous: SpotPrices, pools: set[SpotKey]) -> Mapping[SpotKey, list[SpotQuote]]:
    """What was known of the pools that had a price in force."""
    known = {quote.key: [quote] for quote in previous.quotes if quote.key in pools}
    for quote in previous.past:
        if quote.key in known:
            known[quote.key].append(quote)
    return known


def _history(quotes: Iterable[SpotQuote], keep_at: float) -> list[SpotQuote]:
    """Changes of one pool's price, oldest first; the first may be older than ``keep_at``."""
    changes: list[SpotQuote] = []
    for quote in sorted(quotes, key=_order):
        if not changes or quote.usd_per_hour != changes[-1].usd_per_hour:
            changes.append(quote)
    in_force = sum(quote.priced_at <= keep_at for quote in changes)
    return changes[max(0, in_force - 1) :]


def _pool(quote: SpotQuote) -> SpotKey:
    return quote.key


def _order(quote: SpotQuote) -> tuple[float, SpotKey]:
    return quote.priced_at, quote.key


def _quote(record: Record) -> SpotQuote:
    return SpotQuote(
        availability_zone=record.text("AvailabilityZone"),
        instance_type=record.text("InstanceType"),
        platform=record.text("ProductDescription").removesuffix(_VPC_SUFFIX),
        usd_per_hour=usd(record.text("SpotPrice")),
        priced_at=record.instant("Timestamp"),
    )
