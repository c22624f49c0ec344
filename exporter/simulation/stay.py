"""One run of an instance as the scenarios see it: what it uses in an hour, and its CPU."""

from collections.abc import Sequence
from functools import cache, lru_cache, partial
from typing import NamedTuple

from exporter.core.evidence import PriceKey, SpotKey
from exporter.core.fleet import PurchaseOption
from exporter.core.metering import SLOTS_PER_HOUR, points_text
from exporter.core.power import PowerCurve
from exporter.core.scenarios.kind import Kind, environment_of
from exporter.core.scenarios.usage import UsageKey, Use
from exporter.core.spans import Segment
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_HOUR
from exporter.simulation import hardware, load, prices
from exporter.simulation.post import Post
from exporter.simulation.schedule import Run
from exporter.simulation.world import measured_seconds

_WHOLE_HOUR = (CPU_SLOT_SECONDS,) * SLOTS_PER_HOUR
_NO_CPU = "--" * SLOTS_PER_HOUR


class Tariff:
    """Prices of the fleet, each looked up once."""

    def __init__(self, seed: int) -> None:
        self._spot = cache(partial(prices.spot_price, seed))
        self._listed = cache(prices.list_price)

    def usd_per_hour(self, post: Post, key: PriceKey, at: float) -> float | None:
        """What an instance of a post costs at an instant; None where it is not sold."""
        if post.purchase_option is not PurchaseOption.SPOT:
            return self._listed(key).usd_per_hour
        spot_key = SpotKey(post.availability_zone, post.instance_type, post.platform)
        quote = self._spot(spot_key, at)
        return quote.usd_per_hour if quote else None


class Hour(NamedTuple):
    """What one instance used in one hour, and its CPU as core.metering.points_text writes it."""

    use: Use
    cpu: str


class Stay(NamedTuple):
    """One run, and the group that its instance belongs to."""

    instance_id: str
    post: Post
    key: UsageKey
    run: Run

    def touches(self, hour_at: float) -> bool:
        """Whether it runs in any part of the hour that begins at an instant."""
        return self.run.started_at < hour_at + SECONDS_PER_HOUR and self.run.ended_at > hour_at

    def hour(self, hour_at: float, tariff: Tariff, stride_slots: int) -> Hour:
        """The hour that begins at an instant.

        One slot of every ``stride_slots`` is looked at and stands for its neighbours.
        """
        samples = _samples(self.post, hour_at, stride_slots)
        seconds = _slot_seconds(self.run, hour_at)
        measured, joules = _metered(self.post.instance_type, samples, seconds)
        segment = Segment(*self.run, self.post.instance_type)
        end_at = hour_at + SECONDS_PER_HOUR
        running_seconds = segment.running_seconds(hour_at, end_at)
        usd_per_hour = tariff.usd_per_hour(self.post, self.key.price_key, hour_at)
        priced_seconds = cost_usd = 0.0
        if usd_per_hour is not None:
            priced_seconds = running_seconds
            billed_seconds = segment.billed_seconds(hour_at, end_at)
            cost_usd = usd_per_hour * billed_seconds / SECONDS_PER_HOUR
        use = Use(self.key, running_seconds, measured, joules, priced_seconds, cost_usd)
        return Hour(use, _cpu_text(samples, seconds))


def usage_key(post: Post) -> UsageKey:
    """The group that a post's instances belong to."""
    kind = Kind(
        location=post.place.region,
        usage_operation=post.usage_operation,
        tenancy=prices.SOLD_TENANCY,
        purchase_option=post.purchase_option,
        environment=environment_of(post.tags),
    )
    return kind.usage_key(post.place.account_id, post.instance_type)


@lru_cache(maxsize=64)
def _curve(instance_type: str) -> PowerCurve | None:
    profile = hardware.profile(instance_type)
    return PowerCurve.through(profile.watts) if profile.power_gap is None else None


def _samples(post: Post, hour_at: float, stride_slots: int) -> Sequence[float]:
    """CPU in percent of the slot in the middle of each stride; none where none is reported."""
    if not post.reports_cpu:
        return ()
    return [
        load.percent(post, hour_at + slot * CPU_SLOT_SECONDS)
        for slot in range(stride_slots // 2, SLOTS_PER_HOUR, stride_slots)
    ]


def _slot_seconds(run: Run, hour_at: float) -> Sequence[float]:
    """For how long it runs inside each slot of the hour; 0 where the slot has no CPU point."""
    if run.started_at <= hour_at and hour_at + SECONDS_PER_HOUR <= run.ended_at:
        return _WHOLE_HOUR
    slots = (hour_at + slot * CPU_SLOT_SECONDS for slot in range(SLOTS_PER_HOUR))
    return [measured_seconds(run, slot_at) for slot_at in slots]


def _metered(
    instance_type: str, samples: Sequence[float], slot_seconds: Sequence[float]
) -> tuple[float, float]:
    """Seconds with a power, and the joules of those."""
    curve = _curve(instance_type)
    measured = joules = 0.0
    if curve is None or not samples:
        return measured, joules
    stride_slots = SLOTS_PER_HOUR // len(samples)
    for stride, percent in enumerate(samples):
        seconds = sum(slot_seconds[stride * stride_slots : (stride + 1) * stride_slots])
        if seconds:
            measured += seconds
            joules += seconds * curve.at(percent)
    return measured, joules


def _cpu_text(samples: Sequence[float], slot_seconds: Sequence[float]) -> str:
    if not samples:
        return _NO_CPU
    stride_slots = SLOTS_PER_HOUR // len(samples)
    texts = [points_text((sample,)) for sample in samples]
    if slot_seconds is _WHOLE_HOUR:
        return "".join(text * stride_slots for text in texts)
    return "".join(
        texts[slot // stride_slots] if seconds else "--"
        for slot, seconds in enumerate(slot_seconds)
    )
