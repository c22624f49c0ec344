"""Books kept of a fake cloud over simulated hours, and the hours themselves as a film of facts."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from exporter.books.archive import Archive
from exporter.books.bookkeeper import Bookkeeper
from exporter.books.facts import Facts
from exporter.books.hour import OnClosed, nobody
from exporter.core.evidence import Quantity
from exporter.core.fleet import Instance, InstanceState, Place
from exporter.core.power import PowerCurve
from exporter.core.provenance import SourceName
from exporter.core.scenarios.usage import HourOfUse
from exporter.core.statement import Accrued, Statement
from exporter.gather import gather_facts
from exporter.refresh import Cadence
from exporter.store import StateDirectory
from tests.fakes import (
    DEFAULT_CADENCES,
    SITING,
    START_AT,
    FakeClock,
    FakeUpstreams,
    Polling,
    make_instance,
)

HOUR = 3600.0
DAY = 86400.0
TICK_SECONDS = 300.0
CPU_INTERVAL_SECONDS = DEFAULT_CADENCES[SourceName.CLOUDWATCH_CPU].interval_seconds

SKIPPED = (Quantity.POWER, Quantity.EMISSIONS, Quantity.EMBODIED, Quantity.COST_USD)

PLACE = Place("111111111111", "eu-central-1")
WATTS = PowerCurve.through((10.0, 15.0, 20.0, 26.0, 30.0, 32.0)).at(40.0)
"""What every instance of the fake cloud draws."""
USD_PER_HOUR, EMBODIED_GRAMS_PER_HOUR, PUE_RATIO = 0.25, 2.0, 1.2

LAUNCHED_AT = START_AT - 3 * DAY
WEB = make_instance("i-web", PLACE, launched_at=LAUNCHED_AT)


def grams_per_kilowatt_hour(hour_at: float) -> float:
    """What the fake cloud's grid has in the hour that begins at an instant."""
    return 300.0 if hour_at / HOUR % 2 else 330.0


def stopped(subject: Instance, at: float) -> Instance:
    """As EC2 shows an instance that a user stopped at an instant, in whole seconds."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    reason = f"User initiated ({stamp} GMT)"
    return replace(subject, state=InstanceState.STOPPED, state_transition_reason=reason)


class Keeping(Polling):
    """The background loop of a fake cloud without the exposition: what it polls is kept in books.

    ``facts`` are what the books were kept from last, ``told`` are the hours closed or corrected.
    """

    def __init__(
        self,
        upstreams: FakeUpstreams,
        clock: FakeClock,
        *,
        store: StateDirectory | None = None,
        cadences: Mapping[SourceName, Cadence] = DEFAULT_CADENCES,
    ) -> None:
        super().__init__(upstreams, clock, store=store, cadences=cadences)
        self.told: list[HourOfUse] = []
        self.bookkeeper = bookkeeper(store, clock, self.told.extend)
        self.statement = Statement()
        self.facts = gather_facts(self.roster, clock.wall())

    def update(self) -> None:
        """Keep the books."""
        super().update()
        self.facts = gather_facts(self.roster, self.clock.wall())
        self.statement = self.bookkeeper.keep(self.facts)

    def save_cells(self) -> None:
        """Write the last answers, as the publisher does."""
        if self.store:
            for source in SourceName:
                cells = [cell for cell in self.roster.cells() if cell.key.source is source]
                self.store.save(source, cells)


def bookkeeper(
    store: StateDirectory | None, clock: FakeClock, on_closed: OnClosed = nobody
) -> Bookkeeper:
    """Books of one process, that go on from what is in the state directory."""
    archive = Archive(store) if store else None
    now = clock.wall()
    return Bookkeeper(archive, SITING, CPU_INTERVAL_SECONDS, now, clock.monotonic, on_closed)


def keeping(*instances: Instance, store: StateDirectory | None = None) -> Keeping:
    """Books of these instances, begun at START_AT."""
    clock = FakeClock()
    found = Keeping(FakeUpstreams(clock, *(instances or (WEB,))), clock, store=store)
    found.settle()
    return found


class Scene(NamedTuple):
    """At an instant the fleet becomes this."""

    at: float
    fleet: tuple[Instance, ...]


def film(seconds: float, fleet: Iterable[Instance], scenes: Iterable[Scene] = ()) -> list[Facts]:
    """One body of facts per tick, from START_AT on, of a cloud whose fleet changes."""
    found = keeping(*fleet)
    frames = [found.facts]
    coming = sorted(scenes, key=lambda scene: scene.at)
    for _ in range(round(seconds / TICK_SECONDS)):
        found.clock.advance(TICK_SECONDS)
        while coming and coming[0].at <= found.clock.wall():
            found.upstreams.fleet[PLACE] = coming.pop(0).fleet
        found.settle()
        frames.append(found.facts)
    return frames


def played(
    facts: Iterable[Facts],
    store: StateDirectory | None = None,
    watch: Callable[[Statement], None] = lambda _: None,
    on_closed: OnClosed = nobody,
) -> Bookkeeper:
    """Keep books of a film; the clock is that of the film."""
    frames = list(facts)
    clock = FakeClock(frames[0].now)
    books = bookkeeper(store, clock, on_closed)
    for frame in frames:
        clock.advance(frame.now - clock.wall())
        watch(books.keep(frame))
    books.save(clock.wall())
    return books


def counters(accrued: Accrued) -> list[float]:
    """Everything that must never fall."""
    return [
        accrued.energy_joules,
        accrued.emissions_grams,
        accrued.embodied_grams,
        accrued.cost_usd,
        *(accrued.skipped_seconds.get(quantity, 0.0) for quantity in SKIPPED),
    ]
