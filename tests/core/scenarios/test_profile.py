"""The typical week of the fleet's emissions, and of the grid."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.profile import emissions_profile, grid_profile
from tests.core.scenarios.fleets import after_the_end, fleets
from tests.core.scenarios.scenes import (
    FOUR_WEEKS,
    MONDAY_AT,
    TEN_WATTS_JOULES,
    facts,
    history,
    intensity,
    key,
    series,
)

MONDAY_9 = 9
"""Index of Monday 09:00 UTC in each week of a history."""


def by_week(*values: float, hour: int = MONDAY_9, usual: float = 400.0) -> list[float]:
    """The usual value in every hour but one of each week, which has its own."""
    column = [usual] * FOUR_WEEKS
    for week, value in enumerate(values):
        column[week * 168 + hour] = value
    return column


def hours_known(unknown: Sequence[int]) -> list[bool]:
    return [n not in unknown for n in range(FOUR_WEEKS)]


def test_emissions_by_hand() -> None:
    """10 W x 1.25: 5 g at 400 g/kWh; on Mondays at nine 100, 200, 300 and 600, mean 3.75 g."""
    known = history(series())
    grid = {"DE": intensity(known, by_week(100, 200, 300, 600))}
    profile = emissions_profile(facts(known, intensities=grid))
    assert len(profile) == 168
    assert profile[1, 9] == pytest.approx(3.75)
    assert profile[1, 10] == profile[7, 23] == pytest.approx(5.0)


def test_the_whole_fleet_counts() -> None:
    """5 g in Frankfurt and 10 W x 1.1 x 300 g/kWh = 3.3 g in Dublin, whatever it costs."""
    groups = series(), series(key(location="eu-west-1", environment=""), priced=0.0, usd=0.0)
    known = history(*groups)
    grid = {"DE": intensity(known), "IE": intensity(known, 300.0)}
    assert emissions_profile(facts(known, intensities=grid))[3, 12] == pytest.approx(8.3)


def test_hours_begin_on_the_weekday_of_the_history() -> None:
    """A history from a Thursday on: its tenth hour is Thursday's."""
    known = history(series(joules=by_week(0.0, 0.0, 0.0, 0.0)), since_at=MONDAY_AT + 3 * 86_400)
    profile = emissions_profile(facts(known))
    assert [cell for cell, grams in profile.items() if not grams] == [(4, 9)]


def test_an_hour_without_anything_running_emits_nothing() -> None:
    """That is known, and counts: Mondays at nine it ran in two weeks of four."""
    running, joules = by_week(3600, 0, 0, 3600, usual=3600), by_week(36e3, 0, 0, 36e3, usual=36e3)
    known = history(series(running=running, joules=joules))
    assert emissions_profile(facts(known))[1, 9] == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("weeks_unknown", "mean"), [((0,), 4.0 * 5), ((0, 1), None), ((3,), 3.0 * 5), ((), 3.5 * 5)]
)
def test_a_cell_needs_three_of_its_four_values(
    weeks_unknown: tuple[int, ...], mean: float | None
) -> None:
    """2, 3, 4 and 5 times the usual: the mean of three or four of them, else no value.

    What is in an hour that is not known does not count.
    """
    usual = TEN_WATTS_JOULES
    joules = by_week(*(n * usual for n in (2, 3, 4, 5)), usual=usual)
    known = hours_known([168 * week + MONDAY_9 for week in weeks_unknown])
    profile = emissions_profile(facts(history(series(joules=joules), known=known)))
    assert profile.get((1, 9)) == (None if mean is None else pytest.approx(mean))
    assert len(profile) == (168 if mean else 167)


@pytest.mark.parametrize(("measured", "cells"), [(3600.0, 168), (1800.0, 168), (1799.0, 0)])
def test_half_of_the_running_time_has_emissions(measured: float, cells: int) -> None:
    """Types without a power model are missing alike from every hour: the rest has its week."""
    assert len(emissions_profile(facts(history(series(measured=measured))))) == cells


