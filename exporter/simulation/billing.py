"""The simulated cloud's bill: billed seconds at list or spot prices, less a private discount."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from math import floor
from typing import NamedTuple

from exporter.core.billing import (
    PUBLICATION_LAG_SECONDS,
    Bill,
    BilledAs,
    BilledUsage,
    month_start_at,
)
from exporter.core.evidence import PriceKey, SpotKey
from exporter.core.fleet import PurchaseOption
from exporter.core.reconciliation import COMPARED_DAYS
from exporter.core.runtime import MINIMUM_BILLED_SECONDS
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.simulation import prices, roster, schedule
from exporter.simulation.post import Post
from exporter.simulation.schedule import Run
from exporter.simulation.world import World

DISCOUNT_RATIOS: Mapping[str, float] = {roster.SHOP_ACCOUNT.account_id: 0.12}
"""Private rates on on-demand compute: no price list shows them, a comparison with the bill does."""

_OPEN_AFTER_MONTH_SECONDS = 3 * SECONDS_PER_DAY
_LARGE_FLEET = 5000


class _Line(NamedTuple):
    """What is summed up: how the compute of one account was paid for on one day."""

    account_id: str
    start_at: float
    billed_as: BilledAs


@dataclass(slots=True)
class _Sum:
    usd: float = 0.0
    seconds: float = 0.0


def bill(world: World, accounts: Collection[str], at: float) -> Bill:
    """All usage but that of the last 24 h, by UTC day.

    It begins two weeks before the month of three days ago: days of a month whose bill is final
    are always among them. For a large fleet it begins two weeks before this month.
    """
    settled_at = at if world.size > _LARGE_FLEET else at - _OPEN_AFTER_MONTH_SECONDS
    since_at = month_start_at(settled_at) - COMPARED_DAYS * SECONDS_PER_DAY
    sums = _summed(world, accounts, since_at, at - PUBLICATION_LAG_SECONDS)
    days = (
        BilledUsage(
            line.account_id,
            line.start_at,
            line.billed_as,
            usd=sums[line].usd,
            hours=sums[line].seconds / SECONDS_PER_HOUR,
            estimated=at < _next_month_at(line.start_at) + _OPEN_AFTER_MONTH_SECONDS,
        )
        for line in sorted(sums)
    )
    return Bill(fetched_at=at, days_since_at=since_at, days=tuple(days))


def _summed(
    world: World, accounts: Collection[str], since_at: float, until_at: float
) -> Mapping[_Line, _Sum]:
    sums: dict[_Line, _Sum] = defaultdict(_Sum)
    tariffs = _Tariffs(world.seed)
    for life in world.lives(since_at, until_at):
        account_id = life.post.place.account_id
        if account_id not in accounts:
            continue
        tariff = tariffs.of(life.post)
        for run in schedule.runs(life, since_at, until_at):
            for begin_at, seconds in billed_pieces(run, since_at, until_at, tariff.step_seconds):
                usd_per_hour = tariff.usd_per_hour(begin_at)
                if usd_per_hour is None:  # not sold, so not billed
                    continue
                day_at = floor(begin_at / SECONDS_PER_DAY) * SECONDS_PER_DAY
                total = sums[_Line(account_id, day_at, tariff.billed_as)]
                total.usd += usd_per_hour * seconds / SECONDS_PER_HOUR
                total.seconds += seconds
    return sums


class _Tariff(NamedTuple):
    """What a post's instances cost at an instant; it is the same during each full step."""

    billed_as: BilledAs
    step_seconds: float
    usd_per_hour: Callable[[float], float | None]


class _Tariffs:
    """Prices of one bill, each looked up once."""

    def __init__(self, seed: int) -> None:
        self._spot = cache(partial(_spot_usd_per_hour, seed))
        self._on_demand = cache(_on_demand_usd_per_hour)

    def of(self, post: Post) -> _Tariff:
        """What the account of a post pays for its instances."""
        if post.purchase_option is PurchaseOption.SPOT:
            key = SpotKey(post.availability_zone, post.instance_type, post.platform)
            step_seconds = prices.SPOT_STEP_SECONDS
            return _Tariff(
                BilledAs.SPOT, step_seconds, lambda at: self._spot(key, floor(at / step_seconds))
            )
        usd_per_hour = self._on_demand(post.place.account_id, prices.price_key(post))
        return _Tariff(BilledAs.ON_DEMAND, SECONDS_PER_DAY, lambda _: usd_per_hour)


def _spot_usd_per_hour(seed: int, key: SpotKey, step: int) -> float | None:
    quote = prices.spot_price(seed, key, step * prices.SPOT_STEP_SECONDS)
    return quote.usd_per_hour if quote else None


def _on_demand_usd_per_hour(account_id: str, key: PriceKey) -> float | None:
    listed = prices.list_price(key).usd_per_hour
    if listed is None:
        return None
    return listed * (1 - DISCOUNT_RATIOS.get(account_id, 0.0))


def billed_pieces(
    run: Run, from_at: float, to_at: float, step_seconds: float
) -> Iterator[tuple[float, float]]:
    """Begin and billed seconds of each part of a run inside [from_at, to_at), cut at full steps.

    What a run lacks to the minimum is billed where it begins.
    """
    lacking_seconds = max(0.0, MINIMUM_BILLED_SECONDS - (run.ended_at - run.started_at))
    begin_at, end_at = max(run.started_at, from_at), min(run.ended_at, to_at)
    while begin_at < end_at:
        next_at = min(end_at, (floor(begin_at / step_seconds) + 1) * step_seconds)
        begins = begin_at == run.started_at
        yield begin_at, next_at - begin_at + (lacking_seconds if begins else 0.0)
        begin_at = next_at


def _next_month_at(at: float) -> float:
    return month_start_at(month_start_at(at) + 31 * SECONDS_PER_DAY)
