"""Why a zone has no intensities: what its source says, in the words of the scenarios."""

import pytest

from exporter.core.evidence import GapReason
from exporter.core.scenarios.grid_gap import NO_GRID_GAPS, grid_gap
from exporter.core.scenarios.outcome import ScenarioGap


@pytest.mark.parametrize("reason", GapReason)
def test_what_lasts_is_told_apart(reason: GapReason) -> None:
    """A missing token and a zone nobody covers; all else may be over soon."""
    lasting = {"not_configured", "zone_not_covered"}
    expected = reason.value if reason.value in lasting else "no_grid_intensity"
    assert grid_gap("DE", {"DE": reason}).value == expected


def test_a_zone_of_which_nothing_is_told() -> None:
    """Its intensities are missing, and that is all."""
    assert grid_gap("DE", NO_GRID_GAPS) is ScenarioGap.NO_GRID_INTENSITY
    assert grid_gap("DE", {"IE": GapReason.NOT_CONFIGURED}) is ScenarioGap.NO_GRID_INTENSITY
