"""A made-up fleet of any size that lacks nothing, with full-precision numbers."""

import random
from collections import defaultdict

from exporter.core.cost import price_key
from exporter.core.evidence import (
    CpuPoint,
    Embodied,
    Evidence,
    ExchangeRate,
    GridHistory,
    GridIntensity,
    HardwareProfile,
    InstanceCpu,
    PriceQuote,
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
from exporter.core.snapshot import Pue
from exporter.core.units import CPU_SLOT_SECONDS, SECONDS_PER_DAY, SECONDS_PER_HOUR

NOW = 1_790_000_400.0
ZONES = {"eu-central-1": "DE", "eu-west-1": "IE", "eu-west-2": "GB", "us-east-1": "US-MIDA-PJM"}
TYPES = ("m5.large", "c6g.xlarge", "r5.large", "t3.micro", "m6i.xlarge", "c7g.xlarge", "m7i.large")
ACCOUNTS = ("111122223333", "444455556666")
TEAMS = ("web", "checkout", "search", "data", "platform", "ml")
SITING = Siting(ZONES, dict.fromkeys(ZONES, Pue(1.15, "published")))


def instances(count: int) -> tuple[Instance, ...]:
    """The same instances for the same count, all running for a day, spread over eight places."""
    return tuple(_instance(number) for number in range(count))


def evidence(count: int, seed: int) -> Evidence:
    """What is known of them; another seed changes every number, and no instance."""
    draw = random.Random(seed)  # noqa: S311 - made-up numbers
    fleet = instances(count)
    places: dict[Place, list[Instance]] = defaultdict(list)
    for each in fleet:
        places[each.place].append(each)
    hardware = tuple(Hardware(name, 2, 8192, 0, name.startswith("t"), "x86_64") for name in TYPES)
    return Evidence(
        inventories={
            place: Inventory(place, tuple(own), hardware) for place, own in places.items()
        },
        unreachable={},
        cpu={
            place: {each.instance_id: _cpu(each, draw) for each in own}
            for place, own in places.items()
        },
        profiles={name: _profile(name, draw) for name in TYPES},
        prices={
            key: PriceQuote(key, draw.uniform(0.01, 1))
            for key in sorted({price_key(each) for each in fleet})
        },
        spot={},
        grid={zone: _hour(zone, 1, draw) for zone in ZONES.values()},
        grid_history={
            zone: GridHistory(zone, tuple(_hour(zone, age, draw) for age in range(24, 0, -1)))
            for zone in ZONES.values()
        },
        exchange_rate=ExchangeRate(draw.uniform(1.0, 1.2), NOW - SECONDS_PER_DAY, "ecb"),
    )


def _instance(number: int) -> Instance:
    region = tuple(ZONES)[number % len(ZONES)]
    team = TEAMS[number % len(TEAMS)]
    return Instance(
        instance_id=f"i-{0x9E3779B97F4A7C15 * (number + 1) % 16**17:017x}",
        account_id=ACCOUNTS[number // len(ZONES) % len(ACCOUNTS)],
        region=region,
        availability_zone=f"{region}{'abc'[number % 3]}",
        instance_type=TYPES[number % len(TYPES)],
        state=InstanceState.RUNNING,
        launched_at=NOW - SECONDS_PER_DAY,
        purchase_option=PurchaseOption.ON_DEMAND,
        usage_operation="RunInstances",
        platform="Linux/UNIX",
        tenancy="default",
        architecture="x86_64",
        name=f"{team}-{number:05d}",
        tags=(
            ("cost_center", f"{4000 + number % 9}"),
            ("environment", ("prod", "staging", "dev")[number % 3]),
            ("service", f"service-{number % 40}"),
            ("team", team),
        ),
    )


def _cpu(instance: Instance, draw: random.Random) -> InstanceCpu:
    starts = [NOW - slots_ago * CPU_SLOT_SECONDS for slots_ago in (3, 2, 1)]
    points = tuple(CpuPoint(at, draw.uniform(1, 99)) for at in starts)
    return InstanceCpu(instance.instance_id, instance.launched_at, NOW, NOW, len(points), points)


def _profile(name: str, draw: random.Random) -> HardwareProfile:
    watts = tuple(sorted(draw.uniform(2, 20) for _ in range(6)))
    grams = draw.uniform(0.2, 1)
    return HardwareProfile(name, watts, None, Embodied(grams, 0.6 * grams, 1.7 * grams), None, "2")


def _hour(zone: str, age_hours: int, draw: random.Random) -> GridIntensity:
    at = NOW - age_hours * SECONDS_PER_HOUR
    return GridIntensity(zone, draw.uniform(50, 500), at, estimated=False, method="")
