"""Cost and operational emissions by hour, from the use of groups and the grid of their zones."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul

from exporter.core.accrual import JOULES_PER_KILOWATT_HOUR
from exporter.core.instance_estimate import Siting
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.usage import Intensities, UsageHistory, UsageSeries
from exporter.core.units import SECONDS_PER_HOUR


@dataclass(frozen=True, slots=True)
class Amounts:
    """One group's cost and operational emissions in each hour of a history.

    Where power, price or intensity of an hour is not known it is 0: ``covered_seconds`` says for
    how much of ``running_seconds`` both cost and emissions are known, hour by hour.
    """

    series: UsageSeries
    usd: Sequence[float]
    grams: Sequence[float]
    covered_seconds: Sequence[float]


def amounts_of(
    series: UsageSeries, history: UsageHistory, intensities: Intensities, siting: Siting
) -> Amounts | ScenarioGap:
    """Amounts of one group where it is; a gap where its grid zone or PUE is unknown throughout."""
    factors = grams_per_joule(series.key.location, history, intensities, siting)
    if isinstance(factors, ScenarioGap):
        return factors
    grams = list(map(mul, series.energy_joules, factors))
    covered = [
        min(measured, priced) if factor else 0.0
        for measured, priced, factor in zip(
            series.measured_seconds, series.priced_seconds, factors, strict=True
        )
    ]
    return Amounts(series, series.cost_usd, grams, covered)


def grams_per_joule(
    location: str, history: UsageHistory, intensities: Intensities, siting: Siting
) -> list[float] | ScenarioGap:
    """PUE x intensity of each hour, gCO2e per joule of IT energy; 0 where it is not known."""
    pue, zone = siting.pue.get(location), siting.grid_zones.get(location)
    if pue is None:
        return ScenarioGap.NO_PUE
    if zone is None:
        return ScenarioGap.ZONE_NOT_COVERED
    hours = intensities.get(zone)
    if not hours:
        return ScenarioGap.NO_GRID_INTENSITY
    per_gram = pue.ratio / JOULES_PER_KILOWATT_HOUR
    starts = (history.since_at + n * SECONDS_PER_HOUR for n in range(len(history.known)))
    return [hours.get(hour_at, 0.0) * per_gram for hour_at in starts]