@pytest.mark.parametrize(("monday", "mean"), [(2593.0, 4.375), (2591.0, 5.0)])
def test_an_hour_needs_nine_tenths_of_what_is_usual(monday: float, mean: float) -> None:
    """Usually 2,880 of 3,600 s have a power: with less than 2,592 s the hour says nothing.

    On the first Monday at nine a half of the energy is known: (2.5 + 5 + 5 + 5) / 4 = 4.375.
    """
    measured = by_week(monday, 2880, 2880, 2880, usual=2880)
    joules = by_week(18e3, 36e3, 36e3, 36e3, usual=36e3)
    profile = emissions_profile(facts(history(series(measured=measured, joules=joules))))
    assert profile[1, 9] == pytest.approx(mean)
    assert len(profile) == 168


def test_emissions_without_a_grid_are_not_zero() -> None:
    """Another location without a PUE that runs twice as long leaves none; a tenth as long, all."""
    abroad = key(location="eu-north-1")
    assert emissions_profile(facts(history(series(), series(abroad, running=7200.0)))) == {}
    small = history(series(), series(abroad, running=360.0))
    assert emissions_profile(facts(small))[1, 9] == pytest.approx(5.0)
    assert emissions_profile(facts(siting=Siting({}, {}))) == {}


def test_unknown_intensity_is_not_zero() -> None:
    """Three Mondays at nine with 400 g/kWh and one without a value: 5 g, not 3.75."""
    known = history(series())
    hours = {at: each for at, each in intensity(known).items() if at != MONDAY_AT + 9 * 3600}
    assert emissions_profile(facts(known, intensities={"DE": hours}))[1, 9] == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("known", "cells"),
    [
        (facts(history(series(hours=24 * 27))), 0),
        (facts(history(series(hours=24 * 28))), 168),
        (facts(history(series(hours=24 * 42))), 168),
        # 604 of 672 hours are below 90 %, 605 above.
        (facts(history(series(), known=hours_known(range(68)))), 0),
        (facts(history(series(), known=hours_known(range(67)))), 168),
        (facts(history(known=[])), 0),
    ],
)
def test_no_profile_before_28_days(known: CaseFacts, cells: int) -> None:
    """A week is typical only of the 28 days that are known."""
    assert len(emissions_profile(known)) == cells


def test_the_last_28_days_count() -> None:
    """Of six weeks the first two are past."""
    joules = [9e9] * 336 + [TEN_WATTS_JOULES] * FOUR_WEEKS
    profile = emissions_profile(facts(history(series(hours=1008, joules=joules))))
    assert list(profile.values()) == pytest.approx([5.0] * 168)


def test_a_grid_by_hand() -> None:
    """100, 200, 300 and 600 on Mondays at nine: 300 g/kWh; each zone by itself."""
    known = history(series())
    grid = {
        "DE": intensity(known, by_week(100, 200, 300, 600)),
        "FR": intensity(known, 50.0),
    }
    profile = grid_profile(facts(known, intensities=grid))
    assert len(profile) == 2 * 168
    assert profile["DE", 1, 9] == pytest.approx(300.0)
    assert profile["DE", 1, 10] == pytest.approx(400.0)
    assert profile["FR", 7, 0] == pytest.approx(50.0)


def test_a_grid_needs_28_days_and_three_of_four() -> None:
    """A zone of 27 days has no profile and leaves the others; two missing Mondays leave a hole.

    How long the fleet was watched does not matter: the grid was there before.
    """
    young = history(series(hours=48), since_at=MONDAY_AT + 26 * 86_400)
    whole = history(series())
    hours = intensity(whole)
    recent = {at: grams for at, grams in hours.items() if at >= MONDAY_AT + 86_400 * 3}
    holes = [MONDAY_AT + (168 * week + MONDAY_9) * 3600 for week in (1, 2)]
    torn = {at: grams for at, grams in hours.items() if at not in holes}
    grid = {"DE": hours, "IE": recent, "FR": torn, "SE-SE3": {}}
    for known in (young, whole):
        profile = grid_profile(facts(known, intensities=grid))
        assert {zone for zone, _, _ in profile} == {"DE", "FR"}
        assert ("FR", 1, 9) not in profile
        assert len(profile) == 168 + 167


