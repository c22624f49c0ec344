"""The truth of a composed fleet: when each instance ran, known because it was made up so."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from exporter.core.fleet import Place

MINIMUM_SECONDS = 60.0
"""What AWS bills for each start at least."""


class EndedBy(StrEnum):
    """What ends a run: a call, an event of the service, or the operating system by itself."""

    STOP = "StopInstances"
    HIBERNATION = "StopInstances with hibernate"
    TERMINATION = "TerminateInstances"
    EVICTION = "BidEvictedEvent"
    SHUTDOWN_TOLD = "shutdown, its time told by the inventory"
    SHUTDOWN_SILENT = "shutdown, its time told by nothing"
    SHUTDOWN_GONE = "shutdown that terminates, its time told by nothing"

    @property
    def is_silent(self) -> bool:
        """Whether nobody can know when it was."""
        return self in {EndedBy.SHUTDOWN_SILENT, EndedBy.SHUTDOWN_GONE}

    @property
    def is_final(self) -> bool:
        """Whether the instance is gone after it."""
        return self in {EndedBy.TERMINATION, EndedBy.EVICTION, EndedBy.SHUTDOWN_GONE}


@dataclass(frozen=True, slots=True)
class Run:
    """[start_at, end_at) in whole epoch seconds; ``called_at`` is earlier where it hibernates.

    ``clock_lag_seconds`` is by how much EC2 tells the start and the end later than CloudTrail.
    """

    start_at: float
    end_at: float
    instance_type: str
    ended_by: EndedBy
    called_at: float
    clock_lag_seconds: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it ends at all."""
        return math.isfinite(self.end_at)

    def overlap_seconds(self, since_at: float, until_at: float) -> float:
        """Seconds of it inside [since_at, until_at)."""
        return max(0.0, min(self.end_at, until_at) - max(self.start_at, since_at))


@dataclass(frozen=True, slots=True)
class Life:
    """One instance: its runs, oldest first, with time between them.

    Lives of one ``group`` are launched, and ended, by the same calls. ``terminated_at`` is a call
    for an instance that had stopped. ``odd`` lives also see calls that change nothing.
    """

    instance_id: str
    kind: str
    place: Place
    group: str
    runs: tuple[Run, ...]
    spot: bool = False
    odd: bool = False
    terminated_at: float | None = None

    def running(self, since_at: float, until_at: float) -> dict[str, float]:
        """Seconds that it ran inside [since_at, until_at), by instance type."""
        found: dict[str, float] = {}
        for run in self.runs:
            seconds = run.overlap_seconds(since_at, until_at)
            if seconds:
                found[run.instance_type] = found.get(run.instance_type, 0.0) + seconds
        return found

    def billed(self, since_at: float, until_at: float) -> dict[str, float]:
        """The same, with what each start inside lacks to the minimum."""
        found = self.running(since_at, until_at)
        for run in self.runs:
            lacking = MINIMUM_SECONDS - (run.end_at - run.start_at)
            if lacking > 0 and since_at <= run.start_at < until_at:
                found[run.instance_type] = found.get(run.instance_type, 0.0) + lacking
        return found

    def silent_ends(self) -> Iterator[float]:
        """When the operating system shut down and nothing told so."""
        return (run.end_at for run in self.runs if run.ended_by.is_silent and run.is_over)
