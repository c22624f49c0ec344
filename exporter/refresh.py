"""One fact and its refreshing: the last good value, kept until it is too old.

A Cell belongs to one source in one scope. Its state is one frozen object, replaced after each
attempt: readers need no lock. A failed attempt never touches the value. Ages run on a monotonic
clock, so that a jump of the wall clock neither ends nor prolongs anything.
"""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.sources.source import Source, SourceError

T = TypeVar("T")

LOG = logging.getLogger(__name__)

_STEADY_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # the former is Linux's


class Clock(Protocol):
    """Where the time comes from."""

    def wall(self) -> float:
        """Epoch seconds; may jump."""

    def monotonic(self) -> float:
        """Seconds since some instant; never jumps."""


class SystemClock:
    """The machine's clocks."""

    def wall(self) -> float:
        """Epoch seconds; may jump."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds since some instant; never jumps, and counts the time of a suspended machine."""
        return time.clock_gettime(_STEADY_CLOCK)


class CellKey(NamedTuple):
    """Which fact a cell holds; ``item`` tells apart the facts of one source in one scope."""

    source: SourceName
    scope: Scope
    item: str = ""


@dataclass(frozen=True, slots=True)
class CellState(Generic[T]):
    """What is known of one fact. ``value`` is the last good one, however old.

    ``succeeded_at`` is on the monotonic clock; the wall instants are for people and restarts.
    """

    value: T | None = None
    succeeded_at: float | None = None
    succeeded_wall_at: float = 0.0
    attempted_wall_at: float = 0.0
    consecutive_failures: int = 0
    reason: FailureReason | None = None
    detail: str = "not asked yet"
    duration_seconds: float = 0.0

    @property
    def up(self) -> bool:
        """Whether the latest attempt succeeded."""
        return self.attempted_wall_at > 0 and self.reason is None


class Failure(NamedTuple):
    """Why an attempt failed, and how long the upstream asked to wait."""

    reason: FailureReason
    retry_after_seconds: float | None = None


class Cadence(NamedTuple):
    """How often a source is asked, and for how long its last good value may serve."""

    interval_seconds: float
    max_age_seconds: float


class Cell(Generic[T]):
    """The last good value of one fact. One attempt at a time; anyone may read ``state``."""

    def __init__(
        self,
        key: CellKey,
        source: Source[T],
        cadence: Callable[[T | None], Cadence],
        clock: Clock,
        value_type: Any,
    ) -> None:
        self.key = key
        self.value_type = value_type
        self.state: CellState[T] = CellState()
        self._source = source
        self._cadence = cadence
        self._clock = clock
        self._told = False

    @property
    def cadence(self) -> Cadence:
        """Interval and age limit for the value held now."""
        return self._cadence(self.state.value)

    def age_seconds(self) -> float | None:
        """Seconds since the last success; None when it never succeeded."""
        at = self.state.succeeded_at
        return None if at is None else max(0.0, self._clock.monotonic() - at)

    def fresh(self) -> T | None:
        """The value while it may still serve, else None."""
        state = self.state
        if state.succeeded_at is None:
            return None
        age = self._clock.monotonic() - state.succeeded_at
        return state.value if age <= self._cadence(state.value).max_age_seconds else None

    def restore(self, state: CellState[T]) -> None:
        """Take over a state of an earlier process; wall instants become monotonic ages.

        A state from the future has no age that could be known: it is left alone.
        """
        age = self._clock.wall() - max(state.succeeded_wall_at, state.attempted_wall_at)
        if age < -CLOCK_TOLERANCE_SECONDS:
            LOG.warning("state ignored: it is from the future", extra=self._about())
            return
        age = max(0.0, self._clock.wall() - state.succeeded_wall_at)
        succeeded = state.value is not None and state.succeeded_wall_at > 0
        self.state = replace(
            state, succeeded_at=self._clock.monotonic() - age if succeeded else None
        )

    def attempt(self) -> Failure | None:
        """Ask the source once; what went wrong, if it did. Logs the transition, and only that."""
        began_at, wall = self._clock.monotonic(), self._clock.wall()
        try:
            value = self._source.fetch(self.state.value)
        except SourceError as error:
            if error.partial is not None:
                self.state = replace(self.state, value=error.partial)
            self._failed(error.reason, error.detail, began_at, wall)
            return Failure(error.reason, error.retry_after_seconds)
        except Exception:  # the one guard against bugs: a broken source must not end the loop
            LOG.exception("refresh failed unexpectedly", extra=self._about())
            self._failed(FailureReason.UNEXPECTED, "a bug: see the log", began_at, wall)
            return Failure(FailureReason.UNEXPECTED)
        before = self.state
        ended_at = self._clock.monotonic()
        self.state = CellState(
            value=value,
            succeeded_at=ended_at,
            succeeded_wall_at=self._clock.wall(),
            attempted_wall_at=wall,
            detail="",
            duration_seconds=ended_at - began_at,
        )
        if self._told or before.consecutive_failures:
            self._told = False
            failures = {"failures": before.consecutive_failures}
            LOG.info("source recovered", extra=self._about() | failures)
        return None

    def _failed(self, reason: FailureReason, detail: str, began_at: float, wall: float) -> None:
        before = self.state
        self.state = replace(
            before,
            attempted_wall_at=wall,
            consecutive_failures=before.consecutive_failures + 1,
            reason=reason,
            detail=detail,
            duration_seconds=self._clock.monotonic() - began_at,
        )
        if not self._told:
            self._told = True
            known = {"reason": str(reason), "detail": detail}
            LOG.warning("source failed", extra=self._about() | known)

    def _about(self) -> dict[str, object]:
        scope = {name: part for name, part in self.key.scope._asdict().items() if part}
        item = {"item": self.key.item} if self.key.item else {}
        return {"source": str(self.key.source)} | scope | item


CLOCK_TOLERANCE_SECONDS = 300.0
FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 900.0


def retry_delay_seconds(
    failures: int, failure: Failure, interval_seconds: float, draw: random.Random
) -> float:
    """How long to wait after the n-th failure in a row.

    Doubles from FIRST_RETRY_SECONDS to LONGEST_RETRY_SECONDS, never more than the interval, with
    jitter, but at least as long as the upstream asked for. What only a person can mend is asked
    again once per interval.
    """
    if failure.reason in (FailureReason.NOT_CONFIGURED, FailureReason.NOT_COVERED):
        return interval_seconds
    if failure.reason is FailureReason.NO_RECENT_DATA:
        # The upstream answered, and may have billed it: its data will not be newer at once.
        return min(LONGEST_RETRY_SECONDS, interval_seconds)
    delay = FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 10)
    capped = min(delay, LONGEST_RETRY_SECONDS, interval_seconds)
    return max(capped * draw.uniform(0.8, 1.2), failure.retry_after_seconds or 0.0)


SLACK_INTERVALS = 4.0


def refresh_delay_seconds(cadence: Cadence, draw: random.Random) -> float:
    """How long to wait after a success: there is time to retry before the interval is over.

    A value that may serve for more than SLACK_INTERVALS leaves time enough after it: what is paid
    by the call (Cost Explorer) is not asked for earlier than it must be.
    """
    if cadence.max_age_seconds > SLACK_INTERVALS * cadence.interval_seconds:
        return cadence.interval_seconds * draw.uniform(0.98, 1.0)
    return cadence.interval_seconds * draw.uniform(0.8, 0.9)
