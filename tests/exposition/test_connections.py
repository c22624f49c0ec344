import pytest

from exporter.exposition.connection import Connection
from exporter.exposition.connections import Connections, origin


class FakeConnection(Connection):
    """A connection without a socket, which says what was done to it."""

    def __init__(self, host: str, waiting_since: float) -> None:
        self.host = host
        self.waiting_since = waiting_since
        self.events: list[str] = []

    def abort(self) -> None:
        """Note it."""
        self.events.append("abort")

    def close(self) -> None:
        """Note it."""
        self.events.append("close")

    def end_reading(self) -> None:
        """Note it."""
        self.events.append("end_reading")


def full(*connections: FakeConnection) -> Connections:
    """A set with no place left."""
    found = Connections(len(connections), lambda: 100.0)
    for connection in connections:
        assert found.admit(connection) is None
    return found


def test_the_one_that_waits_the_longest_makes_room():
    """It is ended, and another one has its place."""
    slow, fast, new = (FakeConnection("10.0.0.1", since) for since in (10.0, 90.0, 99.0))
    found = full(fast, slow)

    assert found.admit(new) is slow

    assert (slow.events, fast.events, new.events) == (["abort"], [], [])
    assert found.admit(FakeConnection("10.0.0.1", 99.5)) is fast


def test_whoever_holds_the_most_makes_room():
    """However many connections one client opens, the only one of another is left alone."""
    prometheus = FakeConnection("10.0.0.1", 1.0)
    crowd = [FakeConnection("10.0.0.2", 50.0 + n) for n in range(5)]
    found = full(prometheus, *crowd)

    for number in range(100):
        found.admit(FakeConnection("10.0.0.2", 60.0 + number / 100))

    assert prometheus.events == []
    assert all(each.events == ["abort"] for each in crowd)


def test_a_place_that_is_free_again_is_given_away():
    """Nobody has to leave for it."""
    first, second = FakeConnection("10.0.0.1", 1.0), FakeConnection("10.0.0.1", 2.0)
    found = full(first)

    found.close(first)

    assert found.admit(second) is None
    assert first.events == ["close"]


def test_the_ended_one_is_closed_by_its_own_thread():
    """Later, when it is no longer in the set."""
    first, second = FakeConnection("10.0.0.1", 1.0), FakeConnection("10.0.0.1", 2.0)
    found = full(first)
    found.admit(second)

    found.close(first)

    assert first.events == ["abort", "close"]
    assert second.events == []


def test_the_end_of_reading_reaches_all():
    """None brings a further request."""
    connections = [FakeConnection("10.0.0.1", 1.0), FakeConnection("10.0.0.2", 2.0)]

    full(*connections).end_reading()

    assert [each.events for each in connections] == [["end_reading"]] * 2


@pytest.mark.parametrize(
    ("host", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.1", True),
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_what_counts_as_one_client(host, other, same):
    """An IPv4 address however it is written, or the network that IPv6 gives to one customer."""
    assert (origin(host) == origin(other)) is same
