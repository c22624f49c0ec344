"""What it costs to save and load the state files of a large fleet, one by one."""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from exporter.books.archive import Archive
from exporter.books.bookkeeper import Bookkeeper
from exporter.books.place_book import REMEMBERED_HOURS, ClosedHour, PlaceBook
from exporter.core.accrual import PendingEmissions, PlaceAccrual
from exporter.core.evidence import PlaceCpu, SpotPrices
from exporter.core.fleet import Inventory, Place
from exporter.core.metering import hour_of
from exporter.core.provenance import Scope, SourceName
from exporter.core.trail import Trail
from exporter.core.units import SECONDS_PER_HOUR
from exporter.refresh import Cadence, Cell, CellKey, CellState, SystemClock
from exporter.store import StateDirectory
from tests.benchmarks.booked_facts import SITING, BookedFacts
from tests.benchmarks.booked_fleet import REGIONS
from tests.benchmarks.books import BEGINS_AT, HOUR_SLOTS
from tests.benchmarks.desk import INTERVAL_SECONDS
from tests.benchmarks.estimate import timed
from tests.benchmarks.figures import Spread, result

INSTANCES, PLACES = 10_000, 40
REPEATS = 3
POLL_SLOTS = 4
PENDING_HOURS = 4
UNMEASURED_SHARE = 0.01
KINDS: Mapping[SourceName, type] = {
    SourceName.EC2_INVENTORY: Inventory,
    SourceName.CLOUDWATCH_CPU: PlaceCpu,
    SourceName.SPOT_PRICE: SpotPrices,
    SourceName.CLOUDTRAIL_EVENTS: Trail,
}

Values = Mapping[Place, object]
Job = Callable[[Path], object]


class Unasked:
    """A source whose facts all come from the state file."""

    def __init__(self, name: SourceName, scope: Scope) -> None:
        self.name = name
        self.scope = scope

    def fetch(self, previous: object) -> object:
        """Give back what is known."""
        return previous


def values_of(facts: BookedFacts) -> dict[SourceName, Values]:
    """The last answers of each source."""
    places = facts.poll(POLL_SLOTS).places
    return {
        SourceName.EC2_INVENTORY: {each.place: each.inventory for each in places},
        SourceName.CLOUDWATCH_CPU: {each.place: each.cpu for each in places},
        SourceName.SPOT_PRICE: {each.place: each.spot for each in places},
        SourceName.CLOUDTRAIL_EVENTS: {each.place: each.trail for each in places},
    }


def cells_of(name: SourceName, values: Values) -> list[Cell[Any]]:
    """A cell per place, without any value yet."""
    return [
        Cell(
            CellKey(name, Scope(*place)),
            Unasked(name, Scope(*place)),
            lambda _: Cadence(300.0, 900.0),
            SystemClock(),
            KINDS[name],
        )
        for place in values
    ]


def save(folder: Path, name: SourceName, values: Values) -> None:
    """Write the answers of one source."""
    now = time.time()
    with StateDirectory(folder) as store:
        cells = cells_of(name, values)
        for cell, value in zip(cells, values.values(), strict=True):
            cell.state = CellState(value, 0.0, now, now, detail="")
        store.save(name, cells)


def load(folder: Path, name: SourceName, values: Values) -> None:
    """Read them; raises RuntimeError unless everything is there again."""
    with StateDirectory(folder) as store:
        for cell, value in zip(cells_of(name, values), values.values(), strict=True):
            store.restore(cell)
            if cell.state.value != value:
                raise RuntimeError(f"{name} is not what it was")


def show(name: str, saving: Job, loading: Job) -> None:
    """Print size and times of one file."""
    saves, loads = [], []
    for _ in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder)
            saves.append(timed(lambda: saving(path)))  # noqa: B023 - called at once
            loads.append(timed(lambda: loading(path)))  # noqa: B023 - called at once
            megabytes = (path / f"{name}.json").stat().st_size / 1e6
    for verb, pairs in (("save", saves), ("load", loads)):
        wall, cpu = (Spread.of(samples) for samples in zip(*pairs, strict=True))
        times = f"{wall.milliseconds()}, CPU {cpu.milliseconds()}"
        result(f"{name}.json, {megabytes:.1f} MB: {verb}", times)


def with_archive(job: Callable[[Archive], object]) -> Job:
    """The job, in a state directory of its own."""

    def in_folder(folder: Path) -> None:
        with StateDirectory(folder) as store:
            job(Archive(store))

    return in_folder


def held_books(facts: BookedFacts) -> Iterator[PlaceBook]:
    """Books of an exporter that has run for long."""
    closed_at = hour_of(BEGINS_AT)
    hours = [closed_at - age * SECONDS_PER_HOUR for age in range(REMEMBERED_HOURS, 0, -1)]
    for place in facts.now.places:
        ids = [each.instance_id for each in place.inventory.instances]
        unmeasured = frozenset(ids[: round(UNMEASURED_SHARE * len(ids))])
        zone = REGIONS[place.place.region]
        pending = (PendingEmissions(zone, hour, 1e9 / 7, 1e6 / 7) for hour in hours)
        accrual = PlaceAccrual(0.0, closed_at, pending=tuple(pending)[-PENDING_HOURS:])
        yield PlaceBook(place.place, accrual, tuple(ClosedHour(at, unmeasured) for at in hours))


def book_files(facts: BookedFacts) -> None:
    """Print what the counters and the points of an open hour take."""
    books = tuple(held_books(facts))
    show(
        "accrual",
        with_archive(lambda archive: archive.save_books(books)),
        with_archive(lambda archive: archive.load_books()),
    )
    with tempfile.TemporaryDirectory() as name, StateDirectory(Path(name)) as store:
        archive = Archive(store)
        archive.save_books(books)
        keeper = Bookkeeper(archive, SITING, INTERVAL_SECONDS, BEGINS_AT, time.monotonic)
        keeper.keep(facts.poll(HOUR_SLOTS))
        keeper.save(BEGINS_AT)
        metered = archive.load_meter()
    show(
        "meter",
        with_archive(lambda archive: archive.save_meter(metered)),
        with_archive(lambda archive: archive.load_meter()),
    )


def main() -> None:
    """Print size and times of every large file."""
    facts = BookedFacts(INSTANCES, PLACES, BEGINS_AT)
    print(f"  {INSTANCES:,} instances in {PLACES} places")
    for name, values in values_of(facts).items():
        show(
            name,
            lambda folder: save(folder, name, values),  # noqa: B023 - called at once
            lambda folder: load(folder, name, values),  # noqa: B023 - called at once
        )
    book_files(facts)


if __name__ == "__main__":
    main()
