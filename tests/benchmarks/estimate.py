"""CPU time of one refresh, from evidence to the answer, and of the state file."""

import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

from exporter.core.estimate import estimate_fleet
from exporter.core.evidence import PlaceCpu
from exporter.core.fleet import Inventory
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

    def fetch(self, previous):
        """Give back what is known."""
        return previous


def cpu_seconds(job: Callable[[], object]) -> tuple[float, object]:
    """CPU time of a job, and what it returned."""
    before = time.process_time()
    outcome = job()
    return time.process_time() - before, outcome


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


def cells_of(instances: int) -> dict[SourceName, list[Cell]]:
    """Inventory and CPU cells without any value yet."""
    places = fleet.evidence(instances, 0).inventories
    kinds = {SourceName.EC2_INVENTORY: Inventory, SourceName.CLOUDWATCH_CPU: PlaceCpu}
    clock = SystemClock()
    cadence = Cadence(300.0, 900.0)
    return {
        name: [
            Cell(
                CellKey(name, Scope(*place)),
                Unasked(name, Scope(*place)),
                lambda _: cadence,
                clock,
                kind,
            )
            for place in places
        ]
        for name, kind in kinds.items()
    }


def state_file(instances: int, times: int) -> None:
    """Save and load what is known of every instance: the two large files."""
    known = fleet.evidence(instances, 0)
    values = {
        SourceName.EC2_INVENTORY: dict(known.inventories),
        SourceName.CLOUDWATCH_CPU: {
            place: PlaceCpu(place, polled) for place, polled in fleet.cpu_by_place(known)
        },
    }
    saves, loads, size = [], [], 0
    for _ in range(times):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            cells = cells_of(instances)
            for source, own in cells.items():
                for cell in own:
                    at = time.time()
                    value = values[source][cell.key.scope[:2]]
                    cell.state = CellState(value, 0.0, at, at, detail="")
