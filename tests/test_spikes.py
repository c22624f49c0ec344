"""The carbon-spike rule in plain Python, against figures worked out by hand."""

import random
from itertools import islice, pairwise
from math import exp, sqrt

import pytest

from exporter.core.evidence import MeteredRun
from exporter.core.power import MeasuredLoad, PowerCurve, average_power, measured_load
from exporter.sources.aws.cpu_poll import CpuPoll
from tests.benchmarks.spike_demand import budget_alarms
from tests.benchmarks.spike_grid import hourly_quantiles
from tests.benchmarks.spike_incidents import Incident, Watched
from tests.benchmarks.spike_loads import (
    Load,
    Machine,
    Pools,
    is_office,
    office_hours,
    shuffled,
    steady,
    together,
    whole_days,
)
from tests.benchmarks.spike_promtool import Case, compressed, failed_checks
from tests.benchmarks.spike_rule import (
    DAY,
    DAYS_BACK,
    HOUR,
    WAITED,
    WEEK,
    WEEKS_BACK,
    Comparison,
    Kind,
    References,
    Rule,
    Run,
    alarms,
)
from tests.benchmarks.spike_rules import factor_and_hold, spike_rules
from tests.benchmarks.spike_sampling import Poll, held, held_grid, noise_multiples, polls, window
from tests.benchmarks.spike_study import CHOSEN, per_month, written_minutes
from tests.factories import instance
from tests.validation.load_weeks import WATTS

NOON = 12 * HOUR


def drawing(seed: int) -> random.Random:
    """Random numbers that are the same in every run."""
    return random.Random(seed)  # noqa: S311 - nothing to protect


def days_of(*watts: float) -> list[float]:
    """Whole days of constant power, by minute."""
    return [each for each in watts for _ in range(DAY)]


# References


def test_same_hours_are_means_of_the_days_that_exist():
    """On the third day there are two days to compare with, and no week."""
    references = References(days_of(100.0, 200.0, 300.0))
    minute = 2 * DAY + NOON

    assert references.same_hours(minute, DAYS_BACK) == 150.0
    assert references.same_hours(minute, WEEKS_BACK) is None


def test_the_largest_reference_counts():
    """24 hours hold 719 minutes of yesterday and 721 of today: more than the same hours' 150."""
    references = References(days_of(100.0, 200.0, 300.0))

    assert references.by_minute[2 * DAY + NOON] == pytest.approx((719 * 200 + 721 * 300) / 1440)


def test_the_same_hour_lies_around_the_minute():
    """An hour of 700 W from noon: half of it counts at noon of the next day, all at half past."""
    power = days_of(100.0, 100.0)
    power[NOON : NOON + HOUR] = [700.0] * HOUR
    references = References(power)

    # The mean of an hour that ends with a minute is told by that minute: hence the one.
    assert references.same_hours(DAY + NOON - 1, DAYS_BACK) == pytest.approx(400.0)
    assert references.same_hours(DAY + NOON + 29, DAYS_BACK) == pytest.approx(700.0)
    assert references.same_hours(DAY + NOON + 89, DAYS_BACK) == pytest.approx(100.0)


def test_seven_days_and_four_weeks():
    """With 29 days behind it a Monday is compared with seven days and four Mondays."""
    levels = [float(100 + day) for day in range(36)]
    references = References(days_of(*levels))
    minute = 30 * DAY + NOON

    assert references.same_hours(minute, DAYS_BACK) == pytest.approx(sum(levels[23:30]) / 7)
    weeks = [levels[day] for day in (23, 16, 9, 2)]
    assert references.same_hours(minute, WEEKS_BACK) == pytest.approx(sum(weeks) / 4)


def test_references_at_every_minute_are_those_of_single_minutes():
    """The quick way is the plain one, at any length of history."""
    draw = drawing(3)
    power = [draw.uniform(50, 150) for _ in range(2 * WEEK)]
    for kind, offsets in (
        (Kind.SAME_HOUR_7_DAYS, DAYS_BACK),
        (Kind.SAME_HOUR_4_WEEKS, WEEKS_BACK),
    ):
        references = References(power, [kind])
        for minute in (DAY - 31, DAY - 30, DAY, WEEK - 30, WEEK + 5, 2 * WEEK - 1):
            plain = references.same_hours(minute, offsets) or 0.0
            assert references.by_minute[minute] == pytest.approx(plain)


