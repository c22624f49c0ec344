"""Computed days: when a day is computed, when it is recorded, and what it then says."""

from dataclasses import replace
from typing import Any

import pytest

from exporter.books.facts import PlaceFacts
from exporter.books.settlement import (
    LATE_EVENTS_SECONDS,
    PRICE_PATIENCE_SECONDS,
    ComputedDays,
)
from exporter.core.billing import BilledAs
from exporter.core.evidence import PriceQuote, SpotPrices, SpotQuote
from exporter.core.fleet import InstanceState, PurchaseOption
from exporter.core.reconciliation import ComputedUsage
from exporter.core.trail import TrailAction, TrailEvent
from tests.books.scenes import (
    DAY,
    DAY_AT,
    HOUR,
    USD_PER_HOUR,
    WEB,
    chronicle,
    facts,
    place_facts,
    ran,
    sighted,
    tariff,
    trail,
)
from tests.factories import DUBLIN, FRANKFURT, NOW, WEB_PRICE, instance

ACCOUNT = FRANKFURT.account_id
YESTERDAY = DAY_AT - DAY
DAYS = [DAY_AT - back * DAY for back in (4, 3, 2, 1)]
ON_DEMAND, SPOT = BilledAs.ON_DEMAND, BilledAs.SPOT
LONG = 10 * DAY


def usage(
    day_at: float, hours: float, usd: float, unknown: float = 0.0, billed_as: BilledAs = ON_DEMAND
) -> ComputedUsage:
    """What is compared with as far as floats can be."""
    amounts: list[Any] = [pytest.approx(amount) for amount in (hours, usd, unknown)]
    return ComputedUsage(ACCOUNT, day_at, billed_as, *amounts)


def compute(
    into: ComputedDays, known: PlaceFacts, known_seconds: float = LONG, days=DAYS, **changes
) -> None:
    assert known.trail is not None
    into.compute(
        known.place,
        days,
        known.trail,
        chronicle(known),
        tariff(facts(known, **changes)),
        known_seconds=known_seconds,
    )


def computed(known: PlaceFacts, **changes) -> ComputedDays:
    found = ComputedDays()
    compute(found, known, **changes)
    return found


WHOLE = place_facts(sighted(WEB))
"""A web server that began three days ago, at 12:40; CloudTrail is 20 minutes old."""


def test_days_of_a_web_server():
    """Its first day in part, two whole ones, and a day on which nothing ran: that is a zero."""
    found = computed(WHOLE)

    first_hours = (DAYS[1] + DAY - WEB.launched_at) / HOUR
    assert found.usage([FRANKFURT], DAYS) == [
        usage(DAYS[0], 0, 0),
        usage(DAYS[1], first_hours, first_hours * USD_PER_HOUR),
        usage(DAYS[2], 24, 24 * USD_PER_HOUR),
        usage(DAYS[3], 24, 24 * USD_PER_HOUR),
    ]


@pytest.mark.parametrize(
    ("until_at", "is_computed"),
    [
        (DAY_AT + LATE_EVENTS_SECONDS, True),
        # Late events of the day may still come.
        (DAY_AT + LATE_EVENTS_SECONDS - 1, False),
        (DAY_AT, False),
    ],
)
def test_a_day_is_computed_once_cloudtrail_covers_it(until_at, is_computed):
    """And not an hour of it is left to inventories alone."""
    found = computed(place_facts(sighted(WEB), trail=trail(until_at=until_at)))

    assert bool(found.usage([FRANKFURT], [YESTERDAY])) == is_computed
    assert [day_at for day_at, _ in found.news()] == (DAYS if is_computed else DAYS[:-1])


def test_a_day_that_cloudtrail_does_not_reach_back_to():
    """Its retention may begin in the middle of it."""
    found = computed(place_facts(sighted(WEB), trail=trail(since_at=DAYS[1] + 1)))

    assert [day_at for day_at, _ in found.news()] == DAYS[2:]
    assert found.usage([FRANKFURT], DAYS[:2]) == []


def test_a_day_is_recorded_once():
    """What is found out later, another price or another runtime, does not change it."""
    found = computed(WHOLE)
    before = found.usage([FRANKFURT], DAYS)
    found.written()

    dearer = {WEB_PRICE: PriceQuote(WEB_PRICE, 9.9)}
    compute(found, place_facts(sighted(WEB), sighted(instance("i-other"))), prices=dearer)

    assert found.usage([FRANKFURT], DAYS) == before
    assert found.news() == []


LAST_DAYS_SECONDS = PRICE_PATIENCE_SECONDS + LATE_EVENTS_SECONDS


