"""Stand-ins with the real interfaces: clocks, lanes, sources, and a small cloud to poll."""

import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from exporter.books.analyst import Analyst
from exporter.books.archive import Archive
from exporter.books.bookkeeper import Bookkeeper
from exporter.cells import Cells
from exporter.core.billing import Bill, BilledUsage
from exporter.core.evidence import (
    CpuPoint,
    Embodied,
    ExchangeRate,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    InstanceCpu,
    MeteredRun,
    PlaceCpu,
    PriceKey,
    PriceQuote,
    SpotPrices,
    SpotQuote,
)
from exporter.core.fleet import (
    Account,
    Hardware,
    Instance,
    InstanceState,
    Inventory,
    Place,
    PurchaseOption,
    Sighting,
)
from exporter.core.instance_estimate import Siting
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.core.sightings import sighted
from exporter.core.snapshot import Pue
from exporter.core.trail import Trail, TrailEvent
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.exposition.families import FleetFamilies
from exporter.exposition.instrumentation import Instrumentation
from exporter.exposition.render import Renderer
from exporter.intervals import DEFAULT_INTERVALS_SECONDS, DEFAULT_MAX_AGES_SECONDS
from exporter.publisher import Publisher
from exporter.refresh import Cadence, Cell, CellKey, Clock
from exporter.roster import Roster
from exporter.scheduler import Scheduler
from exporter.sources.source import Source, SourceError
from exporter.store import StateDirectory

T = TypeVar("T")

START_AT = 1_800_000_000.0
"""When every fake clock starts: the beginning of an hour, and of a five-minute slot."""

DEFAULT_CADENCES: Mapping[SourceName, Cadence] = {
    source: Cadence(DEFAULT_INTERVALS_SECONDS[source], DEFAULT_MAX_AGES_SECONDS[source])
    for source in SourceName
}
SELDOM = Cadence(3600.0, 10800.0)

MOST_ROUNDS = 20
"""Discovery takes four: accounts, regions, inventories, and what their instances need."""


class FakeClock:
    """Time that passes when the test says so."""

    def __init__(self, wall_at: float = START_AT) -> None:
        self._wall_at = wall_at
        self._monotonic = 5_000.0

    def wall(self) -> float:
        """Epoch seconds."""
        return self._wall_at

    def monotonic(self) -> float:
        """Seconds since some instant."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._wall_at += seconds
        self._monotonic += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an operator or NTP does."""
        self._wall_at += seconds


class InlineLane:
    """Runs each job at once, on the thread that submits it."""

    def submit(self, job: Callable[[], None]) -> None:
        """Run the job."""
        job()


