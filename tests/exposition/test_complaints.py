import logging

import pytest

from exporter.exposition.complaints import LINES_AT_ONCE, MOST_KINDS, Complaints


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now


@pytest.fixture
def clock():
    return Clock()


def extra(record, name):
    return getattr(record, name, None)


def test_the_first_few_are_told_of(caplog, clock):
    """Then no more, and the last line says so."""
    complaints = Complaints(clock)
    for number in range(100):
        complaints.note("request refused", client=f"10.0.0.{number}")

    assert [extra(record, "client") for record in caplog.records] == [
        f"10.0.0.{n}" for n in range(5)
    ]
    remarks = [extra(record, "remark") for record in caplog.records]
    assert remarks == [None] * 4 + ["more of these are told of every 10 minutes"]


def test_kinds_are_counted_apart(caplog, clock):
    """A flood of one does not hide another."""
    complaints = Complaints(clock)
    for _ in range(100):
        complaints.note("request refused")
    complaints.note("login refused")

    assert caplog.messages.count("request refused") == 5
    assert caplog.messages.count("login refused") == 1


def test_reasons_are_counted_apart(caplog, clock):
    """What one client does wrong does not hide what is wrong with another."""
    complaints = Complaints(clock)
    for _ in range(100):
        complaints.note("TLS handshake failed", reason="PEER_DID_NOT_RETURN_A_CERTIFICATE")
    complaints.note("TLS handshake failed", reason="CERTIFICATE_VERIFY_FAILED")

    assert [extra(record, "reason") for record in caplog.records] == [
        *["PEER_DID_NOT_RETURN_A_CERTIFICATE"] * 5,
        "CERTIFICATE_VERIFY_FAILED",
    ]


@pytest.mark.parametrize("here", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("elsewhere", ["10.0.0.1", "fe80::1%eth0"])
def test_this_machine_is_counted_apart(caplog, clock, here, elsewhere):
    """Where client certificates are wanted, its health check is refused every few seconds."""
    complaints = Complaints(clock)
    for _ in range(100):
        complaints.note("TLS handshake failed", reason="same", client=here)
    complaints.note("TLS handshake failed", reason="same", client=elsewhere)

    assert [extra(record, "client") for record in caplog.records] == [*[here] * 5, elsewhere]


def test_ever_new_reasons_do_not_fill_the_disk(caplog, clock):
    """After a number of them, all further ones share the lines of their message."""
    complaints = Complaints(clock)
    for number in range(1000):
        complaints.note("TLS handshake failed", reason=f"REASON_{number}")
    complaints.note("login refused")

    assert len(caplog.records) == MOST_KINDS + LINES_AT_ONCE + 1
    assert caplog.messages[-1] == "login refused"


def test_a_flood_is_one_line_every_ten_minutes(caplog, clock):
    """It says how many it stands for."""
    complaints = Complaints(clock)
    for _ in range(3601):
        complaints.note("request refused")
        clock.now += 1

    assert len(caplog.records) == 5 + 6
    assert extra(caplog.records[5], "unsaid_before") == 595
    assert extra(caplog.records[6], "unsaid_before") == 599


def test_quiet_times_bring_all_lines_back(caplog, clock):
    """And no more than that."""
    complaints = Complaints(clock)
    for _ in range(2):
        for _ in range(100):
            complaints.note("request refused")
        clock.now += 1e6

    assert len(caplog.records) == 10


def test_a_bug_is_an_error_with_its_trace(caplog, clock):
    """What a client does wrong is a warning."""
    Complaints(clock).note("request failed", error=KeyError("a bug"))
    Complaints(clock).note("request refused")

    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    assert "KeyError" in caplog.text
