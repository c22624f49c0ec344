"""The connection of one client, with limits of time and size for whatever it does."""

import re
import socket
import ssl
import time
from collections.abc import Callable, Iterable

from exporter.exposition.limits import Limits
from exporter.exposition.request import BadRequestError

_END_OF_HEAD = re.compile(rb"\n\r?\n")
_NOTHING_YET = (b"", b"\r", b"\r\n", b"\n")
"""One empty line before a request is no beginning: some clients end their last one with it."""

_TLS_RECORD = b"\x16\x03"
_RECEIVED_AT_ONCE_BYTES = 8 * 1024
_LINGER_SECONDS = 1.0
_LINGER_BYTES = 1024 * 1024


class ClientGoneError(ConnectionError):
    """The client left, was sent away, or no longer takes what it is sent."""


class HandshakeError(Exception):
    """There is no TLS with this client; the message is the reason, in one line."""


class PlainOnTlsError(HandshakeError):
    """The client speaks plain HTTP where TLS is spoken."""


class Connection:
    """A socket that never makes its thread wait longer than the limits say.

    Another thread may call ``abort`` and ``end_reading`` at any time, ``close`` only while
    neither of those can be called.
    """

    def __init__(
        self,
        client: socket.socket,
        host: str,
        limits: Limits,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.host = host
        self.aborted = False
        self.waiting_since = monotonic()
        """When this client made its last step: connected, or completed a handshake, a request."""
        self._socket = client
        self._limits = limits
        self._monotonic = monotonic
        self._received = bytearray()
        self._patience_seconds = limits.head_seconds

    def secure(self, context: ssl.SSLContext) -> None:
        """Begin TLS. Raises HandshakeError and ClientGoneError."""
        limit_seconds = self._limits.handshake_seconds
        try:
            self._socket.settimeout(limit_seconds)
            secured = context.wrap_socket(
                self._socket, server_side=True, do_handshake_on_connect=False
            )
            self._socket = secured
            if self.aborted:
                raise ClientGoneError
            secured.do_handshake()
        except TimeoutError:
            raise HandshakeError(f"not completed within {limit_seconds:g} s") from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError):  # which of them: by Python's version
            raise ClientGoneError from None
        except ssl.SSLCertVerificationError as error:
            raise HandshakeError(f"{error.reason}: {error.verify_message}") from None
        except ssl.SSLError as error:
            kind = PlainOnTlsError if error.reason == "HTTP_REQUEST" else HandshakeError
            raise kind(error.reason or "no reason given") from None
        except OSError:
            raise ClientGoneError from None

    def receive_head(self) -> bytes:
        """The next request up to its empty line; nothing when the client has no more.

        Raises BadRequestError for one that is too long or takes too long, and ClientGoneError.
        """
        self.waiting_since = self._monotonic()
        try:
            patient_until = self.waiting_since + self._patience_seconds
            while self._received in _NOTHING_YET:
                if not self._receive(patient_until):
                    return b""
        except TimeoutError:
            return b""
        try:
            deadline_at = self._monotonic() + self._limits.head_seconds
            while (end := self._end_of_head()) is None:
                if not self._receive(deadline_at):
                    return b""
        except TimeoutError:
            seconds = f"{self._limits.head_seconds:g} s"
            raise BadRequestError(408, f"no complete request within {seconds}") from None
        head = bytes(self._received[:end])
        del self._received[:end]
        self._patience_seconds = self._limits.idle_seconds
        self.waiting_since = self._monotonic()
        return head

    def _end_of_head(self) -> int | None:
        """Where the empty line ends, if it is there."""
        received, most = self._received, self._limits.head_bytes
        found = _END_OF_HEAD.search(received)
        if (found.end() if found else len(received)) > most:
            status, what = (431, "header") if b"\n" in received[:most] else (414, "first line")
            raise BadRequestError(status, f"the {what} of the request is longer than {most} bytes")
        if received.startswith(_TLS_RECORD):
            raise BadRequestError(400, "TLS, where plain HTTP is spoken: write http://")
        return found.end() if found else None

    def _receive(self, deadline_at: float) -> bool:
        """Take what comes; whether it was anything. Raises TimeoutError when it is too late."""
        try:
            self._wait_until(deadline_at)
            received = self._socket.recv(_RECEIVED_AT_ONCE_BYTES)
        except TimeoutError:
            raise
        except OSError:
            raise ClientGoneError from None
        self._received += received
        return bool(received)

    def _wait_until(self, deadline_at: float) -> None:
        """Let the socket wait so long for its next step. Raises TimeoutError for a time past."""
        left_seconds = deadline_at - self._monotonic()
        if left_seconds <= 0:
            raise TimeoutError
        self._socket.settimeout(left_seconds)

    def send(self, pieces: Iterable[bytes]) -> None:
        """Send an answer; a piece that fits into the socket's buffer goes at once.

        Raises ClientGoneError, also when the client does not take the whole in time.
        """
        deadline_at = self._monotonic() + self._limits.answer_seconds
        try:
            for piece in pieces:
                left = memoryview(piece)
                while left:
                    self._wait_until(deadline_at)
                    left = left[self._socket.send(left) :]
        except OSError:
            raise ClientGoneError from None

    def send_plain(self, pieces: Iterable[bytes]) -> None:
        """Send a short answer beside the TLS that never came about."""
        try:
            for piece in pieces:
                socket.socket.send(self._socket, piece)
        except OSError:
            raise ClientGoneError from None

    def linger(self) -> None:
        """Give the client a moment to read the last answer.

        Closing while it still sends would reset the connection, and the answer be lost.
        """
        deadline_at = self._monotonic() + _LINGER_SECONDS
        left_bytes = _LINGER_BYTES
        try:
            socket.socket.shutdown(self._socket, socket.SHUT_WR)
            while left_bytes > 0:
                self._wait_until(deadline_at)
                dropped = len(socket.socket.recv(self._socket, _RECEIVED_AT_ONCE_BYTES))
                left_bytes = left_bytes - dropped if dropped else 0
        except OSError:
            return

    def end_reading(self) -> None:
        """Let no further request come; an answer being sent is completed."""
        self._shut(socket.SHUT_RD)

    def abort(self) -> None:
        """End whatever its thread waits for."""
        self.aborted = True
        self._shut(socket.SHUT_RDWR)

    def close(self) -> None:
        """Free the socket."""
        self._shut(socket.SHUT_WR)
        self._socket.close()

    def _shut(self, how: int) -> None:
        # SSLSocket.shutdown would forget its TLS: what its thread sends then would go in the clear.
        try:
            socket.socket.shutdown(self._socket, how)
        except OSError:  # closed in the meantime
            return
