"""The web server: metrics for Prometheus, a page for people, health for orchestrators.

The standard library's threaded server, with HTTP/1.1 connections kept alive and header and body
in one send, answers as many scrapes as compiled servers do. What a client may do and for how
long is bounded, so that one that is slow or hostile holds up nobody but itself.
"""

import errno
import socket
import sys
import time
from socketserver import TCPServer, ThreadingMixIn
from threading import Thread
from typing import Any

from exporter.exposition.complaints import Complaints
from exporter.exposition.connection import Connection
from exporter.exposition.connections import Connections
from exporter.exposition.conversation import Conversations
from exporter.exposition.limits import Limits
from exporter.exposition.negotiation import listen_address
from exporter.exposition.routes import Site
from exporter.exposition.security import NoSecurity, SecuritySource

_STOP_POLL_SECONDS = 0.1
_SHORTAGE_PAUSE_SECONDS = 0.1
_SHORTAGES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LIMITS = Limits()


class MetricsServer:
    """Serves a site on one address, in daemon threads.

    Raises ValueError for an address that cannot be read.
    """

    def __init__(
        self,
        address: str,
        site: Site,
        security: SecuritySource | None = None,
        limits: Limits = _LIMITS,
    ) -> None:
        self._address = listen_address(address)
        self._security = security or NoSecurity()
        self._limits = limits
        self._complaints = Complaints()
        self._conversations = Conversations(site, self._security, self._complaints)
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on: the chosen one where the address says 0. Needs ``start``."""
        if self._server is None:
            raise RuntimeError("the server has not been started")
        return int(self._server.server_address[1])

    @property
    def scheme(self) -> str:
        """What a URL begins with, now. Needs ``start``."""
        return "https" if self._security.current().tls else "http"

    def start(self) -> None:
        """Listen and serve in the background.

        Raises WebConfigError, and OSError when the address is not free.
        """
        self._security.load()
        self._server = _Server(self._address, self._limits, self._conversations, self._complaints)
        arguments = {"poll_interval": _STOP_POLL_SECONDS}
        Thread(
            target=self._server.serve_forever, kwargs=arguments, name="http", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop listening and end idle connections; answers under way are still sent."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.connections.end_reading()


class _Server(ThreadingMixIn, TCPServer):
    """Accepts; what the standard library calls a request is a connection here."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        limits: Limits,
        conversations: Conversations,
        complaints: Complaints,
    ) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.connections = Connections(limits.connections)
        self._limits = limits
        self._conversations = conversations
        self._complaints = complaints
        super().__init__(address, lambda *_: None)  # type: ignore[arg-type]  # finish_request does it

    def get_request(self) -> tuple[Any, Any]:
        try:
            client, address = self.socket.accept()
        except OSError as error:
            if error.errno in _SHORTAGES:
                self._complaints.note("no connection can be accepted", reason=error.strerror)
                time.sleep(_SHORTAGE_PAUSE_SECONDS)  # it would be tried again at once
            raise
        return Connection(client, address[0], self._limits), address

    def process_request(self, request: Any, client_address: Any) -> None:
        ended = self.connections.admit(request)
        if ended:
            self._complaints.note("waiting connection ended for a new one", client=ended.host)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (inherited)
        self._conversations.hold(request)

    def shutdown_request(self, request: Any) -> None:
        self.connections.close(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (inherited)
        error = sys.exception()
        if not isinstance(error, ConnectionError):  # a client that left is no error of ours
            self._complaints.note("request failed", client=client_address[0], error=error)
