import socket
import ssl
from collections.abc import Callable, Iterator
from threading import Thread

import pytest

from exporter.exposition.connection import (
    ClientGoneError,
    Connection,
    HandshakeError,
)
from exporter.exposition.limits import Limits
from exporter.exposition.request import BadRequestError

PATIENCE_SECONDS = 5.0
SHORT = Limits(
    handshake_seconds=0.05,
    head_seconds=0.05,
    head_bytes=100,
    answer_seconds=0.05,
    idle_seconds=0.05,
)
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection, and its client's end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname(), timeout=PATIENCE_SECONDS)
        accepted, address = listener.accept()
    connection = Connection(accepted, address[0], SHORT)
    yield connection, client
    connection.close()
    client.close()


def refused(act: Callable[[], object]) -> int:
    with pytest.raises(BadRequestError) as caught:
        act()
    return caught.value.status


def test_heads_come_one_by_one(pair):
    """However they are cut into pieces, and whichever end of line they have."""
    connection, client = pair
    client.sendall(HEAD + b"GET /2 HTTP/1.1\n\nGET /3")

    assert connection.receive_head() == HEAD
    assert connection.receive_head() == b"GET /2 HTTP/1.1\n\n"

    client.sendall(b" HTTP/1.1\r\n\r\n")
    assert connection.receive_head() == b"GET /3 HTTP/1.1\r\n\r\n"


@pytest.mark.parametrize("empty_line", [b"\r\n", b"\n", b"\r"])
def test_an_empty_line_begins_no_request(pair, empty_line):
    """Some clients end a request with one more, and then have nothing to say for a while."""
    connection, client = pair
    client.sendall(HEAD + empty_line)

    assert connection.receive_head() == HEAD
    assert connection.receive_head() == b""


@pytest.mark.parametrize("empty_line", [b"\r\n", b"\n"])
def test_an_empty_line_before_a_request_does_not_end_it(pair, empty_line):
    """Whoever reads the head ignores it."""
    connection, client = pair
    client.sendall(empty_line + HEAD)

    assert connection.receive_head() == empty_line + HEAD


@pytest.mark.parametrize("sent", [b"", b"\r\n", b"GET / HT"])
def test_a_client_that_has_no_more(pair, sent):
    """The end of its sending is the end, in the middle of a request too."""
    connection, client = pair
    client.sendall(sent)
    client.shutdown(socket.SHUT_WR)

    assert connection.receive_head() == b""


def test_a_client_that_says_nothing(pair):
    """It has so much time for its first request, and so much for the next."""
    connection, client = pair
    assert connection.receive_head() == b""

    client.sendall(HEAD)
    assert connection.receive_head() == HEAD
    assert connection.receive_head() == b""


def test_a_request_that_is_not_completed_in_time(pair):
    """It is refused."""
    connection, client = pair
    client.sendall(HEAD[:-2])

    assert refused(connection.receive_head) == 408


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /" + b"a" * 100, 414),
        (b"GET /" + b"a" * 100 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + b"a" * 100, 431),
        (b"GET / HTTP/1.1\r\na: " + b"a" * 100 + b"\r\n\r\n", 431),
        (b"\x16\x03\x01\x00", 400),
    ],
)
def test_a_request_that_is_too_long_or_none(pair, sent, status):
    """It is refused as soon as that is known."""
    connection, client = pair
    client.sendall(sent)

    assert refused(connection.receive_head) == status


def test_a_head_may_be_as_long_as_the_limit(pair):
    """To the byte."""
    connection, client = pair
    exact = b"GET / HTTP/1.1\r\na: " + b"b" * (100 - 23) + b"\r\n\r\n"
    assert len(exact) == 100
    client.sendall(exact)

    assert connection.receive_head() == exact


def test_every_step_of_the_client_counts(pair):
    """A request that came is a step; bytes of one that is not complete are none."""
    connection, client = pair
    connected_at = connection.waiting_since
    client.sendall(HEAD)
    connection.receive_head()
    asked_at = connection.waiting_since

    client.sendall(HEAD[:-2])
    refused(connection.receive_head)

    assert connected_at < asked_at < connection.waiting_since


