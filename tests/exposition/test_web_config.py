import ssl
import subprocess
from pathlib import Path

import pytest

from exporter.exposition.security import WebConfigError
from exporter.exposition.web_config import TlsFiles, WebConfig, read_web_config
from tests.certificates import issue, make_authority

HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
MUTUAL = TLS + "  client_ca_file: authority.crt\n  client_auth_type: RequireAndVerifyClientCert\n"
USERS = f"basic_auth_users:\n  prometheus: {HASH}\n"


@pytest.fixture
def read(tmp_path):
    """Read a text as a web config file."""

    def read(text: str) -> WebConfig:
        file = tmp_path / "web.yml"
        file.write_text(text, encoding="utf-8")
        return read_web_config(file)

    return read


@pytest.fixture
def problem(read, tmp_path):
    """What is said of a text that is wrong, without the name of the file."""

    def problem(text: str) -> str:
        with pytest.raises(WebConfigError) as caught:
            read(text)
        assert "\n" not in str(caught.value)
        file, _, said = str(caught.value).partition(": ")
        assert file == str(tmp_path / "web.yml")
        return said

    return problem


@pytest.mark.parametrize("text", ["{}", "---\n{}\n", "basic_auth_users: {}\n", "# none yet\n{}\n"])
def test_an_empty_mapping_protects_nothing(read, text):
    """No TLS and no login: whoever writes that means it."""
    assert read(text) == WebConfig()


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "null\n", "~", "''"])
def test_an_empty_file_is_refused(problem, text):
    """It may be what is left of one that was cut: protection does not go silently."""
    assert problem(text) == "is empty; for neither TLS nor logins write {}, or name no file"


@pytest.mark.parametrize("text", ["basic_auth_users:\n", "basic_auth_users: null\n"])
def test_an_empty_section_is_refused(problem, text):
    """As an empty file is, and for the same reason."""
    assert problem(text) == "basic_auth_users: is empty; for no logins leave it out"


def test_everything(read, tmp_path):
    """Paths are relative to the file's folder, absolute ones stay."""
    found = read(
        "tls_server_config:\n"
        "  cert_file: certs/server.crt\n"
        "  key_file: /etc/server.key\n"
        "  client_ca_file: ../ca.crt\n"
        "  client_auth_type: RequireAndVerifyClientCert\n"
        "  min_version: TLS13\n" + USERS
    )

    assert found == WebConfig(
        TlsFiles(
            tmp_path / "certs" / "server.crt",
            Path("/etc/server.key"),
            tmp_path / ".." / "ca.crt",
            ssl.TLSVersion.TLSv1_3,
        ),
        {"prometheus": HASH},
    )


def test_defaults(read, tmp_path):
    """TLS 1.2 at least, no client certificates, no login."""
    found = read(TLS + "  client_auth_type: NoClientCert\n")

    files = (tmp_path / "server.crt", tmp_path / "server.key")
    assert found == WebConfig(TlsFiles(*files, None, ssl.TLSVersion.TLSv1_2))
    assert found.tls
    assert found.tls.all == files


