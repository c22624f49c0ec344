"""How many requests a second the server answers, against prometheus_client's server.

Not named after HTTP requests: run as a script, a ``requests.py`` would hide the library.
"""

import re
import shutil
import subprocess
import sys

from tests.benchmarks.child import ROOT
from tests.benchmarks.figures import Spread, ratio, result
from tests.benchmarks.load import CONNECTIONS
from tests.benchmarks.scrape import Scraper, server

INSTANCES = 100
ROUNDS = 3
ROUND_SECONDS = 3
LABELS = {
    "ours": "ours",
    "cached": "prometheus_client's server, same bytes ready-made",
    "library": "prometheus_client's server and Gauges",
}


def requests_per_second(port: int) -> float:
    """The rate over one round, from another process."""
    wrk = shutil.which("wrk")
    url = f"http://127.0.0.1:{port}/metrics"
    seconds = str(ROUND_SECONDS)
    with_wrk = [
        wrk or "",
        "-t1",
        f"-c{CONNECTIONS}",
        f"-d{seconds}s",
        "-H",
        "Accept-Encoding: gzip",
    ]
    without = [sys.executable, "-m", "tests.benchmarks.load", str(port), seconds]
    done = subprocess.run(
        [*with_wrk, url] if wrk else without, cwd=ROOT, capture_output=True, check=True, text=True
    )
    found = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return float(found[1])


def main() -> None:
    """Print the rates of the three servers, asked in turn."""
    children = {kind: server(kind, INSTANCES) for kind in LABELS}
    rates: dict[str, list[float]] = {kind: [] for kind in LABELS}
    try:
        ports = {kind: Scraper(child).port for kind, child in children.items()}
        for _ in range(ROUNDS):
            for kind, port in ports.items():
                rates[kind].append(requests_per_second(port))
    finally:
        for child in children.values():
            child.end()
    tool = "wrk" if shutil.which("wrk") else "tests.benchmarks.load"
    print(f"  {INSTANCES} instances, {CONNECTIONS} connections, {ROUND_SECONDS} s a round, {tool}")
    spreads = {kind: Spread.of(samples) for kind, samples in rates.items()}
    for kind, spread in spreads.items():
        result(LABELS[kind], spread.per_second())
    ours = spreads["ours"].median
    ratio("times prometheus_client's server", ours / spreads["cached"].median, at_least=4)
    ratio("times prometheus_client as it is used", ours / spreads["library"].median)


if __name__ == "__main__":
    main()
