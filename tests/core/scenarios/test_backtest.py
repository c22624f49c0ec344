from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.scenarios.backtest import BacktestDay, backtest, newest_date, usual_start_at
from exporter.core.scenarios.plan import DeferrableLoad
from tests.core.scenarios import time_shift_reference

GREENWICH = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600.0
DAY = 86400.0
BEGIN = datetime(2026, 2, 2, tzinfo=UTC)
BEGIN_AT = BEGIN.timestamp()
NIGHTLY = DeferrableLoad(1000.0, "eu-central-1", start_hour=2, hours=1, within_hours=3)


def grid(days: int, usual: float = 400.0, **by_clock: float) -> dict[float, float]:
    """Days of the same intensity in every hour but those named: h03=100."""
    special = {int(name.removeprefix("h")): grams for name, grams in by_clock.items()}
    return {BEGIN_AT + n * HOUR: special.get(n % 24, usual) for n in range(days * 24)}


def run(
    hours: Mapping[float, float],
    load: DeferrableLoad = NIGHTLY,
    time_zone: ZoneInfo = GREENWICH,
    days: int = 10,
) -> tuple[BacktestDay, ...]:
    """Back-test from the first hour on."""
    return backtest(hours, load, time_zone, BEGIN_AT, BEGIN_AT + days * DAY)


def at(day: int, hour: int) -> float:
    """Epoch seconds of an hour of one of the days, UTC."""
    return BEGIN_AT + day * DAY + hour * HOUR


def test_the_hour_that_was_clean_on_the_days_before_is_chosen():
    """With four days known the fifth can be decided; it is valued by its own hours."""
    hours = grid(6, h03=100) | {at(4, 2): 450.0, at(4, 3): 120.0}

    days = run(hours, days=5)

    assert days == (BacktestDay(date(2026, 2, 6), at(4, 2), at(4, 3), usual=450.0, chosen=120.0),)


def test_a_longer_job_is_the_sum_of_its_hours():
    """Two hours, starts 02:00 to 04:00: 100+200 is less than 400+100 and 200+250."""
    load = DeferrableLoad(1.0, "eu-central-1", start_hour=2, hours=2, within_hours=4)

    (day,) = run(grid(5, h03=100, h04=200, h05=250), load, days=5)

    assert (day.start_at, day.usual, day.chosen) == (at(4, 3), 500.0, 300.0)


def test_expected_is_the_mean_of_seven_days_not_yesterdays_value():
    """03:00 was clean yesterday only: 6 x 500 and 50 have a mean of 435.7, above 400."""
    hours = grid(8, h03=500) | {at(6, 3): 50.0}

    days = run(hours, days=8)

    assert days[-1].start_at == at(7, 2)


def test_the_eighth_day_back_counts_no_more():
    """03:00 was very clean eight days ago; of the seven since none was better than 02:00."""
    hours = grid(9, h03=410) | {at(0, 3): 0.0}

    days = run(hours, days=9)

    assert [day.start_at for day in days[-2:]] == [at(7, 3), at(8, 2)]


@pytest.mark.parametrize("level", [0.0, 0.1, 389.7])
def test_the_earliest_of_equal_starts(level):
    """On a flat grid the job runs when it always did, whatever the rounding of means."""
    load = DeferrableLoad(1.0, "eu-central-1", start_hour=2, hours=3, within_hours=24)

    days = run(grid(12, usual=level), load, days=12)

    assert len(days) == 7
    assert all(day.start_at == day.decided_at for day in days)


def test_no_room_to_shift():
    """A job that must end as soon as it can always starts as usual."""
    load = DeferrableLoad(1.0, "eu-central-1", start_hour=2, hours=3, within_hours=3)

    days = run(grid(6, h05=1), load, days=6)

    assert [day.start_at - day.decided_at for day in days] == [0.0, 0.0]


def test_never_the_oracle():
    """What happens on the day itself does not help: the choice is worse than the usual start."""
    hours = grid(6, h03=100) | {at(4, 2): 50.0, at(4, 3): 600.0, at(4, 4): 10.0}

    (day,) = run(hours, days=5)

    assert (day.start_at, day.usual, day.chosen) == (at(4, 3), 50.0, 600.0)


