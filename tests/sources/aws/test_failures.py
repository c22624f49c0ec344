from typing import Any

import pytest
from botocore import exceptions as botocore_errors
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import ProtocolError

from exporter.core.provenance import FailureReason
from exporter.sources.aws.failures import translate, translated
from exporter.sources.source import SourceError

SECRET = "x-amz-security-token:made-up-token"


def client_error(code, status=400, operation="DescribeInstances", message="made up", **headers):
    response: Any = {
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": headers},
    }
    return ClientError(response, operation)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("Throttling", 400, FailureReason.THROTTLED),
        ("ThrottlingException", 400, FailureReason.THROTTLED),
        ("RequestLimitExceeded", 503, FailureReason.THROTTLED),
        ("TooManyRequestsException", 400, FailureReason.THROTTLED),
        ("429", 429, FailureReason.THROTTLED),
        ("RequestTimeout", 408, FailureReason.TIMEOUT),
        ("AccessDenied", 403, FailureReason.DENIED),
        ("AccessDeniedException", 400, FailureReason.DENIED),
        ("UnauthorizedOperation", 403, FailureReason.DENIED),
        ("AuthFailure", 401, FailureReason.DENIED),
        ("ExpiredToken", 400, FailureReason.DENIED),
        ("ExpiredTokenException", 400, FailureReason.DENIED),
        ("RequestExpired", 400, FailureReason.DENIED),
        ("InvalidClientTokenId", 403, FailureReason.DENIED),
        ("UnrecognizedClientException", 400, FailureReason.DENIED),
        ("SignatureDoesNotMatch", 403, FailureReason.DENIED),
        ("InvalidSignatureException", 400, FailureReason.DENIED),
        ("RegionDisabledException", 403, FailureReason.DENIED),
        ("OptInRequired", 403, FailureReason.DENIED),
        ("AWSOrganizationsNotInUseException", 400, FailureReason.DENIED),
        ("NeverHeardOfIt", 403, FailureReason.DENIED),
        ("InternalError", 500, FailureReason.UNAVAILABLE),
        ("ServiceUnavailable", 503, FailureReason.UNAVAILABLE),
        ("502", 502, FailureReason.UNAVAILABLE),
        ("ValidationError", 400, FailureReason.MALFORMED),
        ("InvalidParameterValue", 400, FailureReason.MALFORMED),
        ("NeverHeardOfIt", 400, FailureReason.MALFORMED),
    ],
)
def test_reason_of_an_error_answer(code, status, reason):
    """Every error code falls into the closed set; unknown ones by their HTTP status."""
    error = translate(client_error(code, status), "list things in eu-west-1", "111122223333")

    assert error.reason is reason
    assert error.detail.startswith("list things in eu-west-1 for account 111122223333: ")
    assert code in error.detail


