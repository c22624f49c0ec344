"""For how long an instance ran: from CloudTrail events and inventories to seconds per hour.

Rules and their sources are in docs/cloudtrail-methodology.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.core.fleet import Sighting
from exporter.core.signs import signs_of
from exporter.core.spans import (
    MINIMUM_BILLED_SECONDS,
    Coverage,
    Segment,
    UnknownReason,
    UnknownSpan,
)
from exporter.core.succession import typed
from exporter.core.timeline import Timeline
from exporter.core.trail import TrailEvent

__all__ = [
    "MINIMUM_BILLED_SECONDS",
    "Coverage",
    "Runtime",
    "Segment",
    "UnknownReason",
    "UnknownSpan",
    "runtime_of",
]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Everything known of the running time of one instance: disjoint spans, oldest first."""

    segments: tuple[Segment, ...]
    unknown: tuple[UnknownSpan, ...]

    def running_seconds(self, start_at: float, end_at: float) -> float:
        """Seconds switched on inside [start_at, end_at)."""
        seconds = 0.0
        for segment in self.segments:
            if segment.start_at >= end_at:
                break
            if segment.end_at > start_at:
                seconds += min(segment.end_at, end_at) - max(segment.start_at, start_at)
        return seconds

    def billed_seconds(self, start_at: float, end_at: float) -> float:
        """Running seconds, and what each start inside the span lacks to the minimum."""
        seconds = 0.0
        for segment in self.segments:
            if segment.start_at >= end_at:
                break
            if segment.end_at > start_at:
                seconds += segment.billed_seconds(start_at, end_at)
        return seconds

    def unknown_seconds(self, start_at: float, end_at: float) -> float:
        """Seconds inside [start_at, end_at) of which nothing is known."""
        seconds = 0.0
        for span in self.unknown:
            if span.start_at >= end_at:
                break
            if span.end_at > start_at:
                seconds += min(span.end_at, end_at) - max(span.start_at, start_at)
        return seconds


def runtime_of(
    sighting: Sighting | None,
    events: Sequence[TrailEvent],
    coverage: Coverage | None,
    last_point_at: float | None = None,
) -> Runtime:
    """Join events (in any order, duplicates allowed) and sightings of one instance.

    Without ``coverage`` (CloudTrail denied or never answered) everything is unknown.
    ``last_point_at`` is the end of the newest five-minute slot with a CPU point: until then it
    ran, whatever the inventories have missed.
    """
    if coverage is None:
        return Runtime((), (UnknownSpan(float("-inf"), float("inf"), UnknownReason.NO_TRAIL),))
    timeline = Timeline(sighting, coverage, last_point_at)
    for sign in signs_of(sighting, events, coverage):
        timeline.add(sign)
    segments, unknown = timeline.closed()
    seen_type = sighting.instance.instance_type if sighting else ""
    return Runtime(typed(segments, events, coverage, seen_type), unknown)
