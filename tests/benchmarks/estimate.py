"""CPU time of one refresh, from evidence to the answer, and of the state file."""

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from exporter.core.estimate import estimate_fleet
from exporter.core.evidence import PlaceCpu
from exporter.core.fleet import Inventory, Place
from exporter.core.provenance import Scope, SourceName
from exporter.exposition.families import FleetFamilies
from exporter.exposition.render import Renderer
from exporter.refresh import Cadence, Cell, CellKey, CellState, SystemClock
from exporter.store import StateDirectory
from tests.benchmarks import fleet
from tests.benchmarks.figures import Spread, result

SIZES = {100: 15, 1_000: 9, 10_000: 5}
"""Instances, and how often each is measured."""

STAGES = ("estimate", "families", "render + compress")


class Unasked:
    """A source whose facts all come from the state file."""

    def __init__(self, name: SourceName, scope: Scope) -> None:
        self.name = name
        self.scope = scope

    def fetch(self, previous: object) -> object:
        """Give back what is known."""
        return previous


def refreshes(instances: int, times: int) -> None:
    """Refresh the same fleet with other numbers each time."""
    families, renderer = FleetFamilies(), Renderer()
    rows = []
    for seed in range(times + 1):
        known = fleet.evidence(instances, seed)
        before = time.process_time()
        snapshot = estimate_fleet(known, fleet.SITING, fleet.NOW)
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


def cells_of(
    values: Mapping[SourceName, Mapping[Place, object]],
) -> dict[SourceName, list[Cell[Any]]]:
    """A cell per source and place, without any value yet."""
    kinds = {SourceName.EC2_INVENTORY: Inventory, SourceName.CLOUDWATCH_CPU: PlaceCpu}
    return {
        name: [
            Cell(
                CellKey(name, Scope(*place)),
                Unasked(name, Scope(*place)),
                lambda _: Cadence(300.0, 900.0),
                SystemClock(),
                kinds[name],
            )
            for place in own
        ]
        for name, own in values.items()
    }


def save(folder: Path, values: Mapping[SourceName, Mapping[Place, object]]) -> None:
    """Write the state files."""
    now = time.time()
    with StateDirectory(folder) as store:
        for name, cells in cells_of(values).items():
            for cell, value in zip(cells, values[name].values(), strict=True):
                cell.state = CellState(value, 0.0, now, now, detail="")
            store.save(name, cells)


def load(folder: Path, values: Mapping[SourceName, Mapping[Place, object]]) -> bool:
    """Read the state files; whether everything is there again."""
    with StateDirectory(folder) as store:
        same = True
        for name, cells in cells_of(values).items():
            for cell, value in zip(cells, values[name].values(), strict=True):
                store.restore(cell)
                same &= cell.state.value == value
        return same


def state_files(instances: int, times: int) -> None:
    """Save and load what is known of every instance: the two large files."""
    known = fleet.evidence(instances, 0)
    values: dict[SourceName, dict[Place, object]] = {
        SourceName.EC2_INVENTORY: dict(known.inventories),
        SourceName.CLOUDWATCH_CPU: {
            place: PlaceCpu(place, tuple(polled.values())) for place, polled in known.cpu.items()
        },
    }
    saves, loads = [], []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            saves.append(timed(lambda: save(folder, values)))  # noqa: B023 - called at once
            loads.append(timed(lambda: load(folder, values)))  # noqa: B023 - called at once
            megabytes = sum(file.stat().st_size for file in folder.glob("*.json")) / 1e6
    what = f"{instances:,} instances, state files of {megabytes:.1f} MB"
    for verb, pairs in (("save", saves), ("load", loads)):
        wall, cpu = (Spread.of(samples) for samples in zip(*pairs, strict=True))
        result(f"{what}: {verb}", f"{wall.milliseconds()}, CPU {cpu.milliseconds()}")


def timed(job: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a job."""
    begun = time.monotonic(), time.process_time()
    job()
    return time.monotonic() - begun[0], time.process_time() - begun[1]


def main() -> None:
    """Print the times for each size of fleet."""
    for instances, times in SIZES.items():
        refreshes(instances, times)
    state_files(*list(SIZES.items())[-1])


if __name__ == "__main__":
    main()
