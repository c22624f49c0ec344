import gzip
import http.client
import logging
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from exporter.exposition.catalogue import instances
from exporter.exposition.family import labelled
from exporter.exposition.http import MetricsServer
from exporter.exposition.render import Exposition, Renderer

PATIENCE_SECONDS = 5.0


def exposition_of(count: int) -> Exposition:
    samples = ((("a", "r", f"i-{n}", "t"), float(n)) for n in range(count))
    return Renderer().render([labelled(instances.RUNNING, samples)], (), "own_metric 1.0\n")


@dataclass
class Pages:
    """A site whose parts a test sets."""

    exposition: Exposition = field(default_factory=lambda: exposition_of(3))
    unready_reason: str = ""
    unhealthy_reason: str = ""
    failure: Exception | None = None

    def page(self, query: Mapping[str, str]) -> bytes:
        """Show the query, or fail."""
        if self.failure is not None:
            raise self.failure
        return f"<p>{sorted(query.items())}</p>".encode()


@pytest.fixture
def site() -> Pages:
    return Pages()


@contextmanager
def serving(
    site: Pages, address: str = "127.0.0.1:0", max_connections: int = 64
) -> Iterator[MetricsServer]:
    server = MetricsServer(address, site, max_connections=max_connections)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def server(site: Pages) -> Iterator[MetricsServer]:
    with serving(site) as started:
        yield started


@contextmanager
def client(server: MetricsServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_SECONDS)
    try:
        yield connection
    finally:
        connection.close()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


def ask(
    server: MetricsServer,
    path: str = "/metrics",
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> Answer:
    with client(server) as connection:
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())


def test_gzip_is_what_prometheus_gets(server: MetricsServer, site: Pages) -> None:
    """The header describes the body, and the body is the exposition."""
    answer = ask(server, headers={"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.body) == site.exposition.identity()


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("identity", None),
        ("gzip;q=0", None),
        ("deflate", None),
        ("deflate, gzip;q=0.5", "gzip"),
        ("*", "gzip"),
    ],
)
def test_encodings_are_negotiated(
    server: MetricsServer, site: Pages, accepted: str, encoding: str | None
) -> None:
    """Plain text for whoever does not take gzip, and caches are told."""
    answer = ask(server, headers={"Accept-Encoding": accepted})
    assert answer.headers["Content-Encoding"] == encoding
    assert answer.headers["Vary"] == "Accept-Encoding"
    body = gzip.decompress(answer.body) if encoding else answer.body
    assert body == site.exposition.identity()


@pytest.mark.parametrize("options", [["--compressed"], []])
def test_curl_reads_every_block(server: MetricsServer, site: Pages, options: list[str]) -> None:
    """Curl, which stops after the first gzip member, gets the whole body."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    site.exposition = exposition_of(5000)
    url = f"http://127.0.0.1:{server.port}/metrics"
    done = subprocess.run(
        [curl, "--silent", "--show-error", "--noproxy", "*", *options, url],
        capture_output=True,
        check=True,
    )
    assert done.stdout == site.exposition.identity()


@pytest.mark.parametrize("accepted", ["gzip", "identity"])
@pytest.mark.parametrize("path", ["/metrics", "/", "/-/healthy", "/-/ready", "/nowhere"])
def test_head_is_get_without_body(server: MetricsServer, path: str, accepted: str) -> None:
    """The same status and headers, the length of the body included, and no body."""
    headers = {"Accept-Encoding": accepted}
    got, head = ask(server, path, headers=headers), ask(server, path, "HEAD", headers=headers)
    assert (head.status, head.headers.items()) == (got.status, got.headers.items())
    assert head.body == b""


def test_connections_are_kept_alive(server: MetricsServer, site: Pages) -> None:
    """Several requests, of any kind, use one connection; each gets the current state."""
    with client(server) as connection:
        used = set()
        for method, path in [("GET", "/metrics"), ("HEAD", "/metrics"), ("GET", "/")] * 2:
            connection.request(method, path, headers={"Accept-Encoding": "gzip"})
            connection.getresponse().read()
            assert connection.sock is not None
            used.add(connection.sock.getsockname())
        site.exposition = exposition_of(4)
        connection.request("GET", "/metrics")
        assert connection.getresponse().read() == site.exposition.identity()
        assert len(used) == 1


def test_ready_follows_the_site(server: MetricsServer, site: Pages) -> None:
    """503 with the reason until there is a fleet; healthy and scrapable all the while."""
    site.unready_reason = "waiting for the first inventory"
    waiting = ask(server, "/-/ready")
    assert (waiting.status, waiting.body) == (503, b"waiting for the first inventory\n")
    assert ask(server, "/-/healthy").status == 200
    assert ask(server, "/metrics").status == 200
    site.unready_reason = ""
    assert ask(server, "/-/ready").status == 200


def test_healthy_follows_the_site(server: MetricsServer, site: Pages) -> None:
    """503 with the reason when the process had better be started again."""
    site.unhealthy_reason = "nothing has been published for 121 s"
    answer = ask(server, "/-/healthy")
    assert (answer.status, answer.body) == (503, b"nothing has been published for 121 s\n")


@pytest.mark.parametrize("path", ["/nowhere", "/metrics/", "/Metrics", "/-/reload"])
def test_unknown_paths_are_not_found(server: MetricsServer, path: str) -> None:
    """404 says what there is."""
    answer = ask(server, path)
    assert answer.status == 404
    assert b"/metrics" in answer.body


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"]
)
def test_other_methods_are_refused(server: MetricsServer, method: str) -> None:
    """Nothing can be changed over the web."""
    answer = ask(server, method=method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_body_is_not_the_next_request(server: MetricsServer, method: str) -> None:
    """A request hidden in the body of another is never answered: the connection ends."""
    hidden = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
    head = f"{method} /-/ready HTTP/1.1\r\nHost: x\r\nContent-Length: {len(hidden)}\r\n\r\n"
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(head.encode() + hidden)
        received = read_to_end(connection)
    assert received.count(b"HTTP/1.1 ") == 1


def read_to_end(connection: socket.socket) -> bytes:
    """Read until the server ends the connection, in order or not."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def test_the_page_gets_the_query_and_runs_nothing(server: MetricsServer) -> None:
    """Query fields are decoded; the browser is told to load and run nothing."""
    answer = ask(server, "/?sort=power&q=a%20%3Cb%3E")
    assert answer.body == b"<p>[('q', 'a <b>'), ('sort', 'power')]</p>"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy


