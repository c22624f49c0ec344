"""AWS's errors in the program's own words."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from exporter.core.provenance import FailureReason
from exporter.core.units import SECONDS_PER_DAY
from exporter.sources.aws import codes
from exporter.sources.aws.permissions import ACTIONS
from exporter.sources.source import SourceError

_DENIED = codes.NOT_ALLOWED | codes.EXPIRED | codes.NOT_ACCEPTED | {codes.NO_ORGANIZATION}

_NO_CREDENTIALS = (
    "no complete AWS credentials found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a"
    " profile, or attach a role"
)
_EXPLAINED = {
    "NoCredentialsError": _NO_CREDENTIALS,
    "PartialCredentialsError": _NO_CREDENTIALS,
    "ProxyConnectionError": (
        "no connection to the proxy (ProxyConnectionError): check the network and HTTPS_PROXY"
    ),
    "SSLError": (
        "no trusted connection to AWS (SSLError): where a proxy opens TLS, name a readable file of"
        " its authority in REQUESTS_CA_BUNDLE"
    ),
}

_BY_IDENTITY = "AssumeRoleWithWebIdentity"
_CODE = re.compile(r"[A-Za-z0-9.]{1,80}")

PARSER_ERRORS = (AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What botocore's parsers let through when an answer is not shaped as its model says."""


def upstream_errors() -> tuple[type[Exception], ...]:
    """Give the classes of the errors that botocore and urllib3 raise on their own account."""
    # Imported late here and below: the process listens before it loads botocore.
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError
    from urllib3.exceptions import HTTPError

    return (BotoCoreError, ClientError, ResponseParserError, HTTPError, OSError)


