"""The head of an HTTP/1 request: read, or refused with a status."""

import re
from dataclasses import dataclass, field
from typing import Final

from exporter.exposition.negotiation import prefers_gzip

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST_LINE = re.compile(rf"({_TOKEN.pattern}) ([!-~]+) HTTP/(\d)\.(\d)")
_ORIGIN = re.compile(r"\Ahttps?://[^/?#]*", re.IGNORECASE)
_FIELD_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_HOST = re.compile(r"[^\s,/?#@]*")
_LENGTH = re.compile(r"[0-9]+")
_MOST_FIELDS: Final = 100
ANSWERED: Final = ("GET", "HEAD")


class BadRequestError(Exception):
    """What cannot be answered, as status and one line; it never quotes what the client sent."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks for."""

    method: str
    path: str
    query: str = ""
    keep_alive: bool = False
    takes_gzip: bool = False
    authorization: str = field(default="", repr=False)


def parse_request(head: bytes) -> Request:
    """Read a head, from the request line to the empty line.

    As RFC 9112: an empty line before it is ignored, and a bare LF ends a line too. Nothing here
    has a use for a body, so a request with one is refused. Raises BadRequestError.
    """
    text = head.decode("latin-1").replace("\r\n", "\n").removeprefix("\n")
    line, *lines = text.removesuffix("\n\n").split("\n")
    found = _REQUEST_LINE.fullmatch(line)
    if found is None:
        raise BadRequestError(400, "the first line is not METHOD PATH HTTP/1.1")
    method, target, major, minor = found.groups()
    if major != "1":
        raise BadRequestError(505, "only HTTP/1.1 is spoken here")
    fields = _fields(lines)
    _check_host(fields.get("host"), required=minor != "0")
    if _has_body(fields):
        if method in ANSWERED:
            raise BadRequestError(413, "a request has no body here")
        raise BadRequestError(405, "only GET and HEAD are allowed")
    path, _, query = _ORIGIN.sub("", target).partition("?")
    wishes = [wish.strip().lower() for wish in fields.get("connection", "").split(",")]
    return Request(
        method,
        path or "/",
        query,
        keep_alive=minor != "0" and "close" not in wishes,
        takes_gzip=prefers_gzip(fields.get("accept-encoding", "")),
        authorization=fields.get("authorization", ""),
    )


def _check_host(host: str | None, *, required: bool) -> None:
    """Which host is meant is not guessed: a proxy before this server may guess otherwise."""
    if host is None:
        if required:
            raise BadRequestError(400, "HTTP/1.1 needs a Host")
    elif not _HOST.fullmatch(host):  # also several, joined
        raise BadRequestError(400, "Host is not one name or address")


def _has_body(fields: dict[str, str]) -> bool:
    """Whether a body is announced, in one way and clearly."""
    length = fields.get("content-length")
    if length is None:
        return "transfer-encoding" in fields
    if "transfer-encoding" in fields:
        raise BadRequestError(400, "Content-Length and Transfer-Encoding are both given")
    if not _LENGTH.fullmatch(length):  # also several, joined
        raise BadRequestError(400, "Content-Length is not one number")
    return bool(length.strip("0"))


def _fields(lines: list[str]) -> dict[str, str]:
    """Header fields by lower-case name; those that come several times are joined."""
    if len(lines) > _MOST_FIELDS:
        raise BadRequestError(431, f"more than {_MOST_FIELDS} header fields")
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not (colon and _TOKEN.fullmatch(name) and _FIELD_VALUE.fullmatch(value)):
            raise BadRequestError(400, "a header field is not NAME: VALUE")
        key, text = name.lower(), value.strip(" \t")
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return fields
