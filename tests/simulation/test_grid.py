import statistics
from datetime import UTC, datetime
from itertools import pairwise
from math import log

import pytest

from exporter.simulation import grid

YEAR_AT = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
HOUR = 3600.0
ZONES = ("DE", "IE", "SE-SE3", "US-MIDA-PJM")


def year(zone: str, seed: int = 7) -> list[float]:
    return [grid.intensity(seed, zone, YEAR_AT + hour * HOUR) for hour in range(8760)]


@pytest.mark.parametrize(
    ("zone", "lowest", "highest", "step_deviation"),
    [
        ("DE", 100, 650, (0.035, 0.075)),
        ("IE", 100, 550, (0.03, 0.08)),
        ("SE-SE3", 17, 48, (0.02, 0.06)),
        ("US-MIDA-PJM", 330, 450, (0.008, 0.022)),
    ],
)
def test_a_year_is_believable(
    zone: str, lowest: float, highest: float, step_deviation: tuple[float, float]
) -> None:
    """Range, and the deviation of hourly steps of the logarithm, are near those of real zones."""
    hours = year(zone)
    deviation = statistics.pstdev(log(after / before) for before, after in pairwise(hours))

    assert lowest < min(hours)
    assert max(hours) < highest
    assert step_deviation[0] < deviation < step_deviation[1]


def test_germany_dips_at_noon_in_summer() -> None:
    """The sun takes more than a fifth off between midnight and noon in June, little in December."""

    def mean_at(month: int, hour: int) -> float:
        days = [datetime(2026, month, day, hour, tzinfo=UTC) for day in range(1, 31)]
        return statistics.mean(grid.intensity(7, "DE", day.timestamp()) for day in days)

    assert mean_at(6, 11) < 0.8 * mean_at(6, 23)
    assert mean_at(12, 11) / mean_at(12, 23) > mean_at(6, 11) / mean_at(6, 23)


def test_wind_lasts_for_days() -> None:
    """Daily means of Germany go on: today's says something of tomorrow's, not of next month's."""
    hours = year("DE")
    days = [statistics.mean(hours[day * 24 : day * 24 + 24]) for day in range(365)]

    assert statistics.correlation(days[:-1], days[1:]) > 0.4
    assert abs(statistics.correlation(days[:-30], days[30:])) < 0.35


@pytest.mark.parametrize("zone", ZONES)
def test_the_value_of_an_hour_does_not_depend_on_when_it_is_asked(zone: str) -> None:
    """Only the mark changes: the newest hours are estimates, older ones measured."""
    hour_at = YEAR_AT + 1000 * HOUR
    fresh = grid.published(7, zone, hour_at, hour_at + 5 * HOUR - 1)
    later = grid.published(7, zone, hour_at, hour_at + 5 * HOUR)

    assert fresh.grams_per_kilowatt_hour == later.grams_per_kilowatt_hour
    assert (fresh.estimated, fresh.method) == (True, "TIME_SLICER_AVERAGE")
    assert (later.estimated, later.method) == (False, "")


@pytest.mark.parametrize("zone", ZONES)
def test_latest_is_the_hour_in_force(zone: str) -> None:
    """It is valid from the full hour on, estimated, and equal to the history's newest hour."""
    asked_at = YEAR_AT + 1000 * HOUR + 1234.5
    latest = grid.latest(7, zone, asked_at)

    assert latest.valid_at == YEAR_AT + 1000 * HOUR
    assert latest.estimated
    assert grid.history(7, zone, asked_at).hours[-1] == latest


@pytest.mark.parametrize("zone", ZONES)
def test_history_is_the_last_24_hours(zone: str) -> None:
    """Oldest first, without a gap; the older ones are measured."""
    asked_at = YEAR_AT + 1000 * HOUR + 60
    history = grid.history(7, zone, asked_at)

    assert [hour.valid_at for hour in history.hours] == [
        YEAR_AT + (977 + step) * HOUR for step in range(24)
    ]
    assert [hour.estimated for hour in history.hours] == [False] * 19 + [True] * 5
    assert {hour.grid_zone for hour in history.hours} == {history.grid_zone} == {zone}


def test_a_longer_history_ends_with_the_shorter() -> None:
    """Only older hours are added."""
    asked_at = YEAR_AT + 1000 * HOUR + 60
    longer = grid.history(7, "DE", asked_at, 74)

    assert longer.hours[-24:] == grid.history(7, "DE", asked_at).hours
    assert longer.hours[0].valid_at == YEAR_AT + (1000 - 73) * HOUR
    assert len(longer.hours) == 74


def test_seeds_differ() -> None:
    """Another seed has another weather."""
    assert year("DE", seed=7)[:48] != year("DE", seed=8)[:48]
