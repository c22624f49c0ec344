import socket
from pathlib import Path

import bcrypt
import pytest

from exporter.exposition.health import ask_health, schemes_of
from exporter.exposition.http import MetricsServer
from exporter.exposition.security_file import SecurityFile
from tests.certificates import issue, make_authority
from tests.exposition.serving import Pages, serving

TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
MUTUAL = TLS + "  client_ca_file: authority.crt\n  client_auth_type: RequireAndVerifyClientCert\n"
USERS = f"basic_auth_users: {{a: {bcrypt.hashpw(b'b', bcrypt.gensalt(4)).decode()}}}\n"


@pytest.fixture
def site() -> Pages:
    return Pages()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    issue(tmp_path, "server", make_authority(tmp_path))
    return tmp_path / "web.yml"


def address(server: MetricsServer) -> str:
    return f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("text", ["{}", USERS, TLS, TLS + USERS, TLS + "  min_version: TLS13\n"])
@pytest.mark.parametrize("reason", ["", "nothing has been published for 121 s"])
def test_what_the_exporter_says(site, file, caplog, text, reason):
    """Over whatever the web config file says; no login is needed, and the log stays clean."""
    site.unhealthy_reason = reason
    file.write_text(text)
    scheme = "https" if "tls" in text else "http"
    with serving(site, security=SecurityFile(file)) as server:
        found = ask_health(address(server), schemes_of(file))

        url = f"{scheme}://127.0.0.1:{server.port}/-/healthy"
    assert found.well is not bool(reason)
    assert found.text == (f"{url}: 503 {reason}" if reason else f"{url}: 200 healthy")
    assert caplog.records == []


def test_without_a_web_config_file(site):
    """Plain HTTP it is."""
    with serving(site) as server:
        assert ask_health(address(server), schemes_of(None)).well


@pytest.mark.parametrize("version", ["TLS12", "TLS13"])
def test_mutual_tls_shows_life(site, file, version):
    """The handshake is refused by somebody who lives; the text says what that does not show."""
    file.write_text(MUTUAL + f"  min_version: {version}\n")
    with serving(site, security=SecurityFile(file)) as server:
        for _ in range(5):
            found = ask_health(address(server), schemes_of(file))
            assert found.well
            assert "it lives; whether it publishes, it tells only with a client" in found.text


@pytest.mark.parametrize(
    ("served", "now"), [("{}", TLS), (TLS, "{}"), (TLS, "nonsense"), ("{}", "a: [")]
)
def test_a_file_that_is_not_the_one_in_force(site, file, served, now):
    """A running exporter keeps what it read while the file is wrong: both ways are tried."""
    file.write_text(served)
    with serving(site, security=SecurityFile(file)) as server:
        file.write_text(now)
        assert ask_health(address(server), schemes_of(file)).well


@pytest.mark.parametrize("schemes", [("http",), ("https", "http")])
def test_nobody_listens(schemes):
    """That is not well, and said."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]

    found = ask_health(f"127.0.0.1:{port}", schemes)

    assert not found.well
    assert "no answer: Connection refused" in found.text


@pytest.mark.parametrize("schemes", [("http",), ("http", "https"), ("https", "http")])
def test_a_process_that_hangs(schemes):
    """The kernel takes the connection, nobody answers: not well, and known after one limit."""
    with socket.create_server(("127.0.0.1", 0)) as hung:
        port = hung.getsockname()[1]

        found = ask_health(f"127.0.0.1:{port}", schemes, limit_seconds=0.05)

        hung.settimeout(0)
        hung.accept()[0].close()
        with pytest.raises(BlockingIOError):  # asked once: another scheme would not be answered
            hung.accept()
    assert not found.well
    assert found.text.startswith(f"{schemes[0]}://")
    assert "timed out" in found.text


def test_somebody_else_listens():
    """What does not speak HTTP is not well."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.listen()
        port = other.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = other.accept()
        accepted.close()
        client.close()
        other.close()

        assert not ask_health(f"127.0.0.1:{port}", ("http",)).well


@pytest.mark.parametrize(
    ("listens", "url"),
    [("0.0.0.0", "http://127.0.0.1"), ("", "http://127.0.0.1")],  # noqa: S104 - what is tested
)
def test_every_interface_is_asked_on_loopback(site, listens, url):
    """The address that everything listens on is none to connect to."""
    with serving(site, f"{listens}:0") as server:
        found = ask_health(f"{listens}:{server.port}", ("http",))

    assert found.text.startswith(url)
    assert found.well


@pytest.mark.parametrize("listens", ["[::1]", "[::]"])
def test_ipv6(site, listens):
    """In brackets, in the URL too."""
    try:
        with serving(site, f"{listens}:0") as server:
            found = ask_health(f"{listens}:{server.port}", ("http",))
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")

    assert found.text.startswith("http://[::1]:")
    assert found.well


@pytest.mark.parametrize(("listens", "why"), [("10105", "HOST:PORT"), ("127.0.0.1:0", "port")])
def test_an_address_that_cannot_be_asked(listens, why):
    """It is said."""
    with pytest.raises(ValueError, match=why):
        ask_health(listens, ("http",))
