"""A site of a test's own, served on loopback, and a client that asks."""

import http.client
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from exporter.exposition.catalogue import instances
from exporter.exposition.family import labelled
from exporter.exposition.http import MetricsServer
from exporter.exposition.limits import Limits
from exporter.exposition.render import Exposition, Renderer
from exporter.exposition.security import SecuritySource

PATIENCE_SECONDS = 5.0
LIMITS = Limits()


def exposition_of(count: int) -> Exposition:
    """As many samples as wanted."""
    samples = ((("a", "r", f"i-{n}", "t"), float(n)) for n in range(count))
    return Renderer().render([labelled(instances.RUNNING, samples)], (), "own_metric 1.0\n")


@dataclass
class Pages:
    """A site whose parts a test sets."""

    exposition: Exposition = field(default_factory=lambda: exposition_of(3))
    unready_reason: str = ""
    unhealthy_reason: str = ""
    failure: Exception | None = None

    def page(self, query: Mapping[str, str]) -> bytes:
        """Show the query, or fail."""
        if self.failure is not None:
            raise self.failure
        return f"<p>{sorted(query.items())}</p>".encode()


@contextmanager
def serving(
    site: Pages,
    address: str = "127.0.0.1:0",
    security: SecuritySource | None = None,
    limits: Limits = LIMITS,
) -> Iterator[MetricsServer]:
    """A server that is up, and gone afterwards."""
    server = MetricsServer(address, site, security, limits)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def client(
    server: MetricsServer, context: ssl.SSLContext | None = None
) -> Iterator[http.client.HTTPConnection]:
    """A connection to it, over TLS where a context is given."""
    address = ("127.0.0.1", server.port)
    connection = (
        http.client.HTTPSConnection(*address, timeout=PATIENCE_SECONDS, context=context)
        if context
        else http.client.HTTPConnection(*address, timeout=PATIENCE_SECONDS)
    )
    try:
        yield connection
    finally:
        connection.close()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(
    server: MetricsServer,
    path: str = "/metrics",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    context: ssl.SSLContext | None = None,
) -> Answer:
    """One request on a connection of its own."""
    with client(server, context) as connection:
        return asked(connection, path, method, headers, body)


def asked(
    connection: http.client.HTTPConnection,
    path: str = "/metrics",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    """One request on a connection."""
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    return Answer(response.status, response.headers, response.read())