@pytest.mark.parametrize(
    ("trail_until_at", "known_seconds", "is_recorded"),
    [
        (DAY_AT + LATE_EVENTS_SECONDS, LONG, False),
        (DAY_AT + LAST_DAYS_SECONDS - 1, LONG, False),
        (DAY_AT + LAST_DAYS_SECONDS, LONG, True),
        # The exporter has known the place for less: its prices may be on their way.
        (DAY_AT + LAST_DAYS_SECONDS, PRICE_PATIENCE_SECONDS - 1, False),
        (DAY_AT + LAST_DAYS_SECONDS, PRICE_PATIENCE_SECONDS, True),
    ],
)
def test_a_day_without_prices_stays_open_for_a_while(trail_until_at, known_seconds, is_recorded):
    """It is told as it is, in unknown hours, and computed again until patience ends."""
    now = trail_until_at + 600
    subject = sighted(WEB, ran(WEB, seen_at=now))
    known = place_facts(subject, seen_until_at=now, trail=trail(until_at=trail_until_at))
    found = ComputedDays()
    arguments = {"known_seconds": known_seconds, "days": [YESTERDAY]}
    found.compute(
        FRANKFURT,
        [YESTERDAY],
        trail(until_at=trail_until_at),
        chronicle(known, now=now),
        tariff(facts(known, prices={})),
        known_seconds=known_seconds,
    )
    assert found.usage([FRANKFURT], [YESTERDAY]) == [usage(YESTERDAY, 0, 0, 24)]
    assert [day_at for day_at, _ in found.news()] == ([YESTERDAY] if is_recorded else [])

    compute(found, WHOLE, **arguments)

    later = usage(YESTERDAY, 0, 0, 24) if is_recorded else usage(YESTERDAY, 24, 24 * USD_PER_HOUR)
    assert found.usage([FRANKFURT], [YESTERDAY]) == [later]
    assert len(found.news()) == 1


def test_unknown_runtime_is_recorded_as_such():
    """Nobody will ever know of more: the day need not stay open."""
    stopped = instance("i-stopped", state=InstanceState.STOPPED, launched_at=NOW - 3 * DAY)
    seen_at = YESTERDAY + 6 * HOUR
    run = ran(stopped, seen_at=seen_at, gone_at=seen_at + 2 * HOUR)

    found = computed(place_facts(sighted(stopped, run)), days=[YESTERDAY])

    expected = usage(YESTERDAY, 6, 6 * USD_PER_HOUR, 2)
    assert found.usage([FRANKFURT], [YESTERDAY]) == [expected]
    assert len(found.news()) == 1


def test_an_account_is_computed_once_all_its_places_are():
    """Half a computed day would look like a bill that is twice too high."""
    elsewhere = place_facts(
        sighted(instance("i-far", region="eu-west-1")),
        place=DUBLIN,
        trail=trail(place=DUBLIN, until_at=DAY_AT - HOUR),
    )
    found = computed(WHOLE)
    assert found.usage([FRANKFURT, DUBLIN], DAYS) == []

    compute(found, elsewhere)
    both = found.usage([FRANKFURT, DUBLIN], DAYS)
    assert [each.day_at for each in both] == DAYS[:-1]
    compute(found, replace(elsewhere, trail=trail(place=DUBLIN)))

    both = found.usage([FRANKFURT, DUBLIN], DAYS)
    assert [each.day_at for each in both] == DAYS
    # In Dublin there is no price: those hours are unknown ones of the same day.
    assert both[-1] == usage(YESTERDAY, 24, 24 * USD_PER_HOUR, 24 - 12 - 40 / 60)


def test_accounts_do_not_wait_for_each_other():
    """Nor do they add up."""
    other = FRANKFURT._replace(account_id="999988887777")
    found = computed(WHOLE)

    assert len(found.usage([FRANKFURT, other], DAYS)) == 4
    compute(found, place_facts(place=other, trail=trail(place=other)))
    by_account = found.usage([FRANKFURT, other], [YESTERDAY])
    assert [(each.account_id, each.hours) for each in by_account] == [
        (ACCOUNT, pytest.approx(24)),
        ("999988887777", 0),
    ]


