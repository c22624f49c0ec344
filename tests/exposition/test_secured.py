"""The web server with a web config file: TLS, client certificates, logins."""

import base64
import http.client
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import bcrypt
import pytest

from exporter.exposition.complaints import LINES_AT_ONCE
from exporter.exposition.health import ask_health
from exporter.exposition.http import MetricsServer
from exporter.exposition.limits import Limits
from exporter.exposition.security import Security, WebConfigError
from exporter.exposition.security_file import SecurityFile
from tests.certificates import Pair, issue, make_authority
from tests.exposition.serving import (
    PATIENCE_SECONDS,
    Pages,
    ask,
    asked,
    client,
    exposition_of,
    serving,
)

TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
MUTUAL = TLS + "  client_ca_file: authority.crt\n  client_auth_type: RequireAndVerifyClientCert\n"
HASH = bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4)).decode()
USERS = f"basic_auth_users:\n  prometheus: {HASH}\n"
RIGHT = {"Authorization": "Basic " + base64.b64encode(b"prometheus:s3cret").decode()}
WRONG = {"Authorization": "Basic " + base64.b64encode(b"prometheus:wrong").decode()}
EVERY_PATH = ("/", "/metrics", "/-/healthy", "/-/ready", "/nowhere")


class Impatient(SecurityFile):
    """Looks twice at the files for every connection and request: a test need not wait for that."""

    def current(self) -> Security:
        """What is in force."""
        for _ in range(2):
            self._look_at = 0.0
            found = super().current()
        return found


@pytest.fixture
def authority(tmp_path: Path) -> Pair:
    found = make_authority(tmp_path)
    issue(tmp_path, "server", found)
    return found


