from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from exporter.books.cpu_book import CpuBook
from exporter.books.usage_book import UsageBook
from exporter.configuration import load_settings
from exporter.core.evidence import PriceKey, PriceQuote
from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.outcome import Scenario
from exporter.core.scenarios.study import study
from exporter.core.units import SECONDS_PER_DAY
from exporter.demo import demo_defaults
from exporter.location import siting
from exporter.scenarios_section import scenario_plan
from exporter.simulation import currency, hardware, prices
from exporter.simulation.past import PAST_DAYS, Past, past_hours
from exporter.simulation.world import World

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1", "eu-north-1")
OPERATIONS = ("RunInstances", "RunInstances:0002")
ONCE_AN_HOUR = 12
"""Slots that one stands for: it is enough here, and fast."""


def every_price() -> Mapping[PriceKey, PriceQuote]:
    keys = (
        PriceKey(region, kind, operation, prices.SOLD_TENANCY)
        for region in REGIONS
        for kind in hardware.MODELS
        for operation in OPERATIONS
    )
    return {key: prices.list_price(key) for key in keys}


def case_at(world: World, now: float) -> BusinessCase:
    """What a demo finds that starts at an instant, once every price and type is known."""
    settings = load_settings({}, defaults=demo_defaults(100))
    plan = scenario_plan(settings.scenarios)
    usage, cpu = UsageBook(), CpuBook()
    for hour in past_hours(world, now - PAST_DAYS * SECONDS_PER_DAY, now, ONCE_AN_HOUR):
        usage.take(hour)
        cpu.take(hour)
    intensities: dict[str, dict[float, float]] = defaultdict(dict)
    for known in Past(world).intensities(now):
        intensities[known.grid_zone][known.valid_at] = known.grams_per_kilowatt_hour
    facts = CaseFacts(
        history=usage.history(now),
        intensities=intensities,
        instances=tuple(each for each in world.instances_at(now) if each.is_running),
        loads=cpu.loads(),
        idle=cpu.idle(now, plan.idle_percent, plan.idle_days),
        hardware={kind: hardware.describe(kind) for kind in hardware.MODELS},
        profiles={kind: hardware.profile(kind) for kind in hardware.MODELS},
        prices=every_price(),
        siting=siting(settings),
        exchange_rate=currency.rate(world.seed, now),
        billed_ratios={},
    )
    return study(facts, plan)


@pytest.mark.parametrize("today", ["2026-06-30T12:00", "2026-11-23T05:00"])
def test_a_demo_can_tell_everything_as_soon_as_it_starts(world: World, today: str) -> None:
    """Every scenario and target region, an idle machine, a resize, and all hours of the week."""
    now = datetime.fromisoformat(today).replace(tzinfo=UTC).timestamp()
    case = case_at(world, now)
    names = {each.instance_id: each.name for each in world.instances_at(now)}
    targets = {
        each.target_region for each in case.outcomes if each.scenario is Scenario.REGION_SHIFT
    }

    assert {each.scenario for each in case.outcomes} == set(Scenario)
    assert targets == {"eu-north-1", "eu-west-1"}
    assert len(case.eur_per_month) == len(case.outcomes)
    assert [names[each] for each, idle in case.idle.items() if idle] == ["relaunch-dev-01"]
    assert "orders-db-prod-01" in {names[each] for each in case.resizes}
    assert len(case.emissions_profile) == 7 * 24
    assert len(case.grid_profile) == 4 * 7 * 24
    assert not case.wishes


def test_savings_are_of_a_believable_size(world: World) -> None:
    """Groups that run at night save, Stockholm is far cleaner and a little cheaper."""
    now = datetime(2026, 6, 30, 12, tzinfo=UTC).timestamp()
    found = {(each.scenario, each.target_region): each for each in case_at(world, now).outcomes}
    office = found[Scenario.OFFICE_HOURS, ""]
    stockholm = found[Scenario.REGION_SHIFT, "eu-north-1"]

    assert 0.3 < office.cost.ratio.value < 0.7
    assert 0.3 < office.emissions.ratio.value < 0.7
    assert 0.01 < found[Scenario.RIGHTSIZING, ""].cost.ratio.value < 0.3
    assert 0.8 < stockholm.emissions.ratio.value < 0.97
    assert 0.02 < stockholm.cost.ratio.value < 0.12
    assert stockholm.feasible
