"""From the ledger to the statement: windows, coverage, the bill, days compared, gaps."""

from dataclasses import replace

import pytest

from exporter.books.coverage import Window
from exporter.books.facts import Facts, PlaceFacts
from exporter.books.ledger import Ledger
from exporter.books.place_book import ClosedHour, PlaceBook
from exporter.books.settlement import ComputedDays
from exporter.books.statements import (
    SETTLING_SECONDS,
    Coverages,
    alignment_window,
    billed_alignment,
    settle,
    statement,
)
from exporter.core.accrual import PlaceAccrual
from exporter.core.billing import Bill, BilledAs, BilledUsage
from exporter.core.evidence import GapReason
from exporter.core.fleet import InstanceState, Place
from exporter.core.reconciliation import ExclusionReason
from exporter.core.statement import Accrued, BilledTotals, CoverageRatios, RuntimeInWindow
from tests.books.scenes import (
    DAY,
    DAY_AT,
    END_AT,
    HOUR,
    USD_PER_HOUR,
    chronicle,
    facts,
    hours_of,
    inventory,
    place_facts,
    ran,
    sighted,
    tariff,
    trail,
)
from tests.factories import DUBLIN, FRANKFURT, NOW, WEB_PRICE, instance

ACCOUNT = FRANKFURT.account_id
WINDOW = Window(END_AT - 48 * HOUR, END_AT)
WEB = instance("i-0web", launched_at=NOW - 9 * DAY)
FAR = replace(WEB, instance_id="i-far", region="eu-west-1", availability_zone="eu-west-1a")
STOPPED = instance("i-stopped", state=InstanceState.STOPPED, launched_at=NOW - 9 * DAY)
KNOWN = place_facts(sighted(WEB))
ELSEWHERE = place_facts(sighted(FAR), place=DUBLIN, inventory=inventory([sighted(FAR)], DUBLIN))
"""In Dublin there is neither a price nor an intensity."""


@pytest.mark.parametrize(
    ("now", "cpu_interval_seconds", "end_at"),
    [
        # At 12:40 the hour before noon has ended; its evidence may not be in yet.
        (NOW, 900.0, END_AT - HOUR),
        (END_AT + 900 + SETTLING_SECONDS, 900.0, END_AT),
        (END_AT + 900 + SETTLING_SECONDS - 1, 900.0, END_AT - HOUR),
        # With points every three hours it takes as long.
        (END_AT + 3 * HOUR + SETTLING_SECONDS, 3 * HOUR, END_AT),
    ],
)
def test_the_alignment_window(now, cpu_interval_seconds, end_at):
    """The newest 48 whole hours whose evidence should be in."""
    assert alignment_window(now, cpu_interval_seconds) == (end_at - 48 * HOUR, end_at)


def ledger_of(known: Facts, measured_since_at: float = END_AT - 80 * HOUR) -> Ledger:
    """Books in which every hour of every place was measured since an instant."""
    ledger = Ledger(None, 900.0, NOW, lambda: 0.0)
    ledger.take(known)
    count = round((END_AT - measured_since_at) / HOUR)
    hours = tuple(
        ClosedHour(measured_since_at + number * HOUR, frozenset(), frozenset({"i-far"}))
        for number in range(count)
    )
    for place in known.places:
        accrual = PlaceAccrual(NOW - 9 * DAY, END_AT, Accrued(cost_usd=1.5))
        ledger.books[place.place] = PlaceBook(place.place, accrual, hours)
    return ledger


def covered(known: Facts, **ledger) -> Coverages:
    found = Coverages()
    found.cover(known, ledger_of(known, **ledger), chronicle, tariff(known), WINDOW)
    return found


def stated(known: Facts, **ledger):
    return statement(known, ledger_of(known, **ledger), covered(known, **ledger), {}, {})


def test_a_statement_of_two_places():
    """Each with its own coverage; the fleet's share is weighted by the time that ran."""
    found = stated(facts(KNOWN, ELSEWHERE))

    assert found.coverage == {
        FRANKFURT: CoverageRatios(cost=1, carbon=1, both=1),
        DUBLIN: CoverageRatios(cost=0, carbon=0, both=0),
    }
    assert found.fleet_alignment_ratio == 0.5
    assert found.runtime == dict.fromkeys(
        ("i-0web", "i-far"), RuntimeInWindow(48 * HOUR, 48 * HOUR)
    )
    assert found.runtime_gaps == {}
    assert set(found.accrued) == {FRANKFURT, DUBLIN}
    assert found.accrued[FRANKFURT].cost_usd == 1.5
    assert (found.billed, found.reconciliation, found.billed_alignment_ratio) == ({}, {}, {})


