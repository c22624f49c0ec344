"""Books of a fake cloud over days: coverage, the bill, counters as scraped, and their price."""

import gzip
import json
import re
from dataclasses import replace
from itertools import pairwise
from math import floor

import pytest

from exporter.books.bookkeeper import LARGEST_SHARE, Bookkeeper
from exporter.books.statements import SETTLING_SECONDS
from exporter.core.billing import BilledAs, BilledUsage
from exporter.core.evidence import GapReason, GridHistory, GridIntensity
from exporter.core.fleet import Place
from exporter.core.provenance import FailureReason
from exporter.core.statement import Statement
from exporter.sources.source import Source
from exporter.store import StateDirectory
from tests.books.keeping import (
    CPU_INTERVAL_SECONDS,
    DAY,
    EMBODIED_GRAMS_PER_HOUR,
    HOUR,
    LAUNCHED_AT,
    PLACE,
    PUE_RATIO,
    TICK_SECONDS,
    USD_PER_HOUR,
    WATTS,
    WEB,
    Keeping,
    film,
    grams_per_kilowatt_hour,
    keeping,
    stopped,
)
from tests.fakes import (
    SITING,
    START_AT,
    FakeClock,
    FakeUpstreams,
    Publishing,
    down,
    make_instance,
)

ACCOUNT = PLACE.account_id
IRELAND = Place(ACCOUNT, "eu-west-1")
FAR = make_instance("i-far", IRELAND, launched_at=LAUNCHED_AT)
WINDOW_HOURS = 48


def alignment(found: Keeping) -> float:
    return found.statement.coverage[PLACE].both


def hours_with_points(clock: FakeClock) -> int:
    """Whole hours of the window: those since the start, and one that the first poll told of."""
    settled_at = clock.wall() - CPU_INTERVAL_SECONDS - SETTLING_SECONDS
    return max(0, floor((settled_at - START_AT) / HOUR) + 1)


def test_coverage_climbs_to_one():
    """Cost is known by CloudTrail and LaunchTime at once, carbon an hour at a time."""
    found = keeping()
    assert alignment(found) == 0
    for _ in range(50 * 2):
        found.run(HOUR / 2, TICK_SECONDS)
        coverage = found.statement.coverage[PLACE]
        expected = min(1.0, hours_with_points(found.clock) / WINDOW_HOURS)
        assert coverage.cost == 1
        assert coverage.both == coverage.carbon == pytest.approx(expected)
        assert found.statement.fleet_alignment_ratio == coverage.both

    assert alignment(found) == 1
    assert found.statement.runtime["i-web"].running_seconds == WINDOW_HOURS * HOUR
    assert found.statement.runtime_gaps == {}


@pytest.fixture
def covered() -> Keeping:
    """Everything was known for two days and a bit."""
    found = keeping()
    found.run(50 * HOUR, TICK_SECONDS)
    assert alignment(found) == 1
    return found


@pytest.mark.parametrize("kinds", [("cpu",), ("grid_intensity", "grid_history")])
def test_coverage_falls_without_carbon(covered, kinds):
    """Hour by hour, while cost stays known; what was known is not forgotten."""
    for kind in kinds:
        covered.upstreams.failing[kind] = down()
    covered.run(24 * HOUR, TICK_SECONDS)

    coverage = covered.statement.coverage[PLACE]
    assert coverage.cost == 1
    assert coverage.both == coverage.carbon
    # Some hours without points wait for them before they are closed; the window waits less.
    assert (48 - 24 - 1) / 48 <= coverage.carbon <= (48 - 24 + 2) / 48

    covered.upstreams.failing.clear()
    covered.run(50 * HOUR, TICK_SECONDS)
    assert alignment(covered) == 1


def test_coverage_without_prices():
    """Carbon is known, cost is not: nothing has both."""
    found = Keeping(FakeUpstreams(clock := FakeClock(), WEB), clock)
    found.upstreams.usd_per_hour = None
    found.settle()
    found.run(10 * HOUR, TICK_SECONDS)

    coverage = found.statement.coverage[PLACE]
    assert (coverage.cost, coverage.both) == (0, 0)
    assert coverage.carbon > 0


