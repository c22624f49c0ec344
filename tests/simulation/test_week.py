from datetime import UTC, datetime

import pytest

from exporter.simulation import week
from exporter.simulation.week import Day


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def busyness(day: Day, weekend_ratio: float, text: str) -> float:
    return week.ratios(day, weekend_ratio)[week.slot(utc(text))]


@pytest.mark.parametrize("day", list(Day))
def test_a_week_has_2016_slots_between_0_and_1(day: Day) -> None:
    """Busyness is relative to the busiest hour, which is 1."""
    ratios = week.ratios(day, 1.0)

    assert len(ratios) == 7 * 24 * 12
    assert min(ratios) >= 0
    assert max(ratios) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-14T19:00:00", 1.0),  # Wednesday, 20:00 in Berlin
        ("2026-07-15T18:00:00", 1.0),
        ("2026-01-14T19:30:00", 0.95),  # half way to 0.9 at 21:00
        ("2026-01-17T19:00:00", 0.5),  # Saturday
        ("2026-07-19T18:00:00", 0.5),  # Sunday
    ],
)
def test_busyness_follows_the_local_clock(text: str, expected: float) -> None:
    """The shop's evening peak is at 20:00 in Berlin, summer and winter; weekends are scaled."""
    assert busyness(Day.SHOP, 0.5, text) == pytest.approx(expected)


def test_slot_changes_every_five_minutes() -> None:
    """All instants of a slot share it; the next one begins on the edge."""
    start_at = utc("2026-05-05T10:05:00")

    assert week.slot(start_at) == week.slot(start_at + 299.9)
    assert week.slot(start_at + 300) == week.slot(start_at) + 1
