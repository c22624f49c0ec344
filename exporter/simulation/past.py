"""The weeks before anybody asked: what the fleet used and what the grids had, hour by hour."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil, floor

from exporter.core.evidence import GridIntensity
from exporter.core.fleet import Place
from exporter.core.metering import SLOTS_PER_HOUR, hour_of
from exporter.core.scenarios.usage import HourOfUse, UsageKey, Use
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.simulation import grid, roster, schedule
from exporter.simulation.stay import Stay, Tariff, usage_key
from exporter.simulation.world import World

PAST_DAYS = 42
"""As many complete days as the books keep: six weeks of evidence."""

_LARGE_FLEET = 500
_PLACES = tuple(
    Place(account.account_id, region) for account in roster.ACCOUNTS for region in roster.REGIONS
)
_FINALLY_AT = float("inf")


@dataclass(frozen=True, slots=True)
class Past:
    """The last PAST_DAYS complete UTC days of a world, and of today what is known by then."""

    world: World

    def hours(self, at: float) -> Iterator[HourOfUse]:
        """Every hour that is over, of every place, the oldest first; see ``past_hours``.

        Takes 2.6 s of processor time for a hundred instances, 1 s for each hundred of a fleet that
        is so large that its CPU is looked at once an hour only.
        """
        stride_slots = 3 if self.world.size <= _LARGE_FLEET else SLOTS_PER_HOUR
        return past_hours(self.world, _since_at(at), at, stride_slots)

    def intensities(self, at: float) -> Iterator[GridIntensity]:
        """Every hour that is measured by then, of every zone."""
        until_at = hour_of(at - (grid.ESTIMATED_HOURS - 1) * SECONDS_PER_HOUR)
        return past_intensities(self.world.seed, grid.CLIMATES, _since_at(at), until_at)


def _since_at(at: float) -> float:
    return (floor(at / SECONDS_PER_DAY) - PAST_DAYS) * SECONDS_PER_DAY


def past_hours(
    world: World, from_at: float, until_at: float, stride_slots: int = 3
) -> Iterator[HourOfUse]:
    """Every whole hour inside [from_at, until_at) of every place, the oldest hour first.

    Seconds and cost are those of the simulation, and so are the gaps: types without a power,
    instances without CPU points. Energy and CPU have the error of sampling: one slot of every
    ``stride_slots``, which divide an hour, is looked at and stands for its neighbours.
    """
    tariff = Tariff(world.seed)
    hour_at, end_at = ceil(from_at / SECONDS_PER_HOUR) * SECONDS_PER_HOUR, hour_of(until_at)
    while hour_at < end_at:
        midnight_at = (floor(hour_at / SECONDS_PER_DAY) + 1) * SECONDS_PER_DAY
        day_end_at = min(midnight_at, end_at)
        stays = {place: tuple(_stays(world, place, hour_at, day_end_at)) for place in _PLACES}
        while hour_at < day_end_at:
            for place in _PLACES:
                yield _hour(place, hour_at, stays[place], tariff, stride_slots)
            hour_at += SECONDS_PER_HOUR


def past_intensities(
    seed: int, zones: Iterable[str], from_at: float, until_at: float
) -> Iterator[GridIntensity]:
    """Every hour that begins inside [from_at, until_at), as finally measured, zone by zone.

    Raises LookupError for a zone outside the simulation.
    """
    first, end = ceil(from_at / SECONDS_PER_HOUR), ceil(until_at / SECONDS_PER_HOUR)
    for zone in zones:
        for hour in range(first, end):
            yield grid.published(seed, zone, hour * SECONDS_PER_HOUR, _FINALLY_AT)


def _stays(world: World, place: Place, from_at: float, to_at: float) -> Iterator[Stay]:
    for life in world.lives(from_at, to_at, place):
        instance_id, key = world.instance_id(life), usage_key(life.post)
        for run in schedule.runs(life, from_at, to_at):
            yield Stay(instance_id, life.post, key, run)


def _hour(
    place: Place, hour_at: float, stays: Iterable[Stay], tariff: Tariff, stride_slots: int
) -> HourOfUse:
    """No instance of the simulation runs twice in an hour: each is one stay at most."""
    uses: dict[UsageKey, Use] = {}
    cpu: list[tuple[str, str, str]] = []
    for stay in stays:
        if stay.touches(hour_at):
            hour = stay.hour(hour_at, tariff, stride_slots)
            before = uses.get(stay.key)
            uses[stay.key] = _sum(before, hour.use) if before else hour.use
            cpu.append((stay.instance_id, stay.post.instance_type, hour.cpu))
    return HourOfUse(place, hour_at, tuple(uses.values()), tuple(cpu))


def _sum(one: Use, other: Use) -> Use:
    columns = (a + b for a, b in zip(one[1:], other[1:], strict=True))
    return Use(one.key, *columns)