@pytest.fixture
def trusting(authority: Pair) -> ssl.SSLContext:
    """What a client needs that knows the authority, and is strict, as Python is since 3.13."""
    context = ssl.create_default_context(cafile=authority.cert_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.fixture
def site() -> Pages:
    return Pages()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "web.yml"


def secured(file: Path, text: str) -> SecurityFile:
    file.write_text(text)
    return Impatient(file)


@pytest.fixture
def tls_server(site: Pages, file: Path, authority: Pair) -> Iterator[MetricsServer]:
    del authority
    with serving(site, security=secured(file, TLS)) as server:
        yield server


def test_everything_is_answered_over_tls(
    tls_server: MetricsServer, site: Pages, trusting: ssl.SSLContext
) -> None:
    """As it is without, and on a connection that is kept."""
    site.exposition = exposition_of(50_000)
    assert tls_server.scheme == "https"
    with client(tls_server, trusting) as connection:
        for path in EVERY_PATH:
            assert asked(connection, path).status == (404 if path == "/nowhere" else 200)
        assert asked(connection, "/metrics").body == site.exposition.identity()
        packed = asked(connection, "/metrics", headers={"Accept-Encoding": "gzip"})
        assert packed.body == site.exposition.gzip_body()


def test_a_client_that_does_not_know_the_authority_leaves(
    tls_server: MetricsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says why."""
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(tls_server, context=ssl.create_default_context())
    deadline_at = time.monotonic() + PATIENCE_SECONDS
    while not caplog.records and time.monotonic() < deadline_at:
        continue
    (record,) = caplog.records
    assert record.message == "TLS handshake failed"
    assert record.reason == "TLSV1_ALERT_UNKNOWN_CA"  # type: ignore[attr-defined]


def test_plain_http_is_told_to_speak_tls(
    tls_server: MetricsServer, caplog: pytest.LogCaptureFixture
) -> None:
    """An answer and a log line say what is wrong."""
    answer = ask(tls_server)
    assert (answer.status, answer.body) == (
        400,
        b"plain HTTP, where TLS is spoken: write https://\n",
    )
    assert caplog.messages == ["TLS handshake failed"]


def test_the_oldest_tls_that_is_spoken(
    site: Pages, file: Path, trusting: ssl.SSLContext, authority: Pair
) -> None:
    """With TLS13, a client that cannot is refused."""
    old = ssl.create_default_context(cafile=authority.cert_file)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(site, security=secured(file, TLS)) as server:
        assert ask(server, context=old).status == 200
    with serving(site, security=secured(file, TLS + "  min_version: TLS13\n")) as server:
        with pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
            ask(server, context=old)
        assert ask(server, context=trusting).status == 200


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_mutual_tls(
    site: Pages, file: Path, tmp_path: Path, authority: Pair, newest: ssl.TLSVersion
) -> None:
    """Only clients with a certificate of the right authority are let in."""
    mine = issue(tmp_path, "client", authority)
    (tmp_path / "other").mkdir()
    foreign = issue(tmp_path, "foreign", make_authority(tmp_path / "other"))
    with serving(site, security=secured(file, MUTUAL)) as server:
        for pair, admitted in ((mine, True), (foreign, False), (None, False)):
            context = ssl.create_default_context(cafile=authority.cert_file)
            context.maximum_version = newest
            if pair:
                context.load_cert_chain(pair.cert_file, pair.key_file)
            if admitted:
                assert ask(server, context=context).status == 200
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    ask(server, "/-/healthy", context=context)


def test_refused_health_checks_hide_no_other_refusal(
    site: Pages, file: Path, tmp_path: Path, authority: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    """They come every few seconds, and use up the log lines of their own kind only."""
    (tmp_path / "other").mkdir()
    foreign = issue(tmp_path, "foreign", make_authority(tmp_path / "other"))
    context = ssl.create_default_context(cafile=authority.cert_file)
    context.load_cert_chain(foreign.cert_file, foreign.key_file)
    with serving(site, security=secured(file, MUTUAL)) as server:
        for _ in range(2 * LINES_AT_ONCE):
            assert ask_health(f"127.0.0.1:{server.port}", ("https",)).well
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(server, context=context)
        deadline_at = time.monotonic() + PATIENCE_SECONDS
        while "CERTIFICATE_VERIFY_FAILED: unable to get local issuer certificate" not in reasons(
            caplog
        ):
            assert time.monotonic() < deadline_at, reasons(caplog)
    assert reasons(caplog).count("PEER_DID_NOT_RETURN_A_CERTIFICATE") == LINES_AT_ONCE


def reasons(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [getattr(record, "reason", "") for record in caplog.records]


def test_an_intermediate_authority_will_do(
    site: Pages, file: Path, tmp_path: Path, authority: Pair
) -> None:
    """Its clients are let in without the root in the file; other clients of the root are not."""
    (tmp_path / "middle").mkdir()
    middle = make_authority(tmp_path / "middle", "middle", authority)
    mine, foreign = issue(tmp_path, "mine", middle), issue(tmp_path, "foreign", authority)
    text = MUTUAL.replace("authority.crt", "middle/middle.crt")
    with serving(site, security=secured(file, text)) as server:
        for pair in (mine, foreign):
            context = ssl.create_default_context(cafile=authority.cert_file)
            context.load_cert_chain(pair.cert_file, pair.key_file)
            if pair is mine:
                assert ask(server, context=context).status == 200
            else:
                with pytest.raises((ssl.SSLError, ConnectionError)):
                    ask(server, context=context)


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01\x00"])
def test_a_stalled_handshake_blocks_nobody(
    tls_server: MetricsServer, trusting: ssl.SSLContext, sent: bytes
) -> None:
    """It is made in the thread of its connection."""
    address = ("127.0.0.1", tls_server.port)
    stalled = [socket.create_connection(address, timeout=PATIENCE_SECONDS) for _ in range(5)]
    try:
        for connection in stalled:
            connection.sendall(sent)
        assert ask(tls_server, context=trusting).status == 200
    finally:
        for connection in stalled:
            connection.close()


def test_a_handshake_has_its_time(
    site: Pages, file: Path, authority: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    """Then the connection ends, with a log line."""
    del authority
    limits = Limits(handshake_seconds=0.05)
    with serving(site, security=secured(file, TLS), limits=limits) as server:
        address = ("127.0.0.1", server.port)
        with socket.create_connection(address, timeout=PATIENCE_SECONDS) as connection:
            connection.sendall(b"\x16\x03\x01\x02\x00\x01")
            assert connection.recv(1) == b""
    assert caplog.messages == ["TLS handshake failed"]


def test_a_probe_of_the_port_is_no_failure(
    tls_server: MetricsServer, trusting: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever connects and leaves is not worth a log line."""
    socket.create_connection(("127.0.0.1", tls_server.port)).close()
    assert ask(tls_server, context=trusting).status == 200
    assert caplog.records == []


def test_what_is_sent_at_the_end_is_encrypted(
    tls_server: MetricsServer, trusting: ssl.SSLContext
) -> None:
    """Stopping ends a connection over TLS in order; nothing comes in the clear."""
    with client(tls_server, trusting) as connection:
        assert asked(connection, "/-/healthy").status == 200
        raw = socket.socket(fileno=connection.sock.detach())
        with raw:
            raw.settimeout(PATIENCE_SECONDS)
            tls_server.stop()
            left = b""
            while piece := raw.recv(65536):
                left += piece
    assert b"HTTP" not in left


@pytest.mark.parametrize("path", EVERY_PATH)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_who_does_not_log_in_is_asked_to(
    site: Pages, file: Path, path: str, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Everywhere but where probes ask, which tell nothing; wrong passwords are told of."""
    with serving(site, security=secured(file, USERS)) as server:
        with client(server) as connection:
            for headers in ({}, WRONG, {"Authorization": "Bearer x"}):
                answer = asked(connection, path, method, headers)
                if path.startswith("/-/"):
                    assert answer.status == (405 if method == "POST" else 200)
                    continue
                assert answer.status == 401
                challenge = answer.headers["WWW-Authenticate"]
                assert challenge == 'Basic realm="carbonfinops", charset="UTF-8"'
                assert b"metric" not in answer.body
            right = asked(connection, path, method, RIGHT)
            expected = 404 if path == "/nowhere" else 200
            assert right.status == (405 if method == "POST" else expected)
    assert caplog.messages == ([] if path.startswith("/-/") else ["login refused"] * 2)


def test_tls_and_login_together(site: Pages, file: Path, trusting: ssl.SSLContext) -> None:
    """As one would use them."""
    with serving(site, security=secured(file, TLS + USERS)) as server:
        assert ask(server, context=trusting).status == 401
        answer = ask(server, headers=RIGHT, context=trusting)
        assert (answer.status, answer.body) == (200, site.exposition.identity())


def test_a_new_certificate_needs_no_restart(
    tls_server: MetricsServer, tmp_path: Path, trusting: ssl.SSLContext, authority: Pair
) -> None:
    """The next handshake shows it, and connections made with the old one end."""

    def serial() -> str:
        with client(tls_server, trusting) as connection:
            assert asked(connection).status == 200
            assert isinstance(connection.sock, ssl.SSLSocket)
            return str((connection.sock.getpeercert() or {})["serialNumber"])

    before = serial()
    with client(tls_server, trusting) as kept:
        assert asked(kept).status == 200
        issue(tmp_path, "server", authority)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError, ssl.SSLError)):
            asked(kept)
    assert serial() != before


def test_clients_of_a_former_authority_are_sent_away(
    site: Pages, file: Path, tmp_path: Path, authority: Pair
) -> None:
    """On connections they have kept, too."""
    pair = issue(tmp_path, "client", authority)
    context = ssl.create_default_context(cafile=authority.cert_file)
    context.load_cert_chain(pair.cert_file, pair.key_file)
    (tmp_path / "other").mkdir()
    other = make_authority(tmp_path / "other")
    with serving(site, security=secured(file, MUTUAL)) as server:
        with client(server, context) as kept:
            assert asked(kept).status == 200
            (tmp_path / "authority.crt").write_bytes(other.cert_file.read_bytes())
            with pytest.raises((http.client.RemoteDisconnected, ConnectionError, ssl.SSLError)):
                asked(kept)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            ask(server, context=context)


def test_a_removed_user_is_refused_at_the_next_request(site: Pages, file: Path) -> None:
    """On a connection that was kept, and although the login was remembered."""
    with serving(site, security=secured(file, USERS)) as server, client(server) as kept:
        assert asked(kept, headers=RIGHT).status == 200
        file.write_text(USERS.replace("prometheus", "other"))
        assert asked(kept, headers=RIGHT).status == 401


def test_tls_may_be_switched_on(site: Pages, file: Path, trusting: ssl.SSLContext) -> None:
    """From then on nothing is answered in the clear, on kept connections neither."""
    with serving(site, security=secured(file, "{}")) as server, client(server) as kept:
        assert (asked(kept).status, server.scheme) == (200, "http")
        file.write_text(TLS)
        with pytest.raises((http.client.RemoteDisconnected, ConnectionError)):
            asked(kept)
        assert ask(server).status == 400
        assert ask(server, context=trusting).status == 200


@pytest.mark.parametrize("left", ["", USERS, TLS, "{}\n"])
def test_neither_tls_nor_login_goes_with_a_part_of_the_file(
    site: Pages, file: Path, trusting: ssl.SSLContext, left: str
) -> None:
    """Nothing is answered in the clear, or without a login, until a restart says otherwise."""
    with serving(site, security=secured(file, TLS + USERS)) as server:
        assert ask(server, headers=RIGHT, context=trusting).status == 200
        file.write_text(left)
        assert ask(server).status == 400
        assert ask(server, context=trusting).status == 401
        assert ask(server, headers=RIGHT, context=trusting).status == 200


def test_a_wrong_file_keeps_the_server_from_starting(site: Pages, file: Path) -> None:
    """Before it listens; and stopping it is harmless."""
    file.write_text("nonsense: 1")
    server = MetricsServer("127.0.0.1:0", site, SecurityFile(file))
    with pytest.raises(WebConfigError, match="nonsense"):
        server.start()
    server.stop()
