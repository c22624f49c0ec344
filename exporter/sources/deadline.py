"""Answers that have to end in time as a whole, headers included.

The read time-out of requests limits only the silence between two pieces of an answer: a server
that sends one byte every few seconds would hold its caller for hours.
"""

import http.client
import io
import socket
import time
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter


class BoundedAdapter(HTTPAdapter):
    """Limits each answer to twice its read time-out, directly or through a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the manager of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        _bound(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the manager of a proxy's connections, or give the one made before."""
        if proxy in self.proxy_manager:
            return self.proxy_manager[proxy]
        manager = super().proxy_manager_for(proxy, **kwargs)
        _bound(manager)
        return manager


def _bound(manager: urllib3.PoolManager) -> None:
    """Derive from the classes the manager has, because a SOCKS proxy brings its own."""
    pools: dict[str, Any] = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _bounded(pool) for scheme, pool in pools.items()}


def _bounded(pool: Any) -> type[Any]:
    answering = {"response_class": _BoundedResponse}
    connection = type("BoundedConnection", (pool.ConnectionCls,), answering)
    return type("BoundedPool", (pool,), {"ConnectionCls": connection})


class _BoundedResponse(http.client.HTTPResponse):
    """The time begins when the answer is awaited; the socket then carries the read time-out."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        silence_seconds = sock.gettimeout()
        if silence_seconds is not None:
            reader = _DeadlineReader(self.fp.detach(), sock, silence_seconds)
            self.fp = io.BufferedReader(reader)


class _DeadlineReader(io.RawIOBase):
    """A socket's stream that times out after a silence, or twice that long after its creation."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, silence_seconds: float) -> None:
        self._raw = raw
        self._socket = sock
        self._silence_seconds = silence_seconds
        self._ends_at_seconds = time.monotonic() + 2 * silence_seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_seconds = self._ends_at_seconds - time.monotonic()
        if left_seconds <= 0:
            raise TimeoutError("the answer did not end in time")
        self._socket.settimeout(min(self._silence_seconds, left_seconds))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
