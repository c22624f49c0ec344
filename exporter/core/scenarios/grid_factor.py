"""What a joule of a group of instances has emitted in the hours in which it was used."""

from collections.abc import Sequence
from operator import itemgetter, mul
from typing import NamedTuple

from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.amounts import HourlyFactors, hourly_factors
from exporter.core.scenarios.grid_gap import NO_GRID_GAPS, GridGaps
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.usage import Intensities, UsageHistory, UsageKey


class GridFactor(NamedTuple):
    """PUE x intensity in gCO2e per joule of IT energy, over some weeks.

    ``known_ratio`` is the share of the energy (without any: of the hours) it is known for.
    """

    grams_per_joule: float
    known_ratio: float


class GridFactors:
    """The factor of each group; only hours of the given weeks are looked at."""

    def __init__(
        self,
        history: UsageHistory,
        weeks: Sequence[range],
        intensities: Intensities,
        siting: Siting,
        grid_gaps: GridGaps = NO_GRID_GAPS,
    ) -> None:
        self._history = history
        self._intensities = intensities
        self._siting = siting
        self._grid_gaps = grid_gaps
        self._hours = [hour for week in weeks for hour in week]
        self._energy = {series.key: series.energy_joules for series in history.series}
        self._locations: dict[str, HourlyFactors | ScenarioGap] = {}
        self._groups: dict[UsageKey, GridFactor | ScenarioGap] = {}

    def of(self, key: UsageKey) -> GridFactor | ScenarioGap:
        """Mean weighted by the group's energy; the plain mean where the group used none."""
        factor = self._groups.get(key)
        if factor is None:
            factor = self._groups[key] = self._factor(key)
        return factor

    def _factor(self, key: UsageKey) -> GridFactor | ScenarioGap:
        factors = self._factors(key.location)
        if isinstance(factors, ScenarioGap):
            return factors
        pick = itemgetter(*self._hours)
        energy = self._energy.get(key)
        joules: Sequence[float] = pick(energy) if energy else ()
        if not any(joules):
            joules = [1.0] * len(self._hours)
        known = sum(map(mul, joules, pick(factors.known)))
        if not known:
            return ScenarioGap.NO_GRID_INTENSITY
        grams = sum(map(mul, joules, pick(factors.grams_per_joule)))
        return GridFactor(grams / known, known / sum(joules))

    def _factors(self, location: str) -> HourlyFactors | ScenarioGap:
        factors = self._locations.get(location)
        if factors is None:
            factors = self._locations[location] = hourly_factors(
                location, self._history, self._intensities, self._siting, self._grid_gaps
            )
        return factors
