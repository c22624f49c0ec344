"""Does what a page tells its reader to do, in one folder, as in one terminal. Standard library."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.docs.commands import Command, Stop

COMMAND_SECONDS = 600.0
"""Long enough for any installation."""

SHOWS_SECONDS = 240.0
"""How long a reader would go on looking for what is shown."""

STAYS_SECONDS = 5.0
"""What says nothing, and is still there after this, has started."""

PAUSE_SECONDS = 2.0
END_SECONDS = 30.0

_PLACEHOLDER = re.compile(r"^(\s*export )(\w+)=\.\.\.(?=\s|$)", re.MULTILINE)


class PageError(Exception):
    """A command failed, or did not show what the page says."""


@dataclass(frozen=True)
class Outcome:
    """What became of a block; ``skipped`` says why it was not run, empty where it was."""

    command: Command
    skipped: str = ""
    seconds: float = 0.0


@dataclass
class Terminal:
    """Runs blocks one after the other; what one exports, the next one has.

    ``values`` replace ``export NAME=...`` of a page, ``instead`` texts such as addresses.
    """

    folder: Path
    environment: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    say: Callable[[str], None] = lambda _: None

    def __post_init__(self) -> None:
        self._scratch = Path(tempfile.mkdtemp(prefix="page-"))
        self._exports = self._scratch / "exports"
        self._exports.write_text("")
        self._running: list[subprocess.Popen[bytes]] = []
        self._logs: list[Path] = []

    def run(self, steps: Iterable[Command | Stop]) -> Iterator[Outcome]:
        """Do the steps; what became of each block. Raises PageError at the first that fails."""
        try:
            for step in steps:
                if isinstance(step, Stop):
                    self._stop()
                else:
                    yield self._outcome(step)
        finally:
            while self._running:
                self._stop()
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _outcome(self, command: Command) -> Outcome:
        skipped = command.reason or self._lacking(command)
        if skipped:
            return Outcome(command, skipped)
        self.say(f"{command.block.place}: {command.block.text.strip().splitlines()[0]}")
        begun = time.monotonic()
        if command.background:
            self._start(command)
        else:
            self._finish(command)
        return Outcome(command, seconds=time.monotonic() - begun)

    def _lacking(self, command: Command) -> str:
        there = {
            "an AWS account": bool(self.values),
            "the AWS CLI": self._which("aws"),
            "Prometheus": self._which("prometheus") and self._which("promtool"),
            "the package index": True,
        }
        lacking = [need for need in command.needs if not there[need]]
        return f"needs {', '.join(lacking)}" if lacking else ""

    def _which(self, program: str) -> bool:
        return shutil.which(program, path=self.environment["PATH"]) is not None

    def _script(self, command: Command) -> str:
        def value(found: re.Match[str]) -> str:
            if found[2] not in self.values:
                raise PageError(f"{command.block.place}: no value for {found[2]}")
            return f"{found[1]}{found[2]}='{self.values[found[2]]}'"

        text = _PLACEHOLDER.sub(value, command.block.text)
        for old, new in self.instead.items():
            text = text.replace(old, new)
        return text

    def _finish(self, command: Command) -> None:
        """Run it, and again until it shows what it is said to show."""
        deadline_at = time.monotonic() + SHOWS_SECONDS
        first = ""
        while True:
            code, output = self._bash(self._script(command))
            first = first or output
            missing = self._missing(command, output)
            done = code == command.exit_code and not missing
            if done or time.monotonic() > deadline_at or not command.shown:
                break
            time.sleep(PAUSE_SECONDS)
        if not done:
            expected = f"no line {missing!r}" if missing else f"exit code {code}"
            said = first if first == output else f"at first\n{first}\nin the end\n{output}"
            raise PageError(f"{command.block.place}: {expected}\n{said}{self._tails()}")

    def _bash(self, script: str) -> tuple[int, str]:
        keep = f'. "{self._exports}"\ntrap \'export -p >"{self._exports}"\' EXIT\nset -e\n'
        done = subprocess.run(
            ["/bin/bash", "-c", keep + script],
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        return done.returncode, done.stdout

    def _missing(self, command: Command, output: str) -> str:
        for old, new in self.instead.items():
            output = output.replace(new, old)
        return command.shown.missing_in(output) if command.shown else ""

    def _start(self, command: Command) -> None:
        """Start it, and wait until its output shows what it is said to show."""
        log = self._scratch / f"{len(self._logs)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["/bin/bash", "-c", f'. "{self._exports}"\n{self._script(command)}'],
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        self._logs.append(log)
        begun_at = time.monotonic()
        deadline_at = begun_at + COMMAND_SECONDS
        while not command.shown and time.monotonic() < begun_at + STAYS_SECONDS:
            if process.poll() is not None:
                raise PageError(f"{command.block.place}: it has ended{self._tails()}")
            time.sleep(PAUSE_SECONDS / 10)
        while missing := self._missing(command, log.read_text(errors="replace")):
            if process.poll() is not None or time.monotonic() > deadline_at:
                raise PageError(f"{command.block.place}: no line {missing!r}{self._tails()}")
            time.sleep(PAUSE_SECONDS / 10)

    def _stop(self) -> None:
        """What Ctrl-C does: an interrupt to everything that was started there."""
        if not self._running:
            return  # what is to be stopped was not started
        process = self._running.pop()
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            if process.poll() is not None and not _exists(process.pid):
                return
            os.killpg(process.pid, ending)
            deadline_at = time.monotonic() + END_SECONDS
            while time.monotonic() < deadline_at:
                process.poll()
                if not _exists(process.pid):
                    return
                time.sleep(PAUSE_SECONDS / 10)
            self.say(f"still there after {ending.name}")

    def _tails(self) -> str:
        return "".join(
            f"\n--- {log.name}\n{log.read_text(errors='replace')[-2000:]}" for log in self._logs
        )


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def report(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """One line for each block, and how many were run."""
    run = skipped = 0
    for outcome in outcomes:
        run, skipped = run + (not outcome.skipped), skipped + bool(outcome.skipped)
        fate = f"not run: {outcome.skipped}" if outcome.skipped else f"run, {outcome.seconds:.0f} s"
        first = outcome.command.block.text.strip().splitlines()[0]
        yield f"{outcome.command.block.place:<42} {fate:<24} {first}"
    yield f"{run} blocks run, {skipped} not run, on Python {sys.version.split()[0]}"