def test_a_fleet_that_did_not_run():
    """No ratio is made up, neither of the place nor of the fleet; its counters are there."""
    found = stated(facts(place_facts()))

    assert (found.coverage, found.fleet_alignment_ratio) == ({}, None)
    assert set(found.accrued) == {FRANKFURT}
    assert stated(facts()).accrued == {}


def test_a_place_that_cloudtrail_was_never_asked_about():
    """It is absent; the fleet is what is known."""
    waiting = replace(ELSEWHERE, trail=None, trail_asked=False, trail_fresh=False)

    found = stated(facts(KNOWN, waiting))

    assert set(found.coverage) == {FRANKFURT}
    assert found.fleet_alignment_ratio == 1
    assert found.runtime_gaps == {(DUBLIN, GapReason.SOURCE_DOWN): 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"trail": None, "trail_fresh": False}, GapReason.SOURCE_DOWN),
        ({"trail_fresh": False, "trail": trail(until_at=NOW - 60 * HOUR)}, GapReason.SOURCE_DOWN),
    ],
)
def test_without_cloudtrail(changes, reason):
    """Everyone who is listed is a gap, stopped ones too; only running ones count as running."""
    known = replace(place_facts(sighted(WEB), sighted(STOPPED)), **changes)

    found = stated(facts(known))

    assert found.coverage[FRANKFURT] == CoverageRatios(cost=0, carbon=0, both=0)
    assert found.runtime == {}
    assert found.runtime_gaps == {(FRANKFURT, reason): 2}


def test_one_instance_of_unknown_runtime():
    """CloudTrail answers, but nobody knows when this one was switched off from within."""
    run = ran(STOPPED, seen_at=END_AT - 9 * HOUR, gone_at=END_AT - 7 * HOUR)
    known = place_facts(sighted(WEB), sighted(STOPPED, run))

    found = stated(facts(known))

    assert found.runtime_gaps == {(FRANKFURT, GapReason.RUNTIME_UNKNOWN): 1}
    assert set(found.runtime) == {"i-0web"}
    # Of 48 h and 41 h two are not known.
    assert found.fleet_alignment_ratio == pytest.approx(87 / 89)


def test_coverage_is_worked_out_once():
    """A place of which nothing has changed keeps its coverage, also when another has changed."""
    known = facts(KNOWN, ELSEWHERE)
    ledger, found = ledger_of(known), Coverages()
    found.cover(known, ledger, chronicle, tariff(known), WINDOW)
    before = dict(found.places)

    found.cover(known, ledger, chronicle, tariff(known), WINDOW)
    assert all(found.places[place] is before[place] for place in before)
    news = hours_of("IE", END_AT - 48 * HOUR, END_AT)
    ledger.grid.take("IE", None, news)
    found.cover(known, ledger, chronicle, tariff(known), WINDOW)

    assert found.places[FRANKFURT] is before[FRANKFURT]
    assert found.places[DUBLIN].covered.carbon == 48 * HOUR
    assert found.fleet().carbon == 96 * HOUR


def changed(known: PlaceFacts, **changes) -> Facts:
    return facts(replace(known, **changes), ELSEWHERE)


@pytest.mark.parametrize(
    "news",
    [
        changed(KNOWN, trail=trail(until_at=NOW - 60)),
        changed(KNOWN, trail_fresh=False),
        changed(place_facts(sighted(WEB), sighted(STOPPED))),
        facts(KNOWN, ELSEWHERE, prices={}),
    ],
)
def test_coverage_follows_what_it_rests_on(news):
    """CloudTrail, the inventory, prices: then it is worked out again."""
    known = facts(KNOWN, ELSEWHERE)
    ledger, found = ledger_of(known), Coverages()
    found.cover(known, ledger, chronicle, tariff(known), WINDOW)
    before = found.places[FRANKFURT]

    found.cover(news, ledger, chronicle, tariff(news), WINDOW)

    assert found.places[FRANKFURT] is not before
    found.cover(facts(KNOWN), ledger, chronicle, tariff(news), WINDOW)
    assert set(found.places) == {FRANKFURT}


def day_bill(*days_ago: int, usd: float = 2.88, account_id: str = ACCOUNT) -> Bill:
    """Asked for just now; these days have an amount."""
    lines = tuple(
        BilledUsage(account_id, DAY_AT - n * DAY, BilledAs.ON_DEMAND, usd, 24.0, estimated=False)
        for n in days_ago
    )
    return Bill(NOW, DAY_AT - 30 * DAY, lines)


def billed_ratio(known: Facts, bill: Bill, **ledger) -> dict[str, float]:
    return dict(billed_alignment(known, ledger_of(known, **ledger), chronicle, tariff(known), bill))


