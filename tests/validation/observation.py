"""The exporter's own parts look at a composed fleet, day after day."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from exporter.books.chronicle import Chronicle
from exporter.books.facts import Facts, PlaceFacts
from exporter.books.settlement import ComputedDays
from exporter.books.tariff import Tariff
from exporter.core.evidence import PriceKey, PriceQuote, SpotPrices, SpotQuote
from exporter.core.fleet import Account, Inventory, Place, Sighting
from exporter.core.instance_estimate import Siting
from exporter.core.metering import billed_seconds_by_type
from exporter.core.reconciliation import ComputedUsage
from exporter.core.runtime import Runtime
from exporter.core.sightings import sighted
from exporter.core.trail import Trail
from exporter.sources.aws.events import LOOKBACK_SECONDS, CloudTrailEvents
from tests.validation.calls import calls_of
from tests.validation.clouds import Listing, TrailClient, clients_of, listed
from tests.validation.composition import DAY, DAYS, END_AT, HOUR, START_AT
from tests.validation.fleet import PLACES, SEED, Fleet, composed_fleet
from tests.validation.outcomes import ANSWER_SECONDS, POLL_SECONDS, Outcome
from tests.validation.recorded_events import recorded_documents
from tests.validation.shapes import Shapes

CLOSING_SECONDS = 3 * HOUR
"""How long after midnight a day is looked back at; the exporter waits for two hours."""


@dataclass(frozen=True, slots=True)
class Observation:
    """A fleet, the days as an exporter closed them that ran all the time, and its costs.

    ``late`` is the whole fortnight as told by an exporter that was started after it; it asked
    for events since ``late_since_at``. ``documents`` is how many events CloudTrail held.
    """

    fleet: Fleet
    days: Sequence[Outcome]
    late: Sequence[Outcome]
    usage: Sequence[ComputedUsage]
    documents: int
    late_since_at: float


@cache
def observed(data: Path) -> Observation:
    """Compose the fleet and look at it; the same for every section."""
    fleet = composed_fleet(data)
    shapes = Shapes(recorded_documents(data))
    days: list[Outcome] = []
    late: list[Outcome] = []
    usage: list[ComputedUsage] = []
    documents = 0
    for place in PLACES:
        watch = Watch(place, fleet, shapes)
        days += watch.days()
        late += watch.late()
        usage += watch.usage()
        documents += watch.documents
    late_since_at = END_AT + CLOSING_SECONDS + ANSWER_SECONDS - LOOKBACK_SECONDS
    return Observation(fleet, days, late, usage, documents, late_since_at)


class Watch:
    """One place, asked and looked at by the exporter's own parts."""

    def __init__(self, place: Place, fleet: Fleet, shapes: Shapes) -> None:
        self._place = place
        self._fleet = fleet
        self._lives = [life for life in fleet.lives if life.place == place]
        self._listings = [Listing(life) for life in self._lives]
        self._computed = ComputedDays()
        events: dict[str, list[dict[str, object]]] = {}
        for call in calls_of(self._lives):
            events.setdefault(call.name, []).append(shapes.looked_up(call))
        self.documents = sum(map(len, events.values()))
        self._now = START_AT
        self._source = CloudTrailEvents(
            clients_of(TrailClient(events, SEED)),
            Account(place.account_id),
            place.region,
            wall=lambda: self._now,
            pause=lambda _: None,
            timer=lambda: 0.0,
        )

    def days(self) -> Iterator[Outcome]:
        """Poll the inventory through the fortnight, close each day three hours after its end."""
        sightings: tuple[Sighting, ...] = ()
        trail: Trail | None = None
        day_at = START_AT
        for number in range(math.ceil((END_AT + CLOSING_SECONDS - START_AT) / POLL_SECONDS) + 1):
            at = START_AT + number * POLL_SECONDS
            found = listed(self._listings, at)
            sightings = sighted(sightings, found, at, at + ANSWER_SECONDS)
            if at >= day_at + DAY + CLOSING_SECONDS:
                trail = self._asked(trail, at)
                chronicle, facts = self._chronicle(sightings, trail, at, START_AT)
                yield from self._told(chronicle, day_at, day_at + DAY)
                self._settle(facts, chronicle, trail, day_at)
                day_at += DAY

    def late(self) -> Iterator[Outcome]:
        """Look at it once, after everything has happened."""
        at = END_AT + CLOSING_SECONDS
        sightings = sighted((), listed(self._listings, at), at, at + ANSWER_SECONDS)
        chronicle, _ = self._chronicle(sightings, self._asked(None, at), at, at)
        yield from self._told(chronicle, START_AT, END_AT)

    def usage(self) -> list[ComputedUsage]:
        """What the exporter computed for each day, as it is compared with the bill."""
        return self._computed.usage(
            [self._place], [START_AT + number * DAY for number in range(DAYS)]
        )

    def _asked(self, previous: Trail | None, at: float) -> Trail:
        self._now = at + ANSWER_SECONDS
        return self._source.fetch(previous)

    def _chronicle(
        self, sightings: tuple[Sighting, ...], trail: Trail, at: float, known_since_at: float
    ) -> tuple[Chronicle, Facts]:
        instances = tuple(s.instance for s in sightings if s.listed)
        facts = PlaceFacts(
            place=self._place,
            inventory=Inventory(self._place, instances, (), sightings),
            seen_until_at=at,
            trail=trail,
            trail_asked=True,
            trail_fresh=True,
            cpu=None,
            cpu_age_seconds=None,
            spot=self._spot(),
        )
        now = at + ANSWER_SECONDS
        chronicle = Chronicle(
            facts, trail.by_instance(), known_since_at, lambda _: None, now, lenient=False
        )
        return chronicle, Facts(now, (facts,), {}, {}, self._quotes(), {}, None)

    def _told(self, chronicle: Chronicle, since_at: float, until_at: float) -> Iterator[Outcome]:
        for life in self._lives:
            runtime = chronicle.runtime(life.instance_id)
            yield Outcome(
                life,
                since_at,
                until_at,
                running_by_type(runtime, since_at, until_at),
                billed_seconds_by_type(runtime, since_at, until_at),
                runtime.unknown_seconds(since_at, until_at),
            )

    def _settle(self, facts: Facts, chronicle: Chronicle, trail: Trail, day_at: float) -> None:
        tariff = Tariff(facts, Siting({}, {}))
        known_seconds = facts.now - START_AT
        self._computed.compute(
            self._place, [day_at], trail, chronicle, tariff, known_seconds=known_seconds
        )

    def _quotes(self) -> dict[PriceKey, PriceQuote]:
        region = self._place.region
        keys = {
            PriceKey(region, name, "RunInstances", "default"): prices.on_demand_usd
            for name, prices in self._fleet.prices[region].items()
        }
        return {key: PriceQuote(key, usd) for key, usd in keys.items()}

    def _spot(self) -> SpotPrices:
        region = self._place.region
        quotes = (
            SpotQuote(f"{region}a", name, "Linux/UNIX", prices.spot_usd, START_AT - 90 * DAY)
            for name, prices in self._fleet.prices[region].items()
        )
        return SpotPrices(self._place, tuple(quotes))


def running_by_type(runtime: Runtime, since_at: float, until_at: float) -> dict[str, float]:
    """Running seconds inside [since_at, until_at) of each instance type."""
    found: dict[str, float] = {}
    for segment in runtime.segments:
        seconds = segment.running_seconds(since_at, until_at)
        if seconds:
            found[segment.instance_type] = found.get(segment.instance_type, 0.0) + seconds
    return found
