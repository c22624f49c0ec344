"""How soon /metrics answers while every upstream hangs, how soon SIGTERM ends it, and restarts."""

import gzip
import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from exporter.app import build, simulated_upstreams, state_directory
from exporter.check import refresh_once
from exporter.configuration import load_settings
from tests.benchmarks.child import ROOT, Child
from tests.benchmarks.figures import Spread, below, result

RUNS = 5
RESTART_SIZES = (100, 10_000)
LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.002
HANG_SECONDS = 1.0
"""After this long every source that is due has asked, and hangs."""
SCRAPING_SECONDS = 10.0
BETWEEN_SCRAPES_SECONDS = 0.01


class BlackHole:
    """An upstream that takes connections and never answers."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.setblocking(False)  # noqa: FBT003 - the standard library's signature

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def connections(self) -> int:
        """How many came since the last time; they are closed now."""
        count = 0
        while True:
            try:
                self._listener.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


class Serving:
    """``python -m exporter serve`` with every upstream at one URL."""

    def __init__(self, url: str, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        known = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE000000000",
            "AWS_SECRET_ACCESS_KEY": "made-up",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "CARBONFINOPS_WEB__LISTEN_ADDRESS": f"127.0.0.1:{self._port}",
            "CARBONFINOPS_STATE_DIR": str(folder),
            "CARBONFINOPS_ELECTRICITY_MAPS__BASE_URL": url,
            "CARBONFINOPS_ELECTRICITY_MAPS__TOKEN": "made-up",
            "CARBONFINOPS_BOAVIZTA__BASE_URL": url,
            "CARBONFINOPS_CURRENCY__ECB_URL": f"{url}/daily.xml",
        }
        self.started_at = time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "exporter", "serve"],
            cwd=folder,
            env=known,
            stderr=subprocess.DEVNULL,
        )

    def seconds_until(self, series: frozenset[bytes]) -> float:
        """Time from the start of the process until /metrics has come with all of these series."""
        while time.monotonic() - self.started_at < LIMIT_SECONDS:
            body = get(self._port, "/metrics") if get(self._port, "/-/healthy") else b""
            seconds = time.monotonic() - self.started_at
            if body and series <= series_of(body):
                return seconds
            time.sleep(POLL_SECONDS)
        raise TimeoutError(f"no complete /metrics within {LIMIT_SECONDS:g} s")

    def seconds_to_end(self) -> float:
        """Time from SIGTERM to the end of the process, which must be a good one."""
        sent_at = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(LIMIT_SECONDS)
        if code:
            raise RuntimeError(f"serve ended with code {code}")
        return time.monotonic() - sent_at

    def kill(self) -> None:
        """End it in any case."""
        self._process.kill()
        self._process.wait()


@contextmanager
def serving(url: str, folder: Path) -> Iterator[Serving]:
    """An exporter that is gone afterwards."""
    exporter = Serving(url, folder)
    try:
        yield exporter
    finally:
        exporter.kill()


def get(port: int, path: str) -> bytes:
    """A body; empty while nobody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=LIMIT_SECONDS)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        body = answer.read()
        return gzip.decompress(body) if answer.getheader("Content-Encoding") else body
    except ConnectionError:
        return b""
    finally:
        connection.close()


def series_of(body: bytes) -> frozenset[bytes]:
    """Names and labels of every sample."""
    lines = body.splitlines()
    return frozenset(line.rpartition(b" ")[0] for line in lines if not line.startswith(b"#"))


def cold_starts(hole: BlackHole) -> None:
    """Nothing known, nothing answers."""
    starts, ends = [], []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder, serving(hole.url, Path(folder)) as exporter:
            starts.append(exporter.seconds_until(frozenset()))
            time.sleep(HANG_SECONDS)
            ends.append(exporter.seconds_to_end())
    below("all upstreams hang: process start to first /metrics", Spread.of(starts), 1.0)
    below("all upstreams hang: SIGTERM to exit", Spread.of(ends), 2.0)


def warm_start(hole: BlackHole, instances: int) -> None:
    """Everything known from before, nothing answers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        expected = fill_state(folder, instances)
        hole.connections()
        with serving(hole.url, folder) as exporter:
            seconds = exporter.seconds_until(expected)
            time.sleep(HANG_SECONDS)
            result(
                f"warm restart, {instances:,} instances: start to complete /metrics",
                f"{1e3 * seconds:,.0f} ms, {len(expected):,} series, "
                f"{hole.connections()} connections to upstreams",
            )


def fill_state(folder: Path, instances: int) -> frozenset[bytes]:
    """Leave the state of a simulated fleet behind; its series that must be there again."""
    settings = load_settings({"CARBONFINOPS_STATE_DIR": str(folder)}, dotenv=folder / "none")
    with state_directory(settings) as store:
        make = simulated_upstreams(7, instances, faults=False)
        application = build(settings, make, store=store, simulated=True)
        refresh_once(application, LIMIT_SECONDS)
        shown = series_of(application.publisher.published.exposition.identity())
    kinds = (b"carbonfinops_instance_", b"carbonfinops_fleet_", b"carbonfinops_grid_")
    return frozenset(series for series in shown if series.startswith(kinds))


def scrapes_while_hanging() -> None:
    """The demo's fleet, refreshed all the time, with one source that never comes back."""
    with Child("tests.benchmarks.hanging") as child:
        port = int(child.ready)
        while b"carbonfinops_instance_power_watts{" not in get(port, "/metrics"):
            time.sleep(POLL_SECONDS)
        seconds = []
        ends_at = time.monotonic() + SCRAPING_SECONDS
        while time.monotonic() < ends_at:
            asked_at = time.monotonic()
            get(port, "/metrics")
            seconds.append(time.monotonic() - asked_at)
            time.sleep(BETWEEN_SCRAPES_SECONDS)
    below("one upstream hangs, 10 s: wall time of a scrape", Spread.of(seconds), 0.1)


def main() -> None:
    """Print all of it."""
    hole = BlackHole()
    cold_starts(hole)
    for instances in RESTART_SIZES:
        warm_start(hole, instances)
    scrapes_while_hanging()


if __name__ == "__main__":
    main()
