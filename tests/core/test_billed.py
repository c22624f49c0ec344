from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.billed import billed_totals, billed_until_at
from exporter.core.billing import Bill, BilledAs, BilledUsage
from exporter.core.statement import BilledTotals
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR


def at(day, hour=0, minute=0, month=3):
    return datetime(2026, month, day, hour, minute, tzinfo=UTC).timestamp()


NOW = at(20, 12, 40)
SINCE_AT = at(15, month=2)


def line(start_at, usd, billed_as=BilledAs.ON_DEMAND, account_id="1"):
    return BilledUsage(account_id, start_at, billed_as, usd, 24.0, estimated=True)


def daily(usd=10.0, until=19):
    """The same amount every day since the middle of February, less on the newest one."""
    february = [line(at(day, month=2), usd) for day in range(15, 29)]
    return (*february, *(line(at(day), usd) for day in range(1, until)), line(at(until), 4.0))


def bill(*lines, fetched_at=NOW, **changes):
    return replace(Bill(fetched_at, SINCE_AT, lines), **changes)


def test_month_to_date_and_last_day():
    """By hand: 18 days of 10 and 4 so far of the 19th; the 18th is the newest that is complete."""
    found = billed_totals(bill(*daily()))

    assert found == {"1": BilledTotals(184.0, last_day_usd=10.0, last_hour_usd=None)}


def test_everything_billed_counts():
    """Whatever it was paid by."""
    kinds = [line(at(18), usd, kind) for usd, kind in zip((1.0, 2.0, 4.0), BilledAs, strict=True)]

    assert billed_totals(bill(*kinds)) == {"1": BilledTotals(7.0, 7.0)}


def test_accounts_without_a_line_are_unknown():
    """One that has lines elsewhere was billed nothing; one without any may not be the payer's."""
    lines = (*daily(), line(at(20, month=2), 5.0, account_id="2"))

    found = billed_totals(bill(*lines))

    assert set(found) == {"1", "2"}
    assert found["2"] == BilledTotals(0.0, 0.0, None)
    assert billed_totals(bill()) == {}


@pytest.mark.parametrize(
    ("fetched_at", "month", "day"),
    [
        (at(20, 0, 0), 194.0, 10.0),
        (at(19, 23, 59), 194.0, 20.0),
        (at(1, 0, 1), 10.0, 10.0),
        (at(1, 12, month=4), 0.0, None),
    ],
)
def test_when_a_day_is_complete(fetched_at, month, day):
    """24 hours after its end. The 17th was 20; by April nothing was billed for far too long."""
    lines = [replace(each, usd=20.0) if each.start_at == at(17) else each for each in daily()]
    lines = [each for each in lines if each.start_at <= fetched_at]

    found = billed_totals(bill(*lines, fetched_at=fetched_at))["1"]

    assert (found.month_to_date_usd, found.last_day_usd) == (month, day)


def test_a_day_before_the_answer_is_unknown():
    """What was not asked for is not zero."""
    short = bill(line(at(20), 3.0), days_since_at=at(20))

    assert billed_totals(short) == {"1": BilledTotals(3.0)}


HOURS = (line(at(19, 10), 0.5), line(at(19, 11), 0.75), line(at(19, 11), 0.25, BilledAs.SPOT))


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        ({"hours": HOURS, "hours_since_at": at(17, 12)}, 1.0),
        ({"hours": HOURS[:1], "hours_since_at": at(17, 12)}, 0.0),
        ({"hours": (), "hours_since_at": at(17, 12)}, 0.0),
        ({"hours": HOURS, "hours_since_at": at(19, 12)}, None),
        ({}, None),
    ],
)
def test_last_hour(changes, usd):
    """The newest hour that ended a day ago; none without hours, or when it was not asked for."""
    assert billed_totals(bill(*daily(), **changes))["1"].last_hour_usd == usd


@pytest.mark.parametrize(
    ("newest_day", "until_at"),
    [
        (20, at(19, 12)),
        (19, at(19, 12)),
        (18, at(19, 12)),
        (15, at(19, 12)),
        (14, at(14)),
        (3, at(3)),
    ],
)
def test_until_when_everything_is_billed(newest_day, until_at):
    """A day ago, in full hours; silence of more than four days is not taken for free days."""
    lines = [line(at(day), 10.0) for day in range(1, newest_day + 1)]
    silent = [line(at(day), 0.0) for day in range(newest_day + 1, 21)]

    found = bill(*lines, *silent, hours=HOURS, hours_since_at=at(17))

    assert billed_until_at(found) == until_at
    totals = billed_totals(found)["1"]
    assert totals.month_to_date_usd == newest_day * 10.0
    assert (totals.last_day_usd is None) == (totals.last_hour_usd is None) == (newest_day < 15)


def test_nothing_was_ever_billed():
    """Then nothing tells of a bill that stopped."""
    assert billed_until_at(bill()) == at(19, 12)


@given(
    fetched_at=st.floats(at(1), at(30)),
    amounts=st.dictionaries(st.integers(0, 45), st.floats(0.01, 1e6), min_size=1),
)
def test_totals_are_parts_of_the_bill(fetched_at, amounts):
    """No total exceeds what the bill holds, and nothing newer than a day counts as complete."""
    days = [line(SINCE_AT + n * SECONDS_PER_DAY, usd) for n, usd in amounts.items()]
    found = bill(*days, fetched_at=fetched_at)
    until_at = billed_until_at(found)
    totals = billed_totals(found)["1"]

    assert until_at % SECONDS_PER_HOUR == 0
    assert until_at <= fetched_at - SECONDS_PER_DAY
    assert totals.month_to_date_usd <= sum(amounts.values()) * (1 + 1e-12)
    assert totals.last_day_usd is None or totals.last_day_usd in {0.0, *amounts.values()}
