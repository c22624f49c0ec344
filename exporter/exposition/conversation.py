"""One client's conversation with the server: the handshake, then one request after the other."""

import ssl

from exporter.exposition import routes
from exporter.exposition.complaints import Complaints
from exporter.exposition.connection import Connection, HandshakeError, PlainOnTlsError
from exporter.exposition.connections import origin
from exporter.exposition.request import BadRequestError, Request, parse_request
from exporter.exposition.routes import Site
from exporter.exposition.security import Security, SecuritySource


class Conversations:
    """Holds the conversation of a connection, in the connection's own thread."""

    def __init__(self, site: Site, security: SecuritySource, complaints: Complaints) -> None:
        self._site = site
        self._security = security
        self._complaints = complaints

    def hold(self, connection: Connection) -> None:
        """Answer until the client has no more. Raises ClientGoneError."""
        context = self._security.current().tls
        try:
            if context:
                connection.secure(context)
            self._answer_all(connection, context)
        except HandshakeError as failure:
            self._complaints.note(
                "TLS handshake failed", client=connection.host, reason=str(failure)
            )
            if isinstance(failure, PlainOnTlsError):
                bad = BadRequestError(400, "plain HTTP, where TLS is spoken: write https://")
                connection.send_plain(routes.refusal(bad))
            connection.linger()
        except BadRequestError as bad:
            self._complaints.note(
                "request refused", client=connection.host, status=bad.status, reason=bad.reason
            )
            connection.send(routes.refusal(bad))
            connection.linger()

    def _answer_all(self, connection: Connection, context: ssl.SSLContext | None) -> None:
        head, request = b"", Request("GET", "/")
        while received := connection.receive_head():
            if received != head:  # Prometheus always sends the same
                head, request = received, parse_request(received)
            security = self._security.current()
            if security.tls is not context:
                # Other certificates are in force now, or other clients let in: connect again.
                return
            if self._admits(security, request, connection):
                connection.send(routes.answer(request, self._site))
            else:
                connection.send(routes.login_wanted(request))
            if not request.keep_alive:
                return

    def _admits(self, security: Security, request: Request, connection: Connection) -> bool:
        login = security.login
        if login is None or request.path in routes.OPEN_TO_ALL:
            return True
        if not request.authorization:  # how every browser begins
            return False
        client = origin(connection.host)
        if login.admits(request.authorization, client, lambda: connection.aborted):
            return True
        self._complaints.note("login refused", client=connection.host)
        return False
