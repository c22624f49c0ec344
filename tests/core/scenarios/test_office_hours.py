"""Office hours: what a weekly schedule would have saved."""

from dataclasses import replace
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.bounded import Bounded
from exporter.core.evidence import GapReason
from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.office_hours import office_hours
from exporter.core.scenarios.outcome import Outcome, Scenario, ScenarioGap
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.core.scenarios.usage import UsageSeries
from tests.core.scenarios.fleets import KEYS, after_the_end, fleets, plans
from tests.core.scenarios.office_reference import Band, Expected, expected_office_hours
from tests.core.scenarios.scenes import (
    FOUR_WEEKS,
    SITING,
    TEN_WATTS_JOULES,
    facts,
    history,
    intensity,
    key,
    plan,
    series,
)

WEEKS_PER_MONTH = 30.4375 / 7
ALWAYS = WeeklySchedule(((0, 7 * 24 * 60),))
NEVER = WeeklySchedule(())
OFFICE = [n % 168 < 120 and 8 <= n % 24 < 18 for n in range(FOUR_WEEKS)]
"""Whether an hour of the history is in Mon-Fri 08:00-18:00 UTC: 50 of 168."""

IN_SCOPE = KEYS.map(lambda each: each._replace(environment="dev", location="eu-central-1"))


def outcome(known: CaseFacts, settings: ScenarioPlan | None = None) -> Outcome:
    found = office_hours(known, settings or plan())
    assert isinstance(found, Outcome)
    return found


def band(of: Bounded) -> Band:
    assert of.lower is not None
    assert of.upper is not None
    return of.lower, of.value, of.upper


def test_a_server_that_always_runs_by_hand() -> None:
    """0.10 USD and 10 W x 1.25 x 400 g/kWh = 5 g an hour; off in 118 of 168 hours.

    A week saves 11.80 USD and 590 g of 16.80 USD and 840 g. The weeks are alike: the cost has no
    spread, the share of emissions 0.01 for the drift, the grams 8 % of themselves for it, and in
    quadrature the scale's exp(-+1.85 x 0.2958): 205 g, and 1081 g below or 1869 g above.
    """
    found = outcome(facts())
    assert found.scenario is Scenario.OFFICE_HOURS
    assert band(found.cost.ratio) == pytest.approx((118 / 168,) * 3)
    assert band(found.cost.per_month) == pytest.approx((11.8 * WEEKS_PER_MONTH,) * 3)
    assert band(found.emissions.ratio) == pytest.approx((0.69238, 0.70238, 0.71238), 1e-4)
    assert band(found.emissions.per_month) == pytest.approx((1464.9, 2565.4, 4445.5), 1e-4)
    assert found.saved_usd_by_account == pytest.approx({"111122223333": 11.8 * WEEKS_PER_MONTH})
    assert (found.samples, found.worse_ratio, found.covered_ratio) == (28, 0.0, 1.0)
    assert found.feasible
    assert not found.target_region


def test_a_grid_that_is_cleaner_by_day() -> None:
    """300 g/kWh in office hours and 600 at all others: 118 x 600 of 118 x 600 + 50 x 300."""
    known = history(series())
    grid = {"DE": intensity(known, [300.0 if office else 600.0 for office in OFFICE])}
    found = outcome(facts(known, intensities=grid))
    assert found.emissions.ratio.value == pytest.approx(70_800 / 85_800)
    assert found.cost.ratio.value == pytest.approx(118 / 168)


def test_a_server_that_stops_at_night_saves_nothing_more() -> None:
    """It only ever runs in office hours: there is nothing to switch off, and no advice."""
    running = [3600.0 if office else 0.0 for office in OFFICE]
    usd = [0.1 if office else 0.0 for office in OFFICE]
    joules = [TEN_WATTS_JOULES if office else 0.0 for office in OFFICE]
    found = outcome(facts(history(series(running=running, joules=joules, usd=usd))))
    assert found.cost.ratio.value == found.emissions.ratio.value == 0.0
    assert found.cost.per_month.value == found.emissions.per_month.value == 0.0
    assert found.saved_usd_by_account == {"111122223333": 0.0}
    assert not found.feasible


def test_only_the_office_environments_count() -> None:
    """A production server, and one without the tag, change nothing."""
    others = [series(key(environment=name), usd=9.0) for name in ("prod", "", "develop")]
    assert outcome(facts(history(series(), *others))) == outcome(facts())


def test_each_account_has_its_part() -> None:
    """The second account's server costs three times as much: 35.40 of 47.20 USD a week."""
    groups = series(), series(key(account_id="444455556666"), usd=0.3)
    found = outcome(facts(history(*groups)))
    expected = {"111122223333": 11.8 * WEEKS_PER_MONTH, "444455556666": 35.4 * WEEKS_PER_MONTH}
    assert found.saved_usd_by_account == pytest.approx(expected)
    assert found.cost.per_month.value == pytest.approx(47.2 * WEEKS_PER_MONTH)


