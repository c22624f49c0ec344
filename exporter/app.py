"""The wiring: everything is created here, by constructor arguments."""

import random
import threading
from dataclasses import dataclass

from exporter import __version__
from exporter.books.analyst import Analyst, Recall
from exporter.books.archive import Archive
from exporter.books.bookkeeper import Bookkeeper
from exporter.books.cpu_book import CpuBook
from exporter.books.past import restore
from exporter.books.usage_book import UsageBook
from exporter.cells import Cells
from exporter.configuration import SettingsError
from exporter.core.instance_estimate import Siting
from exporter.core.provenance import SourceName
from exporter.exposition.families import Budgets, FleetFamilies
from exporter.exposition.http import MetricsServer
from exporter.exposition.instrumentation import Instrumentation
from exporter.exposition.render import Renderer
from exporter.exposition.routes import Site
from exporter.exposition.security import security_of
from exporter.intervals import SELDOM_INTERVAL_SECONDS
from exporter.location import siting, studied_zones
from exporter.machinery import LANE_THREADS, Machinery
from exporter.publisher import Publisher
from exporter.refresh import Cadence, Clock, SystemClock
from exporter.revision import revision
from exporter.roster import Roster
from exporter.scenarios_section import scenario_plan
from exporter.scheduler import Scheduler, ThreadLane
from exporter.settings import Settings
from exporter.simulation.past import Past
from exporter.site import StatusSite
from exporter.sources.source import Upstreams
from exporter.store import StateDirectory
from exporter.upstreams import MakeUpstreams

SELDOM = Cadence(SELDOM_INTERVAL_SECONDS, 3 * SELDOM_INTERVAL_SECONDS)

JOIN_SECONDS = 1.0
"""How long the end of the program waits for a publication under way."""


def _live_machinery() -> Machinery:
    return Machinery(
        lanes={source: ThreadLane(source, count) for source, count in LANE_THREADS.items()},
        draw=random.Random(),  # noqa: S311 - jitter, not a secret
        renderer=Renderer(),
    )


@dataclass(frozen=True, slots=True)
class Application:
    """The parts of the exporter that a command drives."""

    roster: Roster
    scheduler: Scheduler
    analyst: Analyst
    publisher: Publisher
    server: MetricsServer
    siting: Siting
    news: threading.Event

    def start(self) -> None:
        """Refresh and publish in the background, on daemon threads."""
        self.start_scheduler()
        self.analyst.start()
        threading.Thread(target=self.publisher.run, name="publisher", daemon=True).start()

    def start_scheduler(self) -> None:
        """Refresh in the background; the caller publishes."""
        threading.Thread(target=self.scheduler.run, name="scheduler", daemon=True).start()

    def stop(self) -> None:
        """Stop serving and publishing; attempts under way are abandoned with the process."""
        self.server.stop()
        self.scheduler.stop()
        self.publisher.stop(JOIN_SECONDS)


def build(
    settings: Settings,
    make_upstreams: MakeUpstreams,
    *,
    store: StateDirectory | None,
    simulated: bool = False,
    past: Past | None = None,
    clock: Clock | None = None,
    machinery: Machinery | None = None,
) -> Application:
    """Create and join everything; nothing runs yet. Raises SettingsError for a bad address.

    ``past`` is what a simulated fleet did before the start.
    """
    clock, machinery = clock or SystemClock(), machinery or _live_machinery()
    news = threading.Event()
    instrumentation = Instrumentation(version=__version__, revision=revision(), simulated=simulated)
    scheduler = Scheduler(clock, machinery.lanes, news.set, machinery.draw)
    places = siting(settings)
    upstreams = make_upstreams(settings, instrumentation, clock)
    roster = _roster(settings, upstreams, scheduler, places, store, clock)
    analyst, bookkeeper = _books(settings, places, store, past, clock, machinery, news)
    publisher = Publisher(
        roster,
        scheduler,
        bookkeeper,
        analyst,
        places,
        _families(settings),
        instrumentation,
        store=store,
        clock=clock,
        news=news,
        renderer=machinery.renderer,
    )
    site = StatusSite(publisher, clock, version=__version__, simulated=simulated)
    server = _server(settings, site)
    return Application(roster, scheduler, analyst, publisher, server, places, news)


def _server(settings: Settings, site: Site) -> MetricsServer:
    try:
        return MetricsServer(
            settings.web.listen_address, site, security_of(settings.web.config_path)
        )
    except ValueError as error:
        raise SettingsError(f"CARBONFINOPS_WEB__LISTEN_ADDRESS: {error}") from None


def _roster(
    settings: Settings,
    upstreams: Upstreams,
    scheduler: Scheduler,
    places: Siting,
    store: StateDirectory | None,
    clock: Clock,
) -> Roster:
    cells = Cells(
        upstreams,
        cadence=lambda source: Cadence(
            settings.interval_seconds(source), settings.max_age_seconds(source)
        ),
        seldom=SELDOM,
        scheduler=scheduler,
        store=store,
        clock=clock,
    )
    roster = Roster(
        cells,
        grid_zone=lambda location: places.grid_zones.get(location, ""),
        scheduler=scheduler,
        clock=clock,
        cpu_interval_seconds=settings.interval_seconds(SourceName.CLOUDWATCH_CPU),
        further_zones=studied_zones(settings, places),
    )
    _refresh_changed_rate(roster, scheduler, settings)
    return roster


def _books(
    settings: Settings,
    places: Siting,
    store: StateDirectory | None,
    past: Past | None,
    clock: Clock,
    machinery: Machinery,
    news: threading.Event,
) -> tuple[Analyst, Bookkeeper]:
    archive = Archive(store) if store else None
    analyst = Analyst(
        scenario_plan(settings.scenarios),
        places,
        _recall(archive, past, clock),
        clock.monotonic,
        news.set,
        rest_seconds=machinery.case_rest_seconds,
    )
    bookkeeper = Bookkeeper(
        archive,
        places,
        settings.interval_seconds(SourceName.CLOUDWATCH_CPU),
        clock.wall(),
        clock.monotonic,
        analyst.take,
        rest_seconds=machinery.statement_rest_seconds,
    )
    if past:
        bookkeeper.recall(past.intensities(clock.wall()))
    return analyst, bookkeeper


def _recall(archive: Archive | None, past: Past | None, clock: Clock) -> Recall:
    """What the analyst knows of the last weeks: from disk, from the simulation, or nothing."""

    def recall(usage: UsageBook, cpu: CpuBook) -> None:
        now = clock.wall()
        if archive:
            restore(archive, usage, cpu, now)
        for hour in past.hours(now) if past else ():
            usage.take(hour)
            cpu.take(hour)

    return recall


def _refresh_changed_rate(roster: Roster, scheduler: Scheduler, settings: Settings) -> None:
    """Ask again at once for a rate that an earlier process left: its setting may have changed."""
    restored = roster.exchange_rate.state.value
    fixed = settings.currency.usd_per_eur is not None
    if restored and (fixed or restored.basis == "configured"):
        scheduler.poke(roster.exchange_rate.key)


def _families(settings: Settings) -> FleetFamilies:
    aws, budget = settings.aws, settings.budget
    budgets = Budgets(budget.eur_per_month, budget.grams_per_month, budget.upstream_usd_per_month)
    return FleetFamilies(
        tuple(aws.tag_labels), max_tag_values=aws.tag_values_limit, budgets=budgets
    )


def state_directory(settings: Settings, *, writable: bool = True) -> StateDirectory:
    """The state directory of the settings. Raises StateError."""
    return StateDirectory(settings.state_path, writable=writable)
