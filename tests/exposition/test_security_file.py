import base64
import os
import shutil
import ssl
from pathlib import Path

import bcrypt
import pytest

from exporter.exposition import security_file
from exporter.exposition.security import Security, WebConfigError
from exporter.exposition.security_file import CHECK_SECONDS, SecurityFile, signature
from exporter.exposition.web_config import WebConfig, read_web_config
from tests.certificates import issue, make_authority

CUT = """\
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_ca_file: authority.crt
  client_auth_type: RequireAndVerifyClientCert
  min_version: TLS13
"""


def users(password: str) -> str:
    found = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    return f"basic_auth_users: {{a: {found}}}\n"


def login(password: str) -> str:
    return "Basic " + base64.b64encode(f"a:{password}".encode()).decode()


class Clock:
    """A clock that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        """What it shows."""
        return self.now

    def pass_check(self) -> None:
        """Let the time pass after which the files are looked at again."""
        self.now += CHECK_SECONDS

    def settle(self, security: SecurityFile) -> Security:
        """Let the files be looked at twice, so that a change is taken; what is in force then."""
        self.pass_check()
        security.current()
        self.pass_check()
        return security.current()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "web.yml"
    path.write_text(users("first"))
    return path


@pytest.fixture
def security(file, clock):
    found = SecurityFile(file, clock)
    found.load()
    return found


def rewrite(file: Path, text: str) -> None:
    """Put a new file in the place of one, as editors and Kubernetes do."""
    new = file.with_name("new")
    new.write_text(text)
    new.replace(file)


def test_a_changed_file_is_read_again(security, file, clock, caplog):
    """New users are let in, old ones no longer, without a restart."""
    rewrite(file, users("second"))

    in_force = clock.settle(security).login

    assert in_force.admits(login("second"))
    assert not in_force.admits(login("first"))
    (record,) = caplog.records
    assert (record.message, record.levelname) == ("web config file read again", "WARNING")
    assert (record.tls, record.client_certificates, record.login) == ("no", "no", "yes")


def test_the_file_is_looked_at_once_a_second_at_most(security, file, clock):
    """However many requests come."""
    before = security.current()
    rewrite(file, users("second"))
    for seconds in (CHECK_SECONDS - 0.01, 0.01, CHECK_SECONDS - 0.01):
        clock.now += seconds
        assert security.current() is before

    clock.now += 0.01
    assert security.current() is not before


def test_a_file_that_is_being_written_is_left_alone(security, file, clock, caplog):
    """It is taken once two looks have seen the same, and never half of it."""
    before = security.current()
    for text in ("#", "# more", users("second")):
        file.write_text(text)
        clock.pass_check()
        assert security.current() is before
    assert caplog.records == []

    clock.pass_check()
    assert security.current().login.admits(login("second"))


def test_a_file_that_changes_while_it_is_read_is_left_alone(security, file, clock, monkeypatch):
    """What was read of it may be half of it; it is read again once it has settled."""
    before = security.current()
    rewrite(file, users("second"))

    def interrupted(path: Path) -> WebConfig:
        found = read_web_config(path)
        rewrite(file, users("third"))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(security_file, "read_web_config", interrupted)
        assert clock.settle(security) is before

    assert clock.settle(security).login.admits(login("third"))


def test_an_unchanged_file_is_not_read_again(security, clock):
    """What is remembered of logins stays."""
    before = security.current()
    for _ in range(10):
        clock.pass_check()
        assert security.current() is before


@pytest.mark.parametrize(
    "text", ["nonsense", "a: [", "basic_auth_users: {a: secret}", "", "~", None]
)
def test_a_file_that_became_wrong_changes_nothing(security, file, clock, caplog, text):
    """What was in force stays so, one line says so, and a right file is in force again."""
    before = security.current()
    if text is None:
        file.unlink()
    else:
        rewrite(file, text)
    for _ in range(10):
        clock.pass_check()
        assert security.current() is before

    (record,) = caplog.records
    assert record.message == "web config file is wrong; what was in force stays so"
    assert str(file) in record.problem

    rewrite(file, users("second"))
    assert clock.settle(security).login.admits(login("second"))


def test_other_mistakes_are_told_of_too(security, file, clock, caplog):
    """Once each."""
    for text in ("one: 1", "one: 2", "two: 2", "two: 3"):
        rewrite(file, text)
        clock.settle(security)

    assert [record.problem.split(": ")[1] for record in caplog.records] == ["one", "two"]


def test_protection_is_not_removed_while_it_runs(security, file, clock, caplog):
    """A file without it may have been cut: that needs a restart, and the log says so."""
    before = security.current()
    rewrite(file, "{}")

    assert clock.settle(security) is before
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.message == "web config file is wrong; what was in force stays so"
    assert record.problem == (
        f"{file}: basic_auth_users: would protect less than what is in force; "
        "removing protection needs a restart"
    )

    again = SecurityFile(file, clock)
    again.load()
    assert (again.current().tls, again.current().login) == (None, None)


def test_protection_may_be_added_while_it_runs(file, clock, caplog):
    """And from then on stays."""
    file.write_text("{}")
    security = SecurityFile(file, clock)
    security.load()
    assert security.current().login is None

    rewrite(file, users("first"))
    assert clock.settle(security).login
    rewrite(file, "{}")
    assert clock.settle(security).login
    assert [record.levelname for record in caplog.records] == ["WARNING", "ERROR"]


def test_a_file_that_was_cut_protects_no_less(with_tls, tmp_path, clock):
    """Wherever it was cut, a login and client certificates are asked for as before."""
    file = tmp_path / "web.yml"
    whole = CUT + users("first")
    rewrite(file, whole)
    before = clock.settle(with_tls)
    assert before.login
    for length in range(len(whole)):
        rewrite(file, whole[:length])
        found = clock.settle(with_tls)
        assert found.tls.verify_mode == ssl.CERT_REQUIRED
        assert found.tls.minimum_version == ssl.TLSVersion.TLSv1_3
        assert found.login.admits(login("first"))


@pytest.mark.parametrize("error", [ValueError("s3cret"), OSError("s3cret")])
def test_a_mistake_that_nobody_thought_of_changes_nothing(
    security, file, clock, caplog, monkeypatch, error
):
    """It is told of in one line that quotes nothing; no request fails."""
    before = security.current()
    rewrite(file, users("second"))

    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(security_file, "Login", fail)

    assert clock.settle(security) is before
    (record,) = caplog.records
    assert record.problem == f"{file}: cannot be used: {type(error).__name__}"


def test_a_name_that_no_file_has_is_refused(tmp_path, clock):
    """In one line."""
    with pytest.raises(WebConfigError, match="no name of a file"):
        SecurityFile(tmp_path / "a\0b", clock).load()


@pytest.fixture
def with_tls(tmp_path, clock):
    """A file with certificates."""
    authority = make_authority(tmp_path)
    issue(tmp_path, "server", authority)
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key,"
        " client_ca_file: authority.crt, client_auth_type: RequireAndVerifyClientCert}"
    )
    found = SecurityFile(tmp_path / "web.yml", clock)
    found.load()
    return found


def test_changed_certificates_are_read_again(with_tls, tmp_path, clock):
    """The web config file itself is as it was."""
    before = with_tls.current()
    issue(tmp_path, "server", make_authority(tmp_path))

    assert clock.settle(with_tls).tls is not before.tls


def test_a_changed_client_authority_is_read_again(with_tls, tmp_path, clock):
    """Clients of the old one are no longer let in."""
    before = with_tls.current()
    make_authority(tmp_path)

    assert clock.settle(with_tls).tls is not before.tls


def test_half_a_change_changes_nothing(with_tls, tmp_path, clock, caplog):
    """A certificate whose key is not there yet waits for it."""
    before = with_tls.current()
    folder = tmp_path / "next"
    folder.mkdir()
    pair = issue(folder, "server", make_authority(folder))

    shutil.copy(pair.cert_file, tmp_path)
    assert clock.settle(with_tls) is before
    assert "is not the key of" in caplog.records[0].problem

    shutil.copy(pair.key_file, tmp_path)
    assert clock.settle(with_tls) is not before


def test_a_wrong_file_at_the_start_is_an_error(file, clock):
    """There is nothing in force that could stay so."""
    file.write_text("nonsense: 1")

    with pytest.raises(WebConfigError, match="nonsense: unknown key"):
        SecurityFile(file, clock).load()


def test_nothing_is_in_force_before_it_is_loaded(file, clock):
    """Asking earlier is a bug, and does not mean that nothing protects."""
    with pytest.raises(RuntimeError, match="loaded"):
        SecurityFile(file, clock).current()


def test_what_changes_a_signature(tmp_path):
    """The content, a replacement with the same content, the rights; and being there at all."""
    file = tmp_path / "file"
    seen = [signature([file])]
    file.write_text("one")
    os.utime(file, ns=(0, 0))
    seen.append(signature([file]))
    os.utime(file, ns=(1, 1))
    seen.append(signature([file]))
    file.write_text("longer")
    os.utime(file, ns=(1, 1))
    seen.append(signature([file]))
    rewrite(file, "longer")
    os.utime(file, ns=(1, 1))
    seen.append(signature([file]))

    assert len(set(seen)) == len(seen)