class HeldLane:
    """Keeps jobs until the test runs them: an attempt is under way for as long as it takes."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []

    def submit(self, job: Callable[[], None]) -> None:
        """Keep the job."""
        self.jobs.append(job)

    def finish(self) -> None:
        """Run what is held."""
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job()


class FakeSource(Generic[T]):
    """Answers what ``answer`` returns or raises; remembers each ``previous`` it was given."""

    def __init__(
        self,
        answer: Callable[[], T],
        name: SourceName = SourceName.ELECTRICITY_MAPS,
        scope: Scope = Scope(grid_zone="DE"),  # noqa: B008 - an immutable tuple
    ) -> None:
        self.name = name
        self.scope = scope
        self.previous: list[T | None] = []
        self._answer = answer

    @property
    def calls(self) -> int:
        """How often it was asked."""
        return len(self.previous)

    def fetch(self, previous: T | None) -> T:
        """Remember the question and answer it."""
        self.previous.append(previous)
        return self._answer()


class ScriptedSource(FakeSource[T]):
    """Gives one outcome per call, in order; the last one again and again."""

    def __init__(
        self,
        *outcomes: T | Exception,
        name: SourceName = SourceName.ELECTRICITY_MAPS,
        scope: Scope = Scope(grid_zone="DE"),  # noqa: B008 - an immutable tuple
    ) -> None:
        super().__init__(self._next, name, scope)
        self._outcomes = list(outcomes)

    def _next(self) -> T:
        outcome = self._outcomes[0] if len(self._outcomes) == 1 else self._outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def down(
    reason: FailureReason = FailureReason.UNAVAILABLE, retry_after_seconds: float | None = None
) -> SourceError:
    """Give the failure of an upstream that is down."""
    return SourceError(reason, "made-up outage", retry_after_seconds)


def make_cell(
    source: Source[T],
    clock: Clock,
    cadence: Cadence = Cadence(600.0, 1800.0),  # noqa: B008 - an immutable tuple
    value_type: object = str,
    item: str = "",
) -> Cell[T]:
    """Make a cell of one source with a fixed cadence."""
    key = CellKey(source.name, source.scope, item)
    return Cell(key, source, lambda _: cadence, clock, value_type)


def make_instance(
    instance_id: str,
    place: Place,
    *,
    instance_type: str = "m5.large",
    state: InstanceState = InstanceState.RUNNING,
    launched_at: float = START_AT - 86400.0,
    purchase_option: PurchaseOption = PurchaseOption.ON_DEMAND,
    name: str = "web",
) -> Instance:
    """Make an instance in the first zone of its region."""
    return Instance(
        instance_id=instance_id,
        account_id=place.account_id,
        region=place.region,
        availability_zone=f"{place.region}a",
        instance_type=instance_type,
        state=state,
        launched_at=launched_at,
        purchase_option=purchase_option,
        usage_operation="RunInstances",
        platform="Linux/UNIX",
        tenancy="default",
        architecture="x86_64",
        name=name,
        tags=(("team", "shop"),),
    )


class Call(NamedTuple):
    """One question to the fake cloud; ``kind`` is the name of the method of Upstreams."""

    kind: str
    scope: Scope = Scope()
    item: str = ""


class _CloudSource(Generic[T]):
    """One fact of the fake cloud."""

    def __init__(
        self, cloud: "FakeUpstreams", name: SourceName, call: Call, answer: Callable[[], T]
    ) -> None:
        self.name = name
        self.scope = call.scope
        self._cloud = cloud
        self._call = call
        self._answer = answer

    def fetch(self, previous: T | None) -> T:  # noqa: ARG002 - the protocol's
        self._cloud.asked(self._call)
        return self._answer()


class FakeUpstreams:
    """A cloud of the test's making: what it holds are plain attributes, to be changed at will.

    ``regions_of`` gives the regions by account, ``fleet`` the instances by place, ``events`` what
    CloudTrail knows of them, ``billed`` what Cost Explorer does. ``failing``
    maps a Call, or the kind of it, to the exception it raises. ``calls`` counts the questions.
    """

    def __init__(self, clock: Clock, *instances: Instance) -> None:
        self._clock = clock
        self.fleet: dict[Place, tuple[Instance, ...]] = {}
        self.events: dict[Place, tuple[TrailEvent, ...]] = {}
        self.billed: tuple[BilledUsage, ...] = ()
        self._sightings: dict[Place, tuple[Sighting, ...]] = {}
        self.polled_accounts: tuple[Account, ...] = ()
        self.regions_of: dict[str, tuple[str, ...]] = {}
        self.version = "2.5.0"
        self.cpu_percent = 40.0
        self.cpu_slots = 12
        self.usd_per_hour: float | None = 0.25
        self.spot_usd_per_hour = 0.125
        self.unpriced_types: set[str] = set()
        self.failing: dict[Call | str, Exception] = {}
        self.calls: Counter[Call] = Counter()
        self.hold(instances)

    def hold(self, instances: Iterable[Instance]) -> None:
        """Let the fleet be these instances, in the accounts and regions they are in."""
        instances = tuple(instances)
        places = sorted({instance.place for instance in instances})
        self.fleet = {p: tuple(i for i in instances if i.place == p) for p in places}
        ids = sorted({place.account_id for place in places})
        self.polled_accounts = tuple(Account(account_id) for account_id in ids)
        self.regions_of = {a: tuple(p.region for p in places if p.account_id == a) for a in ids}

    def asked(self, call: Call) -> None:
        """Count a question; raise what is to be its outcome, if that is a failure."""
        self.calls[call] += 1
        failure = self.failing.get(call) or self.failing.get(call.kind)
        if failure:
            raise failure

    def times(self, kind: str) -> int:
        """How often questions of one kind were asked."""
        return sum(count for call, count in self.calls.items() if call.kind == kind)

    def accounts(self) -> Source[tuple[Account, ...]]:
        """The accounts of the cloud."""
        call = Call("accounts")
        return _CloudSource(self, SourceName.EC2_INVENTORY, call, lambda: self.polled_accounts)

    def regions(self, account: Account) -> Source[tuple[str, ...]]:
        """The regions of an account."""
        call = Call("regions", Scope(account.account_id))
        return _CloudSource(
            self,
            SourceName.EC2_INVENTORY,
            call,
            lambda: account.regions or self.regions_of.get(account.account_id, ()),
        )

    def inventory(self, account: Account, region: str) -> Source[Inventory]:
        """The instances of one place."""
        place = Place(account.account_id, region)

        def answer() -> Inventory:
            instances = self.fleet.get(place, ())
            types = sorted({instance.instance_type for instance in instances})
            hardware = tuple(
                Hardware(t, 2, 8192, 0, burstable=False, architecture="x86_64") for t in types
            )
            now = self._clock.wall()
            self._sightings[place] = sighted(self._sightings.get(place, ()), instances, now, now)
            return Inventory(place, instances, hardware, self._sightings[place])

        call = Call("inventory", Scope(*place))
        return _CloudSource(self, SourceName.EC2_INVENTORY, call, answer)

    def cpu(
        self, account: Account, region: str, metered: Callable[[], tuple[MeteredRun, ...]]
    ) -> Source[PlaceCpu]:
        """The newest ``cpu_slots`` points of every metered run, oldest run first."""
        place = Place(account.account_id, region)
        call = Call("cpu", Scope(*place))

        def answer() -> PlaceCpu:
            runs = sorted(metered(), key=lambda run: run.instance.launched_at)
            return PlaceCpu(place, tuple(map(self._points, runs)))

        return _CloudSource(self, SourceName.CLOUDWATCH_CPU, call, answer)

    def _points(self, run: MeteredRun) -> InstanceCpu:
        instance, now = run.instance, self._clock.wall()
        end_at = math.floor(now / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS
        if run.ended_at is not None:
            end_at = min(end_at, math.ceil(run.ended_at / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS)
        starts = (end_at - slots * CPU_SLOT_SECONDS for slots in range(self.cpu_slots, 0, -1))
        points = tuple(
            CpuPoint(at, self.cpu_percent)
            for at in starts
            if at + CPU_SLOT_SECONDS > instance.launched_at
        )
        return InstanceCpu(
            instance.instance_id, instance.launched_at, now, end_at, window_slots=3, points=points
        )

    def trail(self, account: Account, region: str) -> Source[Trail]:
        """The events of one place, complete for 50 days."""
        place = Place(account.account_id, region)

        def answer() -> Trail:
            now = self._clock.wall()
            since_at, events = now - 50 * SECONDS_PER_DAY, self.events.get(place, ())
            return Trail(place, since_at, now - 1200, tuple(e for e in events if e.at <= now))

        call = Call("trail", Scope(*place))
        return _CloudSource(self, SourceName.CLOUDTRAIL_EVENTS, call, answer)

    def bill(self, accounts: Callable[[], tuple[str, ...]]) -> Source[Bill]:
        """What was billed for the accounts asked about."""

        def answer() -> Bill:
            asked = accounts()
            days = tuple(usage for usage in self.billed if usage.account_id in asked)
            now = self._clock.wall()
            return Bill(now, now // SECONDS_PER_DAY * SECONDS_PER_DAY - 50 * SECONDS_PER_DAY, days)

        return _CloudSource(self, SourceName.COST_EXPLORER, Call("bill"), answer)

    def list_price(self, key: PriceKey) -> Source[PriceQuote]:
        """The list price, the same for every kind of instance."""
        call = Call("list_price", Scope(region=key.location), key.instance_type)
        return _CloudSource(
            self, SourceName.PRICING, call, lambda: PriceQuote(key, self.usd_per_hour)
        )

    def spot_prices(
        self, account: Account, region: str, running: Callable[[], tuple[Instance, ...]]
    ) -> Source[SpotPrices]:
        """A quote for every pool that is in use."""
        place = Place(account.account_id, region)

        def answer() -> SpotPrices:
            pools = {
                (i.availability_zone, i.instance_type, i.platform)
                for i in running()
                if i.purchase_option is PurchaseOption.SPOT
                and i.instance_type not in self.unpriced_types
            }
            at, usd = self._clock.wall(), self.spot_usd_per_hour
            return SpotPrices(place, tuple(SpotQuote(*pool, usd, at) for pool in sorted(pools)))

        return _CloudSource(self, SourceName.SPOT_PRICE, Call("spot_prices", Scope(*place)), answer)

    def grid_intensity(self, grid_zone: str) -> Source[GridIntensity]:
        """The present hour of a zone."""
        call = Call("grid_intensity", Scope(grid_zone=grid_zone))
        return _CloudSource(
            self, SourceName.ELECTRICITY_MAPS, call, lambda: self._hour(grid_zone, 0)
        )

    def grid_history(self, grid_zone: str) -> Source[GridHistory]:
        """The last 24 hours of a zone."""
        call = Call("grid_history", Scope(grid_zone=grid_zone))
        return _CloudSource(
            self,
            SourceName.ELECTRICITY_MAPS_HISTORY,
            call,
            lambda: GridHistory(
                grid_zone, tuple(self._hour(grid_zone, back) for back in range(23, -1, -1))
            ),
        )

    def _hour(self, grid_zone: str, hours_back: int) -> GridIntensity:
        hour = math.floor(self._clock.wall() / SECONDS_PER_HOUR) - hours_back
        grams = 300.0 if hour % 2 else 330.0
        return GridIntensity(grid_zone, grams, hour * SECONDS_PER_HOUR, estimated=False, method="")

    def profile_version(self) -> Source[str]:
        """The version of the profiles' provider."""
        return _CloudSource(
            self, SourceName.BOAVIZTA, Call("profile_version"), lambda: self.version
        )

    def profile(self, instance_type: str, version: Callable[[], str]) -> Source[HardwareProfile]:
        """The profile, the same for every type."""
        watts = (10.0, 15.0, 20.0, 26.0, 30.0, 32.0)
        return _CloudSource(
            self,
            SourceName.BOAVIZTA,
            Call("profile", item=instance_type),
            lambda: HardwareProfile(
                instance_type, watts, None, Embodied(2.0, 1.0, 4.0), None, version()
            ),
        )

    def exchange_rate(self) -> Source[ExchangeRate]:
        """The exchange rate."""
        return _CloudSource(
            self,
            SourceName.EXCHANGE_RATE,
            Call("exchange_rate"),
            lambda: ExchangeRate(1.25, START_AT, "ecb"),
        )


