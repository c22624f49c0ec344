from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.core.evidence import MeteredRun, PlaceCpu, PriceKey
from exporter.core.fleet import Account, Instance, InstanceState, PurchaseOption, family_of
from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.simulation import hardware
from exporter.simulation.roster import LAB_ACCOUNT, SHOP_ACCOUNT
from exporter.simulation.upstreams import SimulatedUpstreams
from exporter.sources.source import Source, SourceError, Upstreams

START_AT = datetime(2026, 6, 3, 9, 2, tzinfo=UTC).timestamp()
KEY = PriceKey("eu-central-1", "m5.large", "RunInstances", "default")


class Clock:
    """A wall clock that stands still until it is set."""

    def __init__(self, at: float) -> None:
        self.at = at

    def __call__(self) -> float:
        """The time it shows."""
        return self.at


@pytest.fixture
def clock() -> Clock:
    return Clock(START_AT)


@pytest.fixture
def upstreams(clock: Clock) -> SimulatedUpstreams:
    return SimulatedUpstreams(wall=clock, faults=None)


def running(
    upstreams: SimulatedUpstreams, account: Account = LAB_ACCOUNT, region: str = "us-east-1"
) -> tuple[Instance, ...]:
    inventory = upstreams.inventory(account, region).fetch(None)
    return tuple(each for each in inventory.instances if each.is_running)


def cpu(
    upstreams: SimulatedUpstreams, account: Account = LAB_ACCOUNT, region: str = "us-east-1"
) -> Source[PlaceCpu]:
    return upstreams.cpu(account, region, lambda: metered(running(upstreams, account, region)))


def metered(instances: Iterable[Instance]) -> tuple[MeteredRun, ...]:
    return tuple(map(MeteredRun, instances))


def every_source(upstreams: Upstreams) -> list[tuple[Source[Any], SourceName, Scope]]:
    """Typed as the protocol, so that mypy checks it."""
    place = Scope(account_id="111122223333", region="eu-west-1")
    zone = Scope(grid_zone="IE")
    account = SHOP_ACCOUNT
    return [
        (upstreams.accounts(), SourceName.EC2_INVENTORY, Scope()),
        (upstreams.regions(account), SourceName.EC2_INVENTORY, Scope(account_id="111122223333")),
        (upstreams.inventory(account, "eu-west-1"), SourceName.EC2_INVENTORY, place),
        (upstreams.cpu(account, "eu-west-1", tuple), SourceName.CLOUDWATCH_CPU, place),
        (upstreams.trail(account, "eu-west-1"), SourceName.CLOUDTRAIL_EVENTS, place),
        (upstreams.bill(lambda: ("111122223333",)), SourceName.COST_EXPLORER, Scope()),
        (upstreams.list_price(KEY), SourceName.PRICING, Scope(region="eu-central-1")),
        (upstreams.spot_prices(account, "eu-west-1", tuple), SourceName.SPOT_PRICE, place),
        (upstreams.grid_intensity("IE"), SourceName.ELECTRICITY_MAPS, zone),
        (upstreams.grid_history("IE"), SourceName.ELECTRICITY_MAPS_HISTORY, zone),
        (upstreams.profile_version(), SourceName.BOAVIZTA, Scope()),
        (upstreams.profile("m5.large", lambda: "simulated"), SourceName.BOAVIZTA, Scope()),
        (upstreams.exchange_rate(), SourceName.EXCHANGE_RATE, Scope()),
    ]


def test_every_source_satisfies_the_protocol(upstreams: SimulatedUpstreams) -> None:
    """Name and scope are those of the real source, and the same instant gives the same answer."""
    for source, name, scope in every_source(upstreams):
        assert (source.name, source.scope) == (name, scope)
        first = source.fetch(None)
        assert source.fetch(None) == first
        assert source.fetch(first) == source.fetch(first)


def test_every_source_answers_at_any_time(upstreams: SimulatedUpstreams, clock: Clock) -> None:
    """Without faults nothing ever fails, on both sides of clock changes and year ends."""
    for month in range(1, 13):
        for day in (1, 28):
            clock.at = datetime(2027, month, day, 1, tzinfo=UTC).timestamp()
            for source, _, _ in every_source(upstreams):
                source.fetch(None)


