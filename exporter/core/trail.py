"""What CloudTrail tells of the starts and ends of instances."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from exporter.core.fleet import Place


class TrailAction(StrEnum):
    """The management events that begin, end or change a run, in CloudTrail's words."""

    RUN = "RunInstances"
    START = "StartInstances"
    STOP = "StopInstances"
    TERMINATE = "TerminateInstances"
    EVICT = "BidEvictedEvent"
    MODIFY = "ModifyInstanceAttribute"


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One instance's part in one successful API call or service event, ``at`` epoch seconds.

    ``was`` is the state before the call where the answer tells it ("running", "stopped"), else
    empty. ``instance_type`` is the launched type of a RUN, the new type of a MODIFY, else empty.
    ``availability_zone``, ``tenancy`` and ``image_id`` are known of a RUN only; ``spot`` of a RUN
    and an EVICT.
    """

    event_id: str
    at: float
    action: TrailAction
    instance_id: str
    was: str = ""
    instance_type: str = ""
    availability_zone: str = ""
    tenancy: str = ""
    image_id: str = ""
    spot: bool = False
    hibernates: bool = False

    @property
    def order(self) -> tuple[float, str, str]:
        """What events are sorted by; unique."""
        return (self.at, self.event_id, self.instance_id)


@dataclass(frozen=True, slots=True)
class Trail:
    """The events of one place, complete in [since_at, until_at): sorted and without duplicates.

    Events at or after ``until_at`` may be there too, but others may still be on their way.
    """

    place: Place
    since_at: float
    until_at: float
    events: tuple[TrailEvent, ...]

    def by_instance(self) -> Mapping[str, tuple[TrailEvent, ...]]:
        """The events of each instance, oldest first."""
        grouped: dict[str, list[TrailEvent]] = defaultdict(list)
        for event in self.events:
            grouped[event.instance_id].append(event)
        return {instance_id: tuple(events) for instance_id, events in grouped.items()}


def extended(
    previous: Trail | None,
    place: Place,
    found: Iterable[TrailEvent],
    since_at: float,
    until_at: float,
    keep_since_at: float,
) -> Trail:
    """Join what was known with the events found in [since_at, until_at].

    Without a gap between the two the knowledge reaches back as far as ``previous`` did, but not
    further than ``keep_since_at``; older events go. With a gap only what was found counts.
    """
    joined = previous is not None and previous.since_at <= since_at <= previous.until_at
    begin_at = max(keep_since_at, previous.since_at if previous and joined else since_at)
    known = previous.events if previous and joined else ()
    unique = {event.order: event for event in (*known, *found) if event.at >= begin_at}
    return Trail(place, begin_at, until_at, tuple(unique[order] for order in sorted(unique)))