GRID_ZONES = {
    "eu-central-1": "DE",
    "eu-west-1": "IE",
    "us-east-1": "US-MIDA-PJM",
    "us-east-2": "US-MIDA-PJM",
}


SITING = Siting(GRID_ZONES, {region: Pue(1.2, "published") for region in GRID_ZONES})


PLAN = ScenarioPlan(
    WeeklySchedule(((8 * 60, 18 * 60),)), frozenset({"dev", "staging"}), ZoneInfo("UTC")
)


def analyst(clock: FakeClock, siting: Siting = SITING) -> Analyst:
    """Someone who studies the scenarios and remembers nothing of the time before."""
    found = Analyst(PLAN, siting, lambda *_: None, clock.monotonic, lambda: None)
    found.recall()
    return found


class Polling:
    """Roster and scheduler of a fake cloud, on one thread: every attempt runs inside ``settle``."""

    def __init__(
        self,
        upstreams: FakeUpstreams,
        clock: FakeClock,
        *,
        store: StateDirectory | None = None,
        cadences: Mapping[SourceName, Cadence] = DEFAULT_CADENCES,
        further_zones: Iterable[str] = (),
    ) -> None:
        self.clock = clock
        self.upstreams = upstreams
        self.store = store
        self.news = threading.Event()
        lanes = dict.fromkeys(SourceName, InlineLane())
        self.scheduler = Scheduler(clock, lanes, self.news.set, random.Random(1))  # noqa: S311 - jitter
        self.roster = Roster(
            Cells(
                upstreams,
                cadence=cadences.__getitem__,
                seldom=SELDOM,
                scheduler=self.scheduler,
                store=store,
                clock=clock,
            ),
            grid_zone=lambda location: GRID_ZONES.get(location, ""),
            scheduler=self.scheduler,
            clock=clock,
            cpu_interval_seconds=cadences[SourceName.CLOUDWATCH_CPU].interval_seconds,
            further_zones=further_zones,
        )

    def update(self) -> None:
        """Do what the program does between attempts."""
        self.roster.reconcile()

    def settle(self) -> None:
        """Run what is due, and what that makes due, until nothing is."""
        for _ in range(MOST_ROUNDS):
            asked = self.upstreams.calls.total()
            self.update()
            self.scheduler.step()
            if asked == self.upstreams.calls.total():
                self.update()
                return
        raise AssertionError("upstreams are asked for ever")

    def run(self, seconds: float, tick_seconds: float = 60.0) -> None:
        """Let time pass, settling at every tick."""
        for _ in range(round(seconds / tick_seconds)):
            self.clock.advance(tick_seconds)
            self.settle()


