"""No secret shows: neither in the log, nor on a page, nor in a file, nor in what commands say.

Every upstream is a server that refuses everything and sends back all that it was sent, which is
what a proxy on the way, or a mistake of theirs, could do.
"""

import base64
import json
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from xml.sax.saxutils import escape

import bcrypt
import pytest

from exporter.configuration import SECRETS as SECRET_SETTINGS
from tests.certificates import issue, make_authority
from tests.e2e.conftest import free_port, until

PATIENCE_SECONDS = 60
USER_PASSWORD = "canary-of-the-login"
HASH = bcrypt.hashpw(USER_PASSWORD.encode(), bcrypt.gensalt(4)).decode()
ROLE = "arn:aws:iam::{account}:role/carbonfinops"
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "canary-of-the-secret-access-key",
    "AWS_SESSION_TOKEN": "canary-of-the-session-token",
    "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": "canary-of-the-grid-token",
    "CARBONFINOPS_AWS__ORGANIZATION_EXTERNAL_ID": "canary-of-the-organization",
    "CARBONFINOPS_AWS__COST_EXPLORER_EXTERNAL_ID": "canary-of-the-payer",
}
ACCOUNT_SECRET = "canary-of-the-account"
PATHS = ("/", "/?sort=power&q=x", "/metrics", "/-/healthy", "/-/ready", "/nowhere")


RECEIVED: list[str] = []
"""What the upstreams were sent, and sent back."""


class Echo(BaseHTTPRequestHandler):
    """Refuses, in the words of whoever is asked, with everything it was sent."""

    def do_GET(self) -> None:
        """Refuse."""
        length = int(self.headers.get("Content-Length", 0))
        sent = f"{self.path} {self.headers} {self.rfile.read(length).decode()}"
        RECEIVED.append(sent)
        if "X-Amz-Target" in self.headers:
            body = json.dumps({"__type": "AccessDeniedException", "message": sent})
        elif "AWS4-HMAC" in sent:
            error = f"<Error><Code>AccessDenied</Code><Message>{escape(sent)}</Message></Error>"
            body = f"<Response><Errors>{error}</Errors></Response>"
            if "sts" in sent or "AssumeRole" in sent:
                body = f"<ErrorResponse>{error}</ErrorResponse>"
        else:
            body = json.dumps({"message": sent, "error": sent, "detail": sent})
        self.send_response(403, "Forbidden " + " ".join(sent.split())[:200])
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    do_POST = do_GET  # noqa: N815 (http.server's names)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (http.server's name)
        """Keep quiet."""


@pytest.fixture
def echo() -> Iterator[str]:
    """The URL of an upstream that echoes."""
    RECEIVED.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def canaries(tmp_path: Path) -> list[str]:
    """What must not show; the web config file that holds some of it is written."""
    pair = issue(tmp_path, "server", make_authority(tmp_path))
    (tmp_path / "web.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
        f"basic_auth_users: {{prometheus: {HASH}}}\n"
    )
    login = base64.b64encode(f"prometheus:{USER_PASSWORD}".encode()).decode()
    key_lines = pair.key_file.read_text().splitlines()[1:-1]
    assert key_lines
    return [*SECRETS.values(), ACCOUNT_SECRET, USER_PASSWORD, HASH, HASH[29:], login, *key_lines]


@pytest.fixture
def variables(tmp_path: Path, echo: str, canaries: list[str]) -> dict[str, str]:
    """Settings with a secret in every place for one."""
    del canaries
    account = {"role_arn": ROLE.format(account="2" * 12), "external_id": ACCOUNT_SECRET}
    prefix = "CARBONFINOPS_"
    return SECRETS | {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "AWS_ENDPOINT_URL": echo,
        "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000000",
        "AWS_DEFAULT_REGION": "eu-central-1",
        f"{prefix}AWS__REGIONS": "eu-central-1",
        f"{prefix}AWS__ACCOUNTS": json.dumps([account]),
        f"{prefix}AWS__ORGANIZATION_ROLE": "carbonfinops",
        f"{prefix}AWS__COST_EXPLORER_ROLE_ARN": ROLE.format(account="3" * 12),
        f"{prefix}BOAVIZTA__BASE_URL": echo,
        f"{prefix}CURRENCY__ECB_URL": f"{echo}/daily.xml",
        f"{prefix}ELECTRICITY_MAPS__BASE_URL": echo,
        f"{prefix}SCENARIOS__TARGET_REGIONS": "eu-west-1",  # its zone is asked without a fleet
        f"{prefix}LOG__LEVEL": "debug",
        f"{prefix}STATE_DIR": str(tmp_path / "state"),
        f"{prefix}WEB__CONFIG_FILE": str(tmp_path / "web.yml"),
        f"{prefix}WEB__LISTEN_ADDRESS": f"127.0.0.1:{free_port()}",
    }


