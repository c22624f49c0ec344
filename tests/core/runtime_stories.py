"""Short words for the life of one instance on 2026-03-04, UTC."""

from datetime import UTC, datetime
from typing import Any

from exporter.core.fleet import SightedRun, Sighting
from exporter.core.runtime import Coverage, Runtime, runtime_of
from exporter.core.trail import TrailAction, TrailEvent
from tests.factories import instance

ID = "i-0web"
MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC).timestamp()
NEXT_MIDNIGHT = MIDNIGHT + 86400
COVERAGE = Coverage(MIDNIGHT, NEXT_MIDNIGHT, NEXT_MIDNIGHT, NEXT_MIDNIGHT)
"""CloudTrail and the inventories know the day, and nothing before."""


def clock(time: str, day: int = 4) -> float:
    """An instant of that day, or of another day of March 2026."""
    hours, minutes, *seconds = map(int, time.split(":"))
    begin_at = datetime(2026, 3, day, tzinfo=UTC).timestamp()
    return begin_at + 3600 * hours + 60 * minutes + (seconds[0] if seconds else 0)


def told(action: TrailAction, time: str, **details: Any) -> TrailEvent:
    """An event of that day."""
    event_id = details.pop("event_id", f"{action}-{time}")
    instance_id = details.pop("instance_id", ID)
    return TrailEvent(event_id, clock(time), action, instance_id, **details)


def run(time: str, **details: Any) -> TrailEvent:
    """RunInstances of an m5.large."""
    return told(TrailAction.RUN, time, **({"instance_type": "m5.large"} | details))


def start(time: str, was: str = "stopped") -> TrailEvent:
    """StartInstances."""
    return told(TrailAction.START, time, was=was)


def stop(time: str, was: str = "running", *, hibernates: bool = False) -> TrailEvent:
    """StopInstances."""
    return told(TrailAction.STOP, time, was=was, hibernates=hibernates)


def terminate(time: str, was: str = "running", **details: Any) -> TrailEvent:
    """TerminateInstances."""
    return told(TrailAction.TERMINATE, time, was=was, **details)


def evict(time: str) -> TrailEvent:
    """A spot instance is reclaimed."""
    return told(TrailAction.EVICT, time, spot=True)


def retype(time: str, instance_type: str) -> TrailEvent:
    """ModifyInstanceAttribute of the type."""
    return told(TrailAction.MODIFY, time, instance_type=instance_type)


def seen(launched_at: float, seen_at: float, **ends: float | None) -> SightedRun:
    """A run of an m5.large as inventories have shown it."""
    return SightedRun(launched_at, "m5.large", seen_at, **ends)


def sighting(*runs: SightedRun, listed: bool = True) -> Sighting:
    """The instance with these runs."""
    launched_at = runs[-1].launched_at if runs else clock("12:00", day=1)
    return Sighting(
        instance(ID, launched_at=launched_at), runs, first_at=clock("12:00", day=1), listed=listed
    )


def runtime(
    *events: TrailEvent,
    sighted: Sighting | None = None,
    coverage: Coverage | None = COVERAGE,
    last_point_at: float | None = None,
) -> Runtime:
    """The runtime that follows."""
    return runtime_of(sighted, events, coverage, last_point_at)


def seconds(result: Runtime, begin: float = MIDNIGHT, end: float = NEXT_MIDNIGHT) -> Any:
    """Running, billed and unknown seconds, of the day unless told otherwise."""
    return (
        result.running_seconds(begin, end),
        result.billed_seconds(begin, end),
        result.unknown_seconds(begin, end),
    )