def test_same_seed_same_answers(clock: Clock) -> None:
    """Two demos of a seed show the same fleet; another seed shows another."""
    one, same, other = (
        SimulatedUpstreams(seed=seed, wall=clock, faults=None) for seed in (7, 7, 8)
    )

    assert cpu(one).fetch(None) == cpu(same).fetch(None)
    assert cpu(one).fetch(None) != cpu(other).fetch(None)


def test_inventories_of_all_places_are_the_fleet(
    upstreams: SimulatedUpstreams, clock: Clock
) -> None:
    """Accounts times regions cover every instance once, with the hardware of all their families."""
    inventories = [
        upstreams.inventory(account, region).fetch(None)
        for account in upstreams.accounts().fetch(None)
        for region in upstreams.regions(account).fetch(None)
    ]
    instances = [each for inventory in inventories for each in inventory.instances]

    assert len(inventories) == 6
    assert all(inventory.running_count for inventory in inventories)
    assert sorted(e.instance_id for e in instances) == sorted(
        e.instance_id for e in upstreams.world.instances_at(clock.at)
    )
    for inventory in inventories:
        types = {e.instance_type for e in inventory.instances}
        described = [kind.instance_type for kind in inventory.hardware]
        assert types <= set(described)
        assert described == sorted(
            kind for kind in hardware.MODELS if family_of(kind) in map(family_of, types)
        )
        assert all(each.place == inventory.place for each in inventory.instances)


def test_regions_chosen_for_an_account_win(upstreams: SimulatedUpstreams) -> None:
    """As with the real accounts."""
    account = Account("111122223333", regions=("eu-west-1",))

    assert upstreams.regions(account).fetch(None) == ("eu-west-1",)


@pytest.mark.parametrize(("interval_seconds", "slots"), [(60, 3), (900, 3), (901, 4), (10800, 36)])
def test_cpu_window_is_the_newest_complete_slots(
    clock: Clock, interval_seconds: float, slots: int
) -> None:
    """At least three slots, ending at the last five-minute edge; long-lived ones have all."""
    upstreams = SimulatedUpstreams(wall=clock, faults=None, cpu_interval_seconds=interval_seconds)
    answer = cpu(upstreams).fetch(None)
    by_id = {each.instance_id: each for each in running(upstreams)}

    assert {entry.instance_id for entry in answer.instances} == set(by_id)
    for entry in answer.instances:
        assert entry.polled_at == clock.at
        assert entry.window_end_at == clock.at - 120  # 09:02
        assert entry.window_slots == slots
        assert entry.launched_at == by_id[entry.instance_id].launched_at
        if clock.at - entry.launched_at > 86400:
            assert [point.start_at for point in entry.window_points] == [
                entry.window_end_at - back * 300 for back in range(slots, 0, -1)
            ]


def test_cpu_of_a_machine_that_just_started_has_only_its_own_slots(
    upstreams: SimulatedUpstreams, clock: Clock
) -> None:
    """At 05:02 UTC the staging machines have run for two minutes: no complete slot yet."""
    clock.at = datetime(2026, 6, 3, 5, 2, tzinfo=UTC).timestamp()
    for minutes, points in ((2, 0), (7, 1), (12, 2), (22, 3)):
        clock.at = datetime(2026, 6, 3, 5, minutes, tzinfo=UTC).timestamp()
        ids = {
            each.instance_id
            for each in running(upstreams, SHOP_ACCOUNT, "eu-central-1")
            if each.name == "web-staging-01"
        }
        answer = cpu(upstreams, SHOP_ACCOUNT, "eu-central-1").fetch(None)
        assert [len(e.window_points) for e in answer.instances if e.instance_id in ids] == [points]


def test_an_instance_of_another_world_has_no_points(
    clock: Clock, upstreams: SimulatedUpstreams
) -> None:
    """CloudWatch answers with nothing for an id it never heard of."""
    other = SimulatedUpstreams(seed=8, wall=clock, faults=None)
    source = upstreams.cpu(LAB_ACCOUNT, "us-east-1", lambda: metered(running(other)))

    assert {entry.points for entry in source.fetch(None).instances} == {()}