@pytest.mark.parametrize(
    ("missing", "usable"),
    [
        ((), True),
        ([at(n, 3) for n in range(3)], True),
        ([at(n, 3) for n in range(4)], False),
        ([at(n, 4) for n in range(4)], False),
        ([at(n, 5) for n in range(7)], True),  # after the deadline
        ([at(7, 2)], False),  # of the usual run
        ([at(7, 3)], False),  # of the chosen run
        ([at(7, 4)], True),  # of neither
    ],
)
def test_hours_that_are_not_known(missing, usable):
    """Four of seven days must be known of every hour to the deadline, and all of both runs."""
    hours = grid(8, h03=100)
    for gone in missing:
        del hours[gone]

    days = run(hours, days=8)

    assert (date(2026, 2, 9) in {day.date for day in days}) is usable


def test_hours_before_the_first_day_count():
    """Days are decided from an instant on, by hours before it."""
    hours = grid(8, h03=100)

    days = backtest(hours, NIGHTLY, GREENWICH, at(7, 2), at(8, 0))

    assert [day.decided_at for day in days] == [at(7, 2)]


@pytest.mark.parametrize(
    ("from_at", "until_at", "count"),
    [
        (at(7, 2), at(7, 5), 1),
        (at(7, 2) + 1, at(7, 5), 0),
        (at(7, 2), at(7, 5) - 1, 0),
        (at(9, 0), at(7, 0), 0),
    ],
)
def test_a_day_lies_between_its_decision_and_its_deadline(from_at, until_at, count):
    """Both ends count as inside."""
    days = backtest(grid(9), NIGHTLY, GREENWICH, from_at, until_at)

    assert len(days) == count


@pytest.mark.parametrize(
    ("zone", "hour", "day", "start"),
    [
        ("Europe/Berlin", 2, date(2026, 3, 28), "2026-03-28T01:00Z"),
        ("Europe/Berlin", 2, date(2026, 3, 29), "2026-03-29T01:00Z"),  # skipped: 03:00 there
        ("Europe/Berlin", 2, date(2026, 3, 30), "2026-03-30T00:00Z"),
        ("Europe/Berlin", 2, date(2026, 10, 25), "2026-10-25T00:00Z"),  # the first of the two
        ("Europe/Berlin", 3, date(2026, 10, 25), "2026-10-25T02:00Z"),
        ("Asia/Kolkata", 2, date(2026, 2, 3), "2026-02-02T21:00Z"),  # half an hour off, from 20:30
        ("Asia/Kathmandu", 23, date(2026, 2, 3), "2026-02-03T18:00Z"),  # 45 minutes, from 17:15
        ("UTC", 0, date(2026, 2, 3), "2026-02-03T00:00Z"),
    ],
)
def test_usual_start_is_local(zone, hour, day, start):
    """Clocks that change, and zones off whole hours, start at the next whole UTC hour."""
    load = DeferrableLoad(1.0, "eu-central-1", start_hour=hour, hours=1, within_hours=2)

    assert usual_start_at(day, load, ZoneInfo(zone)) == datetime.fromisoformat(start).timestamp()


@pytest.mark.parametrize("change", [date(2026, 3, 29), date(2026, 10, 25)])
def test_every_local_day_once_when_clocks_change(change):
    """The days before and after a change of clocks are there, and none of them twice."""
    begin_at = datetime(change.year, change.month, change.day - 12, tzinfo=UTC).timestamp()
    hours = {begin_at + n * HOUR: 400.0 for n in range(15 * 24)}

    days = backtest(hours, NIGHTLY, BERLIN, begin_at, begin_at + 15 * DAY)

    assert [day.date for day in days] == [change + timedelta(days=n) for n in range(-8, 3)]


@pytest.mark.parametrize(
    ("within_hours", "until", "newest"),
    [
        (3, "2026-02-10T05:00Z", date(2026, 2, 10)),
        (3, "2026-02-10T04:59Z", date(2026, 2, 9)),
        (24, "2026-02-10T00:00Z", date(2026, 2, 8)),
        (48, "2026-02-10T00:00Z", date(2026, 2, 7)),
    ],
)
def test_newest_date_is_over(within_hours, until, newest):
    """The newest day whose deadline has passed."""
    load = DeferrableLoad(1.0, "eu-central-1", start_hour=2, hours=1, within_hours=within_hours)

    assert newest_date(load, GREENWICH, datetime.fromisoformat(until).timestamp()) == newest


