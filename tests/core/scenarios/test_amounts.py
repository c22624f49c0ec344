"""Cost and emissions of groups, hour by hour."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.amounts import (
    Amounts,
    amounts_of,
    amounts_of_each,
    covered_only,
    grams_per_joule,
)
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.usage import Intensities, UsageHistory, UsageSeries
from tests.core.scenarios.scenes import MONDAY_AT, SITING, TEN_WATTS_JOULES, history, key, series

HOUR = 3600.0
GERMAN = {"DE": {MONDAY_AT: 400.0, MONDAY_AT + HOUR: 200.0}}


def three_hours(**columns: Any) -> UsageSeries:
    return series(hours=3, **columns)


def known(group: UsageSeries, intensities: Intensities = GERMAN) -> Amounts:
    amounts = amounts_of(group, history(group), intensities, SITING)
    assert isinstance(amounts, Amounts)
    return amounts


def test_emissions_by_hand() -> None:
    """10 W for an hour are 0.01 kWh; times a PUE of 1.25 and 400 g/kWh that is 5 g.

    At 200 g/kWh it is 2.5 g; of the third hour nothing is known, and nothing is covered.
    """
    amounts = known(three_hours())
    assert amounts.grams == pytest.approx([5.0, 2.5, 0.0])
    assert amounts.covered_seconds == [3600.0, 3600.0, 0.0]
    assert amounts.usd == [0.1, 0.1, 0.1]
    assert amounts.factors.known == [True, True, False]


def test_covered_is_what_has_both_power_and_price() -> None:
    """Of 3,600 s run: 1,800 s with a power; 900 s with a price; neither grid nor price."""
    amounts = known(three_hours(measured=[1800.0, 3600.0, 3600.0], priced=[3600.0, 900.0, 0.0]))
    assert amounts.covered_seconds == [1800.0, 900.0, 0.0]


def test_covered_only_leaves_the_share_by_time() -> None:
    """Half of the first hour has a power: half of its cost is covered, and all of its emissions.

    A quarter of the second hour has a price: a quarter of its emissions is covered.
    """
    group = three_hours(
        measured=[1800.0, 3600.0, 3600.0],
        joules=[TEN_WATTS_JOULES / 2, TEN_WATTS_JOULES, TEN_WATTS_JOULES],
        priced=[3600.0, 900.0, 3600.0],
        usd=[0.1, 0.025, 0.1],
    )
    covered = covered_only(known(group))
    assert covered.usd == pytest.approx([0.05, 0.025, 0.0])
    assert covered.grams == pytest.approx([2.5, 0.625, 0.0])


def test_covered_only_keeps_what_is_covered() -> None:
    """Where all is known, and where nothing ran, nothing is taken away."""
    idle = three_hours(running=[3600.0, 0.0, 0.0], joules=[1.0, 0.0, 0.0], usd=[0.1, 0.0, 0.0])
    amounts = known(idle)
    assert covered_only(amounts) == amounts


def test_a_grid_without_emissions_is_known() -> None:
    """Zero grams that are known are covered; zero because nothing is known is not."""
    amounts = known(three_hours(), {"DE": {MONDAY_AT: 0.0}})
    assert amounts.grams == [0.0, 0.0, 0.0]
    assert amounts.covered_seconds == [3600.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("siting", "intensities", "gap"),
    [
        (Siting({}, {}), {}, ScenarioGap.NO_PUE),
        (replace(SITING, pue={}), GERMAN, ScenarioGap.NO_PUE),
        (Siting({}, SITING.pue), GERMAN, ScenarioGap.ZONE_NOT_COVERED),
        (SITING, {"IE": {MONDAY_AT: 300.0}}, ScenarioGap.NO_GRID_INTENSITY),
        (SITING, {"DE": {}}, ScenarioGap.NO_GRID_INTENSITY),
    ],
)
def test_no_amounts_without_a_grid(
    siting: Siting, intensities: Intensities, gap: ScenarioGap
) -> None:
    """PUE, zone and intensity are needed, and asked for in this order."""
    group = three_hours()
    of = history(group)
    assert amounts_of(group, of, intensities, siting) is gap
    assert amounts_of_each([group], of, intensities, siting) == [(group, gap)]
    assert grams_per_joule("eu-central-1", of, intensities, siting) is gap


LOCATIONS = st.sampled_from(["eu-central-1", "eu-west-1", "eu-north-1"])
SECONDS = st.lists(st.integers(0, 3600).map(float), min_size=3, max_size=3)


@st.composite
def groups(draw: st.DrawFn) -> UsageSeries:
    running = draw(SECONDS)
    shares = st.lists(st.floats(0, 1), min_size=3, max_size=3)
    measured, priced = (
        [n * share for n, share in zip(running, draw(shares), strict=True)] for _ in range(2)
    )
    return series(
        key(location=draw(LOCATIONS)),
        hours=3,
        running=running,
        measured=measured,
        joules=[10 * each for each in measured],
        priced=priced,
        usd=[each / 36_000 for each in priced],
    )


HOURS = st.dictionaries(
    st.integers(-1, 3).map(lambda n: MONDAY_AT + n * HOUR), st.floats(0, 1000), max_size=4
)
GRIDS = st.fixed_dictionaries({"DE": HOURS, "IE": HOURS})


@given(st.lists(groups(), max_size=5), GRIDS)
def test_agrees_with_the_formula(fleet: list[UsageSeries], intensities: Intensities) -> None:
    """Every group and hour: energy in kWh x PUE x intensity, where all of it is known."""
    of = history(*fleet, known=[True] * 3)
    found = amounts_of_each(fleet, of, intensities, SITING)
    assert found == [(each, amounts_of(each, of, intensities, SITING)) for each in fleet]
    for group, amounts in found:
        zone = {"eu-central-1": "DE", "eu-west-1": "IE"}.get(group.key.location)
        pue = {"DE": 1.25, "IE": 1.1}.get(zone or "")
        if zone is None or pue is None or not intensities[zone]:
            assert isinstance(amounts, ScenarioGap)
            continue
        assert isinstance(amounts, Amounts)
        for n in range(3):
            grams = intensities[zone].get(MONDAY_AT + n * HOUR)
            kilowatt_hours = group.energy_joules[n] / 3.6e6
            both = min(group.measured_seconds[n], group.priced_seconds[n])
            assert amounts.grams[n] == pytest.approx(kilowatt_hours * pue * (grams or 0.0))
            assert amounts.covered_seconds[n] == (0.0 if grams is None else both)


@given(groups(), GRIDS)
def test_covered_amounts_are_never_more(group: UsageSeries, intensities: Intensities) -> None:
    """Nothing is added; an hour without covered time has no amounts."""
    of = UsageHistory(MONDAY_AT, [True] * 3, (group,))
    amounts = amounts_of(group, of, intensities, SITING)
    if isinstance(amounts, ScenarioGap):
        return
    covered = covered_only(amounts)
    for n in range(3):
        assert 0.0 <= covered.usd[n] <= amounts.usd[n]
        assert 0.0 <= covered.grams[n] <= amounts.grams[n]
        if not covered.covered_seconds[n]:
            assert covered.usd[n] == covered.grams[n] == 0.0
