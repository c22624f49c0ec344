from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from math import exp, hypot
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.bounded import Bounded
from exporter.core.evidence import GapReason
from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.backtest import BacktestDay, backtest
from exporter.core.scenarios.outcome import Outcome, Scenario, ScenarioGap
from exporter.core.scenarios.plan import DeferrableLoad
from exporter.core.scenarios.time_shift import time_shift, time_shift_of
from tests.core.scenarios import time_shift_reference
from tests.core.scenarios.scenes import MONDAY_AT, SITING, facts, history, plan

HOUR = 3600.0
DAY = 86400.0
SIX_WEEKS = 42
NIGHTLY = DeferrableLoad(1000.0, "eu-central-1", start_hour=2, hours=1, within_hours=4)
MONTH_DAYS = 365.25 / 12


def case(hours, days=SIX_WEEKS, **changes):
    """Facts of a fleet without instances, watched for some days, and the grid of Frankfurt."""
    watched = history(known=[True] * (24 * days))
    return facts(watched, intensities={"DE": hours}, **changes)


def grid(days=SIX_WEEKS, **by_clock):
    """400 g/kWh in every hour but those named, h03=100, from a week before the history on."""
    special = {int(name.removeprefix("h")): grams for name, grams in by_clock.items()}
    return {MONDAY_AT + n * HOUR: special.get(n % 24, 400.0) for n in range(-168, days * 24)}


def shift(hours, load=NIGHTLY, **changes):
    """The outcome of the nightly job on a grid."""
    return time_shift(case(hours, **changes), plan(deferrable=load))


def bounds(found: Bounded) -> tuple[float, float | None, float | None]:
    """Value, lower and upper."""
    return found.value, found.lower, found.upper


def test_a_grid_that_is_clean_at_three():
    """1 kW x 1.25 PUE x (400 - 100) g/kWh = 375 g a day; three quarters of 500 g.

    All weeks are alike: what is left of the band is the season's drift, and the scale's error.
    """
    found = shift(grid(h03=100.0))

    assert isinstance(found, Outcome)
    assert found.scenario is Scenario.TIME_SHIFT
    assert bounds(found.emissions.ratio) == pytest.approx((0.75, 0.74, 0.76))
    grams, factor = 375.0 * MONTH_DAYS, exp(1.85 * hypot(0.05, 0.03))
    assert bounds(found.emissions.per_month) == pytest.approx(
        (
            grams,
            grams - hypot(grams - grams / factor, 0.08 * grams),
            grams + hypot(grams * factor - grams, 0.08 * grams),
        )
    )
    assert (found.samples, found.worse_ratio, found.covered_ratio) == (28, 0.0, 1.0)
    assert found.feasible
    assert found.target_region == ""


def test_money_is_not_saved():
    """Prices are the same at every hour: exactly nothing, and certain."""
    found = shift(grid(h03=100.0))

    assert isinstance(found, Outcome)
    assert found.cost.ratio == found.cost.per_month == Bounded(0.0, 0.0, 0.0)
    assert found.saved_usd_by_account == {}