@pytest.mark.parametrize("reason", [FailureReason.DENIED, FailureReason.UNAVAILABLE])
def test_coverage_without_cloudtrail(reason):
    """It never answers: runtime is unknown, nothing is covered, and every instance is a gap."""
    clock = FakeClock()
    found = Keeping(FakeUpstreams(clock, WEB), clock)
    found.upstreams.failing["trail"] = down(reason)
    found.settle()
    found.run(50 * HOUR, TICK_SECONDS)

    coverage = found.statement.coverage[PLACE]
    assert (coverage.cost, coverage.carbon, coverage.both) == (0, 0, 0)
    assert found.statement.fleet_alignment_ratio == 0
    assert found.statement.runtime == {}
    assert found.statement.runtime_gaps == {(PLACE, GapReason.SOURCE_DOWN): 1}
    # The counters go on by what inventories show.
    assert found.statement.accrued[PLACE].cost_usd == pytest.approx(USD_PER_HOUR * 50)


def test_coverage_falls_when_cloudtrail_falls_silent(covered):
    """Its last answer is stretched by inventories for as long as it is fresh, then no more."""
    covered.upstreams.failing["trail"] = down()
    covered.run(36 * HOUR, TICK_SECONDS)
    assert alignment(covered) == 1

    covered.run(14 * HOUR, TICK_SECONDS)

    assert alignment(covered) < 0.2
    assert covered.statement.runtime_gaps == {(PLACE, GapReason.SOURCE_DOWN): 1}
    covered.upstreams.failing.clear()
    covered.run(HOUR, TICK_SECONDS)
    assert alignment(covered) == 1


def test_a_place_that_was_never_asked_is_absent():
    """Until CloudTrail was asked there is no coverage, neither zero nor one."""
    clock = FakeClock()
    found = Keeping(FakeUpstreams(clock, WEB), clock)
    assert found.statement == Statement()
    roster = found.roster
    roster.accounts.attempt()
    roster.reconcile()
    roster.regions[ACCOUNT].attempt()
    roster.reconcile()
    roster.inventories[PLACE].attempt()
    found.update()

    assert found.statement.coverage == {}
    assert found.statement.fleet_alignment_ratio is None
    assert set(found.statement.accrued) == {PLACE}
    found.settle()
    assert set(found.statement.coverage) == {PLACE}


def test_one_place_of_two_without_cloudtrail():
    """The fleet's share is weighted by running time: half of it is not known."""
    clock = FakeClock()
    upstreams = FakeUpstreams(clock, WEB, FAR)
    found = Keeping(upstreams, clock)
    found.settle()
    found.run(50 * HOUR, TICK_SECONDS)
    assert found.statement.fleet_alignment_ratio == 1

    found.roster.trails[IRELAND].state = replace(
        found.roster.trails[IRELAND].state, value=None, succeeded_at=None
    )
    found.run(HOUR, TICK_SECONDS)

    assert found.statement.coverage[PLACE].both == 1
    assert found.statement.coverage[IRELAND].both == 0
    assert found.statement.fleet_alignment_ratio == 0.5


def bill_of(days: int, usd: float = 24 * USD_PER_HOUR) -> tuple[BilledUsage, ...]:
    """A day's amount for each of so many days since the one before the start."""
    first_at = START_AT // DAY * DAY - DAY
    return tuple(
        BilledUsage(ACCOUNT, first_at + n * DAY, BilledAs.ON_DEMAND, usd, 24.0, estimated=False)
        for n in range(days)
    )


def test_billed_coverage_follows_a_day_behind():
    """As much of the 48 hours that ended a day ago as has points; Cost Explorer is asked late."""
    found = keeping()
    found.upstreams.billed = bill_of(9)
    found.run(24 * HOUR, TICK_SECONDS)
    early = found.statement.billed_alignment_ratio[ACCOUNT]
    found.run(56 * HOUR, TICK_SECONDS)

    # In the first day the window has at most the hour before the start.
    assert 0 <= early <= 2 / 48
    assert found.statement.billed_alignment_ratio == {ACCOUNT: 1}
    billed = found.statement.billed[ACCOUNT]
    assert billed.last_day_usd == pytest.approx(6.0)
    found.upstreams.failing["bill"] = down()
    found.run(54 * HOUR, TICK_SECONDS)
    statement = found.statement
    assert (statement.billed, statement.billed_alignment_ratio, statement.reconciliation) == (
        {},
        {},
        {},
    )


def test_computed_days_agree_with_the_bill():
    """Five closed days of a server that ran all the time, billed at its list price."""
    found = keeping()
    found.upstreams.billed = bill_of(9)
    found.run(8 * DAY, 900.0)

    compared = found.statement.reconciliation[ACCOUNT]
    assert compared.samples >= 5
    assert compared.deviation_ratio == pytest.approx(0, abs=1e-9)
    assert compared.time_deviation_ratio == pytest.approx(0, abs=1e-9)