@contextmanager
def translated(
    doing: str, account_id: str = "", *, also: tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Turn upstream errors, and those in ``also``, into SourceError; anything else is a bug."""
    try:
        yield
    except (*upstream_errors(), *also) as error:
        raise translate(error, doing, account_id) from error


def translate(error: Exception, doing: str, account_id: str = "") -> SourceError:
    """Say in one line what failed while ``doing``, and how to mend it where that is known."""
    where = f"{doing} for account {account_id}" if account_id else doing
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    explanation = _explain_answer(error, response) if response else _explain_exception(error)
    return SourceError(reason_of(error), f"{where}: {explanation}", _retry_after_seconds(response))


def reason_of(error: Exception) -> FailureReason:
    """Classify an error raised by a call to AWS."""
    from botocore import exceptions as aws
    from urllib3 import exceptions as http

    if isinstance(error, aws.ClientError):
        return reason_of_answer(error.response)
    if isinstance(error, (aws.ConnectTimeoutError, aws.ReadTimeoutError, http.TimeoutError)):
        return FailureReason.TIMEOUT
    unconnected = (aws.ConnectionError, aws.HTTPClientError, aws.IncompleteReadError)
    if isinstance(error, (*unconnected, http.HTTPError)) and not _is_unsendable(error):
        return FailureReason.UNAVAILABLE
    if isinstance(error, (aws.ValidationError, aws.ParamValidationError)):
        return FailureReason.MALFORMED
    # What remains of botocore's own errors is about its configuration and credentials; that they
    # are still expired after a renewal is a plain RuntimeError there.
    if isinstance(error, (aws.BotoCoreError, OSError)) or type(error) is RuntimeError:
        return FailureReason.DENIED
    return FailureReason.MALFORMED


def reason_of_answer(answer: Mapping[str, Any]) -> FailureReason:
    """Classify an answer that reports an error, by its code, else by its HTTP status."""
    code = str(answer.get("Error", {}).get("Code", ""))
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in codes.THROTTLED or status == 429:  # noqa: PLR2004 - RFC 6585, Too Many Requests
        return FailureReason.THROTTLED
    if code in codes.TIMED_OUT:
        return FailureReason.TIMEOUT
    if code in _DENIED or status in {401, 403}:
        return FailureReason.DENIED
    if status >= 500:  # noqa: PLR2004 - RFC 9110, server errors
        return FailureReason.UNAVAILABLE
    return FailureReason.MALFORMED


def _explain_answer(error: Exception, response: Mapping[str, Any]) -> str:
    # AWS's text stays out: it can quote what was sent, an external id and a session token too.
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", "")
    code = str(response.get("Error", {}).get("Code", "")) or str(status)
    operation = getattr(error, "operation_name", "")
    reason = reason_of_answer(response)
    if operation == _BY_IDENTITY and reason in {FailureReason.DENIED, FailureReason.MALFORMED}:
        return (
            f"the role was refused ({_shown(code)}): check its trust policy (issuer, namespace and"
            " service account), and that the cluster's OIDC provider is known to IAM"
        )
    if code in codes.NOT_ALLOWED:
        return _explain_denial(code, operation)
    if code in codes.EXPIRED:
        return f"the credentials have expired ({code}): renew them, and check this host's clock"
    if code in codes.NOT_ACCEPTED:
        return (
            f"the credentials were not accepted ({code}): check the keys and this host's clock;"
            " AWS answers the same in a region that is not enabled for the account"
        )
    if code == codes.NO_ORGANIZATION:
        return f"not in an organization ({code}): list the accounts in the settings instead"
    return _explain_code(_shown(code), operation, reason)


def _explain_denial(code: str, operation: str) -> str:
    if operation == "AssumeRole":
        return (
            f"the role was refused ({code}): check its trust policy and external id, and that"
            " the base credentials may call sts:AssumeRole on it"
        )
    action = ACTIONS.get(operation, operation)
    return f"not allowed ({code}): allow {action} in the IAM policy of the credentials"


def _shown(code: str) -> str:
    """What stands in the place of a code is shown only where it looks like one."""
    return code if _CODE.fullmatch(code) else "no code"


def _explain_code(code: str, operation: str, reason: FailureReason) -> str:
    if reason is FailureReason.THROTTLED:
        return f"asked too often ({code}), perhaps by others in the account: asked again later"
    if reason in {FailureReason.TIMEOUT, FailureReason.UNAVAILABLE}:
        return f"AWS could not answer ({code}): asked again later"
    if code == codes.NO_DATA_YET:
        return f"no data yet ({code}): Cost Explorer has some a day after it is first enabled"
    if code.isdigit():
        return f"refused with HTTP {code}, not in AWS's words: look for a proxy in between"
    if operation == "AssumeRole":
        return f"the role was refused ({code}): check the form of its ARN and of its external id"
    return f"the request was refused ({code}): see AWS's API reference of {operation}"


def _explain_exception(error: Exception) -> str:
    # The text of these errors can quote bodies, files or a command's output: the class is enough.
    kind = type(error).__name__
    if kind in _EXPLAINED:
        return _EXPLAINED[kind]
    if _is_unsendable(error):
        return (
            f"the request could not be made ({kind}): look for line breaks in the AWS credentials,"
            " and at HTTPS_PROXY"
        )
    match reason_of(error):
        case FailureReason.TIMEOUT:
            return f"no answer in time from {_host(error)} ({kind})"
        case FailureReason.UNAVAILABLE:
            return f"no connection to {_host(error)} ({kind}): check the network and region name"
        case FailureReason.DENIED:
            return f"the AWS configuration or its credentials cannot be used ({kind}): check them"
        case _:
            return f"the request or its answer, perhaps a proxy's, is not as the API says ({kind})"


def _is_unsendable(error: Exception) -> bool:
    """Whether a header or the proxy's address was refused on the way out: both are ValueErrors."""
    from botocore.exceptions import HTTPClientError

    inner = getattr(error, "kwargs", {}).get("error")
    return isinstance(error, HTTPClientError) and isinstance(inner, ValueError)


def _host(error: Exception) -> str:
    url = getattr(error, "kwargs", {}).get("endpoint_url")
    return (urlsplit(str(url)).hostname if url else None) or "AWS"


def _retry_after_seconds(response: Mapping[str, Any]) -> float | None:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    text = str(headers.get("retry-after", ""))
    return min(float(text), SECONDS_PER_DAY) if text.isascii() and text.isdigit() else None