def test_too_many_query_fields_are_refused(server: MetricsServer) -> None:
    """A query cannot make the server work hard."""
    assert ask(server, "/?" + "&".join(f"f{n}=1" for n in range(100))).status == 400


@pytest.mark.parametrize("beginning", [b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\nHost: x\r\n"])
def test_a_slow_client_blocks_nobody(server: MetricsServer, beginning: bytes) -> None:
    """While some clients never finish their request, others are answered."""
    address = ("127.0.0.1", server.port)
    slow = [socket.create_connection(address, timeout=PATIENCE_SECONDS) for _ in range(5)]
    try:
        for connection in slow:
            connection.sendall(beginning)
        assert ask(server).status == 200
    finally:
        for connection in slow:
            connection.close()


def test_a_client_that_does_not_read_blocks_nobody(server: MetricsServer, site: Pages) -> None:
    """A large answer that nobody takes holds its own thread only."""
    site.exposition = exposition_of(100_000)
    with client(server) as stuck:
        stuck.request("GET", "/metrics", headers={"Accept-Encoding": "identity"})
        assert ask(server, "/-/healthy").status == 200


def test_connections_are_bounded(site: Pages) -> None:
    """Beyond the limit a client is disconnected; a place that is free again is given away."""
    with serving(site, max_connections=1) as server:
        with client(server) as first:
            first.request("GET", "/-/healthy")
            first.getresponse().read()
            with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
                ask(server, "/-/healthy")
            first.request("GET", "/-/healthy")
            assert first.getresponse().status == 200
        assert answered_before_long(server)


def answered_before_long(server: MetricsServer) -> bool:
    """Try until there is an answer: the server notices a closed connection a moment later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            return ask(server, "/-/healthy").status == 200
        except (ConnectionError, http.client.RemoteDisconnected):
            continue
    return False


def test_stop_is_fast_and_ends_idle_connections(site: Pages) -> None:
    """A kept-alive connection does not hold up the end of the program."""
    with serving(site) as server, client(server) as connection:
        connection.request("GET", "/-/healthy")
        connection.getresponse().read()
        began = time.monotonic()
        server.stop()
        assert connection.sock is not None
        assert connection.sock.recv(1) == b""
        assert time.monotonic() - began < 1.0
        with pytest.raises(ConnectionError):
            ask(server)


def test_stopping_what_never_started_is_nothing(site: Pages) -> None:
    """Clean-up after a failed start does not fail itself."""
    MetricsServer("127.0.0.1:0", site).stop()


@pytest.mark.parametrize(
    ("failure", "logged"),
    [(BrokenPipeError(), False), (ConnectionResetError(), False), (KeyError("a bug"), True)],
)
def test_a_client_that_left_is_no_error(
    server: MetricsServer,
    site: Pages,
    caplog: pytest.LogCaptureFixture,
    failure: Exception,
    logged: bool,  # noqa: FBT001 (a table)
) -> None:
    """A broken connection is silent, a bug is logged; either way the server lives on."""
    site.failure = failure
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        ask(server, "/")
    assert [record.levelno for record in caplog.records] == ([logging.ERROR] if logged else [])
    assert ask(server).status == 200


def test_ipv6(site: Pages) -> None:
    """An address in brackets is an IPv6 address."""
    server = MetricsServer("[::1]:0", site)
    try:
        server.start()
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    connection = http.client.HTTPConnection("::1", server.port, timeout=PATIENCE_SECONDS)
    connection.request("GET", "/-/healthy")
    assert connection.getresponse().status == 200
    connection.close()
    server.stop()


def test_an_address_in_use_is_an_error(server: MetricsServer, site: Pages) -> None:
    """Starting says so at once, and stopping what did not start is harmless."""
    second = MetricsServer(f"127.0.0.1:{server.port}", site)
    with pytest.raises(OSError, match="in use"):
        second.start()
    second.stop()


def test_the_port_is_known_after_the_start(site: Pages) -> None:
    """Asking earlier is a bug."""
    with pytest.raises(RuntimeError, match="started"):
        _ = MetricsServer("127.0.0.1:0", site).port


def test_an_unreadable_address_is_refused(site: Pages) -> None:
    """Before anything listens."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        MetricsServer("10105", site)
