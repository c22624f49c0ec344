"""The web config file in force: read at the start, and again whenever a file of it changes."""

import logging
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock

from exporter.exposition.basic_auth import Login
from exporter.exposition.security import Security, WebConfigError
from exporter.exposition.tls import server_context
from exporter.exposition.web_config import read_web_config

LOG = logging.getLogger(__name__)

CHECK_SECONDS = 1.0

_Signature = tuple[tuple[int, ...] | None, ...]


class SecurityFile:
    """A web config file and the certificates it names.

    A file that has become wrong changes nothing: what was in force stays so.
    """

    def __init__(self, file: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._monotonic = monotonic
        self._lock = Lock()
        self._files: tuple[Path, ...] = (file,)
        self._seen: _Signature = ()
        self._look_at = 0.0
        self._problem = ""
        self._security: Security | None = None

    def load(self) -> None:
        """Read it for the first time. Raises WebConfigError."""
        self._look_at = self._monotonic() + CHECK_SECONDS
        self._security = self._read()

    def current(self) -> Security:
        """What is in force; once a second at most the files are looked at."""
        if self._security is None:
            raise RuntimeError("the web config file has not been loaded")
        if self._monotonic() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                self._look_at = self._monotonic() + CHECK_SECONDS
                if signature(self._files) != self._seen:
                    self._read_again()
            finally:
                self._lock.release()
        return self._security

    def _read_again(self) -> None:
        try:
            self._security = self._read()
        except WebConfigError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                LOG.error(  # noqa: TRY400 - the message says it all
                    "web config file is wrong; what was in force stays so",
                    extra={"problem": self._problem},
                )
        else:
            self._problem = ""
            LOG.info("web config file read again", extra={"file": str(self._file)})

    def _read(self) -> Security:
        # Signed before they are read: what changes in between is read once more.
        self._seen = signature(self._files)
        config = read_web_config(self._file)
        self._files = (self._file, *(config.tls.all if config.tls else ()))
        self._seen = self._seen[:1] + signature(self._files[1:])
        return Security(
            server_context(config.tls) if config.tls else None,
            Login(config.users) if config.users else None,
        )


def signature(files: Iterable[Path]) -> _Signature:
    """What changes with a file: also its being replaced, or made readable."""
    return tuple(_signature(file) for file in files)


def _signature(file: Path) -> tuple[int, ...] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - twice as fast, and this is asked every second
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
