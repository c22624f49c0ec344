"""What no stand-in for requests can show: connections that break, hang, drip or never end."""

import gzip
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest

from exporter.core.provenance import FailureReason
from exporter.sources.http import HttpUpstream
from exporter.sources.source import SourceError

CONNECT_SECONDS = 0.2
READ_SECONDS = 0.3
LIMIT_SECONDS = CONNECT_SECONDS + 2 * READ_SECONDS
SLACK_SECONDS = 2.0  # for a busy machine; the servers below would go on for ever

Script = Callable[[socket.socket, threading.Event], None]


class Witness:
    """A RequestObserver that remembers failures."""

    def __init__(self) -> None:
        self.failures: list[FailureReason | None] = []

    def request(
        self, upstream: str, operation: str, seconds: float, failure: FailureReason | None
    ) -> None:
        """Remember the report."""
        assert (upstream, operation) == ("boavizta", "x")
        assert seconds >= 0
        self.failures.append(failure)

    def spend(self, operation: str, usd: float) -> None:
        """Nothing here is billed."""
        raise AssertionError(f"{operation} costs {usd}")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    """The machine's own proxy settings must not matter."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@contextmanager
def serving(*scripts: Script) -> Iterator[int]:
    """A loopback server: the n-th connection plays the n-th script, later ones the last."""
    done = threading.Event()
    players: list[threading.Thread] = []
    connections: list[socket.socket] = []

    def play(connection: socket.socket, script: Script) -> None:
        with connection, suppress(OSError):  # the client may hang up: that is the point
            script(connection, done)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connections.append(connection)
            script = scripts[min(len(players), len(scripts) - 1)]
            player = threading.Thread(target=play, args=(connection, script))
            players.append(player)
            player.start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield listener.getsockname()[1]
        finally:
            done.set()
            listener.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for connection, player in zip(connections, players, strict=True):
                with suppress(OSError):  # most are closed already
                    connection.shutdown(socket.SHUT_RDWR)
                player.join()


def upstream(port: int, witness: Witness) -> HttpUpstream:
    return HttpUpstream("boavizta", f"http://127.0.0.1:{port}", witness)


def impatient(witness: Witness, base_url: str) -> HttpUpstream:
    return HttpUpstream(
        "boavizta",
        base_url,
        witness,
        connect_timeout_seconds=CONNECT_SECONDS,
        read_timeout_seconds=READ_SECONDS,
    )


def failure_of(http: HttpUpstream) -> SourceError:
    with pytest.raises(SourceError) as caught:
        http.get_text("x", "/x")
    return caught.value


def assert_timely(http: HttpUpstream) -> None:
    begun = time.monotonic()
    assert failure_of(http).reason is FailureReason.TIMEOUT
    assert time.monotonic() - begun < LIMIT_SECONDS + SLACK_SECONDS


def read_request(connection: socket.socket) -> None:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(4096)
        if not chunk:
            raise ConnectionResetError
        received += chunk


def reply(body: bytes, *headers: str) -> bytes:
    head = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + body


def answer(*bodies: bytes) -> Script:
    """Answer as many requests of the connection, then close it without a word."""

    def script(connection: socket.socket, _: threading.Event) -> None:
        for body in bodies:
            read_request(connection)
            connection.sendall(reply(body))

    return script


def raw(data: bytes) -> Script:
    def script(connection: socket.socket, _: threading.Event) -> None:
        read_request(connection)
        connection.sendall(data)

    return script


def reset(connection: socket.socket, _: threading.Event) -> None:
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def hang(connection: socket.socket, done: threading.Event) -> None:
    read_request(connection)
    done.wait()


def drip(start: bytes) -> Script:
    """Send ``start`` at once, then one byte at a time, faster than any silence limit."""

    def script(connection: socket.socket, done: threading.Event) -> None:
        read_request(connection)
        connection.sendall(start)
        while not done.wait(0.02):
            connection.sendall(b"a")

    return script


def pour(connection: socket.socket, done: threading.Event) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while not done.is_set():
        connection.sendall(b"a" * 65536)


def test_refused_connection_is_tried_twice():
    """Nobody listens: two attempts, both reported, and advice in the detail."""
    witness = Witness()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    failure = failure_of(upstream(port, witness))

    assert failure.reason is FailureReason.UNAVAILABLE
    assert "refused the connection" in failure.detail
    assert f"127.0.0.1:{port}" in failure.detail
    assert witness.failures == [FailureReason.UNAVAILABLE] * 2


@pytest.mark.parametrize("first", [reset, answer()])
def test_lost_connection_is_tried_once_more(first):
    """A reset, or a connection closed without an answer, is forgotten when the next one works."""
    witness = Witness()
    with serving(first, answer(b"fine")) as port:
        assert upstream(port, witness).get_text("x", "/x") == "fine"

    assert witness.failures == [FailureReason.UNAVAILABLE, None]


def test_connection_lost_twice_is_unavailable():
    """There is no third attempt."""
    witness = Witness()
    with serving(reset, reset, answer(b"fine")) as port:
        failure = failure_of(upstream(port, witness))

    assert failure.reason is FailureReason.UNAVAILABLE
    assert witness.failures == [FailureReason.UNAVAILABLE] * 2


@pytest.mark.parametrize(
    "script",
    [
        hang,
        drip(b""),
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\n\r\n"),
        drip(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"),
        drip(b"HTTP/1.1 503 No\r\nContent-Length: 1000000\r\n\r\n"),
    ],
    ids=["silence", "status", "header", "body", "endless", "chunk", "refusal"],
)
def test_no_server_can_hold_its_caller(script):
    """Silence and drops alike end in a time-out within the limit, and are not repeated."""
    witness = Witness()
    with serving(script) as port:
        assert_timely(impatient(witness, f"http://127.0.0.1:{port}"))

    assert witness.failures == [FailureReason.TIMEOUT]


def test_both_attempts_share_the_time():
    """A lost connection followed by drops takes no longer than drops alone."""
    witness = Witness()
    with serving(reset, drip(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        assert_timely(impatient(witness, f"http://127.0.0.1:{port}"))

    assert witness.failures == [FailureReason.UNAVAILABLE, FailureReason.TIMEOUT]


def test_time_is_limited_through_a_proxy_too(monkeypatch):
    """The second exchange through the same proxy is as limited as the first."""
    witness = Witness()
    with serving(drip(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        http = impatient(witness, "http://upstream.test")
        assert_timely(http)
        assert_timely(http)

    assert witness.failures == [FailureReason.TIMEOUT] * 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", FailureReason.UNAVAILABLE),
        (b"SSH-2.0-OpenSSH_9.9\r\n", FailureReason.UNAVAILABLE),
        (reply(b"not gzip", "Content-Encoding: gzip"), FailureReason.MALFORMED),
        (
            reply(gzip.compress(b"0" * 100_000_000, 1), "Content-Encoding: gzip"),
            FailureReason.MALFORMED,
        ),
    ],
    ids=["cut", "not-http", "broken-gzip", "bomb"],
)
def test_broken_answers_are_not_repeated(data, reason):
    """An answer that came, but broken, is translated and reported once."""
    witness = Witness()
    with serving(raw(data)) as port:
        failure = failure_of(upstream(port, witness))

    assert failure.reason is reason
    assert witness.failures == [reason]


def test_endless_answer_is_cut_off():
    """A flood ends at the size limit or the time limit, whichever comes first."""
    witness = Witness()
    with serving(pour) as port:
        failure = failure_of(upstream(port, witness))

    assert failure.reason in {FailureReason.MALFORMED, FailureReason.TIMEOUT}


def test_kept_connection_that_died_meanwhile_goes_unnoticed():
    """The second request finds the connection closed and gets its answer on a new one."""
    witness = Witness()
    with serving(answer(b"one"), answer(b"two")) as port:
        http = upstream(port, witness)
        assert [http.get_text("x", "/x") for _ in range(2)] == ["one", "two"]

    assert witness.failures[-1] is None
    assert len(witness.failures) <= 3


def test_connection_is_kept_for_the_next_request():
    """Two requests travel on one connection."""
    with serving(answer(b"one", b"two"), reset) as port:
        http = upstream(port, Witness())
        assert [http.get_text("x", "/x") for _ in range(2)] == ["one", "two"]


def test_eight_threads_share_an_upstream():
    """Eight exchanges at once, the first use included: each gets its answer."""
    together = threading.Barrier(8, timeout=30)
    witness = Witness()

    def fetch(_: int) -> str:
        together.wait()
        return http.get_text("x", "/x")

    with serving(answer(*[b"fine"] * 3)) as port, ThreadPoolExecutor(8) as pool:
        http = upstream(port, witness)
        for _ in range(3):
            assert list(pool.map(fetch, range(8))) == ["fine"] * 8

    assert witness.failures.count(None) == 24