def test_sightings_grow_from_inventory_to_inventory(
    upstreams: SimulatedUpstreams, clock: Clock
) -> None:
    """Terminated instances are in the sightings with their end, not among the instances.

    At 02:50 UTC both nightly jobs of Ireland are gone; EC2 lists those of the last hour still.
    """
    source = upstreams.inventory(LAB_ACCOUNT, "eu-west-1")
    clock.at = datetime(2026, 6, 3, 0, 40, tzinfo=UTC).timestamp()
    first = source.fetch(None)
    jobs = {each.instance_id for each in first.instances if each.name.startswith("retrain")}
    clock.at += 2 * 3600 + 600
    second = source.fetch(first)
    runs = {each.instance.instance_id: each for each in second.sightings}

    assert len(jobs) == 2
    assert {e.instance_id for e in first.instances} == {
        sighting.instance.instance_id for sighting in first.sightings if sighting.listed
    }
    assert not jobs & {each.instance_id for each in second.instances}
    assert InstanceState.TERMINATED not in {each.state for each in second.instances}
    for job in jobs:
        (run,) = runs[job].runs
        (span,) = upstreams.world.running_spans(job, clock.at - 86400, clock.at)
        assert not runs[job].listed
        assert run.launched_at == span.started_at
        if span.ended_at > clock.at - 3600:
            assert run.ended_at == span.ended_at


def test_history_covers_the_alignment_window_at_first(upstreams: SimulatedUpstreams) -> None:
    """74 hours, then 24, as the real provider has them."""
    source = upstreams.grid_history("DE")
    first = source.fetch(None)

    assert len(first.hours) == 74
    assert source.fetch(first).hours == first.hours[-24:]


def test_a_bill_needs_accounts(upstreams: SimulatedUpstreams) -> None:
    """An empty bill would stand for hours; before any account is known it is refused instead."""
    accounts: list[str] = []
    source = upstreams.bill(lambda: tuple(accounts))
    with pytest.raises(SourceError) as caught:
        source.fetch(None)
    accounts.append(LAB_ACCOUNT.account_id)

    assert caught.value.reason is FailureReason.UNAVAILABLE
    assert {day.account_id for day in source.fetch(None).days} == {LAB_ACCOUNT.account_id}


def test_spot_quotes_are_those_the_running_spot_instances_need(
    upstreams: SimulatedUpstreams,
) -> None:
    """One for each zone, type and platform in use, and none for on-demand."""
    source = upstreams.spot_prices(LAB_ACCOUNT, "us-east-1", lambda: running(upstreams))
    needed = {
        (each.availability_zone, each.instance_type, each.platform)
        for each in running(upstreams)
        if each.purchase_option is PurchaseOption.SPOT
    }
    keys = [quote.key for quote in source.fetch(None).quotes]

    assert needed
    assert keys == sorted(needed)


@pytest.mark.parametrize(
    "make", [SimulatedUpstreams.grid_intensity, SimulatedUpstreams.grid_history]
)
def test_other_grid_zones_are_not_covered(
    upstreams: SimulatedUpstreams, make: Callable[[SimulatedUpstreams, str], Source[Any]]
) -> None:
    """A zone outside the simulation is refused, and the answer says which there are."""
    with pytest.raises(SourceError, match="DE, IE, SE-SE3, US-MIDA-PJM") as caught:
        make(upstreams, "FR").fetch(None)
    assert caught.value.reason is FailureReason.NOT_COVERED


def test_faults_strike_and_pass(clock: Clock) -> None:
    """Throttled one minute after the start, answering again three minutes after it."""
    upstreams = SimulatedUpstreams(wall=clock)
    source = cpu(upstreams)
    before = source.fetch(None)
    clock.at = START_AT + 60
    with pytest.raises(SourceError) as caught:
        source.fetch(before)
    clock.at = START_AT + 180

    assert caught.value.reason is FailureReason.THROTTLED
    assert source.fetch(before).instances
    assert cpu(upstreams, SHOP_ACCOUNT).fetch(None).instances


def test_ireland_fails_late_in_the_hour(clock: Clock) -> None:
    """From 09:40 to 09:50 the newest intensity is unavailable, the history is not."""
    upstreams = SimulatedUpstreams(wall=clock)
    clock.at = START_AT + 38 * 60
    with pytest.raises(SourceError) as caught:
        upstreams.grid_intensity("IE").fetch(None)

    assert caught.value.reason is FailureReason.UNAVAILABLE
    assert upstreams.grid_intensity("DE").fetch(None).estimated
    assert upstreams.grid_history("IE").fetch(None).hours


def test_no_faults_when_switched_off(upstreams: SimulatedUpstreams, clock: Clock) -> None:
    """A quiet demo stays quiet."""
    points = None
    for minute in range(0, 120, 2):
        clock.at = START_AT + minute * 60
        for source, _, _ in every_source(upstreams):
            source.fetch(None)
        points = cpu(upstreams).fetch(points)
