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


HOST = b"\r\nHost: x\r\n"


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
        (b"/metricshttp://host/", "/metricshttp://host/", ""),
        (b"/?q=http://host/a", "/", "q=http://host/a"),
        (b"*", "*", ""),
    ],
)
def test_paths_and_queries(target, path, query):
    """As browsers, Prometheus and proxies write them."""
    found = parse_request(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\n\r\n")

    assert (found.path, found.query) == (path, query)


@pytest.mark.parametrize(
    ("version", "fields", "kept"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: keep-alive\r\n", True),
        (b"1.1", b"Connection: Close\r\n", False),
        (b"1.1", b"Connection: TE\r\nConnection: close\r\n", False),
        (b"1.1", b"Content-Length: 0\r\n", True),
        (b"1.1", b"Content-Length: 00\r\n", True),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: keep-alive\r\n", False),
    ],
)
def test_which_connections_are_kept(version, fields, kept):
    """Where both sides know where the next request begins, and both want another."""
    assert parse_request(b"GET / HTTP/" + version + HOST + fields + b"\r\n").keep_alive is kept


def test_fields_in_every_spelling():
    """Names in any case, values without the blanks around them, what comes twice joined."""
    head = (
        b"GET / HTTP/1.1\nhost:\naccept-ENCODING:\t br\nAccept-Encoding:gzip \nAUTHORIZATION: \n\n"
    )

    assert parse_request(head) == Request("GET", "/", keep_alive=True, takes_gzip=True)


def test_the_login_is_kept_as_it_came():
    """Who looks at it decides what it means; nobody shows it by showing the request."""
    head = b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization:  Basic YTpi \r\n\r\n"

    found = parse_request(head)

    assert found.authorization == "Basic YTpi"
    assert "YTpi" not in repr(found)


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


@pytest.mark.parametrize(
    ("hosts", "kind"),
    [
        ([], "needs a Host"),
        ([b"a", b"b"], "not one"),
        ([b"a", b"a"], "not one"),
        ([b"", b""], "not one"),
        ([b"a, b"], "not one"),
        ([b"a b"], "not one"),
        ([b"a/b"], "not one"),
        ([b"user@a"], "not one"),
    ],
)
def test_a_request_names_one_host(hosts, kind):
    """HTTP/1.1 demands it; a proxy and this server must not see different ones."""
    fields = b"".join(b"Host: " + host + b"\r\n" for host in hosts)

    with pytest.raises(BadRequestError, match=kind) as caught:
        parse_request(b"GET / HTTP/1.1\r\n" + fields + b"\r\n")
    assert caught.value.status == 400


@pytest.mark.parametrize("host", [b"", b"a.example:10105", b"[::1]:10105", b"10.0.0.1", b"a_b"])
def test_hosts_as_clients_write_them(host):
    """Also none at all, which RFC 9112 allows for some targets."""
    assert parse_request(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n").keep_alive


def test_before_http_1_1_no_host_is_needed():
    """Two are refused there as well."""
    assert parse_request(b"GET / HTTP/1.0\r\n\r\n").path == "/"
    assert refused(b"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n") == 400


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST"])
@pytest.mark.parametrize(
    "fields",
    [
        b"Content-Length: many\r\n",
        b"Content-Length: \r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: +1\r\n",
        b"Content-Length: 0x1\r\n",
        b"Content-Length: 1_0\r\n",
        b"Content-Length: \xb2\r\n",
        b"Content-Length: 0, 0\r\n",
        b"Content-Length: 0\r\nContent-Length: 0\r\n",
        b"Content-Length: 0\r\nContent-Length: 5\r\n",
        b"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    ],
)
def test_a_body_of_unclear_length_is_refused(method, fields):
    """Where it ends would be a guess, and what comes behind it another request."""
    assert refused(method + b" / HTTP/1.1" + HOST + fields + b"\r\n") == 400


@pytest.mark.parametrize(("method", "status"), [(b"GET", 413), (b"HEAD", 413), (b"POST", 405)])
@pytest.mark.parametrize(
    "field",
    [
        b"Content-Length: 5",
        b"Content-Length: " + b"9" * 9000,
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding:",
    ],
)
def test_a_body_is_refused(method, status, field):
    """There is no use for one here."""
    assert refused(method + b" / HTTP/1.1" + HOST + field + b"\r\n\r\n") == status


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
def test_one_empty_line_before_a_request_is_ignored(end):
    """As RFC 9112 asks for; two are malformed."""
    assert parse_request(end + PROMETHEUS) == parse_request(PROMETHEUS)
    assert refused(end + end + PROMETHEUS) == 400


@pytest.mark.parametrize("version", [b"0.9", b"2.0", b"3.0"])
def test_other_versions_are_refused(version):
    """With the status made for it."""
    assert refused(b"GET / HTTP/" + version + b"\r\n\r\n") == 505


def test_too_many_fields_are_refused():
    """A hundred are more than anyone needs."""
    fields = [b"X-%d: 1\r\n" % number for number in range(101)]

    assert parse_request(b"".join((b"GET / HTTP/1.1" + HOST, *fields[:99], b"\r\n"))).path == "/"
    assert refused(b"".join((b"GET / HTTP/1.1" + HOST, *fields[:100], b"\r\n"))) == 431


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
    assert status_of(sent) in (0, 400, 405, 413, 431, 505)


@given(st.lists(st.sampled_from([b"GET", b" ", b"/", b"HTTP/1.1", b"\r\n", b":", b"a", b"\n"])))
def test_nearly_right_bytes_are_read_or_refused(pieces):
    """As above, closer to what is right."""
    assert status_of(b"".join(pieces) + b"\r\n\r\n") in (0, 400)