@pytest.mark.parametrize(
    "name", ["prometheus", "123", "yes", "null", "a b", "mäuse", "a@b.example"]
)
def test_user_names_are_texts(read, name):
    """Whatever YAML would make of them."""
    assert read(f"basic_auth_users: {{{name}: {HASH}}}").users == {name: HASH}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tls: {}", "tls: unknown key; known here: tls_server_config, basic_auth_users"),
        ("http_server_config: {http2: false}", "http_server_config: unknown key"),
        (TLS + "  cipher_suites: [a]\n", "tls_server_config.cipher_suites: unknown key; known"),
        (TLS + "  cert: x\n", "tls_server_config.cert: unknown key"),
        ("tls_server_config:\n", "tls_server_config.cert_file: missing"),
        ("tls_server_config: yes\n", "tls_server_config: must be a mapping"),
        ("tls_server_config: {cert_file: a}", "tls_server_config.key_file: missing"),
        ("tls_server_config: {key_file: a}", "tls_server_config.cert_file: missing"),
        ("tls_server_config: {cert_file: , key_file: b}", "tls_server_config.cert_file: a value"),
        ("tls_server_config: {cert_file: [a]}", "tls_server_config.cert_file: a value"),
        (TLS + "  min_version: TLS11\n", "tls_server_config.min_version: must be one of TLS12,"),
        (TLS + "  client_auth_type: VerifyClientCertIfGiven\n", "tls_server_config.client_auth_"),
        (TLS + "  client_ca_file: ca.crt\n", "tls_server_config.client_ca_file: without effect"),
        (
            TLS + "  client_auth_type: RequireAndVerifyClientCert\n",
            "tls_server_config.client_ca_file: missing",
        ),
        ("basic_auth_users: alice\n", "basic_auth_users: must be a mapping"),
        ("basic_auth_users: [alice]\n", "basic_auth_users: must be a mapping"),
        ("- a\n", "the file: must be a mapping"),
        ("basic_auth_users: {alice: }", "basic_auth_users.alice: not a bcrypt hash; make one with"),
        ("basic_auth_users: {alice: [a]}", "basic_auth_users.alice: not a bcrypt hash"),
        (f"basic_auth_users: {{a:b: {HASH}}}", "basic_auth_users.(not shown): a user name"),
        (f"basic_auth_users: {{'': {HASH}}}", "basic_auth_users.(not shown): a user name"),
        (
            f"basic_auth_users: {{a: {HASH.replace('$10$', '$17$')}}}",
            "basic_auth_users.a: cost 17 takes too long; 16 is the most; make one with: htpasswd",
        ),
        (
            f"basic_auth_users: {{a: {HASH.replace('$10$', '$03$')}}}",
            "basic_auth_users.a: cost 3 is too low; 4 is the least; make one with: htpasswd",
        ),
        (
            f"basic_auth_users: {{a: {HASH[:28]}a{HASH[29:]}}}",
            "basic_auth_users.a: not a bcrypt hash: its salt is damaged; make one with: htpasswd",
        ),
        (f'basic_auth_users: {{"a\\0": {HASH}}}', "basic_auth_users.(not shown): a user name"),
        (f'basic_auth_users: {{"\\ud800": {HASH}}}', "basic_auth_users.(not shown): a user name"),
        (TLS.replace("server.crt", r'"a\0b"'), "tls_server_config.cert_file: holds a control"),
        (TLS.replace("server.key", r'"a\nb"'), "tls_server_config.key_file: holds a control"),
        (MUTUAL.replace("authority.crt", r'"\e"'), "tls_server_config.client_ca_file: holds a"),
        (TLS.replace("server.crt", r'"\ud800"'), "tls_server_config.cert_file: holds a control"),
        (USERS + USERS, "line 1: a key is given twice below here"),
        ("basic_auth_users:\n  a: b\n  a: c\n", "line 2: a key is given twice below here"),
        ("a: [", "is not YAML at line 1, column 5"),
        ("a: b: c", "is not YAML at line 1, column 5"),
        ("[a]: b", "is not YAML at line 1, column 1"),
        ("a\x00b", "is not YAML"),
        ("[" * 10_000, "is not YAML"),
        ("<<: {tls_server_config: {}}", "(not shown): unknown key"),
    ],
)
def test_what_is_wrong_is_named(problem, text, said):
    """The key, and what to do: a setting that protects must not be silently without effect."""
    assert problem(text).startswith(said)


@pytest.mark.parametrize(
    "text",
    [
        "basic_auth_users:\n  SECRET: alice\n",
        "SECRET: alice\n",
        "basic_auth_users:\n  alice: 'SECRET-'\n",
        "basic_auth_users:\n  alice: SECRET: a\n",
        "basic_auth_users:\n  alice: *SECRET\n",
        "basic_auth_users:\n  alice: !SECRET a\n",
        "basic_auth_users:\n  alice: SECRET\n  alice: SECRET\n",
        "tls_server_config: {cert_file: a, key_file: b, min_version: SECRET}\n",
        "tls_server_config: SECRET\n",
        "SECRET",
        "'SECRET",
    ],
)
def test_no_message_quotes_a_secret(problem, text):
    """Wherever a hash stands, also where none belongs."""
    assert HASH not in problem(text.replace("SECRET", HASH))


def test_the_hashes_are_not_in_the_representation(read):
    """What is logged by mistake tells nothing."""
    assert HASH not in repr(read(USERS))


def test_a_file_that_cannot_be_read(tmp_path):
    """It is named, with the reason."""
    with pytest.raises(WebConfigError, match=r"nowhere\.yml: cannot be read: No such file"):
        read_web_config(tmp_path / "nowhere.yml")
    with pytest.raises(WebConfigError, match=r"x00b': is no name of a file"):
        read_web_config(tmp_path / "a\0b")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(WebConfigError, match="binary: is not text in UTF-8"):
        read_web_config(tmp_path / "binary")


ALL = MUTUAL + "  min_version: TLS13\n" + USERS


@pytest.mark.parametrize(
    ("before", "now", "lacking"),
    [
        ("{}", "{}", ()),
        ("{}", ALL, ()),
        (ALL, ALL, ()),
        (USERS, USERS.replace("prometheus", "other"), ()),
        (TLS + USERS, MUTUAL + "  min_version: TLS13\n" + USERS, ()),
        (ALL, "{}", ("basic_auth_users", "tls_server_config")),
        (TLS + USERS, TLS, ("basic_auth_users",)),
        (TLS + USERS, USERS, ("tls_server_config",)),
        (MUTUAL, TLS, ("tls_server_config.client_ca_file",)),
        (TLS + "  min_version: TLS13\n", TLS, ("tls_server_config.min_version",)),
    ],
)
def test_what_would_protect_less(read, before, now, lacking):
    """Whatever a file that was cut may lose; users may go as long as one stays."""
    assert read(now).lacks(read(before)) == lacking


@pytest.mark.parametrize(
    "text", [TLS, MUTUAL, MUTUAL + "  min_version: TLS13\n" + USERS, TLS + USERS, USERS]
)
def test_prometheus_own_tool_reads_it_alike(read, tool, tmp_path, text):
    """What is understood here is a web config file for everything else too."""
    authority = make_authority(tmp_path)
    issue(tmp_path, "server", authority)

    read(text)

    done = subprocess.run(
        [tool("promtool"), "check", "web-config", tmp_path / "web.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
