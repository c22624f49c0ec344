import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from exporter.books.archive import Archive
from exporter.books.bookkeeper import Bookkeeper
from exporter.cells import Cells
from exporter.core.fleet import Place, PurchaseOption
from exporter.core.provenance import Scope, SourceName
from exporter.core.scenarios.usage import HourOfUse, UsageKey, Use
from exporter.gather import gather_facts
from exporter.refresh import Cadence
from exporter.roster import Roster
from exporter.scheduler import Scheduler
from exporter.simulation import grid
from exporter.simulation.past import Past, past_hours, past_intensities
from exporter.simulation.source import SimulatedSource
from exporter.simulation.upstreams import SimulatedUpstreams
from exporter.simulation.world import World
from exporter.store import StateDirectory
from tests.fakes import DEFAULT_CADENCES, GRID_ZONES, SITING, FakeClock, InlineLane

T = TypeVar("T")
Hours = dict[tuple[Place, float], HourOfUse]

HOUR, DAY = 3600.0, 86400.0
THURSDAY_AT = datetime(2026, 6, 4, tzinfo=UTC).timestamp()
NOON_AT = THURSDAY_AT + 12 * HOUR
FIRST_AT, LAST_AT = THURSDAY_AT + 16 * HOUR, THURSDAY_AT + 23 * HOUR
"""Spot is reclaimed three times, an office closes, nightly jobs begin, servers come and go."""
TICK_SECONDS = 300.0
CADENCES = {**DEFAULT_CADENCES, SourceName.CLOUDTRAIL_EVENTS: Cadence(HOUR, 3 * HOUR)}
CORRECTED_AFTER_SECONDS = 4 * HOUR
"""Until CloudTrail has told when the last spot instances were reclaimed."""
CPU_INTERVAL_SECONDS = DEFAULT_CADENCES[SourceName.CLOUDWATCH_CPU].interval_seconds
PLACES = {
    Place(account_id, region)
    for account_id in ("111122223333", "444455556666")
    for region in ("eu-central-1", "eu-west-1", "us-east-1")
}


