"""Spans of time in the life of an instance: when it ran, and when nobody knows."""

from dataclasses import dataclass, replace
from enum import StrEnum

MINIMUM_BILLED_SECONDS = 60.0
"""Each start is billed for at least this long (EC2 API reference, StopInstances)."""


class UnknownReason(StrEnum):
    """Why it is not known whether an instance ran."""

    NO_TRAIL = "no_trail"
    OS_SHUTDOWN = "os_shutdown"
    TRAIL_GAP = "trail_gap"
    NO_INVENTORY = "no_inventory"


@dataclass(frozen=True, slots=True)
class Coverage:
    """What part of the past is known, in epoch seconds.

    CloudTrail is complete in [trail_since_at, trail_until_at). Until ``seen_until_at`` the
    inventories show who runs; ``now`` may be later. ``provisional`` allows the inventories to
    stand in for the time after ``trail_until_at``. ``seen_since_at`` is when the first inventory
    was taken: what that one shows may be older, what a later one shows first is new.
    """

    trail_since_at: float
    trail_until_at: float
    seen_until_at: float
    now: float
    provisional: bool = True
    seen_since_at: float = float("-inf")

    def is_covered(self, start_at: float, end_at: float) -> bool:
        """Whether CloudTrail would have told of everything in [start_at, end_at)."""
        return self.trail_since_at <= start_at and end_at <= self.trail_until_at


@dataclass(frozen=True, slots=True)
class Segment:
    """One run, or the known part of it: [start_at, end_at).

    ``instance_type`` is empty where it is not known. ``begins`` is False where the run began
    before what is known, ``ends`` False where it goes on: neither has a minimum to be billed.
    ``confirmed`` tells that CloudTrail covers all of it, or that its start is a LaunchTime that
    nothing contradicts and its end is covered.
    """

    start_at: float
    end_at: float
    instance_type: str
    begins: bool = True
    ends: bool = True
    confirmed: bool = True

    def running_seconds(self, start_at: float, end_at: float) -> float:
        """Seconds of it inside [start_at, end_at)."""
        return max(0.0, min(self.end_at, end_at) - max(self.start_at, start_at))

    def billed_seconds(self, start_at: float, end_at: float) -> float:
        """Seconds of it inside [start_at, end_at), and what it lacks to the minimum.

        What it lacks belongs to the window that holds its start: windows add up.
        """
        running = self.running_seconds(start_at, end_at)
        if not (self.begins and self.ends and start_at <= self.start_at < end_at):
            return running
        return running + max(0.0, MINIMUM_BILLED_SECONDS - (self.end_at - self.start_at))

    def before(self, at: float) -> "Segment":
        """The part of it before an instant; it goes on where that is inside."""
        return replace(self, end_at=at, ends=False) if at < self.end_at else self


@dataclass(frozen=True, slots=True)
class UnknownSpan:
    """[start_at, end_at): nobody knows whether the instance ran."""

    start_at: float
    end_at: float
    reason: UnknownReason

    def before(self, at: float) -> "UnknownSpan":
        """The part of it before an instant."""
        return replace(self, end_at=at) if at < self.end_at else self
