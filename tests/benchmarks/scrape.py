"""What a scrape costs the server, against prometheus_client with the same samples."""

import gzip
import http.client
import time
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tests.benchmarks.child import Child
from tests.benchmarks.figures import Spread, ratio, result

SETTLE_SECONDS = 0.02
"""The server's thread may still be clearing up after the last byte."""

COMPARED = tuple(
    f"carbonfinops_{kind}_"
    for kind in (
        "instance",
        "fleet",
        "time_alignment",
        "cost_coverage",
        "carbon_coverage",
        "billed",
        "reconciliation",
        "accrual",
    )
)
"""The families of the fleet and of the books; ours also serves metrics about itself."""

TEXT = "text/plain;version=0.0.4;q=1,*/*;q=0.1"
OPENMETRICS = (  # what Prometheus 2.42 sends
    "application/openmetrics-text;version=1.0.0,"
    "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)


class Plan(NamedTuple):
    """How often a fleet is scraped: ``ours`` and ``theirs`` scrapes in each round."""

    instances: int
    rounds: int
    ours: int
    theirs: int
    goal: float


PLANS = (Plan(100, 15, 40, 10, goal=40), Plan(10_000, 5, 40, 1, goal=500))


class Scraper:
    """One server in a process of its own, and one kept connection to it, as Prometheus has."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self.port = int(child.tell("go"))
        self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def scrape(self, accept: str = TEXT) -> bytes:
        """The compressed body of one scrape."""
        headers = {"Accept": accept, "Accept-Encoding": "gzip", "User-Agent": "Prometheus/2.42.0"}
        self._connection.request("GET", "/metrics", headers=headers)
        return self._connection.getresponse().read()

    def cpu_seconds(self, scrapes: int, accept: str = TEXT) -> float:
        """CPU time of the server for one of several scrapes."""
        before = self.child.cpu_seconds()
        for _ in range(scrapes):
            self.scrape(accept)
        time.sleep(SETTLE_SECONDS)
        return (self.child.cpu_seconds() - before) / scrapes

    def refresh_cpu_seconds(self) -> float:
        """CPU time of the server to take over other numbers and answer one scrape with them."""
        self.child.tell("prepare")
        before = self.child.cpu_seconds()
        self.child.tell("refresh")
        self.scrape()
        time.sleep(SETTLE_SECONDS)
        return self.child.cpu_seconds() - before


def server(kind: str, instances: int) -> Child:
    """Start a server; it is up once it was told to go on."""
    return Child("tests.benchmarks.servers", kind, str(instances))


def compare(plan: Plan) -> None:
    """Both servers with one fleet, in turn."""
    fleet = f"{plan.instances:,} instances"
    with server("ours", plan.instances) as own, server("library", plan.instances) as other:
        ours, theirs = Scraper(own), Scraper(other)
        compare_samples(fleet, ours.scrape(), theirs.scrape())
        for accept, text, goal in (
            (TEXT, "text", plan.goal),
            (OPENMETRICS, "Prometheus's Accept", None),
        ):
            rounds = [
                (ours.cpu_seconds(plan.ours, accept), theirs.cpu_seconds(plan.theirs, accept))
                for _ in range(plan.rounds)
            ]
            mine, peer = (Spread.of(samples) for samples in zip(*rounds, strict=True))
            result(f"{fleet}, {text}, CPU of a scrape: ours", mine.milliseconds())
            result(f"{fleet}, {text}: prometheus_client", peer.milliseconds())
            ratio(f"{fleet}, {text}: times less", peer.median / mine.median, at_least=goal)
        if plan.instances == PLANS[-1].instances:
            compare_refresh(fleet, ours, theirs, plan.rounds)


def compare_samples(fleet: str, ours: bytes, theirs: bytes) -> None:
    """Say whether both show the same, and in how many bytes."""
    shown = [
        {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(gzip.decompress(body).decode())
            for sample in family.samples
            if sample.name.startswith(COMPARED)
        }
        for body in (ours, theirs)
    ]
    same = "the same" if shown[0] == shown[1] else "NOT THE SAME"
    sizes = f"{len(ours):,} and {len(theirs):,} bytes of gzip"
    result(f"{fleet}: ours and prometheus_client", f"{same} {len(shown[0]):,} samples, {sizes}")


def compare_refresh(fleet: str, ours: Scraper, theirs: Scraper, rounds: int) -> None:
    """Nothing cached: every number is another one."""
    pairs = [(ours.refresh_cpu_seconds(), theirs.refresh_cpu_seconds()) for _ in range(rounds)]
    mine, peer = (Spread.of(samples) for samples in zip(*pairs, strict=True))
    result(f"{fleet}, all values new + one scrape, CPU: ours", mine.milliseconds())
    result(f"{fleet}, all values new + one scrape: prometheus_client", peer.milliseconds())
    ratio(f"{fleet}, all values new: times less", peer.median / mine.median, at_least=8)


def compare_memory(instances: int) -> None:
    """What serving takes on top of the same snapshot, after the first scrape."""
    megabytes = {}
    for kind in ("ours", "library"):
        with server(kind, instances) as child:
            before = child.resident_megabytes()
            Scraper(child).scrape()
            time.sleep(SETTLE_SECONDS)
            megabytes[kind] = child.resident_megabytes() - before
            whole = f"{megabytes[kind]:,.0f} MB (process {child.resident_megabytes():,.0f} MB)"
            result(f"{instances:,} instances, memory to serve a snapshot: {kind}", whole)
    ratio(f"{instances:,} instances: times less memory", megabytes["library"] / megabytes["ours"])


def main() -> None:
    """Print the comparison for each size of fleet."""
    for plan in PLANS:
        compare(plan)
    compare_memory(PLANS[-1].instances)


if __name__ == "__main__":
    main()
