"""The exporter behind TLS and a login, and the command that asks whether it is well."""

import base64
import os
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bcrypt
import pytest

from tests.certificates import issue, make_authority
from tests.e2e.conftest import free_port, until

PATIENCE_SECONDS = 60
PASSWORD = "made-up"
HASH = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
TLS = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
MUTUAL = TLS + "  client_ca_file: authority.crt\n  client_auth_type: RequireAndVerifyClientCert\n"
USERS = f"basic_auth_users:\n  prometheus: {HASH}\n"


@dataclass(frozen=True)
class Secured:
    """A folder with certificates, and the settings of an exporter with a web config file."""

    folder: Path
    port: int

    def variables(self) -> dict[str, str]:
        """Its whole environment."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "CARBONFINOPS_WEB__LISTEN_ADDRESS": f"127.0.0.1:{self.port}",
            "CARBONFINOPS_WEB__CONFIG_FILE": "web.yml",
        }

    def write(self, text: str) -> None:
        """Write the web config file."""
        (self.folder / "web.yml").write_text(text)

    def run(self, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "exporter", *arguments],
            env=self.variables() | changed,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )

    def get(self, path: str, login: str = "", cert: str = "") -> tuple[int, str]:
        """Status and body, over TLS."""
        context = ssl.create_default_context(cafile=self.folder / "authority.crt")
        if cert:
            context.load_cert_chain(self.folder / f"{cert}.crt", self.folder / f"{cert}.key")
        request = urllib.request.Request(f"https://localhost:{self.port}{path}")
        if login:
            request.add_header(
                "Authorization", "Basic " + base64.b64encode(login.encode()).decode()
            )
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def secured(tmp_path: Path) -> Secured:
    authority = make_authority(tmp_path)
    issue(tmp_path, "server", authority)
    issue(tmp_path, "client", authority)
    return Secured(tmp_path, free_port())


@pytest.fixture
def demo(secured: Secured) -> Iterator[subprocess.Popen[str]]:
    """The demo with TLS and a login, up."""
    secured.write(TLS + USERS)
    with (secured.folder / "demo.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "exporter", "demo"],
            env=secured.variables(),
            cwd=secured.folder,
            stderr=log,
            text=True,
        )
    with process:
        until(
            lambda: secured.run("health").returncode == 0 or process.poll() is not None, "it is up"
        )
        yield process
        process.kill()


def test_tls_and_login_from_start_to_end(secured: Secured, demo: subprocess.Popen[str]) -> None:
    """Health needs neither, metrics need both; certificates change while it runs."""
    health = secured.run("health")
    assert health.stdout == f"https://127.0.0.1:{secured.port}/-/healthy: 200 healthy\n"
    assert secured.get("/metrics")[0] == 401
    assert secured.get("/metrics", f"prometheus:{PASSWORD}x")[0] == 401
    status, body = secured.get("/metrics", f"prometheus:{PASSWORD}")
    assert status == 200
    assert "carbonfinops_build_info" in body

    secured.write(MUTUAL + USERS)

    def only_with_certificate() -> bool:
        try:
            secured.get("/metrics")
        except OSError:
            login = f"prometheus:{PASSWORD}"
            return secured.get("/metrics", login, cert="client")[0] == 200
        return False

    until(only_with_certificate, "the changed file is in force")
    health = secured.run("health")
    assert (health.returncode, "client certificate" in health.stdout) == (0, True)

    demo.send_signal(signal.SIGTERM)
    assert demo.wait(PATIENCE_SECONDS) == 0
    health = secured.run("health")
    assert (health.returncode, "refused" in health.stdout) == (1, True)
    log = (secured.folder / "demo.log").read_text()
    assert f"url=https://127.0.0.1:{secured.port}/" in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "web.yml: cannot be read: No such file or directory"),
        ("# later", "web.yml: is empty; for neither TLS nor logins write {}, or name no file"),
        ("tls: {}", "web.yml: tls: unknown key; known here: tls_server_config, basic_auth_users"),
        (TLS.replace("server.key", "none.key"), "none.key: cannot be read: No such file or dir"),
    ],
)
def test_a_wrong_web_config_file_is_said_at_the_start(secured, text, said):
    """One line that names the setting, the file and the key; nothing is served."""
    if text:
        secured.write(text)

    done = secured.run("demo")

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"carbonfinops: CARBONFINOPS_WEB__CONFIG_FILE: {said}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CARBONFINOPS_WEB__LISTEN_ADDRESS", "127.0.0.1:0", "does not say which port"),
        ("CARBONFINOPS_WEB__CONFIG_FILE", "~nobody-at-all/web.yml", "home directory"),
    ],
)
def test_health_says_which_setting_is_wrong(secured, variable, value, said):
    """Like any other command."""
    done = secured.run("health", **{variable: value})

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"carbonfinops: {variable}: ")
    assert said in done.stderr
