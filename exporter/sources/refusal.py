"""An upstream that answers, but not with what was asked: status codes as failure reasons."""

from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from exporter.core.provenance import FailureReason
from exporter.core.units import SECONDS_PER_DAY
from exporter.sources.answer import Answer
from exporter.sources.source import SourceError

_REASONS: dict[int, FailureReason] = {
    HTTPStatus.UNAUTHORIZED: FailureReason.DENIED,
    HTTPStatus.FORBIDDEN: FailureReason.DENIED,
    HTTPStatus.NOT_FOUND: FailureReason.NOT_COVERED,
    HTTPStatus.REQUEST_TIMEOUT: FailureReason.TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS: FailureReason.THROTTLED,
}


class ConnectionLostError(SourceError):
    """The connection was refused or reset: one more attempt may meet a working one."""


def default_meaning(answer: Answer, where: str, base_url_setting: str) -> tuple[FailureReason, str]:
    """Reason and detail of a status other than 2xx, at an upstream without ways of its own."""
    status = answer.status
    if status < HTTPStatus.BAD_REQUEST:
        target = _host_of(answer.headers.get("Location", ""))
        detail = f"redirects ({status}) to {target}: set {base_url_setting} to the final address"
        return FailureReason.UNAVAILABLE, f"{where} {detail}"
    rest = FailureReason.MALFORMED
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        rest = FailureReason.UNAVAILABLE
    return _REASONS.get(status, rest), f"{where} answered {status}"


def retry_after_seconds(value: str | None, now: float) -> float | None:
    """What a Retry-After header (RFC 9110 10.2.3: seconds or a date) asks for, at most a day.

    None without the header, and when it makes no sense or lies in the past.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value), SECONDS_PER_DAY)
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    wait_seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    return min(wait_seconds, SECONDS_PER_DAY) if wait_seconds >= 0 else None


def _host_of(location: str) -> str:
    """Scheme and host only: the rest of a location may carry a secret."""
    try:
        url = urlsplit(location)
    except ValueError:
        return "an unreadable address"
    return f"{url.scheme}://{url.hostname}" if url.hostname else "another path"
