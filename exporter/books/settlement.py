"""Computed days for the reconciliation: recorded once CloudTrail covers them, then kept."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from exporter.books.chronicle import Chronicle
from exporter.books.tariff import Tariff
from exporter.core.billing import BilledAs
from exporter.core.fleet import Instance, Place, PurchaseOption
from exporter.core.metering import billed_seconds_by_type, cost_usd
from exporter.core.reconciliation import ComputedUsage
from exporter.core.runtime import Runtime
from exporter.core.trail import Trail
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

LATE_EVENTS_SECONDS = 2 * SECONDS_PER_HOUR
"""A day is recorded when CloudTrail covers it and this much more."""

PRICE_PATIENCE_SECONDS = 4 * SECONDS_PER_DAY
"""A day whose prices are not known so long after its end, or after the exporter first saw the
place, is recorded without them."""

_HOST = "host"
"""A dedicated host is billed as such, whatever runs on it (EC2 User Guide, Dedicated Hosts)."""


@dataclass(frozen=True, slots=True)
class PlaceDay:
    """Compute of one place in one UTC day; ``recorded`` days do not change any more."""

    usage: tuple[ComputedUsage, ...]
    recorded: bool


class ComputedDays:
    """What was computed of each place and day."""

    def __init__(self) -> None:
        self._days: dict[tuple[Place, float], PlaceDay] = {}
        self._news: set[tuple[Place, float]] = set()

    def compute(
        self,
        place: Place,
        days: Iterable[float],
        trail: Trail,
        chronicle: Chronicle,
        tariff: Tariff,
        *,
        known_seconds: float,
    ) -> None:
        """Compute the days that are covered by the trail and not recorded yet.

        ``known_seconds`` tells for how long the place has been known.
        """
        covered_until_at = trail.until_at - LATE_EVENTS_SECONDS
        wanted = [
            day_at
            for day_at in days
            if trail.since_at <= day_at and day_at + SECONDS_PER_DAY <= covered_until_at
            if not self._is_recorded(place, day_at)
        ]
        sums = _sums(wanted, chronicle, tariff) if wanted else {}
        for day_at in wanted:
            usage = tuple(
                ComputedUsage(place.account_id, day_at, billed_as, *amounts.as_hours())
                for billed_as, amounts in sorted(sums[day_at].items())
            )
            complete = not any(amounts.unpriced_seconds for amounts in sums[day_at].values())
            waited_seconds = min(known_seconds, covered_until_at - day_at - SECONDS_PER_DAY)
            late = waited_seconds >= PRICE_PATIENCE_SECONDS
            self._days[place, day_at] = PlaceDay(usage, complete or late)
            if complete or late:
                self._news.add((place, day_at))

    def _is_recorded(self, place: Place, day_at: float) -> bool:
        known = self._days.get((place, day_at))
        return known is not None and known.recorded

    def usage(self, places: Iterable[Place], days: Iterable[float]) -> list[ComputedUsage]:
        """The days of each account of which every place is computed."""
        by_account: dict[str, list[Place]] = defaultdict(list)
        for place in places:
            by_account[place.account_id].append(place)
        wanted = tuple(days)
        return [
            usage
            for account_id, held in by_account.items()
            for day_at in wanted
            if all((place, day_at) in self._days for place in held)
            for usage in self._joined(account_id, day_at, held)
        ]

    def _joined(
        self, account_id: str, day_at: float, places: Iterable[Place]
    ) -> Iterator[ComputedUsage]:
        """One account's day: a day without any usage is a computed zero."""
        sums: dict[BilledAs, list[float]] = {BilledAs.ON_DEMAND: [0.0, 0.0, 0.0]}
        for place in places:
            for usage in self._days[place, day_at].usage:
                total = sums.setdefault(usage.billed_as, [0.0, 0.0, 0.0])
                for i, part in enumerate((usage.hours, usage.usd, usage.unknown_hours)):
                    total[i] += part
        for billed_as, total in sums.items():
            yield ComputedUsage(account_id, day_at, billed_as, *total)

    def forget_before(self, day_at: float) -> None:
        """Drop the days that began earlier."""
        self._days = {key: day for key, day in self._days.items() if key[1] >= day_at}

    def news(self) -> list[tuple[float, dict[str, Any]]]:
        """Day and record of what was recorded since ``written`` was called last."""
        return [
            (day_at, _record(place, day_at, self._days[place, day_at]))
            for place, day_at in sorted(self._news)
            if (place, day_at) in self._days
        ]

    def written(self) -> None:
        """The news are safe now."""
        self._news.clear()

    def restore(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take over what an earlier process recorded."""
        for record in records:
            place = Place(str(record["account_id"]), str(record["region"]))
            day_at = float(record["day"])
            usage = tuple(
                ComputedUsage(
                    place.account_id,
                    day_at,
                    BilledAs(entry["billed_as"]),
                    float(entry["hours"]),
                    float(entry["usd"]),
                    float(entry["unknown_hours"]),
                )
                for entry in record["usage"]
            )
            self._days[place, day_at] = PlaceDay(usage, recorded=True)


def _record(place: Place, day_at: float, day: PlaceDay) -> dict[str, Any]:
    return {
        "account_id": place.account_id,
        "region": place.region,
        "day": day_at,
        "usage": [
            {
                "billed_as": str(usage.billed_as),
                "hours": usage.hours,
                "usd": usage.usd,
                "unknown_hours": usage.unknown_hours,
            }
            for usage in day.usage
        ],
    }


@dataclass(slots=True)
class _Amounts:
    """``unpriced_seconds`` ran, but have no price yet; ``unknown_seconds`` may have run."""

    seconds: float = 0.0
    usd: float = 0.0
    unpriced_seconds: float = 0.0
    unknown_seconds: float = 0.0

    def as_hours(self) -> tuple[float, float, float]:
        """Hours with a price, their cost, and hours without."""
        unknown = self.unpriced_seconds + self.unknown_seconds
        return self.seconds / SECONDS_PER_HOUR, self.usd, unknown / SECONDS_PER_HOUR


_Sums = Mapping[float, dict[BilledAs, _Amounts]]


def _sums(days: Iterable[float], chronicle: Chronicle, tariff: Tariff) -> _Sums:
    sums: dict[float, dict[BilledAs, _Amounts]] = {day_at: {} for day_at in days}
    for instance_id in chronicle.ids(min(sums)):
        instance, runtime = chronicle.instance(instance_id), chronicle.runtime(instance_id)
        billed_as = _billed_as(instance)
        if billed_as is BilledAs.OTHER:
            continue
        for day_at, by_option in sums.items():
            amounts = by_option.setdefault(billed_as, _Amounts())
            _add(amounts, instance, runtime, day_at, tariff)
    return sums


def _billed_as(instance: Instance | None) -> BilledAs:
    if instance is None:
        return BilledAs.ON_DEMAND
    if instance.tenancy == _HOST or instance.purchase_option is PurchaseOption.CAPACITY_BLOCK:
        return BilledAs.OTHER
    spot = instance.purchase_option is PurchaseOption.SPOT
    return BilledAs.SPOT if spot else BilledAs.ON_DEMAND


def _add(
    amounts: _Amounts, instance: Instance | None, runtime: Runtime, day_at: float, tariff: Tariff
) -> None:
    """Add one instance in one day. A spot price holds for an hour at most, so it goes by hours."""
    end_at = day_at + SECONDS_PER_DAY
    amounts.unknown_seconds += runtime.unknown_seconds(day_at, end_at)
    spot = instance is not None and instance.purchase_option is PurchaseOption.SPOT
    step = SECONDS_PER_HOUR if spot else SECONDS_PER_DAY
    start_at = day_at
    while start_at < end_at:
        billed = billed_seconds_by_type(runtime, start_at, start_at + step)
        seconds = sum(billed.values())
        if seconds:
            usd = cost_usd(billed, tariff.rates(instance, start_at)) if instance else None
            if usd is None:
                amounts.unpriced_seconds += seconds
            else:
                amounts.seconds += seconds
                amounts.usd += usd
        start_at += step