def test_a_week_with_unknown_hours_stands_for_a_whole_one() -> None:
    """16 unknown hours of Saturday: 102 of 152 known hours are off, as if of 168."""
    known = [n % 168 not in range(120, 136) for n in range(FOUR_WEEKS)]
    found = outcome(facts(history(series(), known=known)))
    assert found.cost.ratio.value == pytest.approx(102 / 152)
    assert found.cost.per_month.value == pytest.approx(10.2 * 168 / 152 * WEEKS_PER_MONTH)
    assert found.covered_ratio == 1.0


def test_what_stands_in_unknown_hours_is_not_read() -> None:
    """Whatever is in an hour that is not known, the outcome is the same."""
    known = [n % 168 != 130 for n in range(FOUR_WEEKS)]
    wild = [0.1 if each else 1e9 for each in known]
    assert outcome(facts(history(series(usd=wild), known=known))) == outcome(
        facts(history(series(), known=known))
    )


def test_only_the_newest_four_weeks_count() -> None:
    """What was used in the two weeks before them, and on the days of half a week, is past."""
    hours = 6 * 168 + 72
    past = hours - FOUR_WEEKS
    usd, joules = [7.0] * past + [0.1] * FOUR_WEEKS, [1.0] * past + [TEN_WATTS_JOULES] * FOUR_WEEKS
    found = outcome(facts(history(series(hours=hours, usd=usd, joules=joules))))
    assert found.cost.per_month.value == pytest.approx(11.8 * WEEKS_PER_MONTH)
    assert found.emissions.per_month.value == pytest.approx(590 * WEEKS_PER_MONTH)


def test_local_time_decides() -> None:
    """02:00 UTC is 07:30 in Kolkata: half of it is off; the day ends in the middle of 12:00 UTC.

    The hours 02:00 and 12:00 UTC are half on, those between are on: ten hours in all.
    """
    known = history(series())
    grid = {
        "DE": intensity(known, [400.0 if n % 24 in (2, 12) else 0.0 for n in range(FOUR_WEEKS)])
    }
    kolkata = plan(time_zone=ZoneInfo("Asia/Kolkata"))
    found = outcome(facts(known, intensities=grid), kolkata)
    # Of 14 such hours a week 10 are half off, 4 are off all along.
    assert found.emissions.ratio.value == pytest.approx(9 / 14)
    assert found.cost.ratio.value == pytest.approx(118 / 168)


def test_the_change_of_clocks_is_followed() -> None:
    """Off on Sundays 02:00-03:00 in Berlin: an hour that 29 March 2026 does not have."""
    almost = WeeklySchedule(((0, 6 * 1440 + 120), (6 * 1440 + 180, 7 * 1440)))
    march = history(series(), since_at=1_772_409_600.0)  # Monday 2 March 2026
    found = outcome(facts(march), plan(office_hours=almost, time_zone=ZoneInfo("Europe/Berlin")))
    assert found.cost.ratio.value == pytest.approx(3 / 672)


def test_unknown_intensity_lowers_the_coverage_only() -> None:
    """A quarter of the hours has no grid: cost and emissions are of the others only.

    Where that quarter is known to be clean, it counts.
    """
    known = history(series())
    hours = dict(intensity(known))
    unknown = list(hours)[::4]
    found = outcome(facts(known, intensities={"DE": without(hours, unknown)}))
    assert found.covered_ratio == pytest.approx(0.75)
    # 8, 12 and 16 o'clock, on five days: 15 of the 50 office hours of a week, 27 of 118 others.
    assert found.emissions.ratio.value == pytest.approx(91 / 126)
    assert found.cost.ratio.value == pytest.approx(91 / 126)
    clean = outcome(facts(known, intensities={"DE": hours | dict.fromkeys(unknown, 0.0)}))
    assert clean.covered_ratio == 1.0
    assert clean.cost.ratio.value == pytest.approx(118 / 168)


def without(hours: dict[float, float], unknown: list[float]) -> dict[float, float]:
    return {at: grams for at, grams in hours.items() if at not in set(unknown)}


IRISH_ZONE, IRISH_PUE = {"eu-west-1": "IE"}, {"eu-west-1": SITING.pue["eu-west-1"]}