class CountedUpstreams(SimulatedUpstreams):
    """The simulated cloud, and how often it was asked."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(wall=clock.wall, faults=None)
        self.calls = 0

    def _source(
        self, name: SourceName, scope: Scope, answer: Callable[[float, T | None], T]
    ) -> SimulatedSource[T]:
        def counted(at: float, previous: T | None) -> T:
            self.calls += 1
            return answer(at, previous)

        return super()._source(name, scope, counted)


def booked(from_at: float, until_at: float, store: StateDirectory) -> list[HourOfUse]:
    """Hours that an exporter closes and corrects that polls the simulated cloud meanwhile."""
    clock = FakeClock(from_at)
    upstreams = CountedUpstreams(clock)
    scheduler = Scheduler(
        clock,
        dict.fromkeys(SourceName, InlineLane()),
        threading.Event().set,
        random.Random(1),  # noqa: S311 - jitter, not a secret
    )
    cells = Cells(
        upstreams,
        cadence=CADENCES.__getitem__,
        seldom=Cadence(HOUR, 3 * HOUR),
        scheduler=scheduler,
        store=None,
        clock=clock,
    )
    roster = Roster(
        cells,
        grid_zone=lambda location: GRID_ZONES.get(location, ""),
        scheduler=scheduler,
        clock=clock,
        cpu_interval_seconds=CPU_INTERVAL_SECONDS,
    )
    closed: list[HourOfUse] = []
    books = Bookkeeper(
        Archive(store), SITING, CPU_INTERVAL_SECONDS, from_at, clock.monotonic, closed.extend
    )
    while clock.wall() < until_at:
        asked = -1
        while asked != upstreams.calls:
            asked = upstreams.calls
            roster.reconcile()
            scheduler.step()
        books.keep(gather_facts(roster, clock.wall()))
        clock.advance(TICK_SECONDS)
    return closed


@pytest.fixture(scope="module")
def hours_of_books(tmp_path_factory: pytest.TempPathFactory) -> Hours:
    """What an exporter books at last that has been started shortly before FIRST_AT."""
    with StateDirectory(tmp_path_factory.mktemp("state")) as store:
        hours = booked(FIRST_AT - 600, LAST_AT + CORRECTED_AFTER_SECONDS, store)
    return {
        (hour.place, hour.hour_at): hour for hour in hours if FIRST_AT <= hour.hour_at < LAST_AT
    }


@pytest.fixture(scope="module")
def hours_of_past() -> Hours:
    hours = past_hours(World(seed=7, instances=100), FIRST_AT, LAST_AT)
    return {(hour.place, hour.hour_at): hour for hour in hours}


def by_group(hour: HourOfUse) -> dict[UsageKey, Use]:
    return {use.key: use for use in hour.uses}


def compared(one: Hours, other: Hours) -> Iterator[tuple[HourOfUse, HourOfUse]]:
    """The hours of all places, which both must have."""
    assert one.keys() == other.keys()
    assert {place for place, _ in one} == PLACES
    return ((one[key], other[key]) for key in sorted(one))


def test_seconds_and_cost_are_those_that_books_find(
    hours_of_books: Hours, hours_of_past: Hours
) -> None:
    """Group by group: running, measured and priced seconds, and the cost, spot included.

    The books know when spot was reclaimed once CloudTrail has told it.
    """
    for booked_hour, past_hour in compared(hours_of_books, hours_of_past):
        expected, found = by_group(booked_hour), by_group(past_hour)
        assert found.keys() == expected.keys()
        for key, use in found.items():
            known = expected[key]
            assert use.running_seconds == known.running_seconds
            assert use.measured_seconds == pytest.approx(known.measured_seconds)
            assert use.priced_seconds == known.priced_seconds
            assert use.cost_usd == pytest.approx(known.cost_usd)
    reclaimed = [
        use
        for hour in hours_of_past.values()
        for use in hour.uses
        if use.key.purchase_option is PurchaseOption.SPOT and use.running_seconds % HOUR
    ]
    assert len(reclaimed) == 3


def test_energy_is_that_of_books_but_for_sampling(
    hours_of_books: Hours, hours_of_past: Hours
) -> None:
    """Over the hours each group's energy is within six percent, the fleet's within one."""
    sums: dict[UsageKey, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for pair in compared(hours_of_books, hours_of_past):
        for side, hour in enumerate(pair):
            for use in hour.uses:
                sums[use.key][side] += use.energy_joules

    for expected, found in sums.values():
        assert found == pytest.approx(expected, rel=0.06)
    known, sampled = map(sum, zip(*sums.values(), strict=True))
    assert known > 0
    assert sampled == pytest.approx(known, rel=0.01)


def test_cpu_has_points_where_books_have_them(hours_of_books: Hours, hours_of_past: Hours) -> None:
    """The same instances and the same gaps; the middle slot of each stride is the same point."""
    for booked_hour, past_hour in compared(hours_of_books, hours_of_past):
        expected, found = texts(booked_hour), texts(past_hour)
        assert found.keys() == expected.keys()
        assert types(past_hour) == types(booked_hour)
        for instance_id, text in found.items():
            known = pairs(expected[instance_id])
            assert [pair == "--" for pair in pairs(text)] == [pair == "--" for pair in known]
            for middle in range(1, 12, 3):
                assert pairs(text)[middle] == known[middle]


def texts(hour: HourOfUse) -> dict[str, str]:
    return {instance_id: text for instance_id, _, text in hour.cpu}


def types(hour: HourOfUse) -> dict[str, str]:
    return {instance_id: instance_type for instance_id, instance_type, _ in hour.cpu}


def pairs(text: str) -> list[str]:
    assert len(text) == 24
    return [text[i : i + 2] for i in range(0, 24, 2)]


def test_hours_come_in_order_with_every_place_in_each(world: World) -> None:
    """Whole hours inside the span only, a place where nothing runs included."""
    hours = list(past_hours(world, NOON_AT + 1, NOON_AT + 15 * HOUR - 1))
    lone = list(past_hours(World(seed=7, instances=1), NOON_AT, NOON_AT + HOUR))

    assert [hour.hour_at for hour in hours] == [
        NOON_AT + number * HOUR for number in range(1, 14) for _ in PLACES
    ]
    assert {hour.place for hour in lone} == {hour.place for hour in hours} == PLACES
    assert sum(1 for hour in lone if hour.uses) == 1
    assert list(past_hours(world, NOON_AT + 1, NOON_AT + 2 * HOUR - 1)) == []


def test_an_hour_does_not_depend_on_the_span_asked(world: World) -> None:
    """Two spans of hours are one."""
    middle_at, end_at = NOON_AT + 7 * HOUR, NOON_AT + 31 * HOUR
    parts = [*past_hours(world, NOON_AT, middle_at), *past_hours(world, middle_at, end_at)]

    assert parts == list(past_hours(world, NOON_AT, end_at))


def test_gaps_are_those_of_the_sources(world: World) -> None:
    """No power for GPUs, unknown types and silent instances; all that is sold is priced."""
    uses: dict[str, list[Use]] = defaultdict(list)
    cpu: dict[str, str] = {}
    for hour in past_hours(world, NOON_AT, NOON_AT + HOUR):
        cpu |= texts(hour)
        for use in hour.uses:
            uses[use.key.instance_type].append(use)
    names = {each.name: each.instance_id for each in world.instances_at(NOON_AT)}

    for kind in ("g4dn.xlarge", "m8a.large"):
        (use,) = uses[kind]
        assert (use.running_seconds, use.measured_seconds, use.energy_joules) == (HOUR, 0, 0)
    assert cpu[names["ranking-prod-01"]] != "--" * 12
    assert cpu[names["vpn-prod-01"]] == "--" * 12
    (silent,) = (
        use
        for use in uses["t4g.medium"]
        if use.key.location == "eu-west-1" and use.key.environment == "prod"
    )
    assert (silent.running_seconds, silent.measured_seconds) == (HOUR, 0)
    for use in (use for known in uses.values() for use in known):
        assert use.priced_seconds == use.running_seconds
        assert use.cost_usd > 0


def test_groups_are_what_instances_tell_of_themselves(world: World) -> None:
    """Every running instance has CPU in the hour, and its group is among those of the place."""
    hours = {hour.place: hour for hour in past_hours(world, NOON_AT, NOON_AT + HOUR)}
    for each in world.instances_at(NOON_AT):
        hour = hours[each.place]
        key = UsageKey(
            each.account_id,
            each.location,
            each.instance_type,
            each.usage_operation,
            each.tenancy,
            each.purchase_option,
            dict(each.tags).get("environment", ""),
        )
        told = types(hour).get(each.instance_id)
        assert told == (each.instance_type if each.is_running else None)
        assert not each.is_running or key in by_group(hour)
    keys = {key for hour in hours.values() for key in by_group(hour)}
    assert {key.purchase_option for key in keys} >= {PurchaseOption.SPOT, PurchaseOption.ON_DEMAND}
    assert {key.environment for key in keys} == {"prod", "staging", "dev", ""}


def test_coarser_samples_say_the_same_of_all_but_cpu(world: World) -> None:
    """One look an hour: seconds and cost to the cent, energy of the fleet within two percent."""
    fine, coarse = (
        list(past_hours(world, THURSDAY_AT, THURSDAY_AT + DAY, slots)) for slots in (3, 12)
    )

    def energy(hours: Iterable[HourOfUse]) -> float:
        return sum(use.energy_joules for hour in hours for use in hour.uses)

    for one, other in zip(fine, coarse, strict=True):
        for use, like in zip(one.uses, other.uses, strict=True):
            assert use._replace(energy_joules=0) == like._replace(energy_joules=0)
    assert energy(coarse) == pytest.approx(energy(fine), rel=0.02)
    assert any(len(set(pairs(text))) == 1 for hour in coarse for _, _, text in hour.cpu)


def test_the_past_is_six_weeks_of_complete_days_and_today(world: World) -> None:
    """Hours that are over, intensities that are measured: those of the last five hours are not."""
    at = NOON_AT + 1234.5
    small = Past(World(seed=7, instances=1))
    hours = list(small.hours(at))
    intensities = list(Past(world).intensities(at))

    assert (hours[0].hour_at, hours[-1].hour_at) == (THURSDAY_AT - 42 * DAY, NOON_AT - HOUR)
    assert len(hours) == (42 * 24 + 12) * len(PLACES)
    assert {known.grid_zone for known in intensities} == set(grid.CLIMATES)
    for zone in grid.CLIMATES:
        measured = [known.valid_at for known in intensities if known.grid_zone == zone]
        assert (measured[0], measured[-1]) == (THURSDAY_AT - 42 * DAY, NOON_AT - 5 * HOUR)
        assert not grid.published(7, zone, measured[-1], at).estimated
        assert grid.published(7, zone, measured[-1] + HOUR, at).estimated


def test_a_large_fleet_is_looked_at_once_an_hour() -> None:
    """Six weeks of it would take minutes otherwise."""
    for instances, looks in ((500, 4), (501, 1)):
        past = Past(World(seed=7, instances=instances))
        hours = iter(past.hours(NOON_AT))
        told = [text for _ in range(2) for text in texts(next(hours)).values()]
        assert max(len(set(pairs(text))) for text in told) == looks


def test_intensities_are_those_that_the_history_tells_at_last() -> None:
    """Hour by hour, measured, zone by zone."""
    begin_at = NOON_AT - 74 * HOUR
    known = list(past_intensities(7, ("DE", "SE-SE3"), begin_at - 1, NOON_AT - 1))

    assert [each.grid_zone for each in known] == ["DE"] * 74 + ["SE-SE3"] * 74
    assert known[:74] == list(grid.history(7, "DE", NOON_AT + 6 * HOUR, 81).hours[:74])
    with pytest.raises(LookupError):
        list(past_intensities(7, ("FR",), begin_at, NOON_AT))
