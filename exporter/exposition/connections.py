"""The connections there are: so many at most, and none is refused for those that only wait."""

import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from threading import Lock

from exporter.exposition.connection import Connection

_NETWORK_BYTES = 8
"""What one customer is given of IPv6, a /64, counts as one origin."""


class Connections:
    """A bounded set of connections.

    When it is full, a new one takes the place of the one that has waited for its client the
    longest, among those of the origin that holds the most: neither 64 stalled connections nor a
    client that opens ever more of them lock others out.
    """

    def __init__(self, most: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._monotonic = monotonic
        self._lock = Lock()
        self._connections: dict[Connection, bytes] = {}

    def admit(self, connection: Connection) -> Connection | None:
        """Take one in; the one that was ended for it, if any."""
        with self._lock:
            leaving = self._least_welcome() if len(self._connections) >= self._most else None
            if leaving:
                del self._connections[leaving]
                leaving.abort()
            self._connections[connection] = origin(connection.host)
        return leaving

    def close(self, connection: Connection) -> None:
        """Close one, whether it is still in the set or not."""
        with self._lock:
            self._connections.pop(connection, None)
            connection.close()

    def end_reading(self) -> None:
        """Let no connection bring a further request."""
        with self._lock:
            for connection in self._connections:
                connection.end_reading()

    def _least_welcome(self) -> Connection:
        held = Counter(self._connections.values())
        now = self._monotonic()
        return max(
            self._connections,
            key=lambda each: (held[self._connections[each]], now - each.waiting_since),
        )


def origin(host: str) -> bytes:
    """What counts as one client: an IPv4 address, or an IPv6 network."""
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address):
        four = address.ipv4_mapped
        return four.packed if four else address.packed[:_NETWORK_BYTES]
    return address.packed
