"""Sending one HTTP request with requests, and what can go wrong on the way.

Apart from ``http`` so that requests is imported with the first exchange and not at start-up.
"""

import socket
from collections.abc import Iterator, Mapping

import requests
import urllib3

from exporter.core.provenance import FailureReason
from exporter.sources.answer import Answer, malformed
from exporter.sources.deadline import BoundedAdapter
from exporter.sources.refusal import ConnectionLostError
from exporter.sources.source import SourceError

LONGEST_ANSWER_BYTES = 8_000_000
CHUNK_BYTES = 65_536


class Transport:
    """A session with ``threads`` connections, for as many threads.

    ``where`` names the upstream in errors.
    """

    def __init__(self, threads: int, headers: Mapping[str, str], where: str) -> None:
        self._where = where
        self._session = requests.Session()
        self._session.headers.update(headers)
        for scheme in ("http://", "https://"):
            adapter = BoundedAdapter(pool_connections=1, pool_maxsize=threads)
            self._session.mount(scheme, adapter)

    def send(
        self,
        method: str,
        url: str,
        params: Mapping[str, str],
        body: object,
        timeouts_seconds: tuple[float, float],
    ) -> Answer:
        """One attempt; ``timeouts_seconds`` are for connecting and for reading.

        Raises ConnectionLostError when another attempt makes sense, else SourceError. The errors
        of requests are not chained: they quote URLs and header values.
        """
        try:
            with self._session.request(
                method,
                url,
                params=params,
                json=body,
                timeout=timeouts_seconds,
                allow_redirects=False,
                stream=True,
            ) as response:
                return Answer(response.status_code, response.headers, self._read(response))
        except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:
            raise _translate(error, self._where) from None

    def _read(self, response: requests.Response) -> bytes:
        body = bytearray()
        for chunk in response.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > LONGEST_ANSWER_BYTES:
                raise malformed(f"{self._where} sent more than {LONGEST_ANSWER_BYTES} bytes")
        return bytes(body)


_MEANINGS: tuple[tuple[tuple[type[BaseException], ...], FailureReason, str], ...] = (
    (
        (requests.exceptions.ProxyError,),
        FailureReason.UNAVAILABLE,
        "is not reached through the proxy of the environment",
    ),
    (
        (ConnectionRefusedError,),
        FailureReason.UNAVAILABLE,
        "refused the connection: is it running there?",
    ),
    (
        (socket.gaierror,),
        FailureReason.UNAVAILABLE,
        "has an unknown host name",
    ),
    (
        (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError),
        FailureReason.TIMEOUT,
        "did not answer completely in time",
    ),
    (
        (requests.exceptions.SSLError,),
        FailureReason.UNAVAILABLE,
        (
            "failed TLS: its certificate is not for this host, or of an unknown authority; where a"
            " proxy opens TLS, name a readable file of its authority in REQUESTS_CA_BUNDLE"
        ),
    ),
    (
        (requests.exceptions.ContentDecodingError,),
        FailureReason.MALFORMED,
        "sent a broken compression",
    ),
    (
        (ConnectionError,),
        FailureReason.UNAVAILABLE,
        "reset the connection",
    ),
    (
        (ValueError,),
        FailureReason.DENIED,
        "cannot be asked: look at its address, and at HTTPS_PROXY",
    ),
)
"""By the causes of an exception, the first that fits: requests wraps one and the same cause
differently before and inside the body."""


def _translate(error: Exception, where: str) -> SourceError:
    causes = tuple(_causes(error))
    for kinds, reason, detail in _MEANINGS:
        if any(isinstance(cause, kinds) for cause in causes):
            lost = any(issubclass(kind, ConnectionError) for kind in kinds)
            failure = ConnectionLostError if lost else SourceError
            return failure(reason, f"{where} {detail}")
    if type(error) is OSError:
        detail = f"{where} cannot be asked: is there the file that REQUESTS_CA_BUNDLE names?"
        return SourceError(FailureReason.DENIED, detail)
    detail = f"{where} broke off the exchange ({type(error).__name__})"
    return SourceError(FailureReason.UNAVAILABLE, detail)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
