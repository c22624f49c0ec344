"""Carbon intensity of four zones, hour by hour: INVENTED curves of a believable shape.

Demand of the hour and the weekday lifts it, wind lowers it for days, sun lowers it around noon.
Hourly steps of the logarithm come out near those measured on real zones: a standard deviation of
about 0.055 in Germany and 0.015 in PJM.
"""

from collections.abc import Mapping
from math import floor, pi, sin
from typing import NamedTuple

from exporter.core.evidence import GridHistory, GridIntensity
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.simulation import noise

HISTORY_HOURS = 24
FIRST_HISTORY_HOURS = 74
"""So that a demo has an intensity for each hour of the alignment window from the start."""

ESTIMATED_HOURS = 5
"""How long an hour stays an estimate before the provider has measured it."""

_JITTER_RATIO = 0.01
_DAYS_PER_YEAR = 365.25
_GUST_SECONDS = 5 * SECONDS_PER_HOUR
_CLOUD_SECONDS = 1.5 * SECONDS_PER_DAY


class Climate(NamedTuple):
    """A zone's own numbers.

    ``still_grams`` is the intensity in gCO2e/kWh of a windless night of mean demand; the ratios
    say how much of it wind and sun take away at most, and how far demand moves it.
    """

    utc_offset_hours: int
    still_grams: float
    wind_ratio: float
    wind_days: float
    sun_ratio: float
    demand_ratio: float


CLIMATES: Mapping[str, Climate] = {
    "DE": Climate(1, 540, 0.6, 2.5, 0.5, 0.12),
    "IE": Climate(0, 450, 0.7, 1.2, 0.08, 0.12),
    "SE-SE3": Climate(1, 41, 0.45, 2.5, 0.08, 0.1),
    "US-MIDA-PJM": Climate(-5, 415, 0.12, 2.0, 0.05, 0.05),
}


def intensity(seed: int, grid_zone: str, hour_start_at: float) -> float:
    """Grams of CO2e per kilowatt-hour of a zone of CLIMATES in the hour, as finally measured."""
    climate = CLIMATES[grid_zone]
    local_at = hour_start_at + climate.utc_offset_hours * SECONDS_PER_HOUR
    hour = local_at / SECONDS_PER_HOUR % 24
    wind, gusts, clouds, jitter = (
        noise.stream(seed, grid_zone, name) for name in ("wind", "gusts", "clouds", "jitter")
    )
    blowing = 0.7 * noise.wander(wind, hour_start_at, climate.wind_days * SECONDS_PER_DAY)
    blowing += 0.3 * noise.wander(gusts, hour_start_at, _GUST_SECONDS)
    clear = 0.4 + 0.6 * noise.wander(clouds, hour_start_at, _CLOUD_SECONDS)
    shining = _sun(local_at, hour) * clear
    sway = 2 * noise.uniform(jitter, int(hour_start_at // SECONDS_PER_HOUR)) - 1
    grams = (
        climate.still_grams
        * (1 + climate.demand_ratio * _demand(local_at, hour))
        * (1 - climate.wind_ratio * blowing)
        * (1 - climate.sun_ratio * shining)
        * (1 + _JITTER_RATIO * sway)
    )
    return float(round(grams))


def _demand(local_at: float, hour: float) -> float:
    """Least at four in the morning, most at seven in the evening, less at weekends; -1.5..1."""
    weekend = int(local_at // SECONDS_PER_DAY + 3) % 7 >= 5  # noqa: PLR2004 - Saturday, Sunday
    daily = 0.6 * sin(2 * pi * (hour - 10) / 24) + 0.4 * sin(4 * pi * (hour - 5) / 24)
    return daily - 0.5 * weekend


def _sun(local_at: float, hour: float) -> float:
    """Height of the sun, 0..1: half as many hours and a third of the strength in midwinter."""
    year = local_at / SECONDS_PER_DAY % _DAYS_PER_YEAR / _DAYS_PER_YEAR
    summer = (1 + sin(2 * pi * (year - 0.22))) / 2  # greatest in June
    half_day_hours = 4 + 4 * summer
    from_noon = abs(hour - 12.5)
    if from_noon >= half_day_hours:
        return 0.0
    return (1 + 2 * summer) / 3 * sin(pi / 2 * (1 - from_noon / half_day_hours)) ** 2


def published(seed: int, grid_zone: str, hour_start_at: float, asked_at: float) -> GridIntensity:
    """What the provider says of an hour when asked: the newest hours are estimates."""
    estimated = asked_at - hour_start_at < ESTIMATED_HOURS * SECONDS_PER_HOUR
    return GridIntensity(
        grid_zone=grid_zone,
        grams_per_kilowatt_hour=intensity(seed, grid_zone, hour_start_at),
        valid_at=hour_start_at,
        estimated=estimated,
        method="TIME_SLICER_AVERAGE" if estimated else "",
    )


def latest(seed: int, grid_zone: str, asked_at: float) -> GridIntensity:
    """The hour in force."""
    return published(seed, grid_zone, _hour(asked_at), asked_at)


def history(seed: int, grid_zone: str, asked_at: float, hours: int = HISTORY_HOURS) -> GridHistory:
    """The last hours, the one in force included, oldest first."""
    newest_at = _hour(asked_at)
    return GridHistory(
        grid_zone,
        tuple(
            published(seed, grid_zone, newest_at - back * SECONDS_PER_HOUR, asked_at)
            for back in reversed(range(hours))
        ),
    )


def _hour(at: float) -> float:
    return floor(at / SECONDS_PER_HOUR) * SECONDS_PER_HOUR
