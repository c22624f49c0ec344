"""For how much of the running time both cost and emissions are known, and why not for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from exporter.core.evidence import HardwareProfile
from exporter.core.fleet import Hardware
from exporter.core.scenarios.amounts import Amounts
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.usage import UsageSeries

LEAST_COVERED_RATIO = 0.5
"""Of a scenario that knows less there is no value."""

Groups = Sequence[tuple[UsageSeries, Amounts | ScenarioGap]]
"""Groups in scope, with their amounts or why they have none."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Running time in scope, and how much of it has both cost and emissions, in seconds."""

    running_seconds: float
    covered_seconds: float

    @property
    def ratio(self) -> float:
        """Share of the running time, 0..1; without any it is 0."""
        return self.covered_seconds / self.running_seconds if self.running_seconds else 0.0

    @property
    def suffices(self) -> bool:
        """Whether enough is known for a value."""
        return self.ratio >= LEAST_COVERED_RATIO


def coverage_of(groups: Groups, hours: Sequence[int]) -> Coverage:
    """Coverage over some hours of the history, given by index; two or more."""
    in_hours = itemgetter(*hours)
    running = covered = 0.0
    for series, amounts in groups:
        running += sum(in_hours(series.running_seconds))
        if isinstance(amounts, Amounts):
            covered += sum(in_hours(amounts.covered_seconds))
    return Coverage(running, covered)


def main_gap(
    groups: Groups,
    hours: Sequence[int],
    hardware: Mapping[str, Hardware],
    profiles: Mapping[str, HardwareProfile],
) -> ScenarioGap:
    """What most of the uncovered running time lacks; the first by precedence of several alike.

    Time that lacks several things counts for one: grid, then power, then price.
    """
    missing: dict[ScenarioGap, float] = dict.fromkeys(ScenarioGap, 0.0)
    for series, amounts in groups:
        if isinstance(amounts, ScenarioGap):
            missing[amounts] += sum(series.running_seconds[hour] for hour in hours)
            continue
        no_power = _power_gap(series.key.instance_type, hardware, profiles)
        for hour in hours:
            running, measured = series.running_seconds[hour], series.measured_seconds[hour]
            if not amounts.factors.known[hour]:
                missing[ScenarioGap.NO_GRID_INTENSITY] += running
                continue
            missing[no_power] += running - measured
            missing[ScenarioGap.NO_PRICE] += measured - amounts.covered_seconds[hour]
    return max(ScenarioGap, key=missing.__getitem__)


def _power_gap(
    instance_type: str, hardware: Mapping[str, Hardware], profiles: Mapping[str, HardwareProfile]
) -> ScenarioGap:
    """Why an instance type has no power at times. Where it could have, CPU points are missing."""
    described, profile = hardware.get(instance_type), profiles.get(instance_type)
    if described is not None and described.accelerators:
        return ScenarioGap.ACCELERATOR_UNMODELLED
    if profile is None or profile.power_gap is not None:
        return ScenarioGap.NO_PROFILE
    return ScenarioGap.NO_DATAPOINTS
