"""Real processes on loopback: the exporter as a user starts it, and tools where they exist."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

START_LIMIT_SECONDS = 60
POLL_SECONDS = 0.05


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition of another process, with a limit that only a hang reaches."""
    deadline_at = time.monotonic() + START_LIMIT_SECONDS
    while not condition():
        if time.monotonic() > deadline_at:
            pytest.fail(f"timed out waiting until {what}")
        time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Exporter:
    """A running exporter."""

    process: subprocess.Popen[bytes]
    address: str
    log_file: Path

    def get(self, path: str) -> str:
        """The body of an answer with status 200."""
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=10) as answer:
            return str(answer.read().decode())

    def answers(self, path: str) -> bool:
        """Whether a path is answered with a good status."""
        try:
            self.get(path)
        except OSError:
            return False
        return True

    def log(self) -> str:
        """Everything it has written to standard error."""
        return self.log_file.read_text()

    def terminate(self) -> int:
        """Send SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_LIMIT_SECONDS)


@pytest.fixture
def start_exporter(tmp_path: Path) -> Iterator[Callable[..., Exporter]]:
    """Start ``python -m exporter`` with arguments and variables; ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **variables: str) -> Exporter:
        address = f"127.0.0.1:{free_port()}"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "CARBONFINOPS_WEB__LISTEN_ADDRESS": address,
            "CARBONFINOPS_STATE_DIR": str(tmp_path / "state"),
        }
        log_file = tmp_path / f"exporter-{len(started)}.log"
        with log_file.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "exporter", *arguments],
                env=environment | variables,
                cwd=tmp_path,
                stderr=log,
            )
        started.append(process)
        exporter = Exporter(process, address, log_file)
        until(lambda: process.poll() is not None or exporter.answers("/-/healthy"), "it listens")
        assert process.poll() is None, exporter.log()
        return exporter

    yield start
    for process in started:
        process.kill()
        process.wait()