def test_computed_days_survive_a_restart(tmp_path):
    """They are on disk once recorded: CloudTrail need not tell of them again."""
    with StateDirectory(tmp_path) as store:
        before = keeping(store=store)
        before.upstreams.billed = bill_of(9)
        before.run(8 * DAY, 900.0)
        before.bookkeeper.save(before.clock.wall())
        before.save_cells()
    (tmp_path / "cloudtrail_events.json").unlink()
    records = [
        json.loads(line)
        for path in (tmp_path / "history/computed_days").glob("*.gz")
        for line in gzip.decompress(path.read_bytes()).splitlines()[1:]
    ]
    assert len(records) == len({record["day"] for record in records}) >= 6

    with StateDirectory(tmp_path) as store:
        upstreams = FakeUpstreams(before.clock, WEB)
        upstreams.failing["trail"] = down()
        after = Keeping(upstreams, before.clock, store=store)
        after.settle()

    assert after.statement.reconciliation == before.statement.reconciliation


class LateGrid(FakeUpstreams):
    """Hours are estimates until six hours after their end; the history reaches back 24 hours."""

    def _hour(self, grid_zone: str, hours_back: int) -> GridIntensity:
        measured = super()._hour(grid_zone, hours_back)
        if hours_back > 6:
            return measured
        return replace(measured, grams_per_kilowatt_hour=999.0, estimated=True)


def test_emissions_wait_until_the_grid_is_measured():
    """Energy is counted at once, emissions hours later and with what was measured."""
    clock = FakeClock()
    found = Keeping(LateGrid(clock, WEB), clock)
    found.settle()
    found.run(6 * HOUR, TICK_SECONDS)
    early = found.statement.accrued[PLACE]
    assert early.energy_joules == pytest.approx(WATTS * 6 * HOUR)
    assert early.emissions_grams == 0

    found.run(18 * HOUR, TICK_SECONDS)

    late = found.statement.accrued[PLACE]
    per_hour = WATTS * HOUR / 3.6e6 * PUE_RATIO
    grams = [per_hour * grams_per_kilowatt_hour(START_AT + n * HOUR) for n in range(18)]
    assert sum(grams[:-3]) <= late.emissions_grams <= sum(grams) * (1 + 1e-9)
    assert min(abs(late.emissions_grams - sum(grams[:n])) for n in range(19)) < 1e-6
    assert not any(late.skipped_seconds.values())


class SilentHistory(LateGrid):
    """A zone that is never measured and has no history."""

    def grid_history(self, grid_zone: str) -> Source[GridHistory]:
        """Nothing but an empty answer."""
        source = super().grid_history(grid_zone)
        self.failing["grid_history"] = down(FailureReason.NOT_COVERED)
        return source


def test_emissions_of_a_zone_that_is_only_ever_estimated():
    """After most of a day the estimate counts."""
    clock = FakeClock()
    found = Keeping(SilentHistory(clock, WEB), clock)
    found.settle()
    found.run(40 * HOUR, TICK_SECONDS)

    accrued = found.statement.accrued[PLACE]
    per_hour = WATTS * HOUR / 3.6e6 * PUE_RATIO * 999.0
    assert accrued.emissions_grams == pytest.approx(20 * per_hour)
    assert not any(accrued.skipped_seconds.values())


def test_counters_in_the_scraped_text():
    """What a scrape gets, by hand: five hours of one server."""
    clock = FakeClock()
    found = Publishing(FakeUpstreams(clock, WEB), clock)
    found.settle()
    found.run(5 * HOUR, TICK_SECONDS)

    grams = sum(
        WATTS * HOUR / 3.6e6 * PUE_RATIO * grams_per_kilowatt_hour(START_AT + n * HOUR)
        for n in range(5)
    )
    place = f'{{account_id="{ACCOUNT}",region="eu-central-1"}}'
    values = dict(re.findall(r"^carbonfinops_(\S+) (\S+)$", found.text, re.MULTILINE))
    expected = {
        "fleet_energy_joules_total": WATTS * 5 * HOUR,
        "fleet_emissions_grams_total": grams,
        "fleet_embodied_emissions_grams_total": 5 * EMBODIED_GRAMS_PER_HOUR,
        "fleet_cost_usd_total": 5 * USD_PER_HOUR,
    }
    assert {name: float(values[f"{name}{place}"]) for name in expected} == pytest.approx(expected)
    skipped = {n: float(v) for n, v in values.items() if n.startswith("accrual_skipped_seconds")}
    assert len(skipped) == 4
    assert set(skipped.values()) == {0.0}
    ratio = values[f"time_alignment_coverage_ratio{place}"]
    assert float(ratio) == pytest.approx(hours_with_points(clock) / WINDOW_HOURS)


