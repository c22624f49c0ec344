"""How long a scrape takes beside clients that stall, guess passwords, or come in masses.

The exporter is the demo as a process of its own, with TLS and a login where it says so; the
clients that hold it up are another process. Prometheus keeps its connection; here each scrape is
also made on a new one, which has to find a place among the others.
"""

import base64
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import NamedTuple

import bcrypt

from tests.benchmarks.child import ROOT, Child
from tests.benchmarks.figures import Spread, below
from tests.certificates import issue, make_authority

SCRAPES = 100
PAUSE_SECONDS = 0.02
GOAL_SECONDS = 0.1
SETTLE_SECONDS = 10.0
QUIET = {
    f"CARBONFINOPS_TTL__{source}": "1h"
    for source in ("EC2_INVENTORY", "CLOUDWATCH_CPU", "ELECTRICITY_MAPS", "SPOT_PRICE")
}
"""The demo's own work, most of all its first study of the past, is not what is measured."""

STALLED = 50
MORE_THAN_PLACES = 200
GUESSERS = 8
PASSWORD = "made-up"
LOGIN = "Basic " + base64.b64encode(f"prometheus:{PASSWORD}".encode()).decode()
START_LIMIT_SECONDS = 60.0
PATIENCE_SECONDS = 10.0


class Target(NamedTuple):
    """An exporter, and how it is asked."""

    port: int
    context: ssl.SSLContext | None

    def connection(self) -> HTTPConnection:
        """A new connection to it."""
        if self.context:
            return HTTPSConnection(
                "127.0.0.1", self.port, timeout=PATIENCE_SECONDS, context=self.context
            )
        return HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)


@contextmanager
def exporter(folder: Path, *, secured: bool) -> Iterator[Target]:
    """The demo, up; with TLS and a login, or plain."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(folder), **QUIET}
    variables["CARBONFINOPS_WEB__LISTEN_ADDRESS"] = f"127.0.0.1:{port}"
    context = secure(folder, variables) if secured else None
    with subprocess.Popen(
        [sys.executable, "-m", "exporter", "demo", "--faults", "off"],
        cwd=folder,
        env=variables,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            target = Target(port, context)
            wait_for(target)
            time.sleep(SETTLE_SECONDS)
            yield target
        finally:
            process.kill()


def secure(folder: Path, variables: dict[str, str]) -> ssl.SSLContext:
    """Write a web config file; what a client needs to know of it."""
    authority = make_authority(folder)
    issue(folder, "server", authority)
    found = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()
    (folder / "web.yml").write_text(
        "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"
        f"basic_auth_users: {{prometheus: {found}}}\n",
        encoding="utf-8",
    )
    variables["CARBONFINOPS_WEB__CONFIG_FILE"] = str(folder / "web.yml")
    return ssl.create_default_context(cafile=authority.cert_file)


def wait_for(target: Target) -> None:
    """Wait until there is a fleet."""
    deadline_at = time.monotonic() + START_LIMIT_SECONDS
    while time.monotonic() < deadline_at:
        connection = target.connection()
        try:
            connection.request("GET", "/-/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(PAUSE_SECONDS)
    raise TimeoutError("the demo does not come up")


def scrape_seconds(connection: HTTPConnection) -> float:
    """The time from asking to the last byte."""
    began_at = time.monotonic()
    headers = {"Accept-Encoding": "gzip", "Authorization": LOGIN}
    connection.request("GET", "/metrics", headers=headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        raise RuntimeError(f"a scrape was answered with {answer.status}")
    return time.monotonic() - began_at


def again_seconds(connection: HTTPConnection) -> float:
    """A scrape on a kept connection; on a new one if that was ended, as Prometheus' client does."""
    began_at = time.monotonic()
    try:
        return scrape_seconds(connection)
    except (ConnectionError, ssl.SSLEOFError):
        connection.close()
        scrape_seconds(connection)
        return time.monotonic() - began_at


def measure(what: str, target: Target) -> None:
    """Scrape in turn on a kept connection and on new ones; print both."""
    kept = target.connection()
    scrape_seconds(kept)
    on_kept, on_new = [], []
    for _ in range(SCRAPES):
        on_kept.append(again_seconds(kept))
        new = target.connection()
        on_new.append(scrape_seconds(new))
        new.close()
        time.sleep(PAUSE_SECONDS)
    kept.close()
    below(f"{what}, kept connection", Spread.of(on_kept), GOAL_SECONDS)
    below(f"{what}, new connections", Spread.of(on_new), GOAL_SECONDS)


def beside(what: str, target: Target, kind: str, count: int) -> None:
    """Measure while clients of a kind are there."""
    with Child("tests.benchmarks.stalling", kind, str(target.port), str(count)):
        measure(what, target)


def main() -> None:
    """Print the delays."""
    with tempfile.TemporaryDirectory() as folder:
        for secured, speaking in ((False, "plain"), (True, "TLS, login")):
            with exporter(Path(folder), secured=secured) as target:
                measure(f"{speaking}: alone", target)
                beside(f"{speaking}: {STALLED} stalled and a loris", target, "stall", STALLED)
                beside(f"{speaking}: {MORE_THAN_PLACES} stalled", target, "stall", MORE_THAN_PLACES)
                if secured:
                    beside(f"{speaking}: {GUESSERS} guessing", target, "guess", GUESSERS)


if __name__ == "__main__":
    main()
