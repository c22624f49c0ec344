"""Signs of life: what events and sightings of one instance tell, in the order of time."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple

from exporter.core.fleet import SightedRun, Sighting
from exporter.core.launches import ON_STATES, SAME_SECONDS, Launch, is_needless_start, launches_of
from exporter.core.sightings import KEPT_SECONDS
from exporter.core.spans import Coverage
from exporter.core.trail import TrailAction, TrailEvent

_DOWN = frozenset({"stopping", "stopped", "shutting-down", "terminated"})
_ENDS = frozenset({TrailAction.STOP, TrailAction.TERMINATE, TrailAction.EVICT})
_RANK = {action: rank for rank, action in enumerate(TrailAction)}


class SignKind(IntEnum):
    """What a sign says of its instant; listed in the order in which signs of one instant count."""

    START = 0
    SEEN = 1
    END = 2
    UNSEEN = 3


class Sign(NamedTuple):
    """One instant at which the instance started, was running, ended or was not running.

    ``launch`` is the run it is about; None: the one of that time. ``certain`` marks an END whose
    call was told that the instance was running; ``final`` an end that no start can follow.
    """

    at: float
    kind: SignKind
    launch: Launch | None = None
    certain: bool = False
    final: bool = False
    hibernates: bool = False


def signs_of(
    sighting: Sighting | None, events: Iterable[TrailEvent], coverage: Coverage
) -> list[Sign]:
    """Bring everything that is known of one instance into one order."""
    told = _in_order(events)
    launches = launches_of(sighting.runs if sighting else (), told, coverage)
    ends = [_end(event) for event in told if event.action in _ENDS]
    signs = [Sign(launch.start_at, SignKind.START, launch) for launch in launches]
    signs += ends
    signs += [Sign(e.at, SignKind.SEEN) for e in told if is_needless_start(e)]
    # A type changes only while the instance is stopped.
    signs += [
        Sign(e.at, SignKind.UNSEEN)
        for e in told
        if e.action is TrailAction.MODIFY and e.instance_type
    ]
    signs += _sighted(launches, ends)
    if sighting and not sighting.runs:
        long_ago_at = coverage.seen_until_at - KEPT_SECONDS
        if sighting.instance.launched_at < long_ago_at:
            signs.append(Sign(long_ago_at, SignKind.UNSEEN))
    signs.sort(key=lambda sign: (sign.at, sign.kind))
    return signs


def _in_order(events: Iterable[TrailEvent]) -> list[TrailEvent]:
    """Sort without duplicates; nothing can have happened before RunInstances."""
    told = sorted({event.order: event for event in events}.values(), key=_order)
    for i, event in enumerate(told):
        if event.action is TrailAction.RUN:
            return told[i:]
    return told


def _order(event: TrailEvent) -> tuple[float, int, str]:
    """Events are told in whole seconds: within one the launch comes first."""
    return (event.at, _RANK[event.action], event.event_id)


def _end(event: TrailEvent) -> Sign:
    final = event.action is TrailAction.TERMINATE
    if event.was in _DOWN:
        return Sign(event.at, SignKind.UNSEEN, final=final)
    return Sign(
        event.at,
        SignKind.END,
        certain=event.was in ON_STATES,
        final=final,
        hibernates=event.hibernates,
    )


def _sighted(launches: Sequence[Launch], ends: Sequence[Sign]) -> list[Sign]:
    """Give what inventories add to the events."""
    times = [end.at for end in ends]
    signs = []
    for i, launch in enumerate(launches):
        if launch.run:
            next_at = launches[i + 1].start_at if i + 1 < len(launches) else float("inf")
            low, high = bisect_left(times, launch.start_at), bisect_left(times, next_at)
            signs += _run_signs(launch, launch.run, ends[low:high])
    return signs


def _run_signs(launch: Launch, run: SightedRun, ends: Sequence[Sign]) -> list[Sign]:
    """Signs of one sighted run, given the ends that CloudTrail tells of until the next start."""
    signs = []
    ended_at, gone_at = run.ended_at, run.gone_at
    if run.seen_at > launch.start_at:
        signs.append(Sign(run.seen_at, SignKind.SEEN, launch))
    if ended_at is not None and (
        ended_at < run.seen_at - SAME_SECONDS
        or any(abs(end.at - ended_at) <= SAME_SECONDS for end in ends)
    ):
        ended_at = None  # it was seen running since, or the event's time counts
    if ended_at is not None:
        signs.append(Sign(max(ended_at, launch.start_at), SignKind.END, launch))
    is_told = any(end.kind is SignKind.END and end.at >= run.seen_at - SAME_SECONDS for end in ends)
    if gone_at is not None and not is_told:
        gone_at = max(gone_at, launch.start_at, ended_at or gone_at)
        signs.append(Sign(gone_at, SignKind.UNSEEN, launch))
    return signs
