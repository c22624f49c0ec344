"""One life of the exporter, ended by SIGKILL, and what it has shown until then."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

from exporter.core.fleet import Place
from tests.benchmarks.child import ROOT
from tests.benchmarks.kills_blow import Blow, Moment
from tests.benchmarks.kills_child import BEGINS, Scene

START_LIMIT_SECONDS = 30.0

_SAMPLE = re.compile(
    r"carbonfinops_(?:fleet|accrual)_(\w+?)(?:_seconds)?_total"
    r'\{account_id="(\d+)",region="([\w-]+)"(?:,quantity="(\w+)")?\} (\S+)'
)
_NAMES = {"embodied_emissions_grams": "embodied_grams"}


@dataclass(frozen=True, slots=True)
class Sample:
    """A counter as it was shown; ``at`` is the scene's time just after."""

    at: float
    place: Place
    name: str
    value: float


class Victim:
    """A running exporter. Its log is added to a file; it is killed with its context."""

    def __init__(self, scene: Scene, log: Path) -> None:
        self.started_ns = time.time_ns()
        with log.open("a", encoding="utf-8") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.benchmarks.kills_child", scene.to_json()],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        self._state = Path(scene.folder)
        self._lines: list[bytes] = []
        self._begun_seconds = self._ended_seconds = 0.0
        self._heard = threading.Event()
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

    def _listen(self) -> None:
        with self._stdout as lines:
            for line in lines:
                if line.endswith(b"\n"):  # the last one may have been cut off
                    self._lines.append(line)
                    self._heard.set()
        self._heard.set()

    @property
    def _stdout(self) -> IO[bytes]:
        if self._process.stdout is None:
            raise RuntimeError("the process has no pipe")
        return self._process.stdout

    def __enter__(self) -> Self:
        """Use as a context."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running."""
        self.kill()

    def begin(self) -> None:
        """Wait until it begins to do anything."""
        if not self._heard.wait(START_LIMIT_SECONDS):
            raise TimeoutError("the exporter does not begin")
        self._begun_seconds = time.monotonic()

    def strike(self, blow: Blow) -> None:
        """Wait for the moment, then kill."""
        if blow.moment is not Moment.IMPORTS:
            self.begin()
        blow.wait(self._state, self.started_ns)
        self.kill()

    def kill(self) -> None:
        """SIGKILL; everything that it has said is heard then."""
        self._ended_seconds = self._ended_seconds or time.monotonic()
        self._process.kill()
        self._process.wait()
        self._listener.join()

    @property
    def lived_seconds(self) -> float:
        """From its begin; 0 when it was killed before."""
        return self._ended_seconds - self._begun_seconds if self._begun_seconds else 0.0

    @property
    def was_killed(self) -> bool:
        """Whether SIGKILL has ended it, and nothing else before."""
        return self._process.returncode == -signal.SIGKILL

    def samples(self) -> list[list[Sample]]:
        """What it has shown, one list for each time the counters changed."""
        shown = [line for line in self._lines if line.strip() != BEGINS.encode()]
        return [[_sample(at, text) for text in texts] for at, texts in map(json.loads, shown)]


def _sample(at: float, text: str) -> Sample:
    match = _SAMPLE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a counter: {text}")
    name, account_id, region, quantity, value = match.groups()
    known = f"skipped {quantity}" if quantity else _NAMES.get(name, name)
    return Sample(at, Place(account_id, region), known, float(value))
