"""All that the exporter shows: what commands print, what is served, what is on disk."""

import gzip
import signal
import socket
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.conftest import until
from tests.e2e.planted import USER_PASSWORD, logged_in

PATIENCE_SECONDS = 60
PATHS = ("/", "/?sort=power&q=x", "/metrics", "/-/healthy", "/-/ready", "/nowhere")


def command(*arguments: str) -> list[str]:
    """The command line; one of the settings files is given to every command."""
    return [sys.executable, "-m", "exporter", *arguments, "--config", "settings.toml"]


def run(variables: Mapping[str, str], *arguments: str) -> str:
    """All that a command prints."""
    done = subprocess.run(
        command(*arguments),
        env=variables,
        cwd=variables["HOME"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    return done.stdout + done.stderr


@contextmanager
def serving(variables: Mapping[str, str], log: Path, *arguments: str) -> Iterator[None]:
    """The exporter, up; ended as an orchestrator does it."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            command(*arguments), env=variables, cwd=variables["HOME"], stderr=file
        )
    with process:
        try:
            until(lambda: "200" in run(variables, "health") or process.poll() is not None, "up")
            yield
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()
        finally:
            process.kill()


def served(address: str, folder: Path) -> str:
    """Everything that the web server answers, with and without the login."""
    context = ssl.create_default_context(cafile=folder / "authority.crt")
    right, wrong = f"prometheus:{USER_PASSWORD}", f"prometheus:{USER_PASSWORD}-wrong"
    seen = ""
    for path in PATHS:
        for login in (right, wrong, ""):
            request = urllib.request.Request(f"https://{address}{path}")
            if login:
                request.add_header("Authorization", f"Basic {logged_in(*login.split(':'))}")
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


def written(folder: Path) -> dict[str, str]:
    """Every file below a folder."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): _content(path).decode("utf-8", "replace") for path in files}


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content