class Publishing(Polling):
    """The whole background loop of a fake cloud, with the real exposition."""

    def __init__(
        self,
        upstreams: FakeUpstreams,
        clock: FakeClock,
        *,
        store: StateDirectory | None = None,
        cadences: Mapping[SourceName, Cadence] = DEFAULT_CADENCES,
        siting: Siting = SITING,
        further_zones: Iterable[str] = (),
    ) -> None:
        super().__init__(
            upstreams, clock, store=store, cadences=cadences, further_zones=further_zones
        )
        self.siting = siting
        self.bookkeeper = Bookkeeper(
            Archive(store) if store else None,
            siting,
            cadences[SourceName.CLOUDWATCH_CPU].interval_seconds,
            clock.wall(),
            clock.monotonic,
        )
        self.analyst = analyst(clock, siting)
        self.renderer = Renderer()
        self.publisher = Publisher(
            self.roster,
            self.scheduler,
            self.bookkeeper,
            self.analyst,
            siting,
            FleetFamilies(("team",)),
            Instrumentation(version="1.2.3", revision="", simulated=False),
            store=store,
            clock=clock,
            news=self.news,
            renderer=self.renderer,
        )

    def update(self) -> None:
        """Publish."""
        self.publisher.publish()

    @property
    def text(self) -> str:
        """What a scrape gets now."""
        return self.publisher.published.exposition.identity().decode()
