"""The background loop: from changed cells to a new snapshot, a new exposition, new state files.

The whole picture is one immutable object, swapped by assignment: whoever reads it sees all of one
refresh or all of the one before, and takes no lock.
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

from exporter.books.analyst import Analyst
from exporter.books.bookkeeper import Bookkeeper
from exporter.core.estimate import estimate_fleet
from exporter.core.instance_estimate import Siting
from exporter.core.provenance import SourceName, SourceStatus
from exporter.core.scenarios.case import BusinessCase
from exporter.core.snapshot import FleetSnapshot
from exporter.core.statement import Statement
from exporter.exposition.families import FleetFamilies
from exporter.exposition.family import Family
from exporter.exposition.render import Exposition, Renderer
from exporter.exposition.source_families import source_families
from exporter.gather import gather_evidence, gather_facts, gather_statuses
from exporter.refresh import Cell, CellKey, Clock
from exporter.roster import Roster
from exporter.scheduler import Scheduler
from exporter.store import StateDirectory

LOG = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 10.0
"""The exporter's own metrics are never older than this."""

REESTIMATE_SECONDS = 60.0
"""Bounds widen as evidence ages: without any news they are computed again this often."""

SETTLE_SECONDS = 0.1
"""Cells often change in bursts; one publication then serves them all."""

LARGEST_SHARE = 0.2
"""Share of one processor that publications may take: a large fleet settles for longer."""

SAVE_SECONDS = 5.0
"""A source with thousands of cells changes all the time: its file is not written more often."""


@dataclass(frozen=True, slots=True)
class Published:
    """What readers see. ``snapshot`` is None until the first inventory is known.

    ``at`` is when it was published, on the monotonic clock.
    """

    at: float
    exposition: Exposition
    snapshot: FleetSnapshot | None
    statuses: tuple[SourceStatus, ...]


class _Saved(NamedTuple):
    """The states that a source's file holds, and when it was written (monotonic clock)."""

    at: float
    states: tuple[object, ...]


class OwnMetrics(Protocol):
    """The exporter's metrics about itself."""

    def render(self) -> str:
        """The metrics as text."""

    def set_boavizta_version(self, version: str) -> None:
        """The profile provider's version has become known."""


class Renders(Protocol):
    """Makes of families what a scrape gets."""

    def render(
        self, fleet: Sequence[Family], sources: Sequence[Family], instrumentation: str
    ) -> Exposition:
        """Make the exposition of all families, and of the exporter's own metrics as text."""


