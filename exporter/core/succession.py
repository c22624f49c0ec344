"""Which instance type each run had, where neither its start nor an inventory tells."""

from collections.abc import Sequence
from dataclasses import replace

from exporter.core.spans import Coverage, Segment
from exporter.core.trail import TrailEvent


def typed(
    segments: Sequence[Segment],
    events: Sequence[TrailEvent],
    coverage: Coverage,
    seen_type: str = "",
) -> tuple[Segment, ...]:
    """Fill in the types that follow from launches, changes and other runs; the rest stay empty.

    A type changes only while the instance is stopped, by ModifyInstanceAttribute: without such an
    event between two runs it is the same in both, provided that CloudTrail covers the time between
    them ("Amazon EC2 instance type changes", EC2 User Guide).
    """
    if all(segment.instance_type for segment in segments):
        return tuple(segments)
    told = sorted((event.at, event.instance_type) for event in events if event.instance_type)
    filled = _forward(segments, told, coverage)
    last = filled[-1]
    changed = any(at >= last.end_at for at, _ in told)
    if not last.instance_type and last.end_at >= coverage.trail_since_at and not changed:
        filled[-1] = replace(last, instance_type=seen_type)
    return tuple(_backward(filled, told, coverage))


_Told = Sequence[tuple[float, str]]


def _forward(segments: Sequence[Segment], told: _Told, coverage: Coverage) -> list[Segment]:
    filled = []
    known_at, known_type = float("-inf"), ""
    for segment in segments:
        for at, instance_type in told:
            if known_at <= at <= segment.start_at:
                known_at, known_type = at, instance_type
        if not segment.instance_type and coverage.is_covered(known_at, segment.start_at):
            filled.append(replace(segment, instance_type=known_type))
        else:
            filled.append(segment)
        known_at, known_type = segment.end_at, filled[-1].instance_type
    return filled


def _backward(segments: list[Segment], told: _Told, coverage: Coverage) -> list[Segment]:
    for i in reversed(range(len(segments) - 1)):
        before, after = segments[i], segments[i + 1]
        if (
            not before.instance_type
            and coverage.is_covered(before.end_at, after.start_at)
            and not any(before.end_at <= at <= after.start_at for at, _ in told)
        ):
            segments[i] = replace(before, instance_type=after.instance_type)
    return segments
