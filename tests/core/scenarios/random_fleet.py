"""Fleets in which much is different: types, loads, grids, prices, and what is known of them."""

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import NamedTuple

from exporter.core.evidence import HardwareProfile, PriceKey, PriceQuote
from exporter.core.fleet import Hardware, Instance
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.load import LoadDistribution, packed
from exporter.core.scenarios.usage import UsageHistory, UsageSeries
from tests import factories
from tests.core.scenarios import scenes
from tests.core.scenarios.machines import machine
from tests.core.scenarios.naive_rightsizing import Weeks

LOCATIONS = ("eu-central-1", "eu-west-1")
SIZES = {"medium": 1, "large": 2, "xlarge": 4, "2xlarge": 8, "4xlarge": 16}
HISTORY_WEEKS = 5


class RandomFleet(NamedTuple):
    """Facts, with the points behind the loads: levels by instance and week."""

    facts: CaseFacts
    points: dict[str, Weeks]
    percent: float


def random_fleet(random: Random) -> RandomFleet:
    """Eight instances of which all that is their own is known."""
    types = _types(random)
    instances = [_instance(random, number, types) for number in range(8)]
    points = {each.instance_id: _points(random) for each in instances}
    used = _history(random, instances)
    own_types = {each.instance_type for each in instances}
    prices = _prices(random, types, own_types)
    profiles = {
        each: _profile(random, described)
        for each, described in types.items()
        if each in own_types or random.random() < 0.95
    }
    unknown = types.keys() - profiles.keys() | _price_keys(types) - prices.keys()
    facts = scenes.facts(
        used,
        instances=tuple(instances),
        loads={name: _load(weeks) for name, weeks in points.items()},
        hardware=types,
        profiles=profiles,
        prices=prices,
        awaited=frozenset(each for each in sorted(unknown, key=str) if random.random() < 0.5),
        intensities={zone: _grid(random, used) for zone in ("DE", "IE")},
    )
    return RandomFleet(facts, points, random.choice((80.0, 66.0, 95.0)))


def _types(random: Random) -> dict[str, Hardware]:
    """Two families, one of which has types of another architecture."""
    found = {}
    for family in ("m5", "c5"):
        for size, vcpus in SIZES.items():
            name = f"{family}.{size}"
            arm = family == "c5" and random.random() < 0.2
            found[name] = replace(
                factories.hardware(name), vcpus=vcpus, architecture="arm64" if arm else "x86_64"
            )
    return found


def _instance(random: Random, number: int, types: dict[str, Hardware]) -> Instance:
    region = random.choice(LOCATIONS)
    environment = random.choice(("", "dev", "prod"))
    return machine(
        f"i-0{number}",
        account_id=random.choice((scenes.ACCOUNT_ID, "444455556666")),
        region=region,
        availability_zone=f"{region}a",
        instance_type=random.choice(sorted(types)[1:]),
        tags=(("environment", environment),) if environment else (),
    )


def _points(random: Random) -> Weeks:
    """Two to six weeks, mostly idle, more or less often busy; the first may have begun late."""
    length = random.randint(20, 60)
    weeks = []
    for number in range(random.randint(2, 6)):
        busy_ratio = random.choice((0.0, 0.02, 0.05, 0.08, 0.3))
        idle_level = random.choice((2, 10, 18, 30, 45))
        count = random.randint(5, length) if number == 0 else length
        weeks.append(
            [
                random.randint(idle_level, 100)
                if random.random() < busy_ratio
                else random.randint(0, idle_level)
                for _ in range(count)
            ]
        )
    if len(weeks) == 2:  # without a week between there is none to tell that the first is short
        weeks[0] = weeks[0] * length
        weeks[0] = weeks[0][:length]
    return weeks


def _load(weeks: Weeks) -> LoadDistribution:
    blocks = tuple(packed([(level, 1) for level in week]) for week in weeks)
    return LoadDistribution(7 * len(weeks), blocks)


def _history(random: Random, instances: list[Instance]) -> UsageHistory:
    """Five weeks, the third of them unknown; some instances are of a group that used nothing."""
    hours = HISTORY_WEEKS * scenes.HOURS_PER_WEEK
    known = [not 2 <= hour // scenes.HOURS_PER_WEEK < 3 for hour in range(hours)]
    groups: dict[object, UsageSeries] = {}
    for each in instances:
        if random.random() < 0.7:
            key = scenes.key(
                account_id=each.account_id,
                location=each.location,
                instance_type=each.instance_type,
                environment=dict(each.tags).get("environment", ""),
            )
            joules = [random.uniform(0, 1e5) if at else 0.0 for at in known]
            groups[key] = scenes.series(key, hours=hours, joules=joules)
    if not groups:
        return scenes.history(known=known)
    return scenes.history(*groups.values(), known=known)


def _grid(random: Random, used: UsageHistory) -> dict[float, float]:
    grams = [random.uniform(50, 700) for _ in used.known]
    return {at: g for at, g in scenes.intensity(used, grams).items() if random.random() < 0.95}


def _profile(random: Random, described: Hardware) -> HardwareProfile:
    """More vCPUs do not always draw more."""
    watts = sorted(random.uniform(0.5, 6) * described.vcpus for _ in range(6))
    if random.random() < 0.2:
        watts = [watt * 4 for watt in watts]
    return replace(factories.M5_LARGE, instance_type=described.instance_type, watts=tuple(watts))


def _price_keys(types: Iterable[str]) -> set[str | PriceKey]:
    return {
        PriceKey(location, name, "RunInstances", "default")
        for location in LOCATIONS
        for name in types
    }


def _prices(
    random: Random, types: dict[str, Hardware], own_types: set[str]
) -> dict[PriceKey, PriceQuote]:
    """About a price per vCPU; some types are not sold, of some the price is unknown."""
    found = {}
    for location in LOCATIONS:
        for name, described in types.items():
            usd: float | None = described.vcpus * random.choice((0.04, 0.05, 0.1))
            if name not in own_types:
                if random.random() < 0.03:
                    continue
                usd = None if random.random() < 0.1 else usd
            key = PriceKey(location, name, "RunInstances", "default")
            found[key] = PriceQuote(key, usd)
    return found