URL = {"endpoint_url": "https://ec2.eu-west-1.amazonaws.com/?a=b"}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (botocore_errors.ConnectTimeoutError(**URL), FailureReason.TIMEOUT),
        (botocore_errors.ReadTimeoutError(**URL), FailureReason.TIMEOUT),
        (
            botocore_errors.EndpointConnectionError(**URL, error="refused"),
            FailureReason.UNAVAILABLE,
        ),
        (botocore_errors.ConnectionClosedError(**URL), FailureReason.UNAVAILABLE),
        (botocore_errors.SSLError(**URL, error=OSError("expired")), FailureReason.UNAVAILABLE),
        (
            botocore_errors.ProxyConnectionError(proxy_url="http://user:pass@proxy"),
            FailureReason.UNAVAILABLE,
        ),
        (
            botocore_errors.HTTPClientError(error=ValueError("Invalid header: made-up-secret")),
            FailureReason.DENIED,
        ),
        (botocore_errors.HTTPClientError(error="?"), FailureReason.UNAVAILABLE),
        (ProtocolError("broken"), FailureReason.UNAVAILABLE),
        (botocore_errors.NoCredentialsError(), FailureReason.DENIED),
        (
            botocore_errors.PartialCredentialsError(provider="env", cred_var="x"),
            FailureReason.DENIED,
        ),
        (
            botocore_errors.CredentialRetrievalError(provider="p", error_msg="made-up-secret"),
            FailureReason.DENIED,
        ),
        (
            botocore_errors.TokenRetrievalError(provider="p", error_msg="made-up-secret"),
            FailureReason.DENIED,
        ),
        (FileNotFoundError("/token/made-up-secret"), FailureReason.DENIED),
        (RuntimeError("Credentials were refreshed, but are still expired."), FailureReason.DENIED),
        (ResponseParserError("<made-up-secret>"), FailureReason.MALFORMED),
        (botocore_errors.ParamValidationError(report="made-up-secret"), FailureReason.MALFORMED),
        (ValueError("made-up-secret"), FailureReason.MALFORMED),
        (KeyError("made-up-secret"), FailureReason.MALFORMED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_reason_of_an_exception(error, reason):
    """What never became an answer is classified too; its text may hold secrets and stays out."""
    translated_error = translate(error, "list things in eu-west-1")

    assert translated_error.reason is reason
    assert "made-up-secret" not in translated_error.detail
    assert "pass@" not in translated_error.detail
    assert "\n" not in translated_error.detail


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (client_error("UnauthorizedOperation", 403), "allow ec2:DescribeInstances in the IAM"),
        (
            client_error("AccessDenied", 403, "GetMetricData"),
            "allow cloudwatch:GetMetricData in the IAM",
        ),
        (
            client_error("AccessDeniedException", 400, "GetProducts"),
            "allow pricing:GetProducts in the IAM",
        ),
        (
            client_error("AccessDeniedException", 400, "LookupEvents"),
            "allow cloudtrail:LookupEvents in the IAM",
        ),
        (
            client_error("AccessDeniedException", 400, "GetCostAndUsage"),
            "allow ce:GetCostAndUsage in the IAM",
        ),
        (client_error("AccessDenied", 403, "AssumeRole"), "check its trust policy and external id"),
        (client_error("AuthFailure", 401), "a region that is not enabled for the account"),
        (client_error("ExpiredToken"), "renew them"),
        (client_error("SignatureDoesNotMatch", 403), "check the keys and this host's clock"),
        (client_error("AWSOrganizationsNotInUseException"), "list the accounts in the settings"),
        (botocore_errors.NoCredentialsError(), "or attach a role"),
        (
            botocore_errors.EndpointConnectionError(**URL, error="refused"),
            "no connection to ec2.eu-west-1.amazonaws.com",
        ),
        (botocore_errors.ReadTimeoutError(**URL), "no answer in time from ec2.eu-west-1"),
        (
            client_error("ValidationError", 400, "AssumeRole"),
            "the form of its ARN",
        ),
        (client_error("Throttling", 400, "AssumeRole"), "asked again later"),
        (
            client_error("AccessDenied", 403, "AssumeRoleWithWebIdentity"),
            "refused (AccessDenied): check its trust policy (issuer",
        ),
        (
            client_error("InvalidIdentityToken", 400, "AssumeRoleWithWebIdentity"),
            "the cluster's OIDC provider is known to IAM",
        ),
        (client_error("Throttling", 400, "AssumeRoleWithWebIdentity"), "asked again later"),
        (client_error("InternalError", 500, "AssumeRole"), "AWS could not answer (InternalError)"),
        (client_error("RequestTimeout", 408), "AWS could not answer (RequestTimeout)"),
        (client_error("DataUnavailableException"), "a day after it is first enabled"),
        (client_error("407", 407), "HTTP 407, not in AWS's words: look for a proxy"),
        (client_error("", 403), "HTTP 403, not in AWS's words: look for a proxy"),
        (ResponseParserError("<html>"), "perhaps a proxy's, is not as the API says"),
        (
            client_error("InvalidParameterValue"),
            "refused (InvalidParameterValue): see AWS's API reference of DescribeInstances",
        ),
    ],
)
def test_detail_says_how_to_mend_it(error, advice):
    """The line for the operator names the next step."""
    assert advice in translate(error, "list things").detail


@pytest.mark.parametrize("operation", ["AssumeRole", "DescribeInstances"])
@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDenied", 403),
        ("SignatureDoesNotMatch", 403),
        ("InvalidSignatureException", 400),
        ("InvalidClientTokenId", 403),
        ("ExpiredToken", 400),
        ("ValidationError", 400),
        ("ValidationException", 400),
        ("InvalidParameterValue", 400),
        ("Throttling", 400),
        ("InternalError", 500),
        ("NeverHeardOfIt", 403),
        ("403", 403),
        ("", 400),
        (SECRET, 400),
        ("x" * 500, 500),
    ],
)
def test_what_aws_says_stays_out(code, status, operation):
    """It can quote what was sent: an external id, or the signed request with its session token."""
    message = f"Value '{SECRET}' at 'externalId' failed to satisfy constraint: " + "very " * 5000
    detail = translate(client_error(code, status, operation, message), "list things").detail

    assert SECRET not in detail
    assert "externalId" not in detail
    assert len(detail) < 300


@pytest.mark.parametrize(
    ("header", "seconds"), [("7", 7.0), ("999999999999", 86400.0), ("soon", None), ("", None)]
)
def test_retry_after_is_passed_on(header, seconds):
    """What AWS asks for in seconds is kept, for a day at most; anything else is ignored."""
    error = client_error("ThrottlingException", **{"retry-after": header})

    assert translate(error, "list things").retry_after_seconds == seconds


def test_bugs_are_not_swallowed():
    """An error that no upstream raises leaves as it is."""
    with pytest.raises(KeyError), translated("list things"):
        raise KeyError("a bug of ours")


def test_source_errors_pass():
    """What has been translated is not translated again."""
    inner = SourceError(FailureReason.NO_RECENT_DATA, "old")

    with pytest.raises(SourceError) as caught, translated("list things"):
        raise inner

    assert caught.value is inner
