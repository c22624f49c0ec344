"""How much is known of the running time in scope, and what the rest lacks."""

from dataclasses import replace
from typing import Any

import pytest

from exporter.core.evidence import GapReason
from exporter.core.scenarios.amounts import amounts_of_each
from exporter.core.scenarios.coverage import Coverage, coverage_of, main_gap
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.usage import UsageKey, UsageSeries
from tests.core.scenarios.scenes import MONDAY_AT, SITING, history, key, series
from tests.factories import M5_LARGE, hardware

HARDWARE = {"m5.large": hardware("m5.large")}
PROFILES = {"m5.large": M5_LARGE}
GERMAN = {"DE": {MONDAY_AT + n * 3600.0: 400.0 for n in range(6)}}
"""Six of ten hours."""

ABROAD = key(location="eu-north-1")


def ten_hours(of: UsageKey | None = None, **columns: Any) -> UsageSeries:
    return series(of, hours=10, **columns)


def coverage(*groups: UsageSeries, hours: range = range(10)) -> Coverage:
    return coverage_of(amounts_of_each(groups, history(*groups), GERMAN, SITING), hours)


def test_coverage_by_hand() -> None:
    """Six of ten hours have a grid; a second instance as long has none: 6 of 20 hours."""
    assert coverage(ten_hours()) == Coverage(36_000.0, 21_600.0)
    assert coverage(ten_hours()).ratio == pytest.approx(0.6)
    assert coverage(ten_hours(), ten_hours(ABROAD)).ratio == pytest.approx(0.3)
    assert coverage(ten_hours(priced=1800.0)).ratio == pytest.approx(0.3)


def test_only_the_hours_asked_for_count() -> None:
    """The last six hours: two of them have a grid."""
    assert coverage(ten_hours(), hours=range(4, 10)).ratio == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("covered", "suffices"), [(0.0, False), (49.0, False), (50.0, True), (100.0, True)]
)
def test_half_suffices(covered: float, *, suffices: bool) -> None:
    """A scenario speaks when it knows at least half of the time it is about."""
    assert Coverage(100.0, covered).suffices is suffices


def test_nothing_that_runs_has_no_coverage() -> None:
    """Without running time the ratio is 0, not an error."""
    assert not Coverage(0.0, 0.0).suffices


@pytest.mark.parametrize(
    ("groups", "gap"),
    [
        # Four of ten hours have no grid; that is all there is to lack.
        ([ten_hours()], ScenarioGap.NO_GRID_INTENSITY),
        ([ten_hours(), ten_hours(ABROAD)], ScenarioGap.NO_PUE),
        ([ten_hours(priced=0.0)], ScenarioGap.NO_PRICE),
        # Half of six hours without a price is less than four hours without a grid.
        ([ten_hours(priced=1800.0)], ScenarioGap.NO_GRID_INTENSITY),
        # CPU points are missing of a type that has a power otherwise.
        ([ten_hours(measured=0.0, priced=0.0)], ScenarioGap.NO_DATAPOINTS),
        # What no power curve is known of.
        ([ten_hours(key(instance_type="x9.large"), measured=0.0)], ScenarioGap.NO_PROFILE),
        ([ten_hours(key(instance_type="m9.large"), measured=0.0)], ScenarioGap.NO_PROFILE),
        (
            [ten_hours(key(instance_type="g4dn.xlarge"), measured=0.0)],
            ScenarioGap.ACCELERATOR_UNMODELLED,
        ),
        # Four hours lack a grid and a power alike: they count for the grid, two more for the power.
        (
            [ten_hours(measured=[3600.0] * 4 + [0.0] * 6)],
            ScenarioGap.NO_GRID_INTENSITY,
        ),
        # As much without a PUE as without a price: the PUE comes first.
        (
            [ten_hours(ABROAD, running=2160.0), ten_hours(priced=0.0, running=3600.0)],
            ScenarioGap.NO_PUE,
        ),
    ],
)
def test_what_most_of_the_rest_lacks(groups: list[UsageSeries], gap: ScenarioGap) -> None:
    """The reason of most of the uncovered running time; the first by precedence of several."""
    found = amounts_of_each(groups, history(*groups), GERMAN, SITING)
    described = HARDWARE | {"g4dn.xlarge": hardware("g4dn.xlarge", accelerators=1)}
    unmodelled = replace(M5_LARGE, instance_type="m9.large", power_gap=GapReason.NO_PROFILE)
    profiles = PROFILES | {"m9.large": unmodelled, "g4dn.xlarge": M5_LARGE}
    assert main_gap(found, range(10), described, profiles) is gap
