"""Asks a running exporter on this machine whether it is well, over whatever it speaks."""

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path

from exporter.exposition.negotiation import listen_address
from exporter.exposition.security import WebConfigError

PATH = "/-/healthy"
LIMIT_SECONDS = 4.0
"""Container engines wait 5 s for the whole command: what was seen had better be said before."""

_SHOWN_BYTES = 1000
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what is asked instead
_CERTIFICATE_WANTED = frozenset(
    {
        "TLSV13_ALERT_CERTIFICATE_REQUIRED",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",  # how TLS 1.2 says it
    }
)


@dataclass(frozen=True, slots=True)
class Health:
    """Whether it is well, and what was seen, in one line."""

    well: bool
    text: str


def ask_health(
    address: str, schemes: tuple[str, ...], limit_seconds: float = LIMIT_SECONDS
) -> Health:
    """Ask the exporter that listens on ``address``, in the first of the schemes it speaks.

    Its certificate is not verified: this is the same machine, and nothing secret is sent. One that
    wants a client certificate refuses the handshake, and is taken to be well. That proves that the
    process runs, takes connections and gives each a thread that speaks TLS: one that is stopped
    or hangs does not answer. It does not prove that figures are still published, as an answer
    of the exporter would. Raises ValueError for an address that cannot be read, or asked.
    """
    host, port = listen_address(address)
    if port == 0:
        raise ValueError(f"listen address {address!r} does not say which port to ask")
    host = _EVERYWHERE.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    seen = []
    for scheme in schemes:
        url = f"{scheme}://{shown}:{port}{PATH}"
        health, settled = _asked(_connection(scheme, host, port, limit_seconds), url)
        if settled:
            return health
        seen.append(health)
    return seen[0]


def schemes_of(web_config: Path | None) -> tuple[str, ...]:
    """What the exporter speaks, to be tried in this order.

    One that runs keeps what it has read while the file is wrong, so the file is a hint only.
    """
    if web_config is None:
        return ("http",)
    from exporter.exposition.web_config import read_web_config

    try:
        plain = read_web_config(web_config).tls is None
    except WebConfigError:
        plain = False
    return ("http", "https") if plain else ("https", "http")


def _connection(
    scheme: str, host: str, port: int, limit_seconds: float
) -> http.client.HTTPConnection:
    if scheme == "http":
        return http.client.HTTPConnection(host, port, timeout=limit_seconds)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, port, timeout=limit_seconds, context=context)


def _asked(connection: http.client.HTTPConnection, url: str) -> tuple[Health, bool]:
    """What was seen, and whether that settles it: not where something else is spoken."""
    try:
        connection.request("GET", PATH, headers={"Connection": "close"})
        answer = connection.getresponse()
        text = answer.read(_SHOWN_BYTES).decode("utf-8", "replace").strip()
    except ssl.SSLError as error:
        if error.reason in _CERTIFICATE_WANTED:
            why = "it lives; whether it publishes, it tells only with a client certificate"
            return Health(well=True, text=f"{url}: {why}"), True
        return Health(well=False, text=f"{url}: no TLS: {error.reason or error}"), False
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
        return Health(well=False, text=f"{url}: no answer: {why}"), True
    finally:
        connection.close()
    status = answer.status
    health = Health(status == http.client.OK, f"{url}: {status} {text}")
    return health, status != http.client.BAD_REQUEST
