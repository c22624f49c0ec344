"""What protects the web server, as its connections and requests see it."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from exporter.exposition.basic_auth import Login


class WebConfigError(Exception):
    """The web config file, or one that it names, is wrong.

    The message names the file and the key, and quotes no value.
    """


@dataclass(frozen=True, slots=True)
class Security:
    """What a connection and a request have to do: no ``tls`` is plain HTTP, no ``login`` none."""

    tls: ssl.SSLContext | None = None
    login: "Login | None" = None


class SecuritySource(Protocol):
    """Where it is known what is in force."""

    def load(self) -> None:
        """Read it for the first time. Raises WebConfigError."""

    def current(self) -> Security:
        """What is in force now; asked for with every connection and request."""


class NoSecurity:
    """Plain HTTP for everybody."""

    _SECURITY = Security()

    def load(self) -> None:
        """There is nothing to read."""

    def current(self) -> Security:
        """Nothing is in force."""
        return self._SECURITY


def security_of(web_config: Path | None) -> SecuritySource:
    """What protects a server that has this web config file, or none; nothing is read yet."""
    if web_config is None:
        return NoSecurity()
    # Most do without: they need not wait for these imports.
    from exporter.exposition.security_file import SecurityFile

    return SecurityFile(web_config)