class Publisher:
    """Turns what the cells hold into what readers see.

    ``publish`` runs on one thread only; ``news`` is set by whoever has some.
    """

    def __init__(
        self,
        roster: Roster,
        scheduler: Scheduler,
        bookkeeper: Bookkeeper,
        analyst: Analyst,
        siting: Siting,
        families: FleetFamilies,
        own_metrics: OwnMetrics,
        *,
        store: StateDirectory | None,
        clock: Clock,
        news: threading.Event,
        renderer: Renders | None = None,
    ) -> None:
        self._roster = roster
        self._scheduler = scheduler
        self._bookkeeper = bookkeeper
        self._analyst = analyst
        self._siting = siting
        self._families = families
        self._own_metrics = own_metrics
        self._store = store
        self._clock = clock
        self._renderer = renderer or Renderer()
        self._news = news
        self._ended = threading.Event()
        self._stopped = threading.Event()
        self._seen: dict[CellKey, tuple[object, ...]] = {}
        self._withdrawn = False
        self._saved: dict[SourceName, _Saved] = {}
        self._estimated_at = float("-inf")
        self._statement = Statement()
        self._case = BusinessCase()
        self._snapshot: FleetSnapshot | None = None
        self._fleet = families.of(None)
        self._nothing = Renderer().render(self._fleet, (), "")
        self.published: Published = self.publish()

    def run(self) -> None:
        """Publish whenever there is news, and at every heartbeat, until stopped; blocks."""
        settle_seconds = SETTLE_SECONDS
        while not self._stopped.is_set():
            if self._news.wait(HEARTBEAT_SECONDS):
                self._stopped.wait(settle_seconds)
            self._news.clear()
            began_at = self._clock.monotonic()
            self._publish_or_withdraw()
            spent_seconds = self._clock.monotonic() - began_at
            settle_seconds = max(SETTLE_SECONDS, spent_seconds / LARGEST_SHARE)
        self._bookkeeper.save(self._clock.wall())
        self._save(list(self._roster.cells()), everything=True)
        self._ended.set()

    def stop(self, wait_seconds: float) -> None:
        """End ``run`` after one last publication, and wait for it."""
        self._stopped.set()
        self._news.set()
        self._ended.wait(wait_seconds)

    def _publish_or_withdraw(self) -> None:
        """Publish; after a bug, end the fleet's series: frozen numbers would look alive."""
        try:
            self.publish()
            self._withdrawn = False
        except Exception:  # the one guard against bugs between the cells and the readers
            if not self._withdrawn:
                LOG.exception("publication failed: the fleet is withdrawn")
            self._withdrawn = True
            self._snapshot, self._fleet, self._seen = None, self._families.of(None), {}
            self.published = Published(self._clock.monotonic(), self._nothing, None, ())

    def publish(self, *, at_once: bool = False) -> Published:
        """Bring everything up to date, once; ``at_once`` as in Bookkeeper.keep."""
        self._roster.reconcile()
        cells = list(self._roster.cells())
        facts = gather_facts(self._roster, self._clock.wall())
        statement = self._bookkeeper.keep(facts, at_once=at_once)
        intensities = self._bookkeeper.intensities
        case = self._analyst.case(facts, statement, intensities, at_once=at_once)
        if case.wishes != self._case.wishes:
            self._roster.wishes = case.wishes
            self._news.set()  # they are asked for at once
        told = statement is not self._statement or case is not self._case
        self._statement, self._case = statement, case
        if self._has_news(cells) or told:
            self._estimate()
        self._own_metrics.set_boavizta_version(self._roster.profile_version.state.value or "")
        statuses = gather_statuses(self._roster, self._scheduler.tallies)
        exposition = self._renderer.render(
            self._fleet, source_families(statuses), self._own_metrics.render()
        )
        self.published = Published(self._clock.monotonic(), exposition, self._snapshot, statuses)
        self._save(cells)
        return self.published

    def _has_news(self, cells: list[Cell[Any]]) -> bool:
        """Whether a value or reason changed, a value grew too old, or time has moved the bounds."""
        seen: dict[CellKey, tuple[object, ...]] = {
            cell.key: (cell.state.value, cell.state.reason, cell.fresh() is not None)
            for cell in cells
        }
        changed = seen.keys() != self._seen.keys() or not all(
            _same(self._seen[key], facts) for key, facts in seen.items()
        )
        self._seen = seen
        return changed or self._clock.monotonic() - self._estimated_at >= REESTIMATE_SECONDS

    def _estimate(self) -> None:
        now = self._clock.wall()
        self._estimated_at = self._clock.monotonic()
        known = any(cell.state.value for cell in self._roster.inventories.values())
        if self._snapshot is None and not known:
            return
        evidence = gather_evidence(self._roster)
        snapshot = estimate_fleet(evidence, self._siting, now, self._statement)
        self._snapshot = replace(snapshot, case=self._case)
        self._fleet = self._families.of(self._snapshot)

    def _save(self, cells: list[Cell[Any]], *, everything: bool = False) -> None:
        """Write the state of every source that had an attempt since the last time."""
        if not self._store:
            return
        by_source = attrgetter("key.source")
        now = self._clock.monotonic()
        for source, group in groupby(sorted(cells, key=by_source), by_source):
            members = list(group)
            states = tuple(cell.state for cell in members)
            saved = self._saved.get(source)
            due = everything or saved is None or now - saved.at >= SAVE_SECONDS
            if due and (saved is None or not _same(saved.states, states)):
                self._saved[source] = _Saved(now, states)
                self._store.save(source, members)


def _same(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    return len(some) == len(others) and all(a is b for a, b in zip(some, others, strict=True))
