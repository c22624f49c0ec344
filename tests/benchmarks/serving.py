"""``python -m exporter serve`` as a process, and an upstream that never answers."""

import gzip
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.child import ROOT

LIMIT_SECONDS = 60.0
POLL_SECONDS = 0.002


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

    def resident_megabytes(self) -> tuple[float, float]:
        """Memory of the process that is in RAM now, and the most that was."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        fields = dict(line.split(":", 1) for line in status.splitlines())
        now, most = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
        return now, most

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
