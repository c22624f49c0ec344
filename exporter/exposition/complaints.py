"""What clients do wrong, logged; never so often that a hostile one could fill the disk."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

LOG = logging.getLogger(__name__)

LINES_AT_ONCE = 5
REFILL_SECONDS = 600.0
"""One further line may be written for every so many seconds."""


@dataclass(slots=True)
class _Allowance:
    counted_at: float
    lines: float = LINES_AT_ONCE
    unsaid: int = 0


class Complaints:
    """Five lines of a kind at once, then one every ten minutes that counts what it stands for."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._allowances: dict[str, _Allowance] = {}

    def note(self, message: str, *, error: BaseException | None = None, **extra: object) -> None:
        """Log a message, which is one of a few constant ones; as an error where there is one."""
        with self._lock:
            now = self._monotonic()
            allowance = self._allowances.setdefault(message, _Allowance(now))
            refilled = (now - allowance.counted_at) / REFILL_SECONDS
            allowance.lines = min(allowance.lines + refilled, LINES_AT_ONCE)
            allowance.counted_at = now
            if allowance.lines < 1:
                allowance.unsaid += 1
                return
            allowance.lines -= 1
            if allowance.unsaid:
                extra["unsaid_before"] = allowance.unsaid
            if allowance.lines < 1:
                extra["remark"] = f"more of these are told of every {REFILL_SECONDS / 60:g} minutes"
            allowance.unsaid = 0
        LOG.log(logging.ERROR if error else logging.WARNING, message, extra=extra, exc_info=error)
