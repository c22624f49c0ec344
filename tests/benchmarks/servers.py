"""The servers that are compared, one per process: ``python -m tests.benchmarks.servers KIND N``.

KIND is ``ours``, ``library`` (prometheus_client: a Gauge per family behind its own server) or
``cached`` (its server, answering with our ready-made bytes). All serve the same fleet of N
instances. After the first line the server is up; ``prepare`` makes other numbers for the whole
fleet, ``refresh`` takes them over.
"""

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any, NamedTuple
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import Gauge, start_http_server
from prometheus_client.exposition import ThreadingWSGIServer

from exporter.core.estimate import estimate_fleet
from exporter.core.snapshot import FleetSnapshot
from exporter.exposition.families import FleetFamilies
from exporter.exposition.family import Family
from exporter.exposition.http import MetricsServer
from exporter.exposition.instrumentation import Instrumentation
from exporter.exposition.render import CONTENT_TYPE, Exposition, Renderer
from tests.benchmarks import fleet
from tests.benchmarks.stated import statement

TAG_LABELS = ("team", "environment", "service", "cost_center")
_LABEL = re.compile(r'(\w+)="([^"]*)"')


class Server(NamedTuple):
    """A server that is up, and how it takes over other numbers."""

    port: int
    refresh: Callable[[FleetSnapshot], Callable[[], None]]


class OneExposition:
    """A site that shows an exposition, and has no page."""

    def __init__(self, exposition: Exposition) -> None:
        self.exposition = exposition
        self.unready_reason = ""
        self.unhealthy_reason = ""

    def page(self, query: Mapping[str, str]) -> bytes:
        """Nothing."""
        del query
        return b""


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Keep no access log, as prometheus_client's own handler."""


class _Rendering:
    """The exporter's own way from a snapshot to an answer."""

    def __init__(self) -> None:
        self._families = FleetFamilies(TAG_LABELS)
        self._renderer = Renderer()
        self._own = Instrumentation(version="0", revision="", simulated=True)

    def of(self, snapshot: FleetSnapshot) -> Exposition:
        return self._renderer.render(self._families.of(snapshot), (), self._own.render())


def ours(snapshot: FleetSnapshot) -> Server:
    """The exporter's server and renderer."""
    rendering = _Rendering()
    site = OneExposition(rendering.of(snapshot))

    def prepare(other: FleetSnapshot) -> Callable[[], None]:
        def refresh() -> None:
            site.exposition = rendering.of(other)

        return refresh

    server = MetricsServer("127.0.0.1:0", site)
    server.start()
    return Server(server.port, prepare)


def library(snapshot: FleetSnapshot) -> Server:
    """prometheus_client as its documentation shows it."""
    families = FleetFamilies(TAG_LABELS)
    gauges: dict[str, Gauge] = {}

    def prepare(other: FleetSnapshot) -> Callable[[], None]:
        rows = list(_rows(families.of(other), gauges))

        def refresh() -> None:
            for gauge, labels, value in rows:
                (gauge.labels(*labels) if labels else gauge).set(value)

        return refresh

    prepare(snapshot)()
    server, _ = start_http_server(0, "127.0.0.1")
    return Server(server.server_port, prepare)


def cached(snapshot: FleetSnapshot) -> Server:
    """prometheus_client's server class with the least possible application."""
    body = _Rendering().of(snapshot).gzip_body()
    headers = [("Content-Type", CONTENT_TYPE), ("Content-Encoding", "gzip")]

    def application(_: object, start_response: Callable[..., object]) -> Iterable[bytes]:
        start_response("200 OK", headers)
        return [body]

    server = make_server("127.0.0.1", 0, application, ThreadingWSGIServer, _Quiet)
    Thread(target=server.serve_forever, daemon=True).start()
    return Server(server.server_port, lambda _: lambda: None)


KINDS = {"ours": ours, "library": library, "cached": cached}


def _rows(
    families: Iterable[Family], gauges: dict[str, Gauge]
) -> Iterable[tuple[Gauge, tuple[str, ...], float]]:
    """Every sample with its Gauge; the label values are read back from what we rendered."""
    for family in families:
        spec = family.spec
        for label_set, value in zip(family.label_sets, family.values, strict=True):
            labels = _LABEL.findall(label_set)
            if spec.name not in gauges:
                gauges[spec.name] = Gauge(spec.name, spec.help, [name for name, _ in labels])
            yield gauges[spec.name], tuple(text for _, text in labels), value


def main(kind: str, count: int) -> None:
    """Serve until killed."""

    def snapshot(seed: int) -> FleetSnapshot:
        known, stated = fleet.evidence(count, seed), statement(instances, seed)
        return estimate_fleet(known, fleet.SITING, fleet.NOW, stated)

    instances = fleet.instances(count)

    first = snapshot(0)
    print("estimated", flush=True)
    sys.stdin.readline()
    server = KINDS[kind](first)
    print(server.port, flush=True)
    prepared: Callable[[], None] | None = None
    for seed, line in enumerate(sys.stdin, start=1):
        if line.strip() == "prepare":
            prepared = server.refresh(snapshot(seed))
        elif prepared:
            prepared()
        print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
