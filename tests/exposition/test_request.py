import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.exposition.request import BadRequestError, Request, parse_request

PROMETHEUS = (
    b"GET /metrics HTTP/1.1\r\n"
    b"Host: 127.0.0.1:10105\r\n"
    b"User-Agent: Prometheus/2.42.0\r\n"
    b"Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n"
    b"Accept-Encoding: gzip\r\n"
    b"X-Prometheus-Scrape-Timeout-Seconds: 10\r\n\r\n"
)


def refused(head: bytes) -> int:
    with pytest.raises(BadRequestError) as caught:
        parse_request(head)
    return caught.value.status


def test_a_scrape_by_prometheus():
    """Everything that matters of it is there."""
    assert parse_request(PROMETHEUS) == Request("GET", "/metrics", keep_alive=True, takes_gzip=True)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", "/", ""),
        (b"/?a=b&c=%20?", "/", "a=b&c=%20?"),
        (b"/a?", "/a", ""),
        (b"http://host:10105/metrics?x", "/metrics", "x"),
        (b"HTTPS://host", "/", ""),
        (b"//host/metrics", "//host/metrics", ""),
        (b"*", "*", ""),
    ],
)
def test_paths_and_queries(target, path, query):
    """As browsers, Prometheus and proxies write them."""
    found = parse_request(b"GET " + target + b" HTTP/1.1\r\n\r\n")

    assert (found.path, found.query) == (path, query)


@pytest.mark.parametrize(
    ("version", "fields", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: keep-alive\r\n", True),
        (b"1.1", b"Connection: Close\r\n", False),
        (b"1.1", b"Connection: TE\r\nConnection: close\r\n", False),
        (b"1.1", b"Content-Length: 0\r\n", True),
        (b"1.1", b"Content-Length: 5\r\n", False),
        (b"1.1", b"Content-Length: 0\r\nContent-Length: 5\r\n", False),
        (b"1.1", b"Content-Length: many\r\n", False),
        (b"1.1", b"Transfer-Encoding: chunked\r\n", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: keep-alive\r\n", False),
    ],
)
def test_which_connections_are_kept(version, fields, kept):
    """Where both sides know where the next request begins, and both want another."""
    assert parse_request(b"GET / HTTP/" + version + b"\r\n" + fields + b"\r\n").keep_alive is kept


def test_fields_in_every_spelling():
    """Names in any case, values without the blanks around them, what comes twice joined."""
    head = b"GET / HTTP/1.1\naccept-ENCODING:\t br\nAccept-Encoding:gzip \nAUTHORIZATION: \n\n"

    assert parse_request(head) == Request("GET", "/", keep_alive=True, takes_gzip=True)


def test_the_login_is_kept_as_it_came():
    """Who looks at it decides what it means."""
    head = b"GET / HTTP/1.1\r\nAuthorization:  Basic YTpi \r\n\r\n"

    assert parse_request(head).authorization == "Basic YTpi"


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1 \r\n\r\n",
        b"GET / a HTTP/1.1\r\n\r\n",
        b"GET / http/1.1\r\n\r\n",
        b"GET / HTTP/1\r\n\r\n",
        b"GET / HTTP/1.10\r\n\r\n",
        b"G\x00T / HTTP/1.1\r\n\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: x\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nname : x\r\n\r\n",
        b"GET / HTTP/1.1\r\n: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nname\r\n\r\n",
        b"GET / HTTP/1.1\r\nname: a\x00b\r\n\r\n",
        b"GET / HTTP/1.1\r\nname: a\rb\r\n\r\n",
    ],
)
def test_what_is_malformed_is_refused(head):
    """Nothing is guessed: who guesses otherwise would see another request."""
    assert refused(head) == 400


@pytest.mark.parametrize("version", [b"0.9", b"2.0", b"3.0"])
def test_other_versions_are_refused(version):
    """With the status made for it."""
    assert refused(b"GET / HTTP/" + version + b"\r\n\r\n") == 505


def test_too_many_fields_are_refused():
    """A hundred are more than anyone needs."""
    fields = [b"X-%d: 1\r\n" % number for number in range(101)]

    assert parse_request(b"".join((b"GET / HTTP/1.1\r\n", *fields[:100], b"\r\n"))).path == "/"
    assert refused(b"".join((b"GET / HTTP/1.1\r\n", *fields, b"\r\n"))) == 431


def status_of(head: bytes) -> int:
    """The status that a head is refused with; 0 when it can be read."""
    try:
        parse_request(head)
    except BadRequestError as error:
        return error.status
    return 0


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(sent):
    """No input is a bug."""
    assert status_of(sent) in (0, 400, 431, 505)


@given(st.lists(st.sampled_from([b"GET", b" ", b"/", b"HTTP/1.1", b"\r\n", b":", b"a", b"\n"])))
def test_nearly_right_bytes_are_read_or_refused(pieces):
    """As above, closer to what is right."""
    assert status_of(b"".join(pieces) + b"\r\n\r\n") in (0, 400)