def test_an_answer_in_pieces(pair):
    """They arrive in order, larger than any buffer or empty of it."""
    connection, client = pair
    pieces = [b"a" * 10, b"b" * 3_000_000, b"c"]
    received = bytearray()

    def read() -> None:
        while piece := client.recv(65536):
            received.extend(piece)

    reader = Thread(target=read)
    reader.start()
    connection.send(iter(pieces))
    connection.close()
    reader.join(PATIENCE_SECONDS)

    assert received == b"".join(pieces)


def test_an_answer_that_nobody_takes(pair):
    """The client is given up after a while."""
    connection, _ = pair

    with pytest.raises(ClientGoneError):
        connection.send([b"a" * 100_000_000])


class Steady:
    """A socket that takes or brings a byte at a time, and a clock by which each takes 10 s."""

    def __init__(self) -> None:
        self.now = 0.0
        self.limits_seconds: list[float] = []

    def setsockopt(self, *_: int) -> None:
        """Nothing to set."""

    def settimeout(self, seconds: float) -> None:
        """Keep the limit."""
        self.limits_seconds.append(seconds)

    def send(self, _: bytes) -> int:
        """Take one byte."""
        self.now += 10.0
        return 1

    def recv(self, _: int) -> bytes:
        """Bring one byte."""
        self.now += 10.0
        return b"a"

    def connection(self) -> Connection:
        """A connection with it, and 15 s for everything."""
        limits = Limits(head_seconds=15.0, answer_seconds=15.0)
        return Connection(self, "127.0.0.1", limits, lambda: self.now)  # type: ignore[arg-type]  # all that is used of one


def test_an_answer_has_its_time_however_steadily_it_is_taken():
    """A client that always takes a little is given up all the same."""
    steady = Steady()

    with pytest.raises(ClientGoneError):
        steady.connection().send([b"ab", b"cd"])

    assert steady.limits_seconds == [15.0, 5.0]


def test_a_request_has_its_time_however_steadily_it_comes():
    """The time begins with its first byte."""
    steady = Steady()

    assert refused(steady.connection().receive_head) == 408

    assert steady.limits_seconds == [15.0, 15.0, 5.0]


def test_an_answer_to_someone_who_left(pair):
    """It is no error of ours."""
    connection, client = pair
    client.close()

    with pytest.raises(ClientGoneError):
        connection.send([b"a"] * 10_000)


def test_aborting_ends_every_wait(pair):
    """Whatever the thread of the connection waits for."""
    connection, client = pair
    client.sendall(b"GET")
    waiting = Thread(target=connection.receive_head)
    waiting.start()

    connection.abort()
    waiting.join(PATIENCE_SECONDS)

    assert not waiting.is_alive()
    assert connection.aborted


def test_after_the_end_of_reading_an_answer_is_still_sent(pair):
    """No request comes any more, but what was asked for arrives."""
    connection, client = pair
    client.sendall(HEAD)
    connection.receive_head()

    connection.end_reading()
    connection.send([b"answer"])

    assert client.recv(10) == b"answer"
    assert connection.receive_head() == b""


def test_ending_what_is_closed_is_nothing(pair):
    """The thread of the connection may have been faster."""
    connection, _ = pair
    connection.close()

    connection.abort()
    connection.end_reading()
    connection.close()


def test_a_last_answer_arrives_although_the_client_still_sends(pair):
    """What is sent after it is read and dropped: closing at once would lose the answer."""
    connection, client = pair
    client.sendall(b"x" * 50_000)
    connection.send([b"no"])
    client.shutdown(socket.SHUT_WR)

    connection.linger()
    connection.close()

    assert (client.recv(10), client.recv(10)) == (b"no", b"")


def test_a_handshake_that_is_not_completed(pair):
    """The client has so much time for it."""
    connection, client = pair
    client.sendall(b"\x16\x03\x01\x02\x00")

    with pytest.raises(HandshakeError, match=r"not completed within 0\.05 s"):
        connection.secure(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def test_a_handshake_of_someone_who_left(pair):
    """Probes of a port do so: it is no error."""
    connection, client = pair
    client.close()

    with pytest.raises(ClientGoneError):
        connection.secure(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


def test_a_handshake_that_was_aborted_before(pair):
    """The socket that TLS is put around is not the one that was ended."""
    connection, _ = pair
    connection.aborted = True

    with pytest.raises(ClientGoneError):
        connection.secure(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
