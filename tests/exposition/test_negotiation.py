import pytest

from exporter.exposition.negotiation import listen_address, prefers_gzip


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("x-gzip", True),
        ("deflate, gzip;q=1.0, *;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.0", False),
        ("gzip;q=0.001", True),
        ("gzip ; Q=0.5", True),
        ("identity", False),
        ("identity, gzip", True),
        ("identity;q=1, gzip;q=0.5", False),
        ("identity;q=0.5, gzip;q=1.0", True),
        ("identity;q=0, gzip", True),
        ("*", True),
        ("*;q=0", False),
        ("gzip;q=0, *", False),
        ("br, zstd", False),
        ("gzip;q=2", False),
        ("gzip;q=abc", False),
        ("gzippy", False),
        (",,gzip,", True),
    ],
)
def test_prefers_gzip(header: str, expected: bool) -> None:  # noqa: FBT001 (a table)
    """Gzip is sent to those who ask for it, and to nobody else."""
    assert prefers_gzip(header) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:10105", ("127.0.0.1", 10105)),
        ("[::1]:10105", ("::1", 10105)),
        ("[::]:0", ("::", 0)),
        (":10105", ("", 10105)),
        ("localhost:65535", ("localhost", 65535)),
    ],
)
def test_listen_address(text: str, expected: tuple[str, int]) -> None:
    """Host and port, IPv6 in brackets, no host for every interface."""
    assert listen_address(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10105", "127.0.0.1", "::1:10105", "host:", "host:x", "host:65536", "a b:1", "[x]"]
)
def test_an_unreadable_address_is_refused(text: str) -> None:
    """The message shows what was written and what it should look like."""
    with pytest.raises(ValueError, match=r"HOST:PORT.*127\.0\.0\.1:10105"):
        listen_address(text)
