"""The exchange as seen by a source: what is sent, what is understood, what is reported."""

import re
import subprocess
import sys
import traceback
from collections.abc import Callable

import pytest
import requests
import responses

from exporter.core.provenance import FailureReason
from exporter.sources.http import HttpUpstream
from exporter.sources.source import SourceError

BASE = "http://upstream.test:8080/api"
SECRET = "tok-5ecret"
NOW = 1_800_000_000.0


class Witness:
    """A RequestObserver that remembers."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, FailureReason | None]] = []
        self.seconds: list[float] = []

    def request(
        self, upstream: str, operation: str, seconds: float, failure: FailureReason | None
    ) -> None:
        """Remember the report."""
        self.seen.append((upstream, operation, failure))
        self.seconds.append(seconds)

    def spend(self, operation: str, usd: float) -> None:
        """Nothing here is billed."""
        raise AssertionError(f"{operation} costs {usd}")


def upstream(witness: Witness | None = None, base_url: str = BASE) -> HttpUpstream:
    return HttpUpstream(
        "boavizta",
        base_url,
        witness or Witness(),
        headers={"auth-token": SECRET},
        wall=lambda: NOW,
    )


def failure_of(call: Callable[[], object]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        call()
    return caught.value


@responses.activate
def test_get_json_sends_parameters_and_headers_below_the_base_path():
    """The base URL's path is a prefix, and the headers go with every request."""
    sent = responses.get(f"{BASE}/v1/thing", json={"a": [1, 2.5, None]})

    document = upstream().get_json("thing", "/v1/thing", {"zone": "A B", "x": "1"})

    assert document == {"a": [1, 2.5, None]}
    assert sent.calls[0].request.url == f"{BASE}/v1/thing?zone=A+B&x=1"
    assert sent.calls[0].request.headers["auth-token"] == SECRET


@responses.activate
def test_post_json_sends_the_body():
    """The body travels as JSON, numbers as numbers."""
    body = {"load": 50.0}
    responses.post(
        f"{BASE}/compute",
        json="done",
        match=[
            responses.matchers.json_params_matcher(body),
            responses.matchers.query_param_matcher({"verbose": "true"}),
        ],
    )

    assert upstream().post_json("compute", "/compute", {"verbose": "true"}, body) == "done"


@responses.activate
def test_base_url_keeps_its_query_and_user():
    """A base URL may carry what a gateway asks for; without a path it is used as it is."""
    sent = responses.get(re.compile(r"http://(me:pass@)?gate\.test/rates\.xml.*"), body="ok")

    upstream(base_url="http://me:pass@gate.test/rates.xml?key=k1").get_text("rates", "")

    assert sent.calls[0].request.url.endswith("gate.test/rates.xml?key=k1")
    assert sent.calls[0].request.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (301, FailureReason.UNAVAILABLE),
        (400, FailureReason.MALFORMED),
        (401, FailureReason.DENIED),
        (403, FailureReason.DENIED),
        (404, FailureReason.NOT_COVERED),
        (408, FailureReason.TIMEOUT),
        (422, FailureReason.MALFORMED),
        (429, FailureReason.THROTTLED),
        (500, FailureReason.UNAVAILABLE),
        (503, FailureReason.UNAVAILABLE),
        (599, FailureReason.UNAVAILABLE),
    ],
)
@responses.activate
def test_status_becomes_a_reason(status, reason):
    """Each status has one reason, whatever the body, and is neither followed nor repeated."""
    witness = Witness()
    headers = {"Location": f"{BASE}/elsewhere"}
    sent = responses.get(f"{BASE}/x", status=status, body="<html>Oops</html>", headers=headers)
    responses.get(f"{BASE}/elsewhere", json={})

    failure = failure_of(lambda: upstream(witness).get_json("x", "/x", {}))

    assert failure.reason is reason
    assert str(status) in failure.detail
    assert sent.call_count == 1
    assert witness.seen == [("boavizta", "x", reason)]


@responses.activate
def test_redirect_names_the_setting_and_the_host_only():
    """The operator learns what to change; the rest of the address may be secret."""
    location = "https://me:pw@final.test/deep?key=hidden"
    responses.get(f"{BASE}/x", status=308, headers={"Location": location})

    detail = failure_of(lambda: upstream().get_json("x", "/x", {})).detail

    assert "CARBONFINOPS_BOAVIZTA__BASE_URL" in detail
    assert "https://final.test" in detail
    assert "pw" not in detail
    assert "hidden" not in detail


@pytest.mark.parametrize("status", [401, 429, 503])
@responses.activate
def test_retry_after_is_passed_on(status):
    """What the upstream asks for reaches the refresh loop."""
    responses.get(f"{BASE}/x", status=status, headers={"Retry-After": "77"})

    assert failure_of(lambda: upstream().get_text("x", "/x")).retry_after_seconds == 77.0


