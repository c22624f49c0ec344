"""A small made-up fleet: one instance with everything, one with gaps, one stopped."""

import subprocess
from collections.abc import Callable

import pytest

from exporter.core.evidence import ExchangeRate, GapReason, GridIntensity, Quantity
from exporter.core.fleet import Instance, InstanceState, Place, PurchaseOption
from exporter.core.provenance import FailureReason, Scope, SourceName, SourceStatus
from exporter.core.snapshot import (
    Bounded,
    Deviation,
    FleetSnapshot,
    FleetTotals,
    GridEstimate,
    InstanceEstimate,
    Pue,
)
from tests.factories import business_case, statement

PLACE = Place("111122223333", "eu-central-1")


def instance(instance_id: str = "i-0aaa", **changes: object) -> Instance:
    """One running instance; anything may be changed by name."""
    facts: dict[str, object] = {
        "instance_id": instance_id,
        "account_id": PLACE.account_id,
        "region": PLACE.region,
        "availability_zone": "eu-central-1a",
        "instance_type": "m5.large",
        "state": InstanceState.RUNNING,
        "launched_at": 1_790_000_000.0,
        "purchase_option": PurchaseOption.ON_DEMAND,
        "usage_operation": "RunInstances",
        "platform": "Linux/UNIX",
        "tenancy": "default",
        "architecture": "x86_64",
        "name": "checkout-1",
        "tags": (("environment", "prod"), ("team", "payments")),
    }
    return Instance(**(facts | changes))  # type: ignore[arg-type]  # a table of facts


def complete(subject: Instance, factor: float = 1.0) -> InstanceEstimate:
    """Everything known of a running instance, all quantities times a factor."""
    return InstanceEstimate(
        subject,
        "DE",
        cpu_utilization_ratio=0.25 * factor,
        power_watts=Bounded(8.5 * factor, 6.25 * factor, 11.75 * factor),
        emissions_grams_per_hour=Bounded(3.5 * factor, 2.25 * factor, 5.5 * factor),
        embodied_grams_per_hour=Bounded(0.46 * factor, 0.26 * factor, 0.76 * factor),
        cost_usd_per_hour=0.115 * factor,
        cost_eur_per_hour=0.1 * factor,
        cost_lower_eur_per_hour=0.09375 * factor,
        cost_upper_eur_per_hour=0.10625 * factor,
        runtime_seconds=86_395.0 * factor,
        billed_seconds=86_440.0 * factor,
    )


def snapshot_of(*estimates: InstanceEstimate) -> FleetSnapshot:
    """A snapshot around these estimates; all else in it is constant."""
    return FleetSnapshot(
        estimated_at=1_790_003_600.0,
        instances=estimates,
        totals=FleetTotals(
            power_watts=Bounded(18.5, 14.0, 24.0),
            emissions_grams_per_hour=Bounded(3.5, 2.25, 5.5),
            embodied_grams_per_hour=None,
            cost_usd_per_hour=0.115,
            cost_eur_per_hour=0.1,
        ),
        covered_ratio=dict.fromkeys(Quantity, 0.5) | {Quantity.POWER: 1.0},
        gaps={
            (PLACE, Quantity.EMISSIONS, GapReason.GRID_TOO_OLD): 1,
            (PLACE, Quantity.RUNTIME, GapReason.RUNTIME_UNKNOWN): 1,
        },
        counts={(PLACE, InstanceState.RUNNING): 2, (PLACE, InstanceState.SHUTTING_DOWN): 1},
        grid={
            "DE": GridEstimate(
                GridIntensity("DE", 305.0, 1_790_002_800.0, estimated=True, method="MODEL"),
                Bounded(305.0, 250.0, 372.0),
            ),
            "FR": GridEstimate(
                GridIntensity("FR", 40.0, 1_790_002_800.0, estimated=False, method=""),
                Bounded(40.0),
            ),
        },
        pue={"eu-central-1": Pue(1.35, "published"), "eu-west-2": Pue(1.2, "operator")},
        exchange_rate=ExchangeRate(1.15, 1_789_948_800.0, "ecb"),
        cpu_newest_point_at={PLACE: 1_790_003_100.0},
        deviations=(
            Deviation("model", 0.1),
            Deviation("type", 0.27, instance_type="m5.large"),
            Deviation("grid", 0.125, grid_zone="DE"),
        ),
        statement=statement(PLACE),
        case=business_case(),
    )


EVERYWHERE = Scope()


def status(source: SourceName, scope: Scope = EVERYWHERE, **changes: object) -> SourceStatus:
    """The health of a source that is well; anything may be changed by name."""
    facts: dict[str, object] = {
        "source": source,
        "scope": scope,
        "up": True,
        "last_success_at": 1_790_003_590.0,
        "last_duration_seconds": 0.75,
        "refreshes": 12,
        "failures": {},
        "reason": None,
        "detail": "",
        "age_seconds": 10.0,
        "interval_seconds": 300.0,
        "max_age_seconds": 900.0,
    }
    return SourceStatus(**(facts | changes))  # type: ignore[arg-type]  # a table of facts


@pytest.fixture
def make_instance() -> Callable[..., Instance]:
    return instance


@pytest.fixture
def make_complete() -> Callable[..., InstanceEstimate]:
    return complete


@pytest.fixture
def make_snapshot() -> Callable[..., FleetSnapshot]:
    return snapshot_of


@pytest.fixture
def make_status() -> Callable[..., SourceStatus]:
    return status


@pytest.fixture
def snapshot() -> FleetSnapshot:
    """One complete instance, one with gaps, one stopped whose name needs escaping."""
    return snapshot_of(
        complete(instance()),
        InstanceEstimate(
            instance("i-0bbb", name="", purchase_option=PurchaseOption.SPOT, tags=()),
            "FR",
            cpu_utilization_ratio=0.0,
            power_watts=Bounded(10.0),
        ),
        InstanceEstimate(
            instance("i-0ccc", name='a "b"\\c\nd', state=InstanceState.STOPPED, tags=()),
            "DE",
            runtime_seconds=20.0,
            billed_seconds=60.0,
        ),
    )


@pytest.fixture
def statuses() -> tuple[SourceStatus, ...]:
    """An inventory that is well, and a grid source that is refused."""
    return (
        status(SourceName.EC2_INVENTORY, Scope(*PLACE)),
        status(
            SourceName.ELECTRICITY_MAPS,
            Scope(grid_zone="DE"),
            up=False,
            last_success_at=0.0,
            refreshes=3,
            failures={FailureReason.DENIED: 3},
            reason=FailureReason.DENIED,
            detail="the token was refused: check <CARBONFINOPS_ELECTRICITY_MAPS__TOKEN>",
            age_seconds=None,
            interval_seconds=3600.0,
            max_age_seconds=10800.0,
        ),
    )


@pytest.fixture
def check_metrics(tool: Callable[[str], str]) -> Callable[[bytes], str]:
    """Run ``promtool check metrics``; the answer is what it complains of."""
    promtool = tool("promtool")

    def check(text: bytes) -> str:
        done = subprocess.run(
            [promtool, "check", "metrics"], input=text, capture_output=True, check=False
        )
        return (done.stdout + done.stderr).decode()

    return check