def misleading(newest_week_clean):
    """02:00 is always 300; 03:00 is 100 for a week, then 500 for a week, and so on."""
    hours = {}
    for n in range(-168, SIX_WEEKS * 24):
        clean = (n // 168) % 2 == (1 if newest_week_clean else 0)
        by_clock = {2: 300.0, 3: 100.0 if clean else 500.0}
        hours[MONDAY_AT + n * HOUR] = by_clock.get(n % 24, 900.0)
    return hours


def test_the_days_before_may_mislead():
    """The mean of seven days lags behind a fortnight's rhythm: what seems to save, costs.

    In a dirty week the mean is below 300 on its first four days: 4 x 200 g more; in a clean week
    it is from its fifth day on: 3 x 200 g less. 200 g of 14 x 300 g are lost a fortnight. The
    oracle would have saved a third.
    """
    load = replace(NIGHTLY, within_hours=2)

    found = time_shift(
        case(misleading(newest_week_clean=True)), plan(deferrable=load, time_zone=ZoneInfo("UTC"))
    )

    assert isinstance(found, Outcome)
    assert found.emissions.ratio.value == pytest.approx(-200 / (14 * 300))
    assert found.emissions.per_month.value == pytest.approx(-200 / 14 * 1.25 * MONTH_DAYS)
    assert found.worse_ratio == 8 / 28
    assert not found.feasible


def test_weeks_that_differ_widen_the_band():
    """Saved 600, -800, 600, -800 of 2100 each: 700 to both sides of -100, times 4/3 for n - 1."""
    load = replace(NIGHTLY, within_hours=2)

    found = shift(misleading(newest_week_clean=True), load)

    assert isinstance(found, Outcome)
    spread = 700 * (4 / 3) ** 0.5 * 1.3 * 2.353 * (1 / 4 + 7 / MONTH_DAYS) ** 0.5
    half = hypot(spread / 2100, 0.01)
    assert bounds(found.emissions.ratio) == pytest.approx((-1 / 21, -1 / 21 - half, -1 / 21 + half))
    loss, per_month = 100 * 1.25, MONTH_DAYS / 7  # 1 kW x PUE
    factor = exp(1.85 * hypot(0.05, 0.03))
    weeks = hypot(spread * 1.25, 0.08 * loss)
    assert bounds(found.emissions.per_month) == pytest.approx(
        (
            -loss * per_month,
            -(loss + hypot(weeks, loss * factor - loss)) * per_month,
            -(loss - hypot(weeks, loss - loss / factor)) * per_month,
        )
    )


def without(hours, *dates):
    """The grid without 02:00 of some days: their usual run is not known."""
    gone = {datetime(2026, month, day, 2, tzinfo=UTC).timestamp() for month, day in dates}
    return {at: grams for at, grams in hours.items() if at not in gone}


def test_a_week_may_lack_a_day():
    """The other six stand for all seven: per month nothing is lost, and the days are counted."""
    hours = without(grid(h03=100.0), (3, 14))

    found = shift(hours)

    assert isinstance(found, Outcome)
    assert (found.samples, found.covered_ratio) == (27, 27 / 28)
    assert found.emissions.per_month.value == pytest.approx(375.0 * MONTH_DAYS)


def test_a_week_that_lacks_two_days_is_left_out():
    """An older one takes its place: the newest week's 350 g/kWh at 03:00 do not count."""
    hours = grid(h03=100.0)
    for day in range(9, 16):
        hours[datetime(2026, 3, day, 3, tzinfo=UTC).timestamp()] = 350.0

    found = shift(without(hours, (3, 10), (3, 14)))

    assert isinstance(found, Outcome)
    assert found.samples == 28
    assert found.emissions.ratio.value == pytest.approx(0.75)


def test_three_weeks_of_six_that_lack_two_days():
    """Three usable weeks are too few."""
    hours = without(grid(), (3, 10), (3, 14), (3, 3), (3, 4), (2, 23), (2, 26))

    assert shift(hours) is ScenarioGap.TOO_LITTLE_HISTORY


@pytest.mark.parametrize(("days", "enough"), [(26, False), (27, True), (28, True)])
def test_four_weeks_of_days(days, enough):
    """Four days before the first that can be decided; its week may lack one."""
    first_at = MONDAY_AT + (SIX_WEEKS - days - 4) * DAY
    hours = {at: grams for at, grams in grid(h03=100.0).items() if at >= first_at}

    found = shift(hours)

    assert isinstance(found, Outcome) is enough
    assert enough or found is ScenarioGap.TOO_LITTLE_HISTORY


def test_the_seventh_week_back_is_too_old():
    """Weeks 3 to 7 are known, of which only four lie in the newest six: enough; one less is not."""
    hours = {MONDAY_AT + n * HOUR: 400.0 for n in range(-60 * 24, SIX_WEEKS * 24)}
    until_at = MONDAY_AT + SIX_WEEKS * DAY
    two_weeks = {at: grams for at, grams in hours.items() if at < until_at - 14 * DAY}
    three_weeks = {at: grams for at, grams in hours.items() if at < until_at - 21 * DAY}

    assert isinstance(shift(two_weeks), Outcome)
    assert shift(three_weeks) is ScenarioGap.TOO_LITTLE_HISTORY


def test_hours_after_the_newest_midnight_do_not_count():
    """Evidence ends with the history, whatever the grid source has sent since."""
    hours = grid(h03=100.0)
    later = {MONDAY_AT + n * HOUR: 1.0 for n in range(SIX_WEEKS * 24, SIX_WEEKS * 24 + 300)}

    assert shift(hours | later) == shift(hours)


def test_a_job_that_may_wait_past_midnight():
    """The newest day is the one whose deadline is over."""
    load = replace(NIGHTLY, within_hours=24)
    hours = grid(h03=100.0, h01=50.0)

    found = shift(hours, load)

    assert isinstance(found, Outcome)
    assert found.samples == 28
    assert found.emissions.ratio.value == pytest.approx(350 / 400)


WITHOUT_PUE = Siting(SITING.grid_zones, {})
WITHOUT_ZONE = Siting({}, SITING.pue)


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        ({"siting": WITHOUT_PUE}, ScenarioGap.NO_PUE),
        ({"siting": WITHOUT_ZONE}, ScenarioGap.ZONE_NOT_COVERED),
        ({"siting": Siting({}, {})}, ScenarioGap.NO_PUE),
        ({"intensities": {}}, ScenarioGap.NO_GRID_INTENSITY),
        ({"intensities": {"DE": {}}}, ScenarioGap.NO_GRID_INTENSITY),
        (
            {"intensities": {}, "grid_gaps": {"DE": GapReason.NOT_CONFIGURED}},
            ScenarioGap.NOT_CONFIGURED,
        ),
        (
            {"intensities": {"DE": {}}, "grid_gaps": {"DE": GapReason.ZONE_NOT_COVERED}},
            ScenarioGap.ZONE_NOT_COVERED,
        ),
        ({"intensities": {"DE": {MONDAY_AT: 400.0}}}, ScenarioGap.TOO_LITTLE_HISTORY),
    ],
)
def test_what_is_not_known_of_its_region(changes, gap):
    """The scenario is absent, with the reason."""
    known = replace(case(grid()), **changes)

    assert time_shift(known, plan(deferrable=NIGHTLY)) is gap


