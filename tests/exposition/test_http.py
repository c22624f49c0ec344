import gzip
import http.client
import logging
import os
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from exporter.exposition.http import MetricsServer
from exporter.exposition.limits import Limits
from tests.exposition.serving import PATIENCE_SECONDS, Pages, ask, client, exposition_of, serving


@pytest.fixture
def site() -> Pages:
    return Pages()


@pytest.fixture
def server(site: Pages) -> Iterator[MetricsServer]:
    with serving(site) as started:
        yield started


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
    assert raw(server, head.encode() + hidden).count(b"HTTP/1.1 ") == 1


def test_a_body_makes_no_other_refusal(server: MetricsServer) -> None:
    """Methods that change something are refused alike, with what is allowed."""
    answer = ask(server, method="POST", body=b"a")
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.body == ask(server, method="POST").body


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


def raw(server: MetricsServer, request: bytes) -> bytes:
    """Everything that is answered to some bytes."""
    address = ("127.0.0.1", server.port)
    with socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(request)
        return read_to_end(connection)


MANY_FIELDS = b"".join(b"X-%d: 1\r\n" % n for n in range(101))


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /" + b"a" * 40_000, 414),
        (b"GET /" + b"a" * 40_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 40_000, 431),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 400_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"X: a\r\n" * 10_000, 431),
        (b"GET / HTTP/1.1\r\n" + MANY_FIELDS + b"\r\n", 431),
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 413),
        (b"HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", 405),
        (b"\x00\xff\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
)
def test_what_is_oversized_or_malformed_is_refused(
    server: MetricsServer,
    caplog: pytest.LogCaptureFixture,
    request_bytes: bytes,
    status: int,
) -> None:
    """A 4xx that arrives, one log line with client and reason, and the end of the connection."""
    answer = raw(server, request_bytes)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close" in answer
    (record,) = caplog.records
    assert (record.message, record.levelno) == ("request refused", logging.WARNING)
    assert (record.client, record.status) == ("127.0.0.1", status)  # type: ignore[attr-defined]
    assert ask(server).status == 200


@pytest.mark.parametrize(
    "beginning", [b"GET", b"GET /metrics HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nA: b\r\nC"]
)
def test_a_request_that_is_never_complete_is_refused(
    site: Pages, caplog: pytest.LogCaptureFixture, beginning: bytes
) -> None:
    """After the time that a whole header may take: 408 and one log line."""
    with serving(site, limits=Limits(head_seconds=0.05)) as server:
        assert raw(server, beginning).startswith(b"HTTP/1.1 408 ")
    assert [record.message for record in caplog.records] == ["request refused"]


def test_a_slow_loris_gets_no_more_time_for_its_bytes(site: Pages) -> None:
    """The time is that of the whole header, however often something comes."""
    with serving(site, limits=Limits(head_seconds=0.1)) as server:
        address = ("127.0.0.1", server.port)
        with socket.create_connection(address, timeout=0.01) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nX: ")
            deadline_at = time.monotonic() + PATIENCE_SECONDS
            answer = b""
            while not answer and time.monotonic() < deadline_at:
                try:
                    connection.send(b"x")
                    answer = connection.recv(100)
                except TimeoutError:
                    continue
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("asks_first", [False, True])
def test_a_client_that_says_nothing_is_sent_away(
    site: Pages, caplog: pytest.LogCaptureFixture, *, asks_first: bool
) -> None:
    """Without an answer and without a log line: probes of a port and idle clients do so."""
    limits = Limits(idle_seconds=0.05) if asks_first else Limits(head_seconds=0.05)
    with serving(site, limits=limits) as server:
        answers = raw(server, b"GET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n" if asks_first else b"")
    assert answers.count(b"HTTP/1.1 ") == int(asks_first)
    assert caplog.records == []


def test_hostile_requests_do_not_fill_the_log(
    server: MetricsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The first few are told of, the others counted."""
    for _ in range(20):
        assert raw(server, b"nonsense\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert len(caplog.records) == 5
    assert "every 10 minutes" in caplog.records[-1].remark  # type: ignore[attr-defined]


def test_stalled_connections_cannot_lock_out_others(
    site: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    """Where there is no place, the connection that has waited the longest ends for a new one."""
    with serving(site, limits=Limits(connections=4)) as server:
        address = ("127.0.0.1", server.port)
        stalled = [socket.create_connection(address, timeout=PATIENCE_SECONDS) for _ in range(4)]
        try:
            assert ask(server, "/-/healthy").status == 200
            assert stalled[0].recv(1) == b""
            for _ in range(20):
                assert ask(server, "/metrics").status == 200
        finally:
            for connection in stalled:
                connection.close()
    assert caplog.records[0].message == "waiting connection ended for a new one"


def test_when_no_file_can_be_opened_it_waits(
    server: MetricsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It says so, tries again ten times a second, and answers when it can."""
    with socket.socket() as connection:
        connection.settimeout(PATIENCE_SECONDS)
        with no_further_files():
            connection.connect(("127.0.0.1", server.port))
            deadline_at = time.monotonic() + PATIENCE_SECONDS
            while len(caplog.records) < 2 and time.monotonic() < deadline_at:
                continue
        connection.sendall(b"GET /-/ready HTTP/1.0\r\n\r\n")
        assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")
    first, second, *_ = caplog.records
    assert first.message == "no connection can be accepted"
    assert first.reason == "Too many open files"  # type: ignore[attr-defined]
    assert second.created - first.created > 0.09


@contextmanager
def no_further_files() -> Iterator[None]:
    """This process may open none meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_pipelined_requests_are_answered_in_turn(server: MetricsServer) -> None:
    """What comes behind a request is the next one, with or without an empty line between them."""
    asked = (
        b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
        b"\r\nGET /-/ready HTTP/1.1\nHost: x\nConnection: close\n\n"
    )
    answers = raw(server, asked)
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert b"healthy\nHTTP/1.1 200 OK" in answers
    assert answers.endswith(b"ready\n")


@pytest.mark.parametrize(
    "request_bytes",
    [b"GET / HTTP/1.0\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nConnection: TE, Close\r\n\r\n"],
)
def test_a_client_that_wants_one_answer_gets_one(
    server: MetricsServer, request_bytes: bytes
) -> None:
    """The connection ends after it, and the answer says so."""
    answer = raw(server, request_bytes)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Connection: close" in answer


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
