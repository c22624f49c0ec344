from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from math import floor

import pytest

from exporter.core.billing import BilledAs
from exporter.core.evidence import PriceKey, SpotKey
from exporter.core.fleet import Instance, PurchaseOption
from exporter.simulation import billing, prices
from exporter.simulation.roster import LAB_ACCOUNT, SHOP_ACCOUNT
from exporter.simulation.schedule import Run
from exporter.simulation.world import World

SHOP, LAB = SHOP_ACCOUNT.account_id, LAB_ACCOUNT.account_id
DAY = 86400.0


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOW = utc("2026-06-12T09:02:00")


def computed(
    world: World, begin_at: float, end_at: float
) -> dict[tuple[str, float, BilledAs], list[float]]:
    """USD and hours before discounts by account, day and kind, quarter hour by quarter hour."""
    seen: dict[str, Instance] = {}
    sums = defaultdict[tuple[str, float, BilledAs], list[float]](lambda: [0.0, 0.0])
    for quarter in range(int((end_at - begin_at) // 900) + 1):
        at = begin_at + 900 * quarter
        seen |= {each.instance_id: each for each in world.instances_at(min(at + 899, end_at))}
        for instance_id, each in seen.items():
            to_at = min(at + 900, end_at)
            if each.purchase_option is PurchaseOption.SPOT:
                billed_as = BilledAs.SPOT
                key = SpotKey(each.availability_zone, each.instance_type, each.platform)
                quote = prices.spot_price(7, key, at)
                price = quote.usd_per_hour if quote else None
            else:
                billed_as = BilledAs.ON_DEMAND
                price = prices.list_price(
                    PriceKey(each.region, each.instance_type, each.usage_operation, each.tenancy)
                ).usd_per_hour
            assert price is not None
            total = sums[each.account_id, floor(at / DAY) * DAY, billed_as]
            for span in world.running_spans(instance_id, at, to_at):
                hours = (span.ended_at - span.started_at) / 3600
                total[0] += price * hours
                total[1] += hours
    return sums


def test_the_bill_is_hours_times_price_less_the_discount(world: World) -> None:
    """Each day, the last one as far as it is published; only the shop has a private rate.

    Checked from five days ago on, against a sum over what inventories show.
    """
    begin_at, published_at = utc("2026-06-07"), NOW - DAY
    expected = computed(world, begin_at, published_at)
    days = [
        day
        for day in billing.bill(world, (SHOP, LAB), NOW).days
        if begin_at <= day.start_at <= published_at
    ]

    assert {(day.account_id, day.start_at, day.billed_as) for day in days} == set(expected)
    for day in days:
        usd, hours = expected[day.account_id, day.start_at, day.billed_as]
        discounted = day.account_id == SHOP and day.billed_as is BilledAs.ON_DEMAND
        assert day.hours == pytest.approx(hours)
        assert day.usd == pytest.approx(usd * (0.88 if discounted else 1.0))
    assert {(day.account_id, day.billed_as) for day in days} == {
        *((SHOP, BilledAs.ON_DEMAND), (LAB, BilledAs.ON_DEMAND), (LAB, BilledAs.SPOT)),
    }


@pytest.mark.parametrize(
    ("now", "since"),
    [
        ("2026-06-12T09:02:00", "2026-05-18"),
        ("2026-06-30T23:59:59", "2026-05-18"),
        ("2026-07-01T00:00:00", "2026-05-18"),
        ("2026-07-03T23:59:59", "2026-05-18"),
        ("2026-07-04T00:00:00", "2026-06-17"),
        ("2027-01-02T12:00:00", "2026-11-17"),
        ("2027-03-04T00:00:00", "2027-02-15"),
    ],
)
def test_the_bill_begins_two_weeks_before_the_month_of_three_days_ago(now: str, since: str) -> None:
    """So at any time at least two weeks of a month whose bill is final are in it."""
    world = World(seed=7, instances=30)
    bill = billing.bill(world, (SHOP, LAB), utc(now))
    days = [utc(since) + day * DAY for day in range(50) if utc(since) + day * DAY < utc(now) - DAY]

    assert (bill.fetched_at, bill.days_since_at) == (utc(now), utc(since))
    assert sorted({day.start_at for day in bill.days}) == days
    assert len({day.start_at for day in bill.days if not day.estimated}) >= 14
    assert bill.hours == ()


def test_the_bill_of_a_large_fleet_begins_two_weeks_before_this_month() -> None:
    """Less of the past is worked out for it in the first days of a month."""
    accounts, now = (LAB,), utc("2026-07-02T12:00:00")

    assert billing.bill(World(seed=7, instances=5000), accounts, now).days_since_at == utc(
        "2026-05-18"
    )
    assert billing.bill(World(seed=7, instances=5001), accounts, now).days_since_at == utc(
        "2026-06-17"
    )


@pytest.mark.parametrize(
    ("now", "last_final_day"),
    [
        ("2026-06-12T09:02:00", "2026-05-31"),
        ("2026-07-03T23:59:59", "2026-05-31"),
        ("2026-07-04T00:00:00", "2026-06-30"),
        ("2027-01-03T12:00:00", "2026-11-30"),
        ("2027-01-04T12:00:00", "2026-12-31"),
        ("2027-03-04T00:00:00", "2027-02-28"),
    ],
)
def test_days_are_estimated_until_the_month_is_closed(now: str, last_final_day: str) -> None:
    """That is three days after its end."""
    days = billing.bill(World(seed=7, instances=30), (SHOP,), utc(now)).days

    assert max(day.start_at for day in days if not day.estimated) == utc(last_final_day)
    assert all(day.estimated == (day.start_at > utc(last_final_day)) for day in days)


def test_only_the_accounts_asked_for_are_billed(world: World) -> None:
    """An account that is not the company's has no usage."""
    assert {day.account_id for day in billing.bill(world, (LAB, "999900001111"), NOW).days} == {LAB}
    assert billing.bill(world, (), NOW).days == ()


@pytest.mark.parametrize(
    ("run", "pieces"),
    [
        (Run(100.0, 900.0), [(100.0, 800.0)]),
        (Run(100.0, 120.0), [(100.0, 60.0)]),
        (Run(100.0, 160.0), [(100.0, 60.0)]),
        (Run(DAY - 10.0, DAY + 10.0), [(DAY - 10.0, 50.0), (DAY, 10.0)]),
        (Run(DAY - 100.0, 3 * DAY), [(DAY - 100.0, 100.0), (DAY, DAY)]),
        (Run(-500.0, 40.0), [(0.0, 40.0)]),
        (Run(-10.0, 10.0), [(0.0, 10.0)]),
        (Run(-500.0, 0.0), []),
        (Run(2 * DAY, 2 * DAY + 9.0), []),
    ],
)
def test_pieces_of_a_run(run: Run, pieces: list[tuple[float, float]]) -> None:
    """Inside [0, two days), cut at midnight; each start costs a minute, where it happened."""
    assert list(billing.billed_pieces(run, 0.0, 2 * DAY, DAY)) == pieces


@pytest.mark.parametrize("option", PurchaseOption)
def test_what_is_not_sold_is_not_billed(option: PurchaseOption) -> None:
    """There is no line instead of a wrong one."""
    world = World(seed=7, instances=1)
    unsold = replace(world._posts[0], instance_type="z9.huge", purchase_option=option)
    world._posts = (unsold,)

    assert billing.bill(world, (SHOP, LAB), NOW).days == ()