@pytest.mark.parametrize(
    ("siting", "gap"),
    [
        (Siting(SITING.grid_zones, IRISH_PUE), ScenarioGap.NO_PUE),
        (Siting(IRISH_ZONE, SITING.pue), ScenarioGap.ZONE_NOT_COVERED),
        (Siting(IRISH_ZONE | {"eu-central-1": "FR"}, SITING.pue), ScenarioGap.NO_GRID_INTENSITY),
    ],
)
def test_what_most_of_the_time_lacks_is_the_reason(siting: Siting, gap: ScenarioGap) -> None:
    """A location without PUE, zone or grid: left out, until it runs for longer than the rest."""
    irish = series(key(location="eu-west-1"))
    less, more = series(running=3500.0), series(running=3700.0)
    known = outcome(facts(history(irish, less), siting=siting))
    assert known.covered_ratio == pytest.approx(36 / 71)
    assert known.cost.per_month.value == pytest.approx(11.8 * WEEKS_PER_MONTH)
    assert office_hours(facts(history(irish, more), siting=siting), plan()) is gap


@pytest.mark.parametrize(
    ("reason", "gap"),
    [
        (GapReason.NOT_CONFIGURED, ScenarioGap.NOT_CONFIGURED),
        (GapReason.ZONE_NOT_COVERED, ScenarioGap.ZONE_NOT_COVERED),
        (GapReason.SOURCE_DOWN, ScenarioGap.NO_GRID_INTENSITY),
    ],
)
def test_why_there_is_no_grid(reason: GapReason, gap: ScenarioGap) -> None:
    """As the zone's source tells it; nothing where there are intensities all the same."""
    told = {"DE": reason, "IE": GapReason.ZONE_NOT_COVERED}
    assert office_hours(facts(intensities={}, grid_gaps=told), plan()) is gap
    assert outcome(facts(grid_gaps=told)) == outcome(facts())


def test_without_office_environments_there_is_nothing_to_look_for() -> None:
    """Nobody asked for it: whether anything was watched does not matter."""
    none = plan(office_environments=frozenset())
    for known in (facts(), facts(history(known=[]))):
        assert office_hours(known, none) is ScenarioGap.NOT_CONFIGURED


def days_of(count: int) -> CaseFacts:
    return facts(history(series(hours=24 * count)))


@pytest.mark.parametrize(
    ("known", "gap"),
    [
        (facts(history(series(key(environment="prod")))), ScenarioGap.NO_CANDIDATES),
        (facts(history(series(key(environment="prod"), hours=240))), ScenarioGap.NO_CANDIDATES),
        (facts(history()), ScenarioGap.NO_CANDIDATES),
        (facts(history(series(running=0.0, joules=0.0, usd=0.0))), ScenarioGap.NO_CANDIDATES),
        # Free, or without emissions: there is nothing that a share could be of.
        (facts(history(series(usd=0.0))), ScenarioGap.NO_CANDIDATES),
        (facts(history(series(joules=0.0))), ScenarioGap.NO_CANDIDATES),
        (days_of(27), ScenarioGap.TOO_LITTLE_HISTORY),
        (days_of(0), ScenarioGap.TOO_LITTLE_HISTORY),
        (facts(history(known=[])), ScenarioGap.TOO_LITTLE_HISTORY),
        (facts(history(known=[False] * FOUR_WEEKS)), ScenarioGap.TOO_LITTLE_HISTORY),
        (
            facts(history(series(), known=[n % 168 > 16 for n in range(FOUR_WEEKS)])),
            ScenarioGap.TOO_LITTLE_HISTORY,
        ),
        (facts(history(series(priced=0.0, usd=0.0))), ScenarioGap.NO_PRICE),
        (facts(history(series(priced=1799.0, usd=0.05))), ScenarioGap.NO_PRICE),
        (facts(history(series(measured=0.0, joules=0.0))), ScenarioGap.NO_DATAPOINTS),
        (
            facts(history(series(key(instance_type="x9.large"), measured=0.0, joules=0.0))),
            ScenarioGap.NO_PROFILE,
        ),
    ],
)
def test_absent_with_its_reason(known: CaseFacts, gap: ScenarioGap) -> None:
    """Nothing in scope, too short a history or too little known: never a number."""
    assert office_hours(known, plan()) is gap


def test_28_days_suffice() -> None:
    """With the day that 27 lack there is a value."""
    assert outcome(days_of(28)) == outcome(facts())


@settings(max_examples=150, deadline=None)
@given(fleets(), plans())
def test_agrees_with_the_reference(known: CaseFacts, wanted: ScenarioPlan) -> None:
    """Random fleets with gaps: the same values, bounds and reasons as a loop over their hours."""
    expected = expected_office_hours(known, wanted)
    found = office_hours(known, wanted)
    if not isinstance(expected, Expected):
        assert found is expected
        return
    assert isinstance(found, Outcome)
    compared = (
        found.cost.ratio,
        found.cost.per_month,
        found.emissions.ratio,
        found.emissions.per_month,
    )
    for one, other in zip(compared, expected, strict=False):
        assert band(one) == pytest.approx(other, rel=1e-6, abs=1e-9)
    assert found.covered_ratio == pytest.approx(expected.covered_ratio)
    assert found.saved_usd_by_account == pytest.approx(expected.usd_by_account, abs=1e-9)
    most = max(expected.cost_ratio[1], expected.emissions_ratio[1])
    assert found.feasible is (most > 0.02)


