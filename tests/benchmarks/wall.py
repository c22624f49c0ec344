"""How long the wall's queries take over seven days, and what the recording rules save.

A Prometheus gets eight days of the demo's fleet. Every query of the wall is asked as Grafana does,
several times; then once with the rules written out down to the series of single instances.
"""

import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.figures import Spread, below, ratio, result
from tests.benchmarks.lived import Lived, Refused, lived, missing
from tests.benchmarks.unrecorded import unrecorded
from tests.grafana.boards import dashboards
from tests.grafana.queries import Query, Window, queries

INSTANCES = 100
DAYS = 8
SEEN = Window.of("now-7d")
STEP_SECONDS = 300
"""Of a graph over the whole width of a 1920 pixels' screen."""

REPEATS = 5
SLOWEST = 10
WIDTH = 38
"""Of a panel's title in a line."""

GOAL_SECONDS = 0.2
LIMIT_SECONDS = 30.0


class Measured(NamedTuple):
    """A query, how long it takes, and without recorded series; None where that cannot be told."""

    query: Query
    times: Spread
    plain_seconds: float | None

    @property
    def gain(self) -> float:
        """How many times longer it takes without."""
        return (self.plain_seconds or 0.0) / self.times.median


def asked(query: Query, until: float) -> tuple[str, dict[str, object]]:
    """The call that Grafana makes for it, on the wall's seven days."""
    if query.instant:
        return "query", {"query": query.expr, "time": until}
    end = until // STEP_SECONDS * STEP_SECONDS
    span = {"start": end - SEEN.seconds, "end": end, "step": STEP_SECONDS}
    return "query_range", {"query": query.expr, **span}


def measured(server: Lived, wall: Sequence[Query]) -> list[Measured]:
    """Ask each several times, the first time cold; only then those that keep the server busy."""
    times = [_times(server, query) for query in wall]
    return [
        Measured(query, each, _plain_seconds(server, query))
        for query, each in zip(wall, times, strict=True)
    ]


def _times(server: Lived, query: Query) -> Spread:
    path, parameters = asked(query, server.until)
    return Spread.of([server.seconds(path, parameters) for _ in range(REPEATS)])


def _plain_seconds(server: Lived, query: Query) -> float | None:
    plain = unrecorded(query.expr)
    if plain is None:
        return None
    path, parameters = asked(query, server.until)
    try:
        return server.seconds(path, {**parameters, "query": plain})
    except Refused as refusal:
        if "timed out" not in str(refusal):
            raise
        return math.inf


def show(found: list[Measured]) -> None:
    """Print the slowest, and those that the rules make faster."""
    for query, times, _ in sorted(found, key=lambda each: -each.times.high)[:SLOWEST]:
        below(_short(query), times, GOAL_SECONDS)
    whole = sum(each.times.median for each in found)
    result(f"all {len(found)} queries, one after the other", f"{1e3 * whole:,.0f} ms")
    for each in sorted(found, key=lambda each: -each.gain)[:SLOWEST]:
        what = f"without rules: {_short(each.query)}"
        if each.plain_seconds == math.inf:
            least = LIMIT_SECONDS / each.times.median
            result(what, f"> {least:,.0f}x (not within {LIMIT_SECONDS:.0f} s)")
        elif each.plain_seconds:
            ratio(what, each.gain)


def _short(query: Query) -> str:
    """The panel, the letter of its query, and how far it looks back."""
    title, _, letter = query.place.partition(": ")[2].rpartition(" ")
    span = "" if query.instant else f", {SEEN.seconds // 86400}d"
    return f"{title[:WIDTH]} {letter}{span}"


def main() -> None:
    """Print all of it; say so where Prometheus is not installed."""
    if missing():
        print(f"  skipped: {', '.join(missing())} not installed")
        return
    wall = [query for board in dashboards() if board.name == "wall" for query in queries(board)]
    if not wall:
        sys.exit("there is no wall to measure")
    with tempfile.TemporaryDirectory() as folder:
        with lived(Path(folder), DAYS, INSTANCES, LIMIT_SECONDS) as server:
            show(measured(server, wall))


if __name__ == "__main__":
    main()
