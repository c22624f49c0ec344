"""Two slow and independent ways to know when an instance ran, second by second.

``told_at`` reads the state of a second from its neighbours among the events. ``Cloud`` is the
truth itself: it knows every run, and shows of it what CloudTrail and DescribeInstances would.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from exporter.core.fleet import Instance, InstanceState, Sighting
from exporter.core.runtime import Runtime
from exporter.core.sightings import sighted
from exporter.core.trail import TrailAction, TrailEvent
from tests.factories import instance

ID = "i-0web"
STARTS = {TrailAction.RUN, TrailAction.START}


class Known(Enum):
    """What can be said of one second."""

    ON = "on"
    OFF = "off"
    UNKNOWN = "unknown"


def said_at(runtime: Runtime, second: float) -> Known:
    """What the result says of one second; fails where it says two things."""
    on = runtime.running_seconds(second, second + 1)
    unknown = runtime.unknown_seconds(second, second + 1)
    assert (on, unknown) in {(0, 0), (1, 0), (0, 1)}, (second, on, unknown)
    return Known.ON if on else Known.UNKNOWN if unknown else Known.OFF


def told_at(events: Iterable[TrailEvent], second: float) -> Known:
    """What starts and ends without gaps, none of which tells the state before, say of a second."""
    earlier = [e for e in events if e.at <= second]
    later = [e for e in events if e.at > second]
    last = max(earlier, key=lambda e: e.at).action if earlier else None
    following = min(later, key=lambda e: e.at).action if later else None
    if last in STARTS:
        ends = following is not None and following not in STARTS
        return Known.ON if ends else Known.UNKNOWN
    if last is None and following is None:
        return Known.OFF
    if last is None:
        return Known.OFF if following in STARTS else Known.ON
    return Known.OFF


class Ending(Enum):
    """How a run ends; only the OS does so without an event."""

    STOP = "stop"
    OS = "os"


@dataclass(frozen=True)
class TrueRun:
    """On in [start_at, end_at); ``end_at`` None: for good."""

    start_at: int
    end_at: int | None
    ending: Ending
    instance_type: str


@dataclass(frozen=True)
class Cloud:
    """One instance with its whole history; ``terminated_at`` None: never."""

    runs: Sequence[TrueRun]
    terminated_at: int | None = None

    def is_on(self, at: float) -> bool:
        """Whether it runs in the second that begins then."""
        return any(
            run.start_at <= at and (run.end_at is None or at < run.end_at) for run in self.runs
        )

    def type_at(self, at: float) -> str:
        """The type of the run at this second."""
        return next(run.instance_type for run in reversed(self.runs) if run.start_at <= at)

    def events(self) -> list[TrailEvent]:
        """Everything that CloudTrail will ever tell of it."""
        events: list[TrailEvent] = []
        for i, run in enumerate(self.runs):
            if i == 0:
                events.append(
                    _event(TrailAction.RUN, run.start_at, "", instance_type=run.instance_type)
                )
            else:
                if run.instance_type != self.runs[i - 1].instance_type:
                    events.append(
                        _event(
                            TrailAction.MODIFY,
                            run.start_at - 1,
                            "",
                            instance_type=run.instance_type,
                        )
                    )
                events.append(_event(TrailAction.START, run.start_at, "stopped"))
            if run.end_at not in {None, self.terminated_at} and run.ending is Ending.STOP:
                events.append(_event(TrailAction.STOP, run.end_at, "running"))
        if self.terminated_at is not None:
            was = "running" if self.is_on(self.terminated_at - 1) else "stopped"
            events.append(_event(TrailAction.TERMINATE, self.terminated_at, was))
        return events

    def shown_at(self, at: float) -> list[Instance]:
        """What DescribeInstances returns: a terminated instance for an hour."""
        run = next((r for r in reversed(self.runs) if r.start_at <= at), None)
        if run is None:
            return []
        reason_at = run.end_at if run.ending is Ending.STOP else None
        if self.terminated_at is not None and at >= self.terminated_at:
            if at >= self.terminated_at + 3600:
                return []
            state, reason_at = InstanceState.TERMINATED, self.terminated_at
        elif self.is_on(at):
            state, reason_at = InstanceState.RUNNING, None
        else:
            state = InstanceState.STOPPED
        return [
            instance(
                ID,
                instance_type=run.instance_type,
                state=state,
                launched_at=float(run.start_at),
                state_transition_reason=_reason(reason_at),
            )
        ]

    def sightings(self, looks: Iterable[float]) -> Sighting | None:
        """What inventories at these instants have shown of it."""
        known: tuple[Sighting, ...] = ()
        for at in looks:
            known = sighted(known, self.shown_at(at), at, at)
        return known[0] if known else None


def _reason(at: float | None) -> str:
    if at is None:
        return ""
    return f"User initiated ({datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} GMT)"


def _event(action: TrailAction, at: float, was: str, instance_type: str = "") -> TrailEvent:
    return TrailEvent(f"{action}-{at}", float(at), action, ID, was, instance_type)
