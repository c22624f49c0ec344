"""Calls to an API that allows only so many in a second."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from exporter.core.provenance import FailureReason
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.record import Record
from exporter.sources.source import SourceError

T = TypeVar("T")

_MOST_RETRIES: Mapping[FailureReason, int] = {
    # Where every second request is refused, one in 8,000 would be refused so often in a row.
    FailureReason.THROTTLED: 12,
    FailureReason.TIMEOUT: 2,
    FailureReason.UNAVAILABLE: 2,
}
_LONGEST_BACKOFF_SECONDS = 8.0
_LONGEST_OBEYED_SECONDS = 60.0


class Pace:
    """Keeps a distance between calls, and repeats the refused ones after a growing pause.

    The distance counts from the end of a call: whatever the network does to a request, two can
    never reach the API closer together. ``pause`` waits for so many seconds, ``timer`` never
    jumps. For one thread at a time.
    """

    def __init__(
        self,
        spacing_seconds: float,
        *,
        pause: Callable[[float], None] = time.sleep,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spacing_seconds = spacing_seconds
        self._pause = pause
        self._timer = timer
        self._free_at = timer()

    def run(self, call: Callable[[], T]) -> T:
        """Give the result of a call; raises its last SourceError when it fails too often."""
        retries = 0
        while True:
            self._wait()
            try:
                return call()
            except SourceError as error:
                asked_seconds = error.retry_after_seconds or 0.0
                most = _MOST_RETRIES.get(error.reason, 0)
                if retries >= most or asked_seconds > _LONGEST_OBEYED_SECONDS:
                    raise
            finally:
                self._free_at = self._timer() + self._spacing_seconds
            self._pause(max(asked_seconds, min(2.0**retries, _LONGEST_BACKOFF_SECONDS)))
            retries += 1

    def _wait(self) -> None:
        seconds = self._free_at - self._timer()
        if seconds > 0:
            self._pause(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class PacedEndpoint(Endpoint):
    """An endpoint that is asked at a pace.

    Its service must be one that botocore itself never asks twice: see AwsClients.
    """

    pace: Pace

    def answer(self, operation: str, **parameters: Any) -> Record:
        """Call an operation when it is time to. Raises SourceError."""
        return self.pace.run(partial(Endpoint.answer, self, operation, **parameters))