def expected_emissions(known: CaseFacts) -> dict[tuple[int, int], float]:
    """Hour by hour and group by group."""
    since = datetime.fromtimestamp(known.history.since_at, UTC)
    end = since + timedelta(hours=len(known.history.known))
    told: list[tuple[datetime, float, float, float]] = []
    for n in range(len(known.history.known)):
        begin = since + timedelta(hours=n)
        if begin < end - timedelta(days=28) or not known.history.known[n]:
            continue
        grams = running = emitting = 0.0
        for group in known.history.series:
            running += group.running_seconds[n]
            pue = known.siting.pue.get(group.key.location)
            zone = known.siting.grid_zones.get(group.key.location, "")
            grid = known.intensities.get(zone, {}).get(begin.timestamp())
            if pue is not None and grid is not None:
                grams += group.energy_joules[n] / 3.6e6 * pue.ratio * grid
                emitting += group.measured_seconds[n]
        told.append((begin, grams, emitting, running))
    shares = sorted(emitting / running for _, _, emitting, running in told if running)
    usual = (shares[len(shares) // 2] + shares[(len(shares) - 1) // 2]) / 2 if shares else 1.0
    values: dict[tuple[int, int], list[float]] = {}
    for begin, grams, emitting, running in told if usual >= 0.5 else ():
        if emitting >= 0.9 * usual * running:
            values.setdefault((begin.isoweekday(), begin.hour), []).append(grams)
    return means(values, enough=end - since >= timedelta(days=28))


def expected_grid(known: CaseFacts, zone: str) -> dict[tuple[int, int], float]:
    """Hour by hour."""
    end = datetime.fromtimestamp(known.history.until_at, UTC)
    values: dict[tuple[int, int], list[float]] = {}
    for at, grams in known.intensities[zone].items():
        begin = datetime.fromtimestamp(at, UTC)
        if end - timedelta(days=28) <= begin < end:
            values.setdefault((begin.isoweekday(), begin.hour), []).append(grams)
    return means(values)


def means(
    values: dict[tuple[int, int], list[float]], *, enough: bool = True
) -> dict[tuple[int, int], float]:
    if not enough or sum(map(len, values.values())) < 0.9 * 672:
        return {}
    return {cell: sum(each) / len(each) for cell, each in values.items() if len(each) >= 3}


@settings(max_examples=60, deadline=None)
@given(fleets())
def test_agrees_with_the_loop_over_hours(known: CaseFacts) -> None:
    """Random fleets with gaps: the same cells with the same means."""
    assert emissions_profile(known) == pytest.approx(expected_emissions(known), abs=1e-9)
    found = grid_profile(known)
    for zone in known.intensities:
        cells = {(day, hour): mean for (name, day, hour), mean in found.items() if name == zone}
        assert cells == pytest.approx(expected_grid(known, zone))


@settings(max_examples=25, deadline=None)
@given(fleets(), st.floats(0, 1e6))
def test_the_future_changes_nothing(known: CaseFacts, grams: float) -> None:
    """Whatever the grid is told to be from the end of the history on."""
    later = after_the_end(known, grams)
    assert emissions_profile(later) == emissions_profile(known)
    assert grid_profile(later) == grid_profile(known)


@settings(max_examples=25, deadline=None)
@given(fleets(), st.randoms(use_true_random=False))
def test_the_order_of_groups_does_not_matter(known: CaseFacts, random: Random) -> None:
    """The same groups in another order have the same typical week."""
    groups = list(known.history.series)
    random.shuffle(groups)
    other = replace(known, history=replace(known.history, series=tuple(groups)))
    assert emissions_profile(other) == pytest.approx(emissions_profile(known))
