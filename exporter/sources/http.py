"""HTTP exchanges with the upstreams that are not AWS: one retry, errors translated once."""

import time
from collections.abc import Callable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import SplitResult, urlsplit, urlunsplit

from exporter.core.provenance import FailureReason
from exporter.sources.answer import Answer, malformed, read_json
from exporter.sources.refusal import ConnectionLostError, default_meaning, retry_after_seconds
from exporter.sources.source import RequestObserver, SourceError

if TYPE_CHECKING:
    from exporter.sources.transport import Transport

T = TypeVar("T")

Meaning = Callable[[int, str], tuple[FailureReason, str] | None]
"""What a status other than 2xx and its body mean at one upstream; None: nothing special."""

THREADS = 8

SHORTEST_ATTEMPT_RATIO = 0.001
"""A second attempt gets at least this share of the time: zero is not a valid time-out."""


class HttpUpstream:
    """One upstream behind one base URL; may be used by up to eight threads at once.

    ``headers`` go with every request; what they hold never gets into an error. ``base_url`` may
    carry user information and a query, which are never shown either. ``base_url_setting`` names
    the setting to mend. An exchange takes at most the connect time-out and twice the read
    time-out, a second attempt included (looking up the host name aside).
    """

    def __init__(
        self,
        upstream: str,
        base_url: str,
        observer: RequestObserver,
        *,
        headers: Mapping[str, str] = {},
        connect_timeout_seconds: float = 5.0,
        read_timeout_seconds: float = 15.0,
        base_url_setting: str = "",
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._upstream = upstream
        self._setting = base_url_setting or f"CARBONFINOPS_{upstream.upper()}__BASE_URL"
        self._base = _split(base_url, self._setting)
        self._where = f"{upstream} at {_shown(self._base)}"
        self._observer = observer
        self._headers = dict(headers)
        self._timeouts_seconds = (connect_timeout_seconds, read_timeout_seconds)
        self._wall = wall
        if not all(value.isascii() and value.isprintable() for value in self._headers.values()):
            raise ValueError(f"{upstream}: a header value (the token?) is not printable ASCII")

    @property
    def base_url_setting(self) -> str:
        """The setting that holds the base URL."""
        return self._setting

    def get_json(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str],
        *,
        meaning: Meaning | None = None,
    ) -> Any:
        """GET a JSON document. Raises SourceError."""
        return self.exchange(operation, "GET", path, read_json, params=params, meaning=meaning)

    def post_json(
        self,
        operation: str,
        path: str,
        params: Mapping[str, str],
        body: object,
        *,
        meaning: Meaning | None = None,
    ) -> Any:
        """POST a JSON document that asks for a computation, and may be sent twice.

        Raises SourceError.
        """
        return self.exchange(
            operation, "POST", path, read_json, params=params, body=body, meaning=meaning
        )

    def get_text(self, operation: str, path: str, *, meaning: Meaning | None = None) -> str:
        """GET a UTF-8 text. Raises SourceError."""
        return self.exchange(operation, "GET", path, bytes.decode, meaning=meaning)

    def exchange(
        self,
        operation: str,
        method: str,
        path: str,
        parse: Callable[[bytes], T],
        *,
        params: Mapping[str, str] = {},
        body: object = None,
        meaning: Meaning | None = None,
    ) -> T:
        """One idempotent exchange; ``parse`` raises ValueError when it cannot read the body.

        Raises SourceError. Only a connection refused or reset is tried again, once and at once.
        """
        url = urlunsplit(self._base._replace(path=self._base.path.rstrip("/") + path))
        limit_seconds = self._timeouts_seconds[0] + 2 * self._timeouts_seconds[1]
        begun = time.monotonic()

        def attempt() -> T:
            used_ratio = (time.monotonic() - begun) / limit_seconds
            left_ratio = max(1 - used_ratio, SHORTEST_ATTEMPT_RATIO)
            connect_seconds, read_seconds = (left_ratio * t for t in self._timeouts_seconds)
            answer = self._transport.send(
                method, url, params, body, (connect_seconds, read_seconds)
            )
            return self._understand(answer, parse, meaning)

        try:
            return self._observed(operation, attempt)
        except ConnectionLostError:
            return self._observed(operation, attempt)

    @cached_property
    def _transport(self) -> "Transport":
        """Made at the first exchange: importing requests takes 0.1 s of CPU time.

        Two threads may both make one; then one of the two is dropped unused.
        """
        from exporter.sources.transport import Transport

        return Transport(THREADS, self._headers, self._where)

    def _observed(self, operation: str, attempt: Callable[[], T]) -> T:
        begun = time.monotonic()
        failure: FailureReason | None = FailureReason.UNEXPECTED
        try:
            value = attempt()
        except SourceError as error:
            failure = error.reason
            raise
        else:
            failure = None
            return value
        finally:
            seconds = time.monotonic() - begun
            self._observer.request(self._upstream, operation, seconds, failure)

    def _understand(
        self, answer: Answer, parse: Callable[[bytes], T], meaning: Meaning | None
    ) -> T:
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            special = (
                meaning(answer.status, answer.body.decode(errors="replace")) if meaning else None
            )
            reason, detail = special or default_meaning(answer, self._where, self._setting)
            wait_seconds = retry_after_seconds(answer.headers.get("Retry-After"), self._wall())
            raise SourceError(reason, detail, wait_seconds)
        try:
            return parse(answer.body)
        except (ValueError, RecursionError):  # RecursionError: brackets nested without end
            raise malformed(f"{self._where} sent an unreadable answer") from None


def _split(base_url: str, setting: str) -> SplitResult:
    try:
        base = urlsplit(base_url)
        usable = base.scheme in ("http", "https") and base.hostname and base.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"{setting} must be an http or https URL")
    return base


def _shown(base: SplitResult) -> str:
    """Without user information and query, which may hold a secret."""
    return urlunsplit((base.scheme, base.netloc.rpartition("@")[2], base.path, "", ""))