def run(variables: Mapping[str, str], *arguments: str) -> str:
    """All that a command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        env=variables,
        cwd=variables["HOME"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    return done.stdout + done.stderr


@contextmanager
def serving(variables: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The exporter, up."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "exporter", "serve"],
            env=variables,
            cwd=variables["HOME"],
            stderr=file,
        )
    with process:
        until(lambda: "200" in run(variables, "health") or process.poll() is not None, "it is up")
        yield process
        process.kill()


def seen_at(address: str, folder: Path) -> str:
    """Everything that the web server answers, with and without the login."""
    context = ssl.create_default_context(cafile=folder / "authority.crt")
    right, wrong = f"prometheus:{USER_PASSWORD}", f"prometheus:{USER_PASSWORD}-wrong"
    seen = ""
    for path in PATHS:
        for login in (right, wrong, ""):
            request = urllib.request.Request(f"https://{address}{path}")
            if login:
                encoded = base64.b64encode(login.encode()).decode()
                request.add_header("Authorization", f"Basic {encoded}")
            try:
                with urllib.request.urlopen(request, timeout=10, context=context) as answer:
                    seen += f"{answer.headers}{answer.read().decode()}"
            except urllib.error.HTTPError as error:
                with error:
                    seen += f"{error.headers}{error.read().decode()}"
    host, _, port = address.partition(":")
    for sent in (f"GET /{right} HTTP/1.1\r\n{right}\r\n\r\n", f"{right}\r\n\r\n"):
        with socket.create_connection((host, int(port)), timeout=10) as raw:
            with context.wrap_socket(raw, server_hostname="localhost") as connection:
                connection.sendall(sent.encode())
                seen += connection.recv(65536).decode()
    return seen


def break_web_config(variables: Mapping[str, str], log: Path) -> None:
    """Make mistakes in the file, with secrets in wrong places, while the exporter runs."""
    file = Path(variables["CARBONFINOPS_WEB__CONFIG_FILE"])
    wrong = (f"{HASH}: a\n", f"basic_auth_users: {{{HASH}: x}}\n", f"a: [{HASH}", f"!{HASH} x: -")
    for number, text in enumerate(wrong, start=1):
        file.write_text(text)
        until(
            lambda wanted=number: (  # type: ignore[misc]  # bound in the loop
                run(variables, "health") != ""
                and log.read_text().count("what was in force stays so") == wanted
            ),
            "the mistake is told of",
        )


def test_no_secret_shows(tmp_path: Path, variables: dict[str, str], canaries: list[str]) -> None:
    """Whatever the upstreams answer, clients send and operators write."""
    log = tmp_path / "serve.log"
    said = {command: run(variables, command) for command in ("check", "snapshot")}
    with serving(variables, log) as process:
        until(lambda: log.read_text().count("source=") >= 4, "the sources are refused")
        said["the pages"] = seen_at(variables["CARBONFINOPS_WEB__LISTEN_ADDRESS"], tmp_path)
        break_web_config(variables, log)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
    said["the log"] = log.read_text()
    said["serve with a wrong web config file"] = run(variables, "serve")
    said["serve with wrong accounts"] = run(
        variables | {"CARBONFINOPS_AWS__ACCOUNTS": f"[{ACCOUNT_SECRET}"}, "serve"
    )
    state = [file for file in (tmp_path / "state").rglob("*") if file.is_file()]
    said |= {str(file): file.read_bytes().decode("utf-8", "replace") for file in state}

    assert {f"CARBONFINOPS_{name}" for name in SECRET_SETTINGS} <= variables.keys()
    for sent in ("grid-token", "session-token", "account", "payer"):
        assert any(f"canary-of-the-{sent}" in each for each in RECEIVED)
    assert "status=400" in said["the log"]
    assert "login refused" in said["the log"]
    assert "carbonfinops_source_up" in said["the pages"]
    assert {where: c for where, text in said.items() for c in canaries if c in text} == {}
