"""What clients do wrong, logged; never so often that a hostile one could fill the disk."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Lock

LOG = logging.getLogger(__name__)

LINES_AT_ONCE = 5
REFILL_SECONDS = 600.0
"""One further line may be written for every so many seconds."""
MOST_KINDS = 50
"""More would let a client that knows many ways to fail write too much: they count as one."""


@dataclass(slots=True)
class _Allowance:
    counted_at: float
    lines: float = LINES_AT_ONCE
    unsaid: int = 0


class Complaints:
    """Five lines of a kind at once, then one every ten minutes that counts what it stands for.

    A kind is a message with its reason. What comes from this machine is counted apart: a health
    check that is refused every few seconds does not hide the refusal of anybody else.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = Lock()
        self._allowances: dict[tuple[str, str, bool], _Allowance] = {}

    def note(self, message: str, *, error: BaseException | None = None, **extra: object) -> None:
        """Log a message, which is one of a few constant ones; as an error where there is one.

        ``reason`` quotes nothing that a client sent, and ``client`` is its address.
        """
        with self._lock:
            now = self._monotonic()
            allowance = self._allowance(message, extra, now)
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

    def _allowance(self, message: str, extra: Mapping[str, object], now: float) -> _Allowance:
        kind = (message, str(extra.get("reason", "")), _is_here(str(extra.get("client", ""))))
        if kind not in self._allowances and len(self._allowances) >= MOST_KINDS:
            kind = (message, "", False)
        return self._allowances.setdefault(kind, _Allowance(now))


def _is_here(client: str) -> bool:
    return bool(client) and ip_address(client.partition("%")[0]).is_loopback
