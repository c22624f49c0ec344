from dataclasses import replace

import pytest

from exporter.core.evidence import GapReason
from exporter.core.scenarios.grid_factor import GridFactor, GridFactors
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.usage import Intensities, UsageHistory
from exporter.core.snapshot import Pue
from tests.core.scenarios.scenes import (
    FOUR_WEEKS,
    HOURS_PER_WEEK,
    SITING,
    history,
    intensity,
    key,
    series,
)

WEEKS = tuple(range(start, start + HOURS_PER_WEEK) for start in range(0, FOUR_WEEKS, 168))
BY_DAY = [200.0 if hour % 24 < 12 else 500.0 for hour in range(FOUR_WEEKS)]
"""gCO2e/kWh of a grid that is cleaner before noon."""

GRAMS_PER_JOULE = 1.25 / 3.6e6
"""Of a gram per kWh at the PUE of Frankfurt."""


def factor(of: UsageHistory, intensities: Intensities) -> GridFactor | ScenarioGap:
    return GridFactors(of, WEEKS, intensities, SITING).of(key())


def test_a_steady_group_meets_the_mean_of_the_grid():
    """Half of its energy at 200, half at 500 g/kWh: 350."""
    used = history(series())

    found = factor(used, {"DE": intensity(used, BY_DAY)})

    assert found == pytest.approx(GridFactor(350 * GRAMS_PER_JOULE, 1.0))


def test_hours_count_by_the_energy_used_in_them():
    """Three times the energy in the morning: (3 x 200 + 500) / 4 = 275."""
    joules = [3.0 if hour % 24 < 12 else 1.0 for hour in range(FOUR_WEEKS)]
    used = history(series(joules=joules))

    found = factor(used, {"DE": intensity(used, BY_DAY)})

    assert found == pytest.approx(GridFactor(275 * GRAMS_PER_JOULE, 1.0))


def test_a_group_that_used_nothing_meets_its_zone():
    """The plain mean of the hours: of a new group, and of one without any known power."""
    other = series(key(environment="prod"))

    for used in (history(other), history(other, series(joules=0.0))):
        found = factor(used, {"DE": intensity(used, BY_DAY)})
        assert found == pytest.approx(GridFactor(350 * GRAMS_PER_JOULE, 1.0))


def test_unknown_hours_are_left_out():
    """Where only the first week is known, three quarters of the energy have no intensity."""
    used = history(series())
    known = {
        at: grams for at, grams in intensity(used, 300.0).items() if at < used.since_at + 604800
    }

    assert factor(used, {"DE": known}) == pytest.approx(GridFactor(300 * GRAMS_PER_JOULE, 0.25))


def test_a_grid_without_emissions_is_known():
    """0 g/kWh is a value like others."""
    used = history(series())

    assert factor(used, {"DE": intensity(used, 0.0)}) == GridFactor(0.0, 1.0)


def test_only_the_given_weeks_count():
    """Neither hours before, nor between, nor after them."""
    used = history(series(hours=6 * 168))
    weeks = (range(168, 336), range(504, 672))
    grams = [9999.0] * 168 + [100.0] * 168 + [9999.0] * 168 + [300.0] * 168 + [9999.0] * 336

    found = GridFactors(used, weeks, {"DE": intensity(used, grams)}, SITING).of(key())

    assert found == pytest.approx(GridFactor(200 * GRAMS_PER_JOULE, 1.0))


@pytest.mark.parametrize(
    ("lacking", "expected"),
    [
        ({"siting": replace(SITING, pue={})}, ScenarioGap.NO_PUE),
        ({"siting": replace(SITING, grid_zones={})}, ScenarioGap.ZONE_NOT_COVERED),
        ({"intensities": {}}, ScenarioGap.NO_GRID_INTENSITY),
        (
            {"intensities": {}, "grid_gaps": {"DE": GapReason.ZONE_NOT_COVERED}},
            ScenarioGap.ZONE_NOT_COVERED,
        ),
        # Known only before the weeks that count.
        ({"intensities": {"DE": {-3600.0: 300.0}}}, ScenarioGap.NO_GRID_INTENSITY),
    ],
)
def test_what_is_lacking_is_told(lacking, expected):
    """A gap instead of a factor."""
    used = history(series())
    known = {"intensities": {"DE": intensity(used)}, "siting": SITING}

    assert GridFactors(used, WEEKS, **(known | lacking)).of(key()) == expected


def test_an_operators_pue_counts():
    """The factor is PUE times intensity."""
    used = history(series())
    siting = replace(SITING, pue={"eu-central-1": Pue(2.0, "operator")})

    found = GridFactors(used, WEEKS, {"DE": intensity(used, 360.0)}, siting).of(key())

    assert found == pytest.approx(GridFactor(2.0 * 360.0 / 3.6e6, 1.0))
