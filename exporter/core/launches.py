"""The starts of one instance: by CloudTrail, by LaunchTime, or by both."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exporter.core.fleet import SightedRun
from exporter.core.spans import Coverage
from exporter.core.trail import TrailAction, TrailEvent

SAME_SECONDS = 120.0
"""An event and an inventory that tell of one start or end differ by no more.

LaunchTime and StateTransitionReason are within seconds of the event; DescribeInstances is
eventually consistent ("Eventual consistency in the Amazon EC2 API", EC2 developer guide), and
``seen_at`` and ``gone_at`` are read from another clock.
"""

ON_STATES = frozenset({"pending", "running"})
"""What an instance was before a call that found it started, in EC2's words."""


@dataclass(frozen=True, slots=True, eq=False)
class Launch:
    """One start, told by an event, by a LaunchTime or by both.

    ``first`` marks RunInstances: there was nothing before. ``proven`` is False where CloudTrail
    should have told of it and did not. ``run`` is what inventories have shown of it.
    """

    start_at: float
    instance_type: str
    run: SightedRun | None
    first: bool = False
    proven: bool = True


def is_needless_start(event: TrailEvent) -> bool:
    """Whether a start found the instance started: nothing has changed."""
    return event.action is TrailAction.START and event.was in ON_STATES


def launches_of(
    runs: Sequence[SightedRun], told: Iterable[TrailEvent], coverage: Coverage
) -> list[Launch]:
    """Pair each LaunchTime with the nearest start of the trail; the event's time counts."""
    starts = [
        event
        for event in told
        if event.action in {TrailAction.RUN, TrailAction.START} and not is_needless_start(event)
    ]
    changes = [event.at for event in told if event.action is TrailAction.MODIFY]
    pairs = _pairs([start.at for start in starts], [run.launched_at for run in runs])
    launches = []
    for i, start in enumerate(starts):
        run = runs[pairs[i]] if i in pairs else None
        known_type = start.instance_type or (_type_of(run, changes) if run else "")
        first = start.action is TrailAction.RUN
        launches.append(Launch(start.at, known_type, run, first=first))
    for i in set(range(len(runs))).difference(pairs.values()):
        at = runs[i].launched_at
        proven = not coverage.is_covered(at - SAME_SECONDS, at + SAME_SECONDS)
        launches.append(Launch(at, _type_of(runs[i], changes), runs[i], proven=proven))
    launches.sort(key=lambda launch: launch.start_at)
    return launches


def _pairs(starts: Sequence[float], launches: Sequence[float]) -> dict[int, int]:
    """Give the launch of each start that has one; the nearest belong together."""
    near = [
        (abs(starts[i] - launched_at), i, j)
        for j, launched_at in enumerate(launches)
        for i in range(
            bisect_left(starts, launched_at - SAME_SECONDS),
            bisect_right(starts, launched_at + SAME_SECONDS),
        )
    ]
    pairs: dict[int, int] = {}
    taken = set()
    for _, i, j in sorted(near):
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


def _type_of(run: SightedRun, changes: Sequence[float]) -> str:
    """Give its type, unless that may be the one it was changed to before an inventory saw it."""
    if run.gone_at is None or run.seen_at > run.launched_at:
        return run.instance_type
    changed = bisect_right(changes, run.gone_at) > bisect_left(changes, run.launched_at)
    return "" if changed else run.instance_type
