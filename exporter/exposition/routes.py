"""What is answered to a request: metrics for Prometheus, a page for people, health for probes."""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl

from exporter.exposition.render import CONTENT_TYPE, Exposition
from exporter.exposition.request import ANSWERED, BadRequestError, Request

OPEN_TO_ALL = frozenset({"/-/healthy", "/-/ready"})
"""Answered without a login: probes have none, and these tell nothing of the fleet."""

_ALLOW = {"Allow": ", ".join(ANSWERED)}
_INFLATED_AT_ONCE_BYTES = 16 * 1024
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


def answer(request: Request, site: Site) -> Iterable[bytes]:
    """The answer, in pieces to send one after the other. Raises BadRequestError."""
    if request.method not in ANSWERED:
        return _text(request, 405, "only GET and HEAD are allowed", _ALLOW)
    match request.path:
        case "/metrics":
            return _metrics(request, site.exposition)
        case "/":
            return _page(request, site)
        case "/-/healthy":
            reason = site.unhealthy_reason
            return _text(request, 503, reason) if reason else _text(request, 200, "healthy")
        case "/-/ready":
            reason = site.unready_reason
            return _text(request, 503, reason) if reason else _text(request, 200, "ready")
        case _:
            return _text(request, 404, "not found; there is /, /metrics, /-/healthy and /-/ready")


def login_wanted(request: Request) -> Iterable[bytes]:
    """The answer to whoever has to log in first."""
    challenge = {"WWW-Authenticate": 'Basic realm="carbonfinops", charset="UTF-8"'}
    return _text(request, 401, "a user name and its password are needed", challenge)


def refusal(bad: BadRequestError) -> Iterable[bytes]:
    """The answer to what could not be read; the connection ends with it."""
    headers = _ALLOW if bad.status == HTTPStatus.METHOD_NOT_ALLOWED else None
    return _text(Request("GET", ""), bad.status, bad.reason, headers)


def _metrics(request: Request, exposition: Exposition) -> Iterable[bytes]:
    response, head_length = exposition.response, exposition.head_length
    if request.takes_gzip:
        return (response if request.method == "GET" else response[:head_length],)
    headers = {"Content-Type": CONTENT_TYPE, "Vary": "Accept-Encoding"}
    # A gzip stream ends with the length of what it inflates to.
    length = int.from_bytes(response[-4:], "little")
    head = _head(request, 200, headers, length)
    return (head,) if request.method == "HEAD" else _inflated(head, exposition)


def _inflated(head: bytes, exposition: Exposition) -> Iterator[bytes]:
    """Head and plain text, bit by bit: whole, it would be kept for each client that is slow."""
    inflater = zlib.decompressobj(wbits=31)
    packed = memoryview(exposition.response)
    for start in range(exposition.head_length, len(packed), _INFLATED_AT_ONCE_BYTES):
        if piece := head + inflater.decompress(packed[start : start + _INFLATED_AT_ONCE_BYTES]):
            yield piece
        head = b""


def _page(request: Request, site: Site) -> Iterable[bytes]:
    try:
        fields = dict(parse_qsl(request.query, max_num_fields=_MAX_QUERY_FIELDS))
    except ValueError:
        raise BadRequestError(400, f"more than {_MAX_QUERY_FIELDS} query fields") from None
    return _whole(request, 200, _PAGE_HEADERS, site.page(fields))


def _text(
    request: Request, status: int, line: str, headers: Mapping[str, str] | None = None
) -> Iterable[bytes]:
    return _whole(
        request, status, {"Content-Type": _PLAIN, **(headers or {})}, f"{line}\n".encode()
    )


def _whole(
    request: Request, status: int, headers: Mapping[str, str], body: bytes
) -> Iterable[bytes]:
    head = _head(request, status, headers, len(body))
    return (head if request.method == "HEAD" else head + body,)


def _head(request: Request, status: int, headers: Mapping[str, str], length: int) -> bytes:
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {length}")
    if not request.keep_alive:
        lines.append("Connection: close")
    return "\r\n".join((*lines, "\r\n")).encode("latin-1")
