"""Facts of one place around one hour, to keep books of; made by hand, without any source."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from exporter.books.chronicle import Chronicle
from exporter.books.facts import Facts, PlaceFacts
from exporter.books.tariff import Tariff
from exporter.core.evidence import (
    CpuPoint,
    GridHistory,
    GridIntensity,
    InstanceCpu,
    PlaceCpu,
    PriceQuote,
)
from exporter.core.fleet import Instance, Inventory, Place, SightedRun, Sighting
from exporter.core.instance_estimate import Siting
from exporter.core.snapshot import Pue
from exporter.core.trail import Trail, TrailEvent
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_DAY, SECONDS_PER_HOUR
from tests.factories import FRANKFURT, M5_LARGE, NOW, WEB_PRICE, hardware, instance

HOUR = SECONDS_PER_HOUR
DAY = SECONDS_PER_DAY
HOUR_AT = NOW // HOUR * HOUR - HOUR
"""Begin of the newest complete hour; it ended forty minutes ago."""
END_AT = HOUR_AT + HOUR
DAY_AT = NOW // DAY * DAY

USD_PER_HOUR = 0.12
SITING = Siting(
    {"eu-central-1": "DE", "eu-west-1": "IE"},
    {"eu-central-1": Pue(1.25, "published"), "eu-west-1": Pue(1.5, "published")},
)
IDLE_WATTS = M5_LARGE.watts[0]
"""What a point at 0 % means."""


def ran(
    subject: Instance,
    launched_at: float | None = None,
    *,
    seen_at: float = NOW,
    ended_at: float | None = None,
    gone_at: float | None = None,
) -> SightedRun:
    """One run; as long as nothing tells of its end, an inventory has shown it just now."""
    launched_at = subject.launched_at if launched_at is None else launched_at
    return SightedRun(launched_at, subject.instance_type, seen_at, ended_at, gone_at)


def sighted(subject: Instance, *runs: SightedRun, listed: bool = True) -> Sighting:
    """An instance and its runs; without any it runs since its LaunchTime."""
    return Sighting(subject, runs or (ran(subject),), NOW - DAY, listed)


def polled(
    subject: Instance,
    points: Mapping[float, float],
    *,
    polled_at: float = NOW,
    until_at: float | None = None,
) -> InstanceCpu:
    """Percent by begin of the slot; the window is the last three slots."""
    end_at = polled_at // CPU_SLOT_SECONDS * CPU_SLOT_SECONDS if until_at is None else until_at
    told = tuple(CpuPoint(at, percent) for at, percent in sorted(points.items()))
    return InstanceCpu(subject.instance_id, subject.launched_at, polled_at, end_at, 3, told)


def every_slot(since_at: float, until_at: float, percent: float = 0.0) -> dict[float, float]:
    """Points of a span without a gap."""
    count = round((until_at - since_at) / CPU_SLOT_SECONDS)
    return {since_at + number * CPU_SLOT_SECONDS: percent for number in range(count)}


def place_cpu(*entries: InstanceCpu, place: Place = FRANKFURT) -> PlaceCpu:
    return PlaceCpu(place, entries)


def trail(
    *events: TrailEvent,
    until_at: float = NOW - 1200,
    since_at: float = NOW - 90 * DAY,
    place: Place = FRANKFURT,
) -> Trail:
    """What CloudTrail has told of the last 90 days, sorted."""
    return Trail(place, since_at, until_at, tuple(sorted(events, key=lambda e: e.order)))


def place_facts(*sightings: Sighting, **changes: Any) -> PlaceFacts:
    """A place that lacks nothing; anything may be changed by name."""
    known = PlaceFacts(
        place=FRANKFURT,
        inventory=inventory(sightings),
        seen_until_at=NOW,
        trail=trail(),
        trail_asked=True,
        trail_fresh=True,
        cpu=None,
        cpu_age_seconds=0.0,
        spot=None,
    )
    return replace(known, **changes)


def inventory(sightings: Iterable[Sighting], place: Place = FRANKFURT) -> Inventory:
    sightings = tuple(sightings)
    listed = tuple(each.instance for each in sightings if each.listed)
    types = sorted({each.instance_type for each in listed})
    return Inventory(place, listed, tuple(hardware(name) for name in types), sightings)


def hours_of(zone: str, since_at: float, until_at: float, grams: float = 400.0) -> GridHistory:
    """Measured intensities of hours in a row."""
    count = round((until_at - since_at) / HOUR)
    return GridHistory(
        zone,
        tuple(
            GridIntensity(zone, grams, since_at + number * HOUR, estimated=False, method="")
            for number in range(count)
        ),
    )


def facts(*places: PlaceFacts, now: float = NOW, **changes: Any) -> Facts:
    """Prices and profiles of m5.large in Frankfurt, and a German grid that is known for days."""
    known = Facts(
        now=now,
        places=places,
        hardware={h.instance_type: h for place in places for h in place.inventory.hardware},
        profiles={"m5.large": M5_LARGE},
        prices={WEB_PRICE: PriceQuote(WEB_PRICE, USD_PER_HOUR)},
        grid={"DE": (None, hours_of("DE", HOUR_AT - 4 * DAY, HOUR_AT + HOUR))},
        bill=None,
        chosen_regions={place.place.account_id: frozenset() for place in places},
    )
    return replace(known, **changes)


def tariff(known: Facts | None = None, siting: Siting = SITING) -> Tariff:
    return Tariff(known or facts(), siting)


def chronicle(
    known: PlaceFacts,
    *,
    known_since_at: float = NOW - 10 * DAY,
    last_point_at: float | None = None,
    now: float = NOW,
    lenient: bool = False,
) -> Chronicle:
    """What is known of a place's runtimes, with its own trail."""
    events = known.trail.by_instance() if known.trail else {}
    return Chronicle(known, events, known_since_at, lambda _: last_point_at, now, lenient=lenient)


WEB = instance("i-0web", launched_at=NOW - 3 * DAY)