@responses.activate
def test_an_upstream_may_give_statuses_its_own_meaning():
    """The function sees status and body; None leaves the status to the default."""
    responses.get(f"{BASE}/x", status=404, body="nothing recent \xe9")
    responses.get(f"{BASE}/y", status=429)
    heard: list[tuple[int, str]] = []

    def meaning(status: int, body: str) -> tuple[FailureReason, str] | None:
        heard.append((status, body))
        return (FailureReason.NO_RECENT_DATA, "old") if status == 404 else None

    first = failure_of(lambda: upstream().get_json("x", "/x", {}, meaning=meaning))
    second = failure_of(lambda: upstream().get_text("y", "/y", meaning=meaning))

    assert (first.reason, first.detail) == (FailureReason.NO_RECENT_DATA, "old")
    assert second.reason is FailureReason.THROTTLED
    assert heard == [(404, "nothing recent \xe9"), (429, "")]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><body>Service Unavailable</body></html>",
        b'{"a": 1, "b": [2<<{',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": -1e999}',
        b'{"a": "\xff\xfe"}',
        b"[" * 200_000,
        b"9" * 5_000,
    ],
)
@responses.activate
def test_unreadable_json_is_malformed_and_counted(body):
    """Cut, blank, not JSON, or JSON only by Python's generosity: never a value."""
    witness = Witness()
    responses.get(f"{BASE}/x", body=body)

    failure = failure_of(lambda: upstream(witness).get_json("x", "/x", {}))

    assert failure.reason is FailureReason.MALFORMED
    assert witness.seen == [("boavizta", "x", FailureReason.MALFORMED)]


@responses.activate
def test_text_must_be_utf8():
    """Other bytes are malformed, not guessed at."""
    responses.get(f"{BASE}/good", body="é".encode())
    responses.get(f"{BASE}/bad", body=b"\xe9")

    assert upstream().get_text("good", "/good") == "é"
    failure = failure_of(lambda: upstream().get_text("bad", "/bad"))
    assert failure.reason is FailureReason.MALFORMED


@pytest.mark.parametrize(("size", "accepted"), [(8_000_000, True), (8_000_001, False)])
@responses.activate
def test_answers_above_eight_megabytes_are_malformed(size, accepted):
    """The limit is exact, so that a large true answer is not lost by accident."""
    responses.get(f"{BASE}/x", body=b"a" * size)

    if accepted:
        assert len(upstream().get_text("x", "/x")) == size
    else:
        failure = failure_of(lambda: upstream().get_text("x", "/x"))
        assert failure.reason is FailureReason.MALFORMED


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (requests.exceptions.SSLError(SECRET), FailureReason.UNAVAILABLE),
        (requests.exceptions.ProxyError(SECRET), FailureReason.UNAVAILABLE),
        (requests.exceptions.ConnectTimeout(SECRET), FailureReason.TIMEOUT),
        (requests.exceptions.ReadTimeout(SECRET), FailureReason.TIMEOUT),
        (requests.exceptions.ContentDecodingError(SECRET), FailureReason.MALFORMED),
        (requests.exceptions.ChunkedEncodingError(SECRET), FailureReason.UNAVAILABLE),
        (requests.exceptions.InvalidHeader(SECRET), FailureReason.DENIED),
        (ValueError(f"{SECRET} does not appear to be an address"), FailureReason.DENIED),
        (OSError(f"no certificate bundle at {SECRET}"), FailureReason.DENIED),
    ],
)
@responses.activate
def test_transport_errors_are_translated_once_and_not_repeated(error, reason):
    """The reason says what happened; neither detail nor traceback quotes the library's text."""
    witness = Witness()
    sent = responses.get(f"{BASE}/x", body=error)

    failure = failure_of(lambda: upstream(witness).get_json("x", "/x", {}))

    assert failure.reason is reason
    assert sent.call_count == 1
    assert witness.seen == [("boavizta", "x", reason)]
    assert SECRET not in "".join(traceback.format_exception(failure))


@pytest.mark.parametrize("answer", [{"status": 500}, {"status": 401}, {"body": "no"}])
@responses.activate
def test_no_detail_shows_a_secret(answer):
    """Not the token, not the base URL's user information, not its query."""
    responses.get(f"{BASE}/x", **answer)
    base_url = BASE.replace("http://", "http://user:pa55@") + "?key=hidden"

    detail = failure_of(lambda: upstream(base_url=base_url).get_json("x", "/x", {})).detail

    assert BASE in detail
    for secret in (SECRET, "user", "pa55", "hidden"):
        assert secret not in detail


@responses.activate
def test_success_is_observed_with_its_duration():
    """Exactly one report for one request, without a failure."""
    witness = Witness()
    responses.get(f"{BASE}/x", json=1)

    upstream(witness).get_json("x", "/x", {})

    assert witness.seen == [("boavizta", "x", None)]
    assert 0 <= witness.seconds[0] < 60


@pytest.mark.parametrize(
    "base_url",
    [
        "",
        "upstream.test",
        "ftp://upstream.test",
        "http://",
        "http://host:0",
        "http://host:no",
        "http://[::1",
        "file:///etc/hidden",
    ],
)
def test_unusable_base_url_is_refused_at_once(base_url):
    """A wrong setting is named at the start, not at the first refresh; its value is not shown."""
    with pytest.raises(ValueError, match=r"^CARBONFINOPS_CURRENCY__ECB_URL must be") as caught:
        HttpUpstream("ecb", base_url, Witness(), base_url_setting="CARBONFINOPS_CURRENCY__ECB_URL")

    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("token", ["a\nb", "a\r", "“quoted”", "a\x00"])
def test_unsendable_header_is_refused_at_once(token):
    """A token with a line break or typographic quotes fails at the start, and is not shown."""
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        HttpUpstream("boavizta", BASE, Witness(), headers={"auth-token": token})

    assert token not in str(caught.value)


def test_requests_is_not_imported_at_start(pytestconfig):
    """Importing and constructing cost nothing; the library comes with the first exchange."""
    program = (
        "import sys; from exporter.sources.http import HttpUpstream;"
        " HttpUpstream('u', 'http://h', None); sys.exit('requests' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=pytestconfig.rootpath)
