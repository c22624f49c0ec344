"""A made-up fleet over months, as the books see it: facts of any instant, and no network."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property

from exporter.core.evidence import CpuPoint, InstanceCpu, PlaceCpu
from exporter.core.fleet import (
    Hardware,
    Instance,
    InstanceState,
    Inventory,
    Place,
    PurchaseOption,
    SightedRun,
    Sighting,
)
from exporter.core.sightings import KEPT_SECONDS
from exporter.core.trail import Trail, TrailAction, TrailEvent
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_DAY, SECONDS_PER_HOUR
from tests.benchmarks.fleet import TYPES
from tests.benchmarks.life import ON_AT, Life

BASE_AT = datetime(2026, 9, 8, tzinfo=UTC).timestamp()
"""Midnight of a day on which 53 days of the bill are asked for: nearly the most there are."""

REGIONS = {
    "eu-central-1": "DE",
    "eu-west-1": "IE",
    "eu-west-2": "GB",
    "eu-west-3": "FR",
    "eu-north-1": "SE-SE3",
    "eu-south-1": "IT-NO",
    "us-east-1": "US-MIDA-PJM",
    "us-west-2": "US-NW-BPAT",
    "ca-central-1": "CA-QC",
    "sa-east-1": "BR-CS",
}
LOOKBACK_SECONDS = 89 * SECONDS_PER_DAY
LIFE_DAYS = 100
SHORT_SECONDS = 240.0


class BookedPlace:
    """The instances of one place.

    A fifth of them is off at night, a tenth of the others is spot. Each is replaced after a hundred
    days. Once a day one is launched that no inventory shows.
    """

    def __init__(self, place: Place, index: int, instances: int) -> None:
        self.place = place
        self._index = index
        self._lives = [life for number in range(instances) for life in self._lives_of(number)]

    def inventory(self, now: float) -> Inventory:
        """What DescribeInstances shows, and has shown in the last days."""
        sightings = [s for life in self._lives if (s := self._sighting(life, now))]
        hardware = tuple(Hardware(name, 2, 8192, 0, burstable=False, architecture="x86_64")
                         for name in TYPES)  # fmt: skip
        listed = tuple(sighting.instance for sighting in sightings if sighting.listed)
        return Inventory(self.place, listed, hardware, tuple(sightings))

    def trail(self, now: float) -> Trail:
        """What CloudTrail tells."""
        since_at, until_at = now - LOOKBACK_SECONDS, now - 1200.0
        events = [event for event in self._events if since_at <= event.at < now]
        return Trail(self.place, since_at, until_at, tuple(events))

    def cpu(self, now: float, slots: int) -> PlaceCpu:
        """A poll that brings the last complete slots of everything that ran in them."""
        end_at = now // CPU_SLOT_SECONDS * CPU_SLOT_SECONDS
        starts = [end_at - number * CPU_SLOT_SECONDS for number in range(slots, 0, -1)]
        entries = []
        for life in self._lives:
            for begin_at, finish_at in life.runs(starts[0], end_at):
                percent = 5.0 + life.number % 60 + now / SECONDS_PER_HOUR % 7
                ran = (at for at in starts if begin_at - CPU_SLOT_SECONDS < at < finish_at)
                points = tuple(CpuPoint(at, percent + at / CPU_SLOT_SECONDS % 5) for at in ran)
                entry = InstanceCpu(life.instance_id, begin_at, now, end_at, 3, points)
                entries.append(entry)
        return PlaceCpu(self.place, tuple(entries))

    @cached_property
    def _events(self) -> tuple[TrailEvent, ...]:
        """Every event there is, sorted; months of them are the same in every answer."""
        found = [event for life in self._lives for event in self._of_life(life)]
        return tuple(sorted(found, key=lambda event: event.order))

    def _lives_of(self, number: int) -> Iterator[Life]:
        office, spot = number % 5 == 4, number % 10 == 0
        age_seconds = number % LIFE_DAYS * SECONDS_PER_DAY + number % 23 * SECONDS_PER_HOUR
        born_at = BASE_AT - SECONDS_PER_DAY - age_seconds
        if office:
            born_at = born_at // SECONDS_PER_DAY * SECONDS_PER_DAY + ON_AT
        lifetime = LIFE_DAYS * SECONDS_PER_DAY
        for n, at in enumerate((born_at - lifetime, born_at)):
            instance_id = f"i-{self._index:05x}{number:08x}{n:04x}"
            kind = TYPES[number % len(TYPES)]
            yield Life(instance_id, kind, number, office, spot, at, at + lifetime)
        if number < LIFE_DAYS:  # a day each
            at = BASE_AT + (5 - number) * SECONDS_PER_DAY + self._index % 24 * SECONDS_PER_HOUR
            instance_id = f"i-{self._index:05x}{number:08x}ffff"
            ends_at = at + SHORT_SECONDS
            yield Life(instance_id, TYPES[0], number, office=False, spot=False, born_at=at,
                       gone_at=ends_at)  # fmt: skip

    def _sighting(self, life: Life, now: float) -> Sighting | None:
        if life.gone_at - life.born_at <= SHORT_SECONDS or life.born_at > now:
            return None
        begun = life.runs(now - KEPT_SECONDS, now)
        runs = tuple(self._sighted_run(life, *run, now) for run in begun)
        listed = life.gone_at > now
        if not (runs or listed):
            return None
        on = bool(runs) and runs[-1].gone_at is None
        ended = InstanceState.STOPPED if listed else InstanceState.TERMINATED
        state = InstanceState.RUNNING if on else ended
        launched_at = runs[-1].launched_at if runs else life.born_at
        instance = self._instance(life, state, launched_at)
        return Sighting(instance, runs, max(life.born_at, now - KEPT_SECONDS), listed=listed)

    def _sighted_run(self, life: Life, begin_at: float, end_at: float, now: float) -> SightedRun:
        over = end_at <= now
        seen_at = max(begin_at, min(end_at, now) - 60.0)
        return SightedRun(
            begin_at,
            life.instance_type,
            seen_at,
            ended_at=end_at if over else None,
            gone_at=end_at + 60.0 if over else None,
        )

    def _instance(self, life: Life, state: InstanceState, launched_at: float) -> Instance:
        zone = f"{self.place.region}{'abc'[life.number % 3]}"
        return Instance(
            instance_id=life.instance_id,
            account_id=self.place.account_id,
            region=self.place.region,
            availability_zone=zone,
            instance_type=life.instance_type,
            state=state,
            launched_at=launched_at,
            purchase_option=PurchaseOption.SPOT if life.spot else PurchaseOption.ON_DEMAND,
            usage_operation="RunInstances",
            platform="Linux/UNIX",
            tenancy="default",
            architecture="x86_64",
            name=f"node-{life.number:05d}",
            tags=(("environment", "prod"), ("team", "web")),
            image_id="ami-0123456789abcdef0",
        )

    def _of_life(self, life: Life) -> Iterator[TrailEvent]:
        since_at = BASE_AT - LOOKBACK_SECONDS
        actions: dict[float, TrailAction] = defaultdict(lambda: TrailAction.START)
        actions[life.born_at] = TrailAction.RUN
        for begin_at, end_at in life.runs(since_at, BASE_AT + 5 * SECONDS_PER_DAY):
            yield self._event(life, begin_at, actions[begin_at])
            if end_at < life.gone_at:
                yield self._event(life, end_at, TrailAction.STOP)
        yield self._event(life, life.gone_at, TrailAction.TERMINATE)  # off, where it is at night

    def _event(self, life: Life, at: float, action: TrailAction) -> TrailEvent:
        event_id = f"{action}-{life.instance_id}-{at:.0f}"
        if action is not TrailAction.RUN:
            off = action is TrailAction.START or (life.office and at == life.gone_at)
            was = "stopped" if off else "running"
            return TrailEvent(event_id, at, action, life.instance_id, was)
        return TrailEvent(
            event_id,
            at,
            action,
            life.instance_id,
            instance_type=life.instance_type,
            availability_zone=f"{self.place.region}{'abc'[life.number % 3]}",
            tenancy="default",
            image_id="ami-0123456789abcdef0",
            spot=life.spot,
        )


def booked_places(instances: int, places: int) -> list[BookedPlace]:
    """So many instances, in accounts of up to ten regions each."""
    regions = tuple(REGIONS)
    return [
        BookedPlace(
            Place(f"{111122223333 + index // len(regions)}", regions[index % len(regions)]),
            index,
            instances // places,
        )
        for index in range(places)
    ]