def test_the_alert_may_be_pending_once_there_is_an_hour_of_the_week_before():
    """The shipped rule waits for the same hour of a week ago."""
    references = References([1.0] * (WEEK + 1))

    assert references.same_hours(WAITED - 1, WEEKS_BACK) is None
    assert references.same_hours(WAITED, WEEKS_BACK) == 1.0


# The rule


@pytest.mark.parametrize(("minutes", "fired_at"), [(60, None), (61, 160), (90, 160)])
def test_it_fires_when_it_was_pending_for_long_enough(minutes, fired_at):
    """Pending from its first minute on, it fires in the minute in which the hour is over."""
    assert Run(100, 100 + minutes).fired_at(60) == fired_at


def test_runs_of_a_doubling():
    """A day of 100 W, then 200 W: above 1.5 times the mean until the mean has come after it."""
    power = [*days_of(100.0), *days_of(200.0)]

    found = Comparison(References(power, [Kind.LAST_24_HOURS]), 1.5).runs(DAY)

    # n minutes in, the mean is 100 + 100 n / 1440: 133.3 W, two thirds of 200, at n = 480.
    assert found == [Run(DAY, DAY + 479)]
    assert alarms(found, 60) == [DAY + 60]


def test_noise_raises_the_factor():
    """What is not more than noise does not count."""
    power = [*days_of(100.0), *[200.0] * 60]
    noise = [*[1.0] * DAY, *[2.5] * 30, *[1.0] * 30]

    found = Comparison(References(power, [Kind.SAME_HOUR_7_DAYS]), 1.5, noise).runs(DAY)

    assert found == [Run(DAY + 30, DAY + 60)]


def test_an_incident_is_what_it_would_be_if_it_had_happened():
    """Adding an incident to a ready fleet gives the runs of a fleet with that incident."""
    draw = drawing(4)
    load = Load([draw.uniform(80, 120) for _ in range(9 * 288)], 0.1)
    incident = Incident(8 * DAY + 127, 200)
    quiet = Watched.of(load, 900.0, drawing(5), WAITED)
    watts = list(load.watts)
    for slot, excess in incident.excess(watts).items():
        watts[slot] += excess
    struck = Watched.of(Load(watts, 0.1), 900.0, drawing(5), WAITED)

    whole = Comparison(struck.references, 1.5).runs(WAITED)

    assert [run.begin for run in quiet.runs_in(incident, 1.5)] == [run.begin for run in whole]
    assert len(whole) == 1
    assert 127 + 10 <= whole[0].begin - 8 * DAY <= 127 + 35


def test_an_incident_counts_by_the_share_of_each_slot():
    """Six minutes from the second of a slot on: three of five minutes in each of two slots."""
    assert Incident(2, 6).excess([100.0, 50.0]) == pytest.approx({0: 60.0, 1: 30.0})


def test_found_before_it_is_over_and_because_of_it():
    """A doubling of a flat fleet is found; one that ends within the hour is not."""
    load = Load([100.0] * (9 * 288), 0.1)
    fleet = Watched.of(load, 900.0, drawing(6), WAITED)

    found = fleet.found([Incident(8 * DAY, 180), Incident(8 * DAY, 50)], [CHOSEN])[CHOSEN]

    assert found.incidents == 2
    assert found.ratio == 0.5
    assert found.median_hours is not None
    assert 1.0 < found.median_hours < 1.7


def test_months_and_alarms():
    """A fleet that doubles for half a day fires once; a month has 30 days."""
    watts = [100.0] * (40 * 288)
    watts[35 * 288 : 35 * 288 + 144] = [200.0] * 144
    fleet = Watched.of(Load(watts, 0.1), 900.0, drawing(7), 10 * DAY)

    assert fleet.months == 1.0
    assert fleet.peak_ratio == pytest.approx(2.0, abs=0.02)
    assert {rule: len(at) for rule, at in fleet.alarms([CHOSEN, Rule(2.5, 60)]).items()} == {
        CHOSEN: 1,
        Rule(2.5, 60): 0,
    }


