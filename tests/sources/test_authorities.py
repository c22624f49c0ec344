"""Upstreams behind a proxy that opens TLS: their certificates are of a company's own authority."""

import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from exporter.core.provenance import FailureReason
from exporter.exposition.instrumentation import Instrumentation
from exporter.sources.aws.endpoint import Endpoint
from exporter.sources.aws.session import AwsClients
from exporter.sources.source import SourceError
from exporter.sources.transport import Transport
from tests.certificates import issue, make_authority

PAGE = b"<html><body><p>This address is blocked.</p></body></html>"


class Refusing(BaseHTTPRequestHandler):
    """Whoever gets this far has trusted it."""

    def do_GET(self) -> None:
        """Say no, as such a proxy does."""
        self.send_response(403)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    do_POST = do_GET  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Keep quiet."""


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An upstream over TLS, which nothing on this machine has heard of."""
    for name in ("AWS_CA_BUNDLE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("NO_PROXY", "no_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    pair = issue(tmp_path, "server", make_authority(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert_file, pair.key_file)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"https://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def clients(address: str, monkeypatch: pytest.MonkeyPatch) -> AwsClients:
    """AWS at that address."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    own = Instrumentation(version="0", revision="", simulated=False)
    return AwsClients(own, connect_timeout_seconds=5.0, read_timeout_seconds=5.0)


def test_an_unknown_authority_is_told_of(address: str, clients: AwsClients) -> None:
    """With the variable that names it."""
    with pytest.raises(SourceError) as of_aws:
        Endpoint(clients, "ec2", "eu-west-1").answer("describe_regions")
    with pytest.raises(SourceError) as of_another:
        Transport(1, {}, "the grid").send("GET", address, {}, None, (5.0, 5.0))

    for refusal in (of_aws.value, of_another.value):
        assert refusal.reason is FailureReason.UNAVAILABLE
        assert "REQUESTS_CA_BUNDLE" in refusal.detail


def test_one_variable_names_the_authority(
    address: str, clients: AwsClients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To AWS's SDK as to requests; and it is seen that not AWS has answered."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.crt"))
    with pytest.raises(SourceError) as of_aws:
        Endpoint(clients, "ec2", "eu-west-1").answer("describe_regions")

    assert of_aws.value.reason is FailureReason.DENIED
    assert "HTTP 403, not in AWS's words: look for a proxy" in of_aws.value.detail
    assert Transport(1, {}, "the grid").send("GET", address, {}, None, (5.0, 5.0)).status == 403


def test_an_authority_that_is_not_there(
    address: str, clients: AwsClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The easiest mistake: a path that is only good outside of the container."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(SourceError, match="a readable file of its authority in REQUESTS_CA_BUNDLE"):
        Endpoint(clients, "ec2", "eu-west-1").answer("describe_regions")
    with pytest.raises(SourceError, match="is there the file that REQUESTS_CA_BUNDLE names"):
        Transport(1, {}, "the grid").send("GET", address, {}, None, (5.0, 5.0))


@pytest.mark.parametrize("password", ["[s3cret]", "s3[cret", "s3#cret", "s3?cret", "s3cret\u20ac"])
def test_a_proxy_whose_address_cannot_be_read(
    password: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is looked for at the right place, and its password stays out."""
    monkeypatch.setenv("HTTPS_PROXY", f"http://reader:{password}@127.0.0.1:1")
    with pytest.raises(SourceError) as refusal:
        Transport(1, {}, "the grid").send("GET", address, {}, None, (5.0, 5.0))

    assert refusal.value.reason is FailureReason.DENIED
    assert refusal.value.detail == (
        "the grid cannot be asked: look at its address, and at HTTPS_PROXY"
    )
    assert refusal.value.__cause__ is None
