"""The typical week: means of four weeks by weekday and hour, UTC."""

from collections.abc import Mapping

from exporter.core.scenarios.facts import CaseFacts


def emissions_profile(facts: CaseFacts) -> Mapping[tuple[int, int], float]:
    """Operational gCO2e/h of the fleet by (ISO weekday, hour); empty under 28 days."""
    raise NotImplementedError(facts)


def grid_profile(facts: CaseFacts) -> Mapping[tuple[str, int, int], float]:
    """gCO2e/kWh by (grid zone, ISO weekday, hour); zones under 28 days are left out."""
    raise NotImplementedError(facts)
