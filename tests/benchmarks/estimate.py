"""CPU time of one refresh, from evidence to the answer."""

import time
from collections.abc import Callable

from exporter.core.estimate import estimate_fleet
from exporter.exposition.families import FleetFamilies
from exporter.exposition.render import Renderer
from tests.benchmarks import fleet
from tests.benchmarks.figures import Spread, result
from tests.benchmarks.stated import statement

SIZES = {100: 15, 1_000: 9, 10_000: 5}
"""Instances, and how often each is measured."""

STAGES = ("estimate", "families", "render + compress")


def refreshes(instances: int, times: int) -> None:
    """Refresh the same fleet with other numbers each time."""
    families, renderer, listed = FleetFamilies(), Renderer(), fleet.instances(instances)
    rows = []
    for seed in range(times + 1):
        known, stated = fleet.evidence(instances, seed), statement(listed, seed)
        before = time.process_time()
        snapshot = estimate_fleet(known, fleet.SITING, fleet.NOW, stated)
        estimated = time.process_time()
        shown = families.of(snapshot)
        mapped = time.process_time()
        renderer.render(shown, (), "")
        rows.append((estimated - before, mapped - estimated, time.process_time() - mapped))
    rows = rows[1:]  # the first time renders every label set
    for stage, samples in zip(STAGES, zip(*rows, strict=True), strict=True):
        result(f"{instances:,} instances, {stage}, CPU", Spread.of(samples).milliseconds())
    whole = Spread.of([sum(row) for row in rows])
    result(f"{instances:,} instances, one refresh, all values new, CPU", whole.milliseconds())


def timed(job: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a job."""
    begun = time.monotonic(), time.process_time()
    job()
    return time.monotonic() - begun[0], time.process_time() - begun[1]


def main() -> None:
    """Print the times for each size of fleet."""
    for instances, times in SIZES.items():
        refreshes(instances, times)


if __name__ == "__main__":
    main()
