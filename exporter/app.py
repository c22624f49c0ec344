"""The wiring: everything is created here, by constructor arguments."""

import difflib
import random
import threading
from collections.abc import Callable, Mapping
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
from exporter.core.fleet import Account
from exporter.core.instance_estimate import Siting
from exporter.core.provenance import SourceName
from exporter.core.snapshot import Pue
from exporter.data.regions import load_regions
from exporter.exposition.families import Budgets, FleetFamilies
from exporter.exposition.http import MetricsServer
from exporter.exposition.instrumentation import Instrumentation
from exporter.exposition.render import Renderer
from exporter.intervals import SELDOM_INTERVAL_SECONDS
from exporter.publisher import Publisher, Renders
from exporter.refresh import Cadence, Clock, SystemClock
from exporter.roster import Roster
from exporter.scenarios_section import scenario_plan
from exporter.scheduler import Lane, Scheduler, ThreadLane
from exporter.settings import Settings
from exporter.simulation.past import Past
from exporter.simulation.upstreams import SimulatedUpstreams
from exporter.simulation.world import World
from exporter.site import StatusSite
from exporter.sources.aws.sdk import sdk_regions
from exporter.sources.live import LiveOptions, LiveUpstreams
from exporter.sources.source import RequestObserver, Upstreams
from exporter.store import StateDirectory

LANE_THREADS: Mapping[SourceName, int] = {
    SourceName.EC2_INVENTORY: 8,
    SourceName.CLOUDWATCH_CPU: 8,
    SourceName.CLOUDTRAIL_EVENTS: 8,
    SourceName.PRICING: 4,
    SourceName.SPOT_PRICE: 4,
    SourceName.COST_EXPLORER: 1,
    SourceName.ELECTRICITY_MAPS: 4,
    SourceName.ELECTRICITY_MAPS_HISTORY: 4,
    SourceName.BOAVIZTA: 4,
    SourceName.EXCHANGE_RATE: 1,
}

SELDOM = Cadence(SELDOM_INTERVAL_SECONDS, 3 * SELDOM_INTERVAL_SECONDS)

JOIN_SECONDS = 1.0
"""How long the end of the program waits for a publication under way."""


@dataclass(frozen=True, slots=True)
class Machinery:
    """What moves the parts; a history is made with one of its own.

    Of every source a lane, and the ``draw`` of the scheduler's jitter; what is made of families.
    Statements and business cases are made no sooner than so many seconds after the last.
    """

    lanes: Mapping[SourceName, Lane]
    draw: random.Random
    renderer: Renders
    statement_rest_seconds: float = 0.0
    case_rest_seconds: float = 0.0


def _live_machinery() -> Machinery:
    return Machinery(
        lanes={source: ThreadLane(source, count) for source, count in LANE_THREADS.items()},
        draw=random.Random(),  # noqa: S311 - jitter, not a secret
        renderer=Renderer(),
    )


MakeUpstreams = Callable[[Settings, RequestObserver, Clock], Upstreams]


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
    instrumentation = Instrumentation(version=__version__, revision="", simulated=simulated)
    scheduler = Scheduler(clock, machinery.lanes, news.set, machinery.draw)
    places = siting(settings)
    cpu_interval_seconds = settings.interval_seconds(SourceName.CLOUDWATCH_CPU)
    cells = Cells(
        make_upstreams(settings, instrumentation, clock),
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
        cpu_interval_seconds=cpu_interval_seconds,
        further_zones=studied_zones(settings, places),
    )
    _refresh_changed_rate(roster, scheduler, settings)
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
        cpu_interval_seconds,
        clock.wall(),
        clock.monotonic,
        analyst.take,
        rest_seconds=machinery.statement_rest_seconds,
    )
    if past:
        bookkeeper.recall(past.intensities(clock.wall()))
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
    try:
        server = MetricsServer(settings.web.listen_address, site)
    except ValueError as error:
        raise SettingsError(f"CARBONFINOPS_WEB__LISTEN_ADDRESS: {error}") from None
    return Application(roster, scheduler, analyst, publisher, server, places, news)


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