def test_the_same_statement_while_nothing_changes():
    """Whoever shows it can tell by identity that nothing is to be shown anew."""
    found = keeping()
    found.run(HOUR + 600, TICK_SECONDS)
    before = found.statement

    for _ in range(5):
        found.clock.advance(10)
        found.update()
        assert found.statement is before
    found.run(HOUR, TICK_SECONDS)

    assert found.statement is not before


@pytest.mark.parametrize(
    "change",
    [
        lambda u: u.fleet.update({PLACE: (WEB, make_instance("i-new", PLACE))}),
        lambda u: u.fleet.update({PLACE: (stopped(WEB, START_AT + 600),)}),
        lambda u: u.fleet.update({PLACE: ()}),
    ],
)
def test_a_new_statement_when_something_it_rests_on_changes(change):
    """An inventory that shows another fleet."""
    found = keeping()
    found.run(900, TICK_SECONDS)
    before = found.statement
    change(found.upstreams)

    found.run(600, TICK_SECONDS)

    assert found.statement is not before


class Steady:
    """A steady clock of which every statement takes so many seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.statement_seconds = 0.0
        self.asked = 0

    def __call__(self) -> float:
        """Tell the time; it passes between the begin and the end of a statement."""
        return self.now


class Slow(Bookkeeper):
    """Each statement takes its time."""

    steady: Steady

    def _state(self, *args) -> Statement:
        self.steady.asked += 1
        self.steady.now += self.steady.statement_seconds
        return super()._state(*args)


def stated(statement_seconds: float) -> Slow:
    """Six hours of books whose statements take so long."""
    steady = Steady()
    books = Slow(None, SITING, CPU_INTERVAL_SECONDS, START_AT, steady)
    books.steady = steady
    steady.statement_seconds = statement_seconds
    for frame in film(6 * HOUR, [WEB]):
        steady.now = max(steady.now, frame.now - START_AT)
        books.keep(frame)
    return books


def test_statements_of_a_large_fleet_are_made_less_often():
    """They take at most their share of a processor; hours are closed all the same."""
    books = stated(300.0)

    pause_seconds = 300.0 / LARGEST_SHARE
    assert 3 <= books.steady.asked <= 6 * HOUR / pause_seconds + 1 < stated(0.0).steady.asked
    closed_until_at = books._ledger.books[PLACE].accrual.closed_until_at
    assert closed_until_at == START_AT + 6 * HOUR

    books.steady.now += pause_seconds
    statement = books.keep(film(6 * HOUR, [WEB])[-1])
    assert statement.accrued[PLACE].cost_usd == pytest.approx(6 * USD_PER_HOUR)


def test_quick_statements_wait_for_nothing():
    """A small fleet's are there as soon as something changes."""
    steady = Steady()
    books = Slow(None, SITING, CPU_INTERVAL_SECONDS, START_AT, steady)
    books.steady = steady
    for frame in film(6 * HOUR, [WEB]):
        before = books._ledger.books[PLACE].accrual if books._ledger.books else None
        statement = books.keep(frame)
        if books._ledger.books[PLACE].accrual is not before:
            assert statement.accrued[PLACE] is books._ledger.books[PLACE].accrual.accrued


def test_a_rest_between_two_statements():
    """Hours are closed and counted all the same; they are told of at the next statement."""
    steady = Steady()
    books = Bookkeeper(
        None, SITING, CPU_INTERVAL_SECONDS, START_AT, steady, rest_seconds=2.5 * HOUR
    )
    stated_at: list[float] = []
    before = None
    for frame in film(6 * HOUR, [WEB]):
        steady.now = frame.now - START_AT
        statement = books.keep(frame)
        if statement is not before:
            stated_at.append(steady.now)
        before = statement

    assert all(later - earlier >= 2.5 * HOUR for earlier, later in pairwise(stated_at))
    assert len(stated_at) == 3
    assert books._ledger.books[PLACE].accrual.closed_until_at == START_AT + 6 * HOUR
