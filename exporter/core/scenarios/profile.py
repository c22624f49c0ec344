"""The typical week: means of four weeks by weekday and hour, UTC."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from operator import add, mul
from statistics import median

from exporter.core.scenarios.amounts import hourly_factors
from exporter.core.scenarios.coverage import LEAST_COVERED_RATIO
from exporter.core.scenarios.facts import CaseFacts
from exporter.core.scenarios.month import WEEKS
from exporter.core.scenarios.outcome import ScenarioGap
from exporter.core.scenarios.usage import UsageSeries
from exporter.core.scenarios.weeks import FEWEST_KNOWN_RATIO, HOURS_PER_WEEK
from exporter.core.units import SECONDS_PER_HOUR

FEWEST_VALUES = 3
"""A weekday's hour is told of that is known in so many of the four weeks."""

LEAST_USUAL_RATIO = 0.9
"""An hour counts when emissions of so much of the running time are known as in the median hour,
relative to it: types without a power model are missing from every hour alike, an outage is not."""

_HOURS = WEEKS * HOURS_PER_WEEK


def emissions_profile(facts: CaseFacts) -> Mapping[tuple[int, int], float]:
    """Operational gCO2e/h of the fleet by (ISO weekday, hour); empty under 28 days."""
    history = facts.history
    if len(history.known) < _HOURS:
        return {}
    running = grams = emitting = [0.0] * len(history.known)
    by_location: dict[str, list[UsageSeries]] = {}
    for each in history.series:
        by_location.setdefault(each.key.location, []).append(each)
    for location, groups in by_location.items():
        running = list(map(add, running, _sums([each.running_seconds for each in groups])))
        factors = hourly_factors(location, history, facts.intensities, facts.siting)
        if isinstance(factors, ScenarioGap):
            continue
        joules = _sums([each.energy_joules for each in groups])
        measured = _sums([each.measured_seconds for each in groups])
        grams = list(map(add, grams, map(mul, joules, factors.grams_per_joule)))
        emitting = list(map(add, emitting, map(mul, measured, factors.known)))
    hours = list(zip(history.known, grams, emitting, running, strict=True))[-_HOURS:]
    ran = [covered / whole for known, _, covered, whole in hours if known and whole]
    usual = median(ran) if ran else 1.0
    if usual < LEAST_COVERED_RATIO:
        return {}
    values = [
        amount if known and covered >= LEAST_USUAL_RATIO * usual * whole else None
        for known, amount, covered, whole in hours
    ]
    return _typical_week(history.until_at, values)


def grid_profile(facts: CaseFacts) -> Mapping[tuple[str, int, int], float]:
    """gCO2e/kWh by (grid zone, ISO weekday, hour); zones under 28 days are left out."""
    until_at = facts.history.until_at
    starts = [until_at + n * SECONDS_PER_HOUR for n in range(-_HOURS, 0)]
    return {
        (zone, weekday, hour): mean
        for zone, hours in facts.intensities.items()
        for (weekday, hour), mean in _typical_week(until_at, list(map(hours.get, starts))).items()
    }


def _typical_week(
    until_at: float, values: Sequence[float | None]
) -> Mapping[tuple[int, int], float]:
    """Means by (ISO weekday, hour) of the four weeks of hours that end at a midnight."""
    if sum(value is not None for value in values) < FEWEST_KNOWN_RATIO * _HOURS:
        return {}
    means = {}
    for n in range(HOURS_PER_WEEK):
        found = [value for value in values[n::HOURS_PER_WEEK] if value is not None]
        if len(found) >= FEWEST_VALUES:
            hour = datetime.fromtimestamp(until_at + (n - _HOURS) * SECONDS_PER_HOUR, UTC)
            means[hour.isoweekday(), hour.hour] = sum(found) / len(found)
    return means


def _sums(columns: Sequence[Sequence[float]]) -> Iterable[float]:
    return map(sum, zip(*columns, strict=True))
