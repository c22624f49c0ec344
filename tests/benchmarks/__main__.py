"""Every benchmark, one after the other, each in a process of its own: ``make bench``.

``python -m tests.benchmarks scrape calls`` runs only those. They print what they measure, the
goal beside it, and fail only when they cannot measure.
"""

import os
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.child import ROOT

BENCHMARKS = {
    "scrape": "what a scrape costs, against prometheus_client with the same samples",
    "throughput": "requests a second, against prometheus_client's server",
    "stalled": "scrapes beside clients that stall, guess passwords or come in masses",
    "calls": "upstream calls and their price a day, against asking at every scrape",
    "startup": "start, stop and scrapes while upstreams hang; restarts",
    "estimate": "one refresh",
    "books": "hours, statements, corrections, against working everything out anew",
    "case": "the business case, against plain loops per instance and hour",
    "state": "the state files, saved and loaded",
    "history": "an hour on disk, against SQLite and one JSON file that is rewritten",
    "wall": "the queries of the wall over seven days, against the same without recording rules",
}
PACKAGES = ("prometheus_client", "boto3", "pydantic_core", "requests")


def print_machine() -> None:
    """Where and with what the figures come about."""
    cpu_info = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next(
        (line.partition(": ")[2] for line in cpu_info if line.startswith("model name")), ""
    )
    load = "/".join(f"{minutes:.1f}" for minutes in os.getloadavg())
    print(f"{os.cpu_count()} x {model}, load {load} at the start, Linux {platform.release()}")
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    print(f"Python {platform.python_version()}, {versions}")
    print("median (least-greatest, n = how often measured); peers take turns in the same run")


def main() -> None:
    """Run those named, or all of them."""
    begun = time.monotonic()
    print_machine()
    for name in sys.argv[1:] or BENCHMARKS:
        print(f"\n{name}: {BENCHMARKS[name]}", flush=True)
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}"], cwd=ROOT, check=True)
    print(f"\n{time.monotonic() - begun:.0f} s in all")


if __name__ == "__main__":
    main()