def test_not_configured():
    """Without a job there is nothing to shift."""
    assert time_shift(case(grid()), plan()) is ScenarioGap.NOT_CONFIGURED


@pytest.mark.parametrize(
    ("watts", "grams"), [(1000.0, 0.0), (0.0, 400.0)], ids=["clean grid", "no power"]
)
def test_nothing_to_save(watts, grams):
    """A share of no emissions is not known."""
    hours = dict.fromkeys(grid(), grams)

    assert shift(hours, replace(NIGHTLY, watts=watts)) is ScenarioGap.NO_CANDIDATES


def test_a_fleet_that_was_never_watched():
    """The job is not of the fleet: the newest midnight is all that is used of the history."""
    watched = case(grid(h03=100.0))
    unwatched = replace(watched, history=history(known=[], since_at=watched.history.until_at))

    assert time_shift(unwatched, plan(deferrable=NIGHTLY)) == shift(grid(h03=100.0))


def test_of_any_days_of_a_longer_back_test():
    """Weeks count back from the newest day asked for: what came before or after is no matter."""
    first = date(2025, 1, 1)
    days = [
        BacktestDay(first + timedelta(days=n), n * DAY, n * DAY, usual=4.0, chosen=float(n // 30))
        for n in range(120)
    ]

    found = time_shift_of(days, date(2025, 2, 28), NIGHTLY, pue_ratio=1.25)

    assert isinstance(found, Outcome)
    assert found.emissions.ratio.value == pytest.approx(3 / 4)  # chosen = 1 from 31 January on


ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "America/Los_Angeles"])


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    since=st.dates(date(2026, 1, 1), date(2026, 12, 1)),
    load=st.builds(
        DeferrableLoad,
        watts=st.floats(1, 1e5),
        region=st.just("eu-central-1"),
        start_hour=st.integers(0, 23),
        hours=st.integers(1, 4),
        within_hours=st.integers(4, 30),
    ),
    zone=ZONES,
    missing_ratio=st.sampled_from([0.0, 0.005, 0.01, 0.02]),
)
def test_agrees_with_a_second_implementation(seed, since, load, zone, missing_ratio):
    """Random grids with holes, all year round: value, bands and days, or too little history."""
    random = Random(seed)  # noqa: S311 - a made-up grid
    begin = datetime(since.year, since.month, since.day, tzinfo=UTC)
    end = begin + timedelta(days=SIX_WEEKS)
    hours = {
        begin + timedelta(hours=n): random.randint(50, 500)
        for n in range(-168, SIX_WEEKS * 24)
        if random.random() >= missing_ratio
    }
    watched = history(known=[True] * (24 * SIX_WEEKS), since_at=begin.timestamp())
    known = facts(
        watched, intensities={"DE": {at.timestamp(): float(grams) for at, grams in hours.items()}}
    )

    found = time_shift(known, plan(deferrable=load, time_zone=ZoneInfo(zone)))

    days = list(time_shift_reference.days(hours, load, ZoneInfo(zone), begin, end))
    newest = time_shift_reference.newest(load, ZoneInfo(zone), end)
    expected = time_shift_reference.shift(days, newest, load, pue_ratio=1.25)
    if expected is None:
        assert found is ScenarioGap.TOO_LITTLE_HISTORY
        return
    assert isinstance(found, Outcome)
    assert bounds(found.emissions.ratio) == pytest.approx(expected.ratio)
    assert bounds(found.emissions.per_month) == pytest.approx(expected.per_month)
    assert (found.samples, found.worse_ratio) == (expected.samples, expected.worse_ratio)
    assert found.covered_ratio == expected.samples / 28
    assert found.feasible == (expected.ratio[0] > 0.02 and expected.worse_ratio < 0.2)


def test_decides_as_the_back_test_says():
    """The exporter's own figures are those of the days that a benchmark can look at."""
    known, zone = case(grid(h03=100.0)), ZoneInfo("Europe/Berlin")
    until_at = known.history.until_at

    days = backtest(known.intensities["DE"], NIGHTLY, zone, until_at - 42 * DAY, until_at)

    assert time_shift(known, plan(deferrable=NIGHTLY, time_zone=zone)) == time_shift_of(
        days, days[-1].date, NIGHTLY, pue_ratio=1.25
    )