def test_emissions_rise_with_the_grid():
    """A steady fleet: nothing on power; on emissions the grid alone fires."""
    load = Load([100.0] * (9 * 288), 0.1)
    fleet = Watched.of(load, 900.0, drawing(8), WAITED)
    grams = [*[300.0] * (8 * DAY), *[700.0] * DAY]

    assert fleet.alarms([CHOSEN])[CHOSEN] == []
    assert fleet.on_emissions(grams, tuple(Kind)).alarms([CHOSEN])[CHOSEN] == [8 * DAY + 60]


def test_a_budget_alarm_needs_a_day_at_twice_the_usual():
    """A day at four times the usual is one; a quarter of a day is none."""
    watts = [100.0] * (60 * 288)
    watts[40 * 288 : 41 * 288] = [400.0] * 288
    long = Watched.of(Load(watts, 0.1), 900.0, drawing(15), 10 * DAY)
    watts[40 * 288 + 72 : 41 * 288] = [100.0] * 216
    short = Watched.of(Load(watts, 0.1), 900.0, drawing(15), 10 * DAY)

    assert budget_alarms(long) == 1
    assert budget_alarms(short) == 0


# Sampling


@pytest.mark.parametrize("interval_seconds", [900.0, 3600.0, 10800.0])
@pytest.mark.parametrize("late_seconds", [60.0, 200.0])
def test_a_poll_averages_what_the_exporter_averages(interval_seconds, late_seconds):
    """The same slots, and the same watts, as the exporter's own poll and power model."""
    draw = drawing(9)
    percents = {slot * 300.0: draw.uniform(0, 100) for slot in range(300)}
    curve = PowerCurve.through(WATTS)
    subject = instance(launched_at=0.0)
    for _ in range(20):
        at = draw.uniform(50_000, 85_000)
        known = {slot: cpu for slot, cpu in percents.items() if slot + 300 + late_seconds <= at}
        poll = CpuPoll.after(None, at, interval_seconds)
        entry = poll.entry(MeteredRun(subject), known)
        load = measured_load(subject, entry, at)

        slots = window(at, interval_seconds, late_seconds)

        assert [300 * slot for slot in slots] == [entry.window_start_at, entry.window_end_at]
        watts = [curve.at(percent) for percent in percents.values()]
        shown = held(watts, [Poll(1, *slots)], 1)[0]
        assert isinstance(load, MeasuredLoad)
        assert shown == pytest.approx(average_power(curve, load).watts)


def test_polls_come_at_eighty_to_ninety_percent_of_the_interval():
    """A quarter of an hour: every 12 to 13.5 minutes, seen a minute later at most two."""
    found = polls(3 * DAY, 900.0, drawing(10))
    apart = [after.minute - before.minute for before, after in pairwise(found)]

    assert set(apart) <= {12, 13, 14}
    assert {poll.end - poll.begin for poll in found} == {3}
    assert all(1 <= poll.minute - poll.end * 5 <= 11 for poll in found)


def test_power_is_held_until_the_next_poll():
    """The first poll also stands for the minutes before it."""
    watts = [10.0, 20.0, 30.0, 40.0]

    assert held(watts, [Poll(3, 0, 3), Poll(5, 1, 4)], 8) == [20.0] * 5 + [30.0] * 3


def test_an_hour_of_the_grid_is_told_an_hour_late():
    """Asked for at one o'clock the hour from midnight is in force, and held for most of an hour."""
    shown = held_grid([100.0, 200.0, 300.0, 400.0], 4 * HOUR, drawing(11))

    assert shown[:61] == [100.0] * 61
    assert shown[120] in (100.0, 200.0)
    assert set(shown) == {100.0, 200.0, 300.0}


def test_noise_by_age_and_fleet():
    """A quarter of an hour old, one instance: exp(1.5 x 1.85 x 0.20); of four like ones half."""
    single = noise_multiples([Poll(1, 0, 0)], 31, 1.0)
    four = noise_multiples([Poll(1, 0, 0)], 31, 0.5)

    assert single is not None
    assert four is not None
    assert single[15] == pytest.approx(exp(1.5 * 1.85 * 0.20))
    assert four[30] == pytest.approx(exp(1.5 * 1.85 * 0.24 / 2))
    assert noise_multiples([Poll(1, 0, 0)], 31, 0.1) is None


# Fleets