@st.composite
def loads(draw):
    """Jobs of up to six hours that may wait for up to two days."""
    hours = draw(st.integers(1, 6))
    within_hours = draw(st.integers(hours, 48))
    return DeferrableLoad(500.0, "eu-central-1", draw(st.integers(0, 23)), hours, within_hours)


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Los_Angeles"])
SEEDS = st.integers(0, 2**32)
SPRING = datetime(2026, 3, 20, tzinfo=UTC)  # both America and Europe change clocks around it


def random_grid(seed: int, days: int, missing_ratio: float) -> dict[datetime, int]:
    """Few different values, so that many starts tie."""
    random = Random(seed)  # noqa: S311 - a made-up grid
    return {
        SPRING + timedelta(hours=n): random.choice((100, 150, 200, 400))
        for n in range(24 * days)
        if random.random() >= missing_ratio
    }


def seconds(hours: Mapping[datetime, int]) -> dict[float, float]:
    """The same by epoch seconds."""
    return {hour.timestamp(): float(grams) for hour, grams in hours.items()}


@settings(max_examples=60, deadline=None)
@given(SEEDS, loads(), ZONES, st.sampled_from([0.0, 0.02, 0.2]))
def test_agrees_with_a_second_implementation(seed, load, zone, missing_ratio):
    """Random grids with holes, in several time zones: the same days, choices and sums."""
    hours, end = random_grid(seed, 16, missing_ratio), SPRING + timedelta(days=16)

    days = backtest(seconds(hours), load, ZoneInfo(zone), SPRING.timestamp(), end.timestamp())

    expected = time_shift_reference.days(hours, load, ZoneInfo(zone), SPRING, end)
    assert days == tuple(
        BacktestDay(
            day.date,
            day.decided.timestamp(),
            day.start.timestamp(),
            float(day.usual),
            float(day.chosen),
        )
        for day in expected
    )


def decisions(days: tuple[BacktestDay, ...], until_at: float) -> list[tuple[float, float]]:
    """When each day up to an instant was decided, and how."""
    return [(day.decided_at, day.start_at) for day in days if day.decided_at <= until_at]


@settings(max_examples=40, deadline=None)
@given(SEEDS, SEEDS, loads(), ZONES)
def test_the_future_changes_no_decision(seed, poison_seed, load, zone):
    """For every day: whatever had not ended when it was decided may be anything at all."""
    hours = seconds(random_grid(seed, 14, 0.0))
    random = Random(poison_seed)  # noqa: S311 - a made-up grid
    first_at, until_at, time_zone = min(hours), max(hours) + HOUR, ZoneInfo(zone)
    days = backtest(hours, load, time_zone, first_at, until_at)

    for day in days:
        poisoned = {
            hour_at: grams if hour_at + HOUR <= day.decided_at else random.choice((0.0, 1e6))
            for hour_at, grams in hours.items()
        }
        again = backtest(poisoned, load, time_zone, first_at, until_at)

        assert decisions(again, day.decided_at) == decisions(days, day.decided_at)


@settings(max_examples=60, deadline=None)
@given(SEEDS, loads(), st.data())
def test_one_hour_of_the_future_changes_no_decision(seed, load, data):
    """Any single hour, changed to any value: days decided before its end stay as they were."""
    hours = seconds(random_grid(seed, 14, 0.0))
    first_at, until_at = min(hours), max(hours) + HOUR
    hour_at = data.draw(st.sampled_from(sorted(hours)))
    grams = data.draw(st.floats(0, 1e6))

    days = backtest(hours, load, BERLIN, first_at, until_at)
    again = backtest(hours | {hour_at: grams}, load, BERLIN, first_at, until_at)

    before_its_end_at = hour_at + HOUR - 1
    assert decisions(again, before_its_end_at) == decisions(days, before_its_end_at)


def test_the_past_does_change_decisions():
    """The poison works: the hour that ended at the decision is part of what was known."""
    load = DeferrableLoad(1.0, "eu-central-1", start_hour=2, hours=1, within_hours=24)
    hours = grid(8)

    (*_, day) = run(hours | {at(6, 1): 0.0}, load, days=8)

    assert (day.decided_at, day.start_at) == (at(6, 2), at(7, 1))