@pytest.mark.parametrize(
    ("days_ago", "hours"),
    [
        # At 12:40 the window is from 12:00 three days ago to 12:00 yesterday.
        ((3, 2, 1), 48),
        ((2, 1), 36),
        ((2,), 24),
        ((3,), 12),
        ((9, 0), 0),
        ((), 0),
    ],
)
def test_billed_alignment_by_days(days_ago, hours):
    """Hours of a day that has an amount have a cost, whether or not there is a price."""
    known = facts(KNOWN, prices={})

    assert billed_ratio(known, day_bill(*days_ago)) == {ACCOUNT: hours / 48}


def test_billed_alignment_needs_carbon():
    """Here the first 24 of the 48 hours were not measured."""
    known = facts(KNOWN)

    ratio = billed_ratio(known, day_bill(3, 2, 1), measured_since_at=END_AT - 48 * HOUR)

    assert ratio == {ACCOUNT: 0.5}


def test_a_day_of_nothing_is_not_billed():
    """An amount of zero is not evidence of a cost."""
    assert billed_ratio(facts(KNOWN), day_bill(3, 2, 1, usd=0.0)) == {ACCOUNT: 0}


def test_billed_alignment_by_hours():
    """Where hours are opted in they count, and days before the first of them."""
    hours = tuple(
        BilledUsage(ACCOUNT, at, BilledAs.SPOT, 0.1, 1.0, estimated=True)
        for at in (END_AT - 30 * HOUR, END_AT - 29 * HOUR)
    )
    bill = replace(day_bill(3, 2, 1), hours_since_at=END_AT - 36 * HOUR, hours=hours)

    # 36 hours before that, then two of the last twelve.
    assert billed_ratio(facts(KNOWN), bill) == {ACCOUNT: pytest.approx(38 / 48)}


def test_billed_alignment_is_told_by_account():
    """All places of an account together; one that did not run, or was not asked, has none."""
    other = Place("999988887777", "eu-central-1")
    idle = place_facts(place=other, inventory=inventory([], other))

    assert billed_ratio(facts(KNOWN, ELSEWHERE, idle), day_bill(3, 2, 1)) == {ACCOUNT: 0.5}
    never = replace(KNOWN, trail=None, trail_asked=False)
    assert billed_ratio(facts(never), day_bill(3, 2, 1)) == {}


def settled(known: Facts, bill: Bill, computed: ComputedDays | None = None):
    into = computed or ComputedDays()
    return settle(known, ledger_of(known), into, chronicle, tariff(known), bill)


DAYS = (7, 6, 5, 4, 3, 2, 1)


def test_days_are_compared_with_the_bill():
    """Five closed days at 0.12 USD an hour, billed 2.40 USD each: twenty percent too much."""
    found = settled(facts(KNOWN), day_bill(*DAYS, usd=2.40))

    assert set(found) == {ACCOUNT}
    compared = found[ACCOUNT]
    assert compared.samples == 5
    assert pytest.approx(2.88) == 24 * USD_PER_HOUR
    assert compared.deviation_ratio == pytest.approx(0.2)
    assert compared.time_deviation_ratio == pytest.approx(0.0)
    assert compared.excluded[ExclusionReason.TOO_RECENT] >= 2


@pytest.mark.parametrize(
    ("elsewhere", "samples"),
    [
        # A place with instances that CloudTrail has not told of: no day is complete.
        (replace(ELSEWHERE, trail=None), 0),
        # Nobody has ever run anything there, so there is nothing to wait for.
        (place_facts(place=DUBLIN, inventory=inventory([], DUBLIN), trail=None), 5),
        (place_facts(place=DUBLIN, inventory=inventory([], DUBLIN)), 5),
    ],
)
def test_an_account_is_compared_once_all_places_in_use_are_computed(elsewhere, samples):
    """A region that is denied must not look like savings."""
    found = settled(facts(KNOWN, elsewhere), day_bill(*DAYS))

    assert found[ACCOUNT].samples == samples


def test_computed_days_stay_as_they_were():
    """A price that changes later does not change what was compared."""
    computed = ComputedDays()
    settled(facts(KNOWN), day_bill(*DAYS), computed)
    dearer = facts(KNOWN, prices={WEB_PRICE: replace(facts().prices[WEB_PRICE], usd_per_hour=9.0)})

    found = settled(dearer, day_bill(*DAYS), computed)

    assert found[ACCOUNT].deviation_ratio == pytest.approx(0.0)


def test_the_bill_is_told_while_it_is_there():
    """By account; without a bill nothing is billed."""
    found = stated(facts(KNOWN, bill=day_bill(3, 2, 1)))

    assert found.billed == {
        ACCOUNT: BilledTotals(pytest.approx(3 * 2.88), pytest.approx(2.88), None)  # type: ignore[arg-type]  # approximate
    }
