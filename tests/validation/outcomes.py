"""What the exporter said of composed instances, sorted into right, unknown and wrong."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.validation.composition import START_AT
from tests.validation.lives import EndedBy, Life

POLL_SECONDS = 300.0
ANSWER_SECONDS = 2.0
"""How long an inventory takes to arrive."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the exporter says of one instance inside [since_at, until_at), beside its life.

    ``running`` and ``billed`` are seconds by instance type, by "" where the type is not known.
    """

    life: Life
    since_at: float
    until_at: float
    running: Mapping[str, float]
    billed: Mapping[str, float]
    unknown_seconds: float

    @property
    def truth(self) -> Mapping[str, float]:
        """Running seconds by instance type."""
        return self.life.running(self.since_at, self.until_at)

    @property
    def billed_truth_seconds(self) -> float:
        """Billed seconds of all types."""
        return sum(self.life.billed(self.since_at, self.until_at).values())

    @property
    def is_exact(self) -> bool:
        """Whether running and billed seconds of every type are right, and nothing is unknown."""
        return (
            self.unknown_seconds == 0
            and dict(self.running) == self.truth
            and dict(self.billed) == self.life.billed(self.since_at, self.until_at)
        )

    @property
    def error_seconds(self) -> float:
        """By how much the truth lies outside what was said: the known seconds, and unknown ones."""
        truth, known = sum(self.truth.values()), sum(self.running.values())
        return max(0.0, known - truth, truth - known - self.unknown_seconds)

    @property
    def is_unknown(self) -> bool:
        """Whether something is said to be unknown, and the truth is within what is left open."""
        return bool(self.unknown_seconds) and not self.error_seconds

    @property
    def lacks_type_only(self) -> bool:
        """Whether all seconds are right, but some are said to be of an unknown type."""
        truth = self.truth
        return (
            "" in self.running
            and not self.unknown_seconds
            and not self.error_seconds
            and all(s <= truth.get(name, 0.0) for name, s in self.running.items() if name)
        )

    @property
    def is_error(self) -> bool:
        """Whether something was said that is not so: of seconds, or of their type."""
        return not (self.is_exact or self.is_unknown or self.lacks_type_only)

    @property
    def hibernations(self) -> int:
        """How many ends that no event tells lie inside: AWS bills until the memory is written."""
        return sum(
            run.ended_by is EndedBy.HIBERNATION
            and run.called_at < self.until_at
            and run.end_at > self.since_at
            for run in self.life.runs
        )

    def dark_seconds(self, spans: Iterable[tuple[float, float]]) -> float:
        """Seconds of the spans that lie inside."""
        overlaps = (min(end, self.until_at) - max(start, self.since_at) for start, end in spans)
        return sum(seconds for seconds in overlaps if seconds > 0)

    def started_after_dark(self, events_since_at: float) -> bool:
        """Whether its first event is a start, after a shutdown of which no event tells.

        The exporter takes it that the instance had not run since the events begin.
        """
        before = [run for run in self.life.runs if run.end_at > events_since_at]
        first = before[0] if before else None
        return (
            first is not None
            and first.start_at < events_since_at
            and first.ended_by in {EndedBy.SHUTDOWN_TOLD, EndedBy.SHUTDOWN_SILENT}
        )


def unknowable(lives: Iterable[Life]) -> Mapping[str, Sequence[tuple[float, float]]]:
    """For each instance, the spans between two inventories in which it ended unnoticed.

    From the last inventory that showed it running to the answer of the first that did not.
    """
    return {
        life.instance_id: [
            (_poll_before(end_at), _poll_before(end_at) + POLL_SECONDS + ANSWER_SECONDS)
            for end_at in life.silent_ends()
        ]
        for life in lives
    }


def _poll_before(at: float) -> float:
    polls = math.ceil((at - START_AT) / POLL_SECONDS) - 1
    return START_AT + polls * POLL_SECONDS
