"""Made-up facts in real shapes, to build fleets from."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from exporter.core.billing import BilledAs
from exporter.core.bounded import Bounded
from exporter.core.evidence import (
    CpuPoint,
    Embodied,
    Evidence,
    ExchangeRate,
    GapReason,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    InstanceCpu,
    PriceKey,
    PriceQuote,
    Quantity,
    SpotPrices,
    SpotQuote,
)
from exporter.core.fleet import (
    Hardware,
    Instance,
    InstanceState,
    Inventory,
    Place,
    PurchaseOption,
)
from exporter.core.instance_estimate import Siting
from exporter.core.reconciliation import CostRatio, ExclusionReason, Reconciliation
from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.outcome import Outcome, Resize, Saving, Scenario, ScenarioGap
from exporter.core.scenarios.plan import DeferrableLoad, ScenarioPlan
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.core.snapshot import FleetSnapshot, FleetTotals, InstanceEstimate, Pue
from exporter.core.statement import Accrued, BilledTotals, CoverageRatios, Statement
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_DAY, SECONDS_PER_HOUR

NOW = datetime(2026, 3, 4, 12, 40, tzinfo=UTC).timestamp()
WINDOW_END_AT = NOW - 600  # a slot's end, and ten minutes old
FRANKFURT = Place("111122223333", "eu-central-1")
DUBLIN = Place("111122223333", "eu-west-1")

M5_LARGE = HardwareProfile(
    "m5.large",
    watts=(2.69, 5.43, 8.21, 11.30, 13.47, 15.16),
    power_gap=None,
    embodied=Embodied(0.46, 0.26, 0.76),
    embodied_gap=None,
    provider_version="2.5.0",
)
T3_MICRO = replace(
    M5_LARGE,
    instance_type="t3.micro",
    watts=(1.72, 4.42, 7.14, 10.12, 12.19, 13.78),
    embodied=Embodied(0.11, 0.07, 0.18),
)
WEB_PRICE = PriceKey("eu-central-1", "m5.large", "RunInstances", "default")
RATE = ExchangeRate(1.25, NOW - SECONDS_PER_DAY, "ecb")


def instance(instance_id: str = "i-0web", **changes: Any) -> Instance:
    """A running m5.large in Frankfurt, a day old; anything may be changed by name."""
    web = Instance(
        instance_id=instance_id,
        account_id=FRANKFURT.account_id,
        region=FRANKFURT.region,
        availability_zone="eu-central-1a",
        instance_type="m5.large",
        state=InstanceState.RUNNING,
        launched_at=NOW - SECONDS_PER_DAY,
        purchase_option=PurchaseOption.ON_DEMAND,
        usage_operation="RunInstances",
        platform="Linux/UNIX",
        tenancy="default",
        architecture="x86_64",
        name="web",
    )
    return replace(web, **changes)


def hardware(instance_type: str, *, burstable: bool = False, accelerators: int = 0) -> Hardware:
    """Hardware of a type with two virtual CPUs."""
    return Hardware(instance_type, 2, 8192, accelerators, burstable, "x86_64")


def cpu(
    subject: Instance,
    *percents: float,
    window_slots: int = 3,
    window_end_at: float = WINDOW_END_AT,
    **changes: Any,
) -> InstanceCpu:
    """The window's newest points, oldest first, polled a minute after the window's end."""
    first_at = window_end_at - len(percents) * CPU_SLOT_SECONDS
    polled = InstanceCpu(
        subject.instance_id,
        subject.launched_at,
        polled_at=window_end_at + 60,
        window_end_at=window_end_at,
        window_slots=window_slots,
        points=tuple(
            CpuPoint(first_at + i * CPU_SLOT_SECONDS, percent) for i, percent in enumerate(percents)
        ),
    )
    return replace(polled, **changes)


def intensity(
    grid_zone: str, grams: float, age_hours: float, *, estimated: bool = False, method: str = ""
) -> GridIntensity:
    """The intensity of the hour that began ``age_hours`` ago."""
    return GridIntensity(grid_zone, grams, NOW - age_hours * SECONDS_PER_HOUR, estimated, method)


def history(grid_zone: str, grams: Sequence[float]) -> GridHistory:
    """Hours in a row, the last one an hour ago."""
    ages = range(len(grams), 0, -1)
    return GridHistory(
        grid_zone,
        tuple(intensity(grid_zone, g, age) for g, age in zip(grams, ages, strict=True)),
    )


def evidence(
    instances: Iterable[Instance] = (),
    cpu: Iterable[InstanceCpu] = (),
    *,
    hardware: Iterable[Hardware] = (),
    spot: Iterable[SpotPrices] = (),
    **mappings: Any,
) -> Evidence:
    """Evidence about these instances; what is not given is not known."""
    by_id = {found.instance_id: found for found in cpu}
    places: dict[Place, list[Instance]] = {}
    for each in instances:
        places.setdefault(each.place, []).append(each)
    facts: dict[str, Any] = {
        "inventories": {
            place: Inventory(place, tuple(members), _of_types(members, tuple(hardware)))
            for place, members in places.items()
        },
        "unreachable": {},
        "cpu": {
            place: {m.instance_id: by_id[m.instance_id] for m in members if m.instance_id in by_id}
            for place, members in places.items()
        },
        "profiles": {},
        "prices": {},
        "spot": {prices.place: {quote.key: quote for quote in prices.quotes} for prices in spot},
        "grid": {},
        "grid_history": {},
        "exchange_rate": GapReason.SOURCE_DOWN,
    }
    return Evidence(**(facts | mappings))


def _of_types(members: Iterable[Instance], described: tuple[Hardware, ...]) -> tuple[Hardware, ...]:
    types = {member.instance_type for member in members}
    return tuple(each for each in described if each.instance_type in types)


class Scene(NamedTuple):
    """What a fleet is estimated from."""

    evidence: Evidence
    siting: Siting

    def with_evidence(self, **mappings: Any) -> "Scene":
        """The same scene with other facts."""
        return self._replace(evidence=replace(self.evidence, **mappings))


def complete_scene() -> Scene:
    """A web server on demand in Frankfurt and a burstable spot worker in Dublin lack nothing."""
    web = instance()
    worker = instance(
        "i-0worker",
        region=DUBLIN.region,
        availability_zone="eu-west-1b",
        instance_type="t3.micro",
        purchase_option=PurchaseOption.SPOT,
    )
    facts = evidence(
        [web, worker],
        [cpu(web, 10, 25, 50), cpu(worker, 10, 25, 10, 25, window_slots=5)],
        hardware=[hardware("m5.large"), hardware("t3.micro", burstable=True)],
        profiles={"m5.large": M5_LARGE, "t3.micro": T3_MICRO},
        prices={WEB_PRICE: PriceQuote(WEB_PRICE, 0.115)},
        spot=[
            SpotPrices(DUBLIN, (SpotQuote("eu-west-1b", "t3.micro", "Linux/UNIX", 0.0036, NOW),))
        ],
        grid={
            "DE": intensity("DE", 400, 1.5),
            "IE": intensity("IE", 300, -0.25, estimated=True, method="TIME_SLICER_AVERAGE"),
        },
        grid_history={"DE": history("DE", (400, 440, 400)), "IE": history("IE", (300, 330))},
        exchange_rate=RATE,
    )
    siting = Siting(
        grid_zones={"eu-central-1": "DE", "eu-west-1": "IE"},
        pue={"eu-central-1": Pue(1.35, "published"), "eu-west-1": Pue(1.11, "operator")},
    )
    return Scene(facts, siting)


def statement(place: Place = FRANKFURT, **changes: Any) -> Statement:
    """Books of one place in which everything is known; anything may be changed by name."""
    account_id = place.account_id
    books = Statement(
        coverage={place: CoverageRatios(cost=1.0, carbon=0.875, both=0.875)},
        fleet_alignment_ratio=0.875,
        billed_alignment_ratio={account_id: 0.75},
        billed={account_id: BilledTotals(46.0, last_day_usd=23.0, last_hour_usd=1.0)},
        reconciliation={
            account_id: Reconciliation(
                samples=12,
                deviation_ratio=-0.03125,
                time_deviation_ratio=0.015625,
                price_deviation_ratio=-0.046875,
                weighted_error_ratio=0.0625,
                cost_ratios={BilledAs.ON_DEMAND: CostRatio(0.9375, 1.0625)},
                excluded={ExclusionReason.TOO_RECENT: 2, ExclusionReason.ESTIMATED: 3},
            )
        },
        accrued={
            place: Accrued(
                energy_joules=7_200_000.0,
                emissions_grams=1_080.0,
                embodied_grams=46.0,
                cost_usd=5.75,
                skipped_seconds={Quantity.EMISSIONS: 300.0},
            )
        },
    )
    return replace(books, **changes)


def outcome(scenario: Scenario = Scenario.OFFICE_HOURS, **changes: Any) -> Outcome:
    """A scenario that saves 125 USD (three quarters) and 40 kg a month; anything may be changed."""
    found = Outcome(
        scenario,
        cost=Saving(Bounded(0.75, 0.625, 0.875), Bounded(125.0, 100.0, 150.0)),
        emissions=Saving(Bounded(0.6875, 0.625, 0.75), Bounded(40_000.0, 20_000.0, 60_000.0)),
        samples=28,
        worse_ratio=0.0,
        covered_ratio=0.9375,
        feasible=True,
        saved_usd_by_account={FRANKFURT.account_id: 125.0},
    )
    return replace(found, **changes)


def business_case(**changes: Any) -> BusinessCase:
    """Three scenarios with a value and one without, at 1.25 USD; anything may be changed by name.

    Its instances: i-0aaa is idle and fits a smaller type, i-0bbb is busy; i-0ccc was idle.
    """
    moved = outcome(
        Scenario.REGION_SHIFT,
        cost=Saving(Bounded(-0.0625, -0.125, 0.0), Bounded(-25.0, -50.0, 0.0)),
        emissions=Saving(Bounded(0.9375, 0.875, 1.0), Bounded(64_000.0, 32_000.0, 96_000.0)),
        worse_ratio=0.25,
        feasible=False,
        target_region="eu-north-1",
    )
    smaller = outcome(
        Scenario.RIGHTSIZING,
        cost=Saving(Bounded(0.5, 0.25, 0.5), Bounded(25.0, 12.5, 25.0)),
        emissions=Saving(Bounded(0.125, -0.0625, 0.25), Bounded(4000.0, -2000.0, 8000.0)),
        worse_ratio=0.125,
        covered_ratio=1.0,
    )
    case = BusinessCase(
        outcomes=(outcome(), smaller, moved),
        eur_per_month={
            (Scenario.OFFICE_HOURS, ""): Bounded(100.0, 75.0, 125.0),
            (Scenario.RIGHTSIZING, ""): Bounded(20.0, 8.0, 22.0),
            (Scenario.REGION_SHIFT, "eu-north-1"): Bounded(-20.0),
        },
        gaps={
            (Scenario.TIME_SHIFT, ScenarioGap.NOT_CONFIGURED): 1,
            (Scenario.RIGHTSIZING, ScenarioGap.BURSTABLE): 3,
        },
        idle={"i-0aaa": True, "i-0bbb": False, "i-0ccc": True},
        resizes={"i-0aaa": Resize("m5.medium", 12.5, 25.0, 4000.0)},
        emissions_profile={(1, 0): 3.5, (7, 23): 2.25},
        grid_profile={("DE", 1, 0): 305.0, ("FR", 7, 23): 40.0},
        usd_per_eur=1.25,
        eur_per_usd={FRANKFURT.account_id: 0.8},
    )
    return replace(case, **changes)


SCENARIO_PLAN = ScenarioPlan(
    office_hours=WeeklySchedule.parse("Mon-Fri 08:00-18:00"),
    office_environments=frozenset({"test", "dev"}),
    time_zone=ZoneInfo("Europe/Berlin"),
    target_regions=("eu-north-1", "eu-west-3"),
    deferrable=DeferrableLoad(
        watts=500.0, region="eu-central-1", start_hour=2, hours=4, within_hours=24
    ),
    idle_percent=2.5,
    idle_days=14,
    rightsizing_percent=70.0,
)


def fleet_snapshot(case: BusinessCase, *estimates: InstanceEstimate) -> FleetSnapshot:
    """A fleet of which nothing else than its business case is known."""
    return FleetSnapshot(
        estimated_at=NOW,
        instances=estimates,
        totals=FleetTotals(None, None, None, None, None),
        covered_ratio=dict.fromkeys(Quantity, 1.0),
        gaps={},
        counts={},
        grid={},
        pue={},
        exchange_rate=None,
        cpu_newest_point_at={},
        deviations=(),
        case=case,
    )
