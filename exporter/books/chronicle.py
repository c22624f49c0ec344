"""The runtimes of one place: its sightings and its trail, joined instance by instance."""

from collections.abc import Callable, Iterator, Mapping

from exporter.books.facts import PlaceFacts
from exporter.core.fleet import Instance, SightedRun, Sighting
from exporter.core.runtime import Coverage, Runtime, runtime_of
from exporter.core.trail import TrailEvent
from exporter.core.unseen import systems_by_image, unseen_instance

_UNSEEN_SECONDS = 300.0
"""An instance that no inventory has shown was gone so long after its launch at the latest."""


class Chronicle:
    """Answers for one place at one instant; runtimes are worked out when they are asked for.

    ``events`` is the place's trail by instance, ``known_since_at`` when the first inventory was
    seen. ``lenient`` lets inventories count even where CloudTrail has not answered (lately): the
    counters go on without it, coverage does not.
    """

    def __init__(
        self,
        facts: PlaceFacts,
        events: Mapping[str, tuple[TrailEvent, ...]],
        known_since_at: float,
        last_point_at: Callable[[str], float | None],
        now: float,
        *,
        lenient: bool,
    ) -> None:
        self._place = facts.place
        self._sightings = {s.instance.instance_id: s for s in facts.inventory.sightings}
        self._events = events
        self._known_since_at = known_since_at
        self._seen_until_at = min(facts.seen_until_at, now)
        self._last_point_at = last_point_at
        self._coverage = _coverage(facts, known_since_at, now, lenient=lenient)
        self._runtimes: dict[str, Runtime] = {}
        self._systems = systems_by_image(s.instance for s in self._sightings.values())

    def ids(self, since_at: float) -> Iterator[str]:
        """Every instance that inventories remember, and those of events since an instant."""
        yield from self._sightings
        for instance_id, events in self._events.items():
            if instance_id not in self._sightings and events[-1].at >= since_at:
                yield instance_id

    def sightings(self) -> Iterator[Sighting]:
        """Every instance that inventories remember."""
        yield from self._sightings.values()

    def is_sighted(self, instance_id: str) -> bool:
        """Whether an inventory has shown it: no other is ever asked about at CloudWatch."""
        return instance_id in self._sightings

    def instance(self, instance_id: str) -> Instance | None:
        """The instance as last seen, or as far as CloudTrail tells of it; None if by no event."""
        sighting = self._sightings.get(instance_id)
        if sighting:
            return sighting.instance
        return unseen_instance(self._place, self._events.get(instance_id, ()), self._systems)

    def runtime(self, instance_id: str) -> Runtime:
        """When it ran, as far as is known."""
        known = self._runtimes.get(instance_id)
        if known is None:
            sighting = self._sightings.get(instance_id) or self._never_seen(instance_id)
            known = self._runtimes[instance_id] = runtime_of(
                sighting,
                self._events.get(instance_id, ()),
                self._coverage,
                self._last_point_at(instance_id),
            )
        return known

    def _never_seen(self, instance_id: str) -> Sighting | None:
        """An instance of the trail alone: each inventory since says that it is gone."""
        instance = self.instance(instance_id)
        if instance is None:
            return None
        launched_at = instance.launched_at
        gone_at: float | None = max(self._known_since_at, launched_at + _UNSEEN_SECONDS)
        if launched_at > self._seen_until_at - _UNSEEN_SECONDS:
            gone_at = None  # too new for the latest inventory
        run = SightedRun(launched_at, instance.instance_type, launched_at, gone_at=gone_at)
        return Sighting(instance, (run,), launched_at, listed=False)


def _coverage(
    facts: PlaceFacts, known_since_at: float, now: float, *, lenient: bool
) -> Coverage | None:
    seen_until_at = min(facts.seen_until_at, now)
    if facts.trail is not None:
        return Coverage(
            facts.trail.since_at,
            facts.trail.until_at,
            seen_until_at,
            now,
            provisional=facts.trail_fresh or lenient,
            seen_since_at=known_since_at,
        )
    if lenient:
        return Coverage(
            known_since_at, known_since_at, seen_until_at, now, seen_since_at=known_since_at
        )
    return None
