"""A program in a process of its own, told what to do line by line, and measured from outside."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

ROOT = Path(__file__).parents[2]


class Child:
    """``python -m module arguments``, ended with the context.

    The program prints a line when it is ready, and one for every line it is told.
    """

    def __init__(self, module: str, *arguments: str, **variables: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=os.environ | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ready = self._line()

    def __enter__(self) -> Self:
        """Use as a context: the process is killed at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill the process."""
        self.end()

    def end(self) -> None:
        """Kill the process."""
        with self._process:
            self._process.kill()

    def tell(self, line: str) -> str:
        """Send a line; the answer once it is done."""
        print(line, file=self._stream(self._process.stdin), flush=True)
        return self._line()

    def cpu_seconds(self) -> float:
        """User and system time of the process so far, to the nanosecond.

        The clock of another process, as clock_getcpuclockid(3) numbers it on Linux: /proc only
        has ticks of 10 ms.
        """
        return time.clock_gettime(~self._process.pid << 3 | 2)

    def resident_megabytes(self) -> float:
        """Memory of the process that is in RAM now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kilobytes.split()[1]) / 1024

    def _line(self) -> str:
        line = self._stream(self._process.stdout).readline().strip()
        if not line:
            raise RuntimeError(f"{' '.join(map(str, self._process.args))} ended")  # type: ignore[arg-type]  # the list given above
        return line

    @staticmethod
    def _stream(stream: IO[str] | None) -> IO[str]:
        if stream is None:
            raise RuntimeError("the process has no pipe")
        return stream