def siting(settings: Settings) -> Siting:
    """Grid zone and PUE of every location: AWS's facts, then what the operator says."""
    facts = load_regions()
    published = {
        region: Pue(fact.published_pue, "published")
        for region, fact in facts.items()
        if fact.published_pue is not None
    }
    operator = {region: Pue(ratio, "operator") for region, ratio in settings.pue.items()}
    zones = {region: fact.grid_zone for region, fact in facts.items()}
    return Siting(zones | settings.electricity_maps.zones, published | operator)


def studied_zones(settings: Settings, places: Siting) -> frozenset[str]:
    """Grid zones that the scenarios need, whether or not there are instances."""
    zones = (places.grid_zones.get(region, "") for region in settings.scenarios.regions)
    return frozenset(zones) - {""}


def live_upstreams(settings: Settings, observer: RequestObserver, clock: Clock) -> Upstreams:
    """The real upstreams, as the settings describe them."""
    aws, grid, currency = settings.aws, settings.electricity_maps, settings.currency
    return LiveUpstreams(
        LiveOptions(
            own_account=aws.own_account,
            listed_accounts=tuple(
                Account(role.account_id, role.role_arn, role.regions) for role in aws.accounts
            ),
            organization_role=aws.organization_role,
            regions=aws.regions,
            tag_labels=aws.tag_labels,
            pricing_region=aws.pricing_region,
            cpu_interval_seconds=settings.interval_seconds(SourceName.CLOUDWATCH_CPU),
            grid_base_url=str(grid.base_url),
            grid_token=grid.token.get_secret_value(),
            grid_api_version=grid.api_version,
            boavizta_base_url=str(settings.boavizta.base_url),
            usd_per_eur=currency.usd_per_eur,
            usd_per_eur_as_of_at=currency.as_of_at,
            ecb_url=str(currency.ecb_url),
            cost_explorer=aws.cost_explorer,
            cost_explorer_hourly=aws.cost_explorer_hourly,
            cost_explorer_interval_seconds=settings.interval_seconds(SourceName.COST_EXPLORER),
            cost_explorer_role_arn=aws.cost_explorer_role_arn,
            cost_explorer_external_id=aws.cost_explorer_external_id.get_secret_value(),
            external_ids={
                role.role_arn: role.external_id.get_secret_value() for role in aws.accounts
            },
            organization_external_id=aws.organization_external_id.get_secret_value(),
        ),
        observer,
        clock.wall,
    )


def state_directory(settings: Settings, *, writable: bool = True) -> StateDirectory:
    """The state directory of the settings. Raises StateError."""
    return StateDirectory(settings.state_path, writable=writable)


def simulated_past(seed: int, instances: int) -> Past:
    """The weeks before the start of a simulated cloud, the same one for the same seed."""
    return Past(World(seed=seed, instances=instances))


def simulated_upstreams(seed: int, instances: int, *, faults: bool) -> MakeUpstreams:
    """Make the upstreams of a simulated cloud, the same one for the same seed."""

    def make(settings: Settings, _: RequestObserver, clock: Clock) -> Upstreams:
        return SimulatedUpstreams(
            seed=seed,
            wall=clock.wall,
            faults=faults,
            instances=instances,
            cpu_interval_seconds=settings.interval_seconds(SourceName.CLOUDWATCH_CPU),
        )

    return make


def refuse_unknown_regions(settings: Settings) -> None:
    """Raise SettingsError for a region that neither we nor the AWS SDK have heard of."""
    chosen = {*settings.aws.regions, *(r for a in settings.aws.accounts for r in a.regions)}
    named = {
        "AWS__REGIONS": chosen,
        "PUE": set(settings.pue),
        "ELECTRICITY_MAPS__ZONES": set(settings.electricity_maps.zones),
        "SCENARIOS__TARGET_REGIONS": set(settings.scenarios.target_regions),
        "SCENARIOS__DEFERRABLE_REGION": {settings.scenarios.deferrable_region} - {""},
    }
    known = set(load_regions())
    if any(_strangers(regions, known) for regions in named.values()):
        known |= sdk_regions()
    for name, regions in named.items():
        for region in sorted(_strangers(regions, known)):
            near = difflib.get_close_matches(region, sorted(known), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise SettingsError(f"CARBONFINOPS_{name}: unknown region {region!r}{hint}")


def _strangers(regions: set[str], known: set[str]) -> set[str]:
    """Regions that are not known; a Local Zone is known by the region that its name begins with."""
    return {r for r in regions if not any(r == k or r.startswith(f"{k}-") for k in known)}
