"""What ends the program from outside: SIGTERM and SIGINT.

In a container the program is process 1, to which the kernel delivers only what it handles: a signal
that comes before there is a handler would be lost, and the program killed later, without notice.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

_ENDING = (signal.SIGTERM, signal.SIGINT)


def hold() -> None:
    """Let them wait, in this thread and in those that it starts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)


def release() -> None:
    """Take what has waited, and what comes."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)


def wait() -> None:
    """Return with the first of them, which must be held.

    A handler would interrupt this thread, perhaps where it holds a lock that the handler needs.
    """
    signal.sigwait(_ENDING)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Take what has waited, and what comes before ``hold``: it ends the process, with exit code 0.

    Without unwinding: an exception could be raised where it is swallowed. Files are written so
    that an end at any time does no harm.
    """
    handlers = {number: signal.signal(number, _end) for number in _ENDING}
    release()
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _end(_number: int, _frame: object) -> None:
    os._exit(0)
