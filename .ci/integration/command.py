"""A command of the exporter, run to its end."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from exporter_process import assert_nothing_leaks, clean_environment

LIMIT_SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    output: str

    @property
    def lines(self) -> list[str]:
        """Lines that say something."""
        return [line for line in self.output.splitlines() if line.strip()]


def run(
    folder: Path, settings: Mapping[str, str], *arguments: str, limit: float = LIMIT_SECONDS
) -> Answer:
    """Run it with nothing but these settings; fail when it shows a secret or a stack trace."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "exporter", *arguments],
        cwd=folder,
        env=clean_environment(folder, settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=limit,
        check=False,
    )
    assert_nothing_leaks(done.stdout, f"the output of {' '.join(arguments)}")
    return Answer(done.returncode, done.stdout)
