"""The web server: metrics for Prometheus, a page for people, health for orchestrators.

The standard library's threaded server, with HTTP/1.1 connections kept alive and header and body
in one send, answers as many scrapes as compiled servers do.
"""

import logging
import socket
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from threading import Thread
from typing import Any, Protocol
from urllib.parse import parse_qsl

from exporter.exposition.negotiation import listen_address, prefers_gzip
from exporter.exposition.render import CONTENT_TYPE, Exposition

logger = logging.getLogger(__name__)

_CLIENT_TIMEOUT_SECONDS = 30.0
_STOP_POLL_SECONDS = 0.1
_MAX_QUERY_FIELDS = 16
_PLAIN = "text/plain; charset=utf-8"
_PAGE_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Site(Protocol):
    """What is served. Reading it must neither block nor lock."""

    @property
    def exposition(self) -> Exposition:
        """The answer to a scrape."""

    @property
    def unready_reason(self) -> str:
        """Why there is no fleet to show yet, in one line; empty once there is."""

    @property
    def unhealthy_reason(self) -> str:
        """Why the process should be started again, in one line; empty while it is well."""

    def page(self, query: Mapping[str, str]) -> bytes:
        """Render the status page."""


class MetricsServer:
    """Serves a site on one address, in daemon threads.

    At most ``max_connections`` clients at a time; further ones are disconnected at once. Raises
    ValueError for an address that cannot be read.
    """

    def __init__(self, address: str, site: Site, *, max_connections: int = 64) -> None:
        self._address = listen_address(address)
        self._site = site
        self._max_connections = max_connections
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on: the chosen one where the address says 0. Needs ``start``."""
        if self._server is None:
            raise RuntimeError("the server has not been started")
        return self._server.server_port

    def start(self) -> None:
        """Listen and serve in the background. Raises OSError when the address is not free."""
        self._server = _Server(self._address, self._site, self._max_connections)
        arguments = {"poll_interval": _STOP_POLL_SECONDS}
        Thread(
            target=self._server.serve_forever, kwargs=arguments, name="http", daemon=True
        ).start()

    def stop(self) -> None:
        """Stop listening and end idle connections; answers under way are still sent."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.disconnect()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], site: Site, max_connections: int) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.site = site
        self._max_connections = max_connections
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # HTTPServer would look up the host's full name here, which can take seconds.
        TCPServer.server_bind(self)
        self.server_port = self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if len(self._connections) >= self._max_connections:
            self.shutdown_request(request)
            return
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def disconnect(self) -> None:
        """End reading: idle connections close, a response being written is completed."""
        for connection in tuple(self._connections):
            try:
                connection.shutdown(socket.SHUT_RD)
            except OSError:  # closed in the meantime
                continue

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 (inherited)
        error = sys.exception()
        if not isinstance(error, ConnectionError):  # a client that left is no error of ours
            logger.error("request from %s failed", client_address[0], exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "carbonfinops"
    sys_version = ""
    timeout = _CLIENT_TIMEOUT_SECONDS
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        """Answer a GET."""
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            # The body is not read, so what follows is not the next request.
            self.close_connection = True
        path, _, query = self.path.partition("?")
        match path:
            case "/metrics":
                self._metrics()
            case "/":
                self._page(query)
            case "/-/healthy":
                reason = self.server.site.unhealthy_reason
                self._text(503, reason) if reason else self._text(200, "healthy")
            case "/-/ready":
                reason = self.server.site.unready_reason
                self._text(503, reason) if reason else self._text(200, "ready")
            case _:
                self._text(404, "not found; there is /, /metrics, /-/healthy and /-/ready")

    do_HEAD = do_GET  # noqa: N815 (as do_GET)

    def do_POST(self) -> None:
        """Refuse any other method."""
        self.close_connection = True  # a body may follow, which is not read
        self._text(405, "only GET and HEAD are allowed", {"Allow": "GET, HEAD"})

    do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 (as do_GET)
    do_OPTIONS = do_TRACE = do_CONNECT = do_POST  # noqa: N815 (as do_GET)

    def _metrics(self) -> None:
        exposition = self.server.site.exposition
        if not prefers_gzip(", ".join(self.headers.get_all("Accept-Encoding", ()))):
            headers = {"Content-Type": CONTENT_TYPE, "Vary": "Accept-Encoding"}
            self._answer(200, headers, exposition.identity())
        elif self.command == "HEAD":
            self.wfile.write(exposition.response[: exposition.head_length])
        else:
            self.wfile.write(exposition.response)

    def _page(self, query: str) -> None:
        try:
            fields = dict(parse_qsl(query, max_num_fields=_MAX_QUERY_FIELDS))
        except ValueError:
            self._text(400, f"more than {_MAX_QUERY_FIELDS} query fields")
            return
        self._answer(200, _PAGE_HEADERS, self.server.site.page(fields))

    def _text(self, status: int, line: str, headers: Mapping[str, str] | None = None) -> None:
        self._answer(status, {"Content-Type": _PLAIN, **(headers or {})}, f"{line}\n".encode())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        lines = [f"HTTP/1.1 {status} {self.responses[status][0]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(body)}")
        if self.close_connection:
            lines.append("Connection: close")
        head = "\r\n".join((*lines, "\r\n")).encode("latin-1")
        self.wfile.write(head if self.command == "HEAD" else head + body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (http.server's name)
        """Keep no access log: Prometheus asks every few seconds."""
