"""Why a grid zone has no intensities, in the words of the scenarios."""

from collections.abc import Mapping
from types import MappingProxyType

from exporter.core.evidence import GapReason
from exporter.core.scenarios.outcome import ScenarioGap

GridGaps = Mapping[str, GapReason]
"""Why there is no fresh intensity, by grid zone."""

NO_GRID_GAPS: GridGaps = MappingProxyType({})

_LASTING: Mapping[GapReason | None, ScenarioGap] = {
    GapReason.NOT_CONFIGURED: ScenarioGap.NOT_CONFIGURED,
    GapReason.ZONE_NOT_COVERED: ScenarioGap.ZONE_NOT_COVERED,
}
"""What waiting does not help against."""


def grid_gap(zone: str, gaps: GridGaps) -> ScenarioGap:
    """The reason of a zone of which no hour is known."""
    return _LASTING.get(gaps.get(zone), ScenarioGap.NO_GRID_INTENSITY)