@settings(max_examples=25, deadline=None)
@given(fleets(IN_SCOPE), plans())
def test_always_on_saves_nothing_and_always_off_all(known: CaseFacts, wanted: ScenarioPlan) -> None:
    """The ends of the scale: a ratio of 0, and of 1."""
    on = office_hours(known, replace(wanted, office_hours=ALWAYS))
    off = office_hours(known, replace(wanted, office_hours=NEVER))
    if isinstance(on, ScenarioGap) or isinstance(off, ScenarioGap):
        assert on is off
        return
    for saving in (on.cost, on.emissions):
        assert saving.ratio.value == saving.per_month.value == 0.0
    for saving in (off.cost, off.emissions):
        assert saving.ratio.value == saving.ratio.upper == 1.0
    assert not on.feasible
    assert off.feasible


@settings(max_examples=25, deadline=None)
@given(fleets(IN_SCOPE), plans(), st.integers(0, 7 * 24 * 60))
def test_halves_of_a_schedule_add_up(known: CaseFacts, wanted: ScenarioPlan, cut: int) -> None:
    """What the whole leaves running is what its two halves leave running, one after the other."""
    spans = wanted.office_hours.spans
    halves = (
        tuple((begin, min(end, cut)) for begin, end in spans if begin < cut),
        tuple((max(begin, cut), end) for begin, end in spans if end > cut),
    )
    whole = office_hours(known, wanted)
    parts = [
        office_hours(known, replace(wanted, office_hours=WeeklySchedule(half))) for half in halves
    ]
    if isinstance(whole, ScenarioGap):
        assert parts == [whole, whole]
        return
    assert isinstance(parts[0], Outcome)
    assert isinstance(parts[1], Outcome)
    for name in ("cost", "emissions"):
        left = [1 - getattr(each, name).ratio.value for each in (whole, *parts)]
        assert left[0] == pytest.approx(left[1] + left[2])


@settings(max_examples=25, deadline=None)
@given(fleets(IN_SCOPE), plans(), st.randoms(use_true_random=False))
def test_the_order_of_groups_does_not_matter(
    known: CaseFacts, wanted: ScenarioPlan, random: Random
) -> None:
    """The same groups in another order come to the same."""
    groups = list(known.history.series)
    random.shuffle(groups)
    found = office_hours(known, wanted)
    other = office_hours(
        replace(known, history=replace(known.history, series=tuple(groups))), wanted
    )
    if isinstance(found, ScenarioGap) or isinstance(other, ScenarioGap):
        assert found is other
        return
    for one, same in (
        (found.cost, other.cost),
        (found.emissions, other.emissions),
    ):
        assert band(one.ratio) == pytest.approx(band(same.ratio))
        assert band(one.per_month) == pytest.approx(band(same.per_month), abs=1e-9)
    assert found.covered_ratio == pytest.approx(other.covered_ratio)


@settings(max_examples=25, deadline=None)
@given(fleets(), plans(), st.floats(0, 1e6))
def test_the_future_changes_nothing(known: CaseFacts, wanted: ScenarioPlan, grams: float) -> None:
    """Whatever the grid is told to be from the end of the history on."""
    assert office_hours(after_the_end(known, grams), wanted) == office_hours(known, wanted)


def split(group: UsageSeries) -> tuple[UsageSeries, UsageSeries]:
    """The group as two, of half the size, that differ in tenancy."""
    half = UsageSeries(
        group.key,
        *(
            [value / 2 for value in column]
            for column in (
                group.running_seconds,
                group.measured_seconds,
                group.energy_joules,
                group.priced_seconds,
                group.cost_usd,
            )
        ),
    )
    return half, replace(half, key=half.key._replace(tenancy="dedicated"))


@settings(max_examples=15, deadline=None)
@given(fleets(IN_SCOPE), plans())
def test_how_the_fleet_is_grouped_does_not_matter(known: CaseFacts, wanted: ScenarioPlan) -> None:
    """Every group cut in two: the same savings."""
    halves = tuple(half for group in known.history.series for half in split(group))
    found = office_hours(known, wanted)
    other = office_hours(replace(known, history=replace(known.history, series=halves)), wanted)
    if isinstance(found, ScenarioGap) or isinstance(other, ScenarioGap):
        assert found is other
        return
    assert band(found.emissions.per_month) == pytest.approx(
        band(other.emissions.per_month), abs=1e-9
    )
    assert found.saved_usd_by_account == pytest.approx(other.saved_usd_by_account, abs=1e-9)
