"""Mean power of instance types over distributions of CPU points."""

from collections.abc import Mapping, Sequence

from exporter.core.evidence import HardwareProfile
from exporter.core.power import PowerCurve
from exporter.core.scenarios.load import mean_watts, tabulated


class MeanWatts:
    """Power by type; each type's curve is tabulated once."""

    def __init__(self, profiles: Mapping[str, HardwareProfile]) -> None:
        self._profiles = profiles
        self._tables: dict[tuple[str, float], Sequence[float]] = {}

    def is_unanswered(self, instance_type: str) -> bool:
        """Whether nothing is known of the type, not even that it has no power."""
        return instance_type not in self._profiles

    def is_known(self, instance_type: str) -> bool:
        """Whether the type has a power."""
        profile = self._profiles.get(instance_type)
        return profile is not None and profile.power_gap is None

    def over(self, block: int, instance_type: str, load_factor: float = 1.0) -> float:
        """Mean IT watts of a type with a known power, at so many times the CPU of each point."""
        table = self._tables.get((instance_type, load_factor))
        if table is None:
            curve = PowerCurve.through(self._profiles[instance_type].watts)
            table = self._tables[instance_type, load_factor] = tabulated(curve, load_factor)
        return mean_watts(block, table)
