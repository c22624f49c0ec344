"""Facts for the business case about a made-up fleet: six weeks of use, and nothing is unknown."""

import math
import random
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from exporter.core.evidence import ExchangeRate, HardwareProfile, PriceKey, PriceQuote
from exporter.core.fleet import Hardware, Instance, InstanceState, PurchaseOption
from exporter.core.instance_estimate import Siting
from exporter.core.reconciliation import CostRatio
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.load import LoadDistribution, packed
from exporter.core.scenarios.plan import DeferrableLoad, ScenarioPlan
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.core.scenarios.usage import UsageHistory, UsageKey, UsageSeries
from exporter.core.snapshot import Pue
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

WEEKS = 6
HOURS = WEEKS * 168
UNTIL_AT = datetime(2026, 9, 8, tzinfo=UTC).timestamp()
SINCE_AT = UNTIL_AT - HOURS * SECONDS_PER_HOUR
POINTS_PER_WEEK = 2016

HOME = {"eu-central-1": "DE", "eu-west-1": "IE", "us-east-1": "US-MIDA-PJM"}
TARGETS = {"eu-west-2": "GB", "eu-west-3": "FR", "eu-north-1": "SE-SE3", "us-west-2": "US-NW-BPAT"}
REGIONS = HOME | TARGETS
SITING = Siting(REGIONS, dict.fromkeys(REGIONS, Pue(1.15, "published")))
ACCOUNTS = ("111122223333", "444455556666")
FAMILIES = ("m5", "c5", "r5", "m6i", "c6i")
SIZES = {"large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}
TYPES = {f"{family}.{size}": n for family in FAMILIES for size, n in SIZES.items()}
ENVIRONMENTS = ("prod", "staging", "dev", "test", "")
OPERATION, TENANCY = "RunInstances", "default"
ANCHOR_SHARES = (0.18, 0.36, 0.54, 0.75, 0.89, 1.0)
WATTS_PER_VCPU = 7.5

PLAN = ScenarioPlan(
    office_hours=WeeklySchedule.parse("Mon-Fri 08:00-18:00"),
    office_environments=frozenset({"dev", "test", "staging"}),
    time_zone=ZoneInfo("Europe/Berlin"),
    target_regions=tuple(TARGETS),
    deferrable=DeferrableLoad(500.0, "eu-central-1", 2, 4, 24),
)


@dataclass(frozen=True, slots=True)
class Group:
    """A number of a group of like instances, and what follows from it."""

    number: int

    @property
    def key(self) -> UsageKey:
        """Every region, type and environment in turn; every tenth group is spot."""
        number, regions, types = self.number, tuple(HOME), tuple(TYPES)
        return UsageKey(
            ACCOUNTS[number % len(ACCOUNTS)],
            regions[number % len(regions)],
            types[number // len(regions) % len(types)],
            OPERATION,
            TENANCY,
            PurchaseOption.SPOT if number % 10 == 9 else PurchaseOption.ON_DEMAND,
            ENVIRONMENTS[number // (len(regions) * len(types)) % len(ENVIRONMENTS)],
        )


class CaseFleet:
    """So many running instances in so many groups; another seed changes every number."""

    def __init__(self, instances: int, groups: int, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - made-up numbers
        self._keys = [Group(number).key for number in range(groups)]
        self._instances = tuple(_instance(n, self._keys[n % groups]) for n in range(instances))
        self._blocks = [self._block(0.3 + 6 * (n / 400) ** 2) for n in range(400)]

    def facts(self) -> CaseFacts:
        """All that the case is made of."""
        each = len(self._instances) // len(self._keys)
        return CaseFacts(
            history=UsageHistory(
                SINCE_AT, [True] * HOURS, tuple(self._series(key, each) for key in self._keys)
            ),
            intensities={zone: self._grid() for zone in REGIONS.values()},
            instances=self._instances,
            loads={instance.instance_id: self._load() for instance in self._instances},
            idle={instance.instance_id: False for instance in self._instances},
            hardware={
                name: Hardware(name, vcpus, 4096 * vcpus, 0, False, "x86_64")  # noqa: FBT003 - not burstable
                for name, vcpus in TYPES.items()
            },
            profiles={name: self._profile(name) for name in TYPES},
            prices={key: PriceQuote(key, self._usd(key)) for key in _price_keys()},
            siting=SITING,
            exchange_rate=ExchangeRate(1.1, UNTIL_AT - SECONDS_PER_DAY, "ecb"),
            billed_ratios={account: CostRatio(0.7, 0.8) for account in ACCOUNTS},
        )

    def _series(self, key: UsageKey, instances: int) -> UsageSeries:
        watts = WATTS_PER_VCPU * TYPES[key.instance_type] * instances
        ran = [SECONDS_PER_HOUR * instances] * HOURS
        joules = [
            watts * SECONDS_PER_HOUR * (0.4 + 0.2 * math.sin(hour / 24) + 0.2 * self._draw.random())
            for hour in range(HOURS)
        ]
        usd = [0.05 * TYPES[key.instance_type] * instances] * HOURS
        return UsageSeries(key, ran, ran, joules, ran, usd)

    def _load(self) -> LoadDistribution:
        """Four to six weeks, each a little busier or idler than the others."""
        usual, count = self._draw.randrange(10, 390), self._draw.randint(4, 6)
        blocks = (self._blocks[usual + self._draw.randint(-9, 9)] for _ in range(count))
        return LoadDistribution(7 * count, tuple(blocks))

    def _block(self, shape: float) -> int:
        """A week of points around ``shape`` times ten percent."""
        counts = [0] * 101
        for _ in range(POINTS_PER_WEEK):
            counts[math.ceil(100 * self._draw.betavariate(shape, 10.5 - shape))] += 1
        return packed([(level, count) for level, count in enumerate(counts) if count])

    def _grid(self) -> dict[float, float]:
        mean = self._draw.uniform(50, 400)
        return {
            SINCE_AT + n * SECONDS_PER_HOUR: mean
            * (1 + 0.3 * math.sin(n * math.tau / 24) + 0.2 * self._draw.random())
            for n in range(HOURS)
        }

    def _profile(self, name: str) -> HardwareProfile:
        full = WATTS_PER_VCPU * TYPES[name] * self._draw.uniform(0.9, 1.1)
        watts = tuple(full * share for share in ANCHOR_SHARES)
        return HardwareProfile(name, watts, None, None, None, "2")

    def _usd(self, key: PriceKey) -> float:
        return 0.05 * TYPES[key.instance_type] * self._draw.uniform(0.8, 1.2)


def _instance(number: int, key: UsageKey) -> Instance:
    return Instance(
        instance_id=f"i-{number:017x}",
        account_id=key.account_id,
        region=key.location,
        availability_zone=f"{key.location}a",
        instance_type=key.instance_type,
        state=InstanceState.RUNNING,
        launched_at=SINCE_AT,
        purchase_option=key.purchase_option,
        usage_operation=key.usage_operation,
        platform="Linux/UNIX",
        tenancy=key.tenancy,
        architecture="x86_64",
        name=f"node-{number:05d}",
        tags=(("environment", key.environment),) if key.environment else (),
    )


def _price_keys() -> list[PriceKey]:
    return [PriceKey(region, name, OPERATION, TENANCY) for region in REGIONS for name in TYPES]