def test_days_of_a_recording():
    """Broken days at the ends are left out, a gap is held from before."""
    slots = {number: 0.0 for number in range(100, 3 * 288) if number != 300}
    slots[299] = 100.0

    days = whole_days(slots)

    assert [len(day) for day in days] == [288, 288]
    assert days[0][10:14] == [WATTS[0], WATTS[-1], WATTS[-1], WATTS[0]]


def test_a_fleet_is_the_sum_of_its_machines():
    """Sizes count, and only days that all have."""
    small = Machine([[1.0] * 288, [2.0] * 288])
    large = Machine([[3.0] * 288], scale=4.0)

    fleet = together([small, large])

    assert fleet.watts == [13.0] * 288
    assert fleet.concentration == pytest.approx(sqrt(1 + 144) / 13)


def test_a_steady_fleet_is_made_of_recorded_days():
    """Each instance draws what its machine drew on some day, from any slot on."""
    day = [float(slot) for slot in range(288)]
    pools: Pools = {"set": [Machine([day])]}

    fleet = steady(pools, [1.0, 2.0], 3, drawing(12))

    assert len(fleet.watts) == 3 * 288
    assert sum(fleet.watts) == pytest.approx(3 * 3 * sum(day))
    assert fleet.concentration == pytest.approx(sqrt(1 + 4) / 3)
    once = steady(pools, [1.0], 1, drawing(13)).watts
    assert sorted(once) == day
    assert once != day


def test_shuffled_days_stay_whole():
    """What the machines of a fleet did together on a day stays together."""
    load = Load([*[1.0] * 288, *[2.0] * 288], 0.1)

    watts = shuffled([load], 5, drawing(14)).watts

    assert len(watts) == 5 * 288
    assert all(len(set(watts[day * 288 : (day + 1) * 288])) == 1 for day in range(5))


def test_office_hours_are_twelve_hours_on_five_days():
    """60 of 168 hours; none on days that are shut."""
    assert sum(is_office(slot) for slot in range(7 * 288)) == 60 * 12
    assert not is_office(9 * 12, shut_days=range(1))
    load = office_hours(Load([100.0] * 288, 0.1), 0.3)
    assert load.watts[6 * 12] == 30.0
    assert load.watts[7 * 12] == 100.0


# The grid


def test_quantile_of_the_last_28_days():
    """As PromQL interpolates: 0.95 of the way through what there is, at most 672 hours."""
    found = hourly_quantiles([float(hour) for hour in range(700)])

    assert found[0] == 0.0
    assert found[20] == pytest.approx(19.0)
    assert found[699] == pytest.approx(28 + 0.95 * 671)


# The shipped rule


def test_the_shipped_alert_is_the_chosen_rule():
    """Factor, guard and duration of the rule file are those that the tables speak of."""
    *needed, alert = spike_rules()

    factor, *guards, hold = factor_and_hold(alert)
    assert float(factor) == CHOSEN.factor
    assert set(guards) == {"0", "0.5", "0.9"}  # a past, and what is known, now and as usual
    assert hold == written_minutes(CHOSEN.hold_minutes)
    assert "fleet:carbonfinops_instance_power_watts:reference" in {
        rule["record"] for rule in needed
    }


def test_recording_rules_come_before_what_needs_them():
    """Evaluated in this order, no rule sees what another had a minute before."""
    seen: set[str] = set()
    recorded = {rule["record"] for rule in islice(spike_rules(), len(spike_rules()) - 1)}
    for rule in spike_rules():
        assert not {name for name in recorded - seen if f"{name}{{" in rule["expr"]}
        seen.add(rule.get("record", ""))


def test_series_of_promtool():
    """Equal neighbours are written once, with how often they are repeated."""
    assert compressed([1.0, 1.0, 2.5]) == "1.0x1 2.5x0"


def test_promtool_contradicts_an_alarm_that_is_none(tool):
    """In the first week nothing fires, whatever the power: a case that claims it fails."""
    power = [*[100.0] * (DAY + 60), *[300.0] * 180]
    silent = Case("silent", power, None, [])

    promtool = tool("promtool")
    assert failed_checks(promtool, silent) == []
    assert failed_checks(promtool, silent._replace(fired=[Run(DAY + 120, DAY + 240)]))


def test_alarms_a_month():
    """None is written as such."""
    assert per_month(0, 7.2) == "0"
    assert per_month(3, 2.0) == "1.5"
