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
from exporter.exposition.web_config import WebConfig, read_web_config

LOG = logging.getLogger(__name__)

CHECK_SECONDS = 1.0

_Signature = tuple[tuple[int, ...] | None, ...]


class SecurityFile:
    """A web config file and the certificates it names.

    A file that has become wrong changes nothing: what was in force stays so. A file that would
    protect less is taken for wrong, as one that was cut looks just like it.
    """

    def __init__(self, file: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._monotonic = monotonic
        self._lock = Lock()
        self._files: tuple[Path, ...] = (file,)
        self._seen: _Signature = ()
        self._unsettled: _Signature = ()
        self._look_at = 0.0
        self._problem = ""
        self._config = WebConfig()
        self._security: Security | None = None

    def load(self) -> None:
        """Read it for the first time. Raises WebConfigError."""
        self._look_at = self._monotonic() + CHECK_SECONDS
        self._config, self._security = self._read()

    def current(self) -> Security:
        """What is in force; once a second at most the files are looked at."""
        if self._security is None:
            raise RuntimeError("the web config file has not been loaded")
        if self._monotonic() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                self._look_at = self._monotonic() + CHECK_SECONDS
                self._look()
            finally:
                self._lock.release()
        return self._security

    def _look(self) -> None:
        found = signature(self._files)
        if found == self._seen:
            return
        # A file that is still being written looks otherwise the next time.
        if found == self._unsettled:
            self._read_again(found)
        self._unsettled = found

    def _read_again(self, settled: _Signature) -> None:
        try:
            config, security = self._read()
        except WebConfigError as error:
            if str(error) != self._problem:
                self._problem = str(error)
                LOG.error(  # noqa: TRY400 - the message says it all
                    "web config file is wrong; what was in force stays so",
                    extra={"problem": self._problem},
                )
        else:
            if signature((self._file,)) != settled[:1]:  # written to while it was read
                self._seen = ()
                return
            self._problem = ""
            self._config, self._security = config, security
            LOG.warning(
                "web config file read again",
                extra={"file": str(self._file), **_in_force(config)},
            )

    def _read(self) -> tuple[WebConfig, Security]:
        # Signed before they are read: what changes in between is read once more.
        self._seen = signature(self._files)
        try:
            config = read_web_config(self._file)
            if lost := config.lacks(self._config):
                raise WebConfigError(
                    f"{self._file}: {', '.join(lost)}: would protect less than what is in force; "
                    "removing protection needs a restart"
                )
            self._files = (self._file, *(config.tls.all if config.tls else ()))
            self._seen = self._seen[:1] + signature(self._files[1:])
            return config, Security(
                server_context(config.tls) if config.tls else None,
                Login(config.users) if config.users else None,
            )
        except (ValueError, OSError) as error:
            # Its own message might quote what is in the file.
            problem = f"{self._file}: cannot be used: {type(error).__name__}"
            raise WebConfigError(problem) from error


def _in_force(config: WebConfig) -> dict[str, str]:
    """What a log line says of it."""
    found = {
        "tls": config.tls,
        "client_certificates": config.tls and config.tls.client_ca_file,
        "login": config.users,
    }
    return {name: "yes" if value else "no" for name, value in found.items()}


def signature(files: Iterable[Path]) -> _Signature:
    """What changes with a file: also its being replaced, or made readable."""
    return tuple(_signature(file) for file in files)


def _signature(file: Path) -> tuple[int, ...] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 - twice as fast, and this is asked every second
    except (OSError, ValueError):  # the latter for what is no name of a file
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