def test_each_start_is_billed_for_a_minute():
    """Three starts of ten seconds are three minutes, at the price of minutes."""
    events = []
    for number in range(3):
        at = YESTERDAY + number * HOUR
        events += [
            TrailEvent(f"s-{number}", at, TrailAction.START, "i-0web", was="stopped"),
            TrailEvent(f"e-{number}", at + 10, TrailAction.STOP, "i-0web", was="running"),
        ]
    stopped = replace(WEB, state=InstanceState.STOPPED, launched_at=YESTERDAY + 2 * HOUR)
    run = ran(stopped, seen_at=stopped.launched_at, ended_at=YESTERDAY + 2 * HOUR + 10)
    known = place_facts(sighted(stopped, run), trail=trail(*events))

    found = computed(known, days=[YESTERDAY]).usage([FRANKFURT], [YESTERDAY])

    assert found == [usage(YESTERDAY, 180 / 3600, USD_PER_HOUR * 180 / 3600)]


SPOT_WEB = replace(WEB, instance_id="i-spot", purchase_option=PurchaseOption.SPOT)
POOL = ("eu-central-1a", "m5.large", "Linux/UNIX")


def test_spot_hours_have_the_price_of_their_own_hour():
    """Eighteen hours at 0.04 USD and six at 0.06 USD; beside it an instance on demand."""
    prices = SpotPrices(
        FRANKFURT,
        quotes=(SpotQuote(*POOL, 0.06, YESTERDAY + 18 * HOUR),),
        past=(SpotQuote(*POOL, 0.04, YESTERDAY - HOUR),),
    )

    found = computed(place_facts(sighted(WEB), sighted(SPOT_WEB), spot=prices), days=[YESTERDAY])

    assert found.usage([FRANKFURT], [YESTERDAY]) == [
        usage(YESTERDAY, 24, 24 * USD_PER_HOUR),
        usage(YESTERDAY, 24, 18 * 0.04 + 6 * 0.06, billed_as=SPOT),
    ]


def test_spot_hours_before_the_oldest_price_are_unknown():
    """The hours after it are not: the day stays open for the rest."""
    prices = SpotPrices(FRANKFURT, quotes=(SpotQuote(*POOL, 0.04, YESTERDAY + 6 * HOUR),))

    found = computed(place_facts(sighted(SPOT_WEB), spot=prices), days=[YESTERDAY])

    (_, spot) = found.usage([FRANKFURT], [YESTERDAY])
    assert spot == usage(YESTERDAY, 18, 18 * 0.04, 6, billed_as=SPOT)
    assert found.news() == []


@pytest.mark.parametrize(
    "changes", [{"tenancy": "host"}, {"purchase_option": PurchaseOption.CAPACITY_BLOCK}]
)
def test_what_is_billed_otherwise_is_left_out(changes):
    """A dedicated host and a capacity block are paid for whatever runs on them."""
    found = computed(place_facts(sighted(replace(WEB, **changes))), days=[YESTERDAY])

    assert found.usage([FRANKFURT], [YESTERDAY]) == [usage(YESTERDAY, 0, 0)]
    assert len(found.news()) == 1


def test_what_cloudtrail_alone_tells_of():
    """With its launch it has a type, without it nobody knows the price."""
    end = TrailEvent("e-2", YESTERDAY + 2 * HOUR, TrailAction.TERMINATE, "i-brief", was="running")

    found = computed(place_facts(trail=trail(end)), days=[YESTERDAY])

    assert found.usage([FRANKFURT], [YESTERDAY]) == [usage(YESTERDAY, 0, 0, 2)]
    assert found.news() == []


def test_records_come_back():
    """The documented layout, and the same days after a restart, which are recorded ones."""
    found = computed(WHOLE)
    news = found.news()
    assert news[-1] == (
        YESTERDAY,
        {
            "account_id": ACCOUNT,
            "region": "eu-central-1",
            "day": YESTERDAY,
            "usage": [
                {
                    "billed_as": "on_demand",
                    "hours": 24.0,
                    "usd": pytest.approx(24 * USD_PER_HOUR),
                    "unknown_hours": 0.0,
                }
            ],
        },
    )

    restored = ComputedDays()
    restored.restore(record for _, record in news)

    assert restored.usage([FRANKFURT], DAYS) == found.usage([FRANKFURT], DAYS)
    assert restored.news() == []
    compute(restored, place_facts(sighted(WEB), sighted(instance("i-other"))))
    assert restored.usage([FRANKFURT], DAYS) == found.usage([FRANKFURT], DAYS)


def test_news_stay_until_they_are_written():
    """A disk that is full does not cost a day."""
    found = computed(WHOLE)

    assert found.news() == found.news()
    found.written()
    assert found.news() == []


def test_old_days_are_forgotten():
    """They are neither told nor written any more."""
    found = computed(WHOLE)

    found.forget_before(YESTERDAY)

    assert [each.day_at for each in found.usage([FRANKFURT], DAYS)] == [YESTERDAY]
    assert [day_at for day_at, _ in found.news()] == [YESTERDAY]
