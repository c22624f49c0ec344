from datetime import UTC, date, datetime

import pytest

from exporter.simulation import berlin

# Last Sundays, from a calendar.
SUMMERS = [
    ("2020-03-29", "2020-10-25"),
    ("2024-03-31", "2024-10-27"),
    ("2025-03-30", "2025-10-26"),
    ("2026-03-29", "2026-10-25"),
    ("2027-03-28", "2027-10-31"),
    ("2032-03-28", "2032-10-31"),
]


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(("first_day", "last_day"), SUMMERS)
def test_clock_changes_at_one_utc_on_the_last_sundays(first_day: str, last_day: str) -> None:
    """One hour ahead of UTC in winter, two in summer, to the second."""
    begins_at, ends_at = utc(f"{first_day}T01:00:00"), utc(f"{last_day}T01:00:00")

    assert berlin.offset_seconds(begins_at - 1) == 3600
    assert berlin.offset_seconds(begins_at) == 7200
    assert berlin.offset_seconds(ends_at - 1) == 7200
    assert berlin.offset_seconds(ends_at) == 3600


@pytest.mark.parametrize(
    ("day", "hour", "expected"),
    [
        ("2026-01-12", 7, "2026-01-12T06:00:00"),
        ("2026-07-06", 7, "2026-07-06T05:00:00"),
        ("2026-03-27", 19, "2026-03-27T18:00:00"),
        ("2026-03-30", 7, "2026-03-30T05:00:00"),
        ("2026-10-23", 19, "2026-10-23T17:00:00"),
        ("2026-10-26", 7, "2026-10-26T06:00:00"),
    ],
)
def test_instant_of_a_local_hour(day: str, hour: int, expected: str) -> None:
    """The wall clock is read with the offset of its own date."""
    days = (date.fromisoformat(day) - date(1970, 1, 1)).days

    assert berlin.instant(days, hour) == utc(expected)
    assert berlin.day(utc(expected)) == days


def test_local_date_begins_before_the_utc_one() -> None:
    """Midnight in Berlin is 22:00 UTC in summer, 23:00 in winter."""
    for before_midnight in ("2026-07-05T21:59:59", "2026-01-11T22:59:59"):
        day = berlin.day(utc(before_midnight))
        assert berlin.day(utc(before_midnight) + 1) == day + 1


def test_working_days_are_monday_to_friday() -> None:
    """Against the calendar of the standard library."""
    for day in range(20_000, 20_030):
        assert berlin.is_working_day(day) == (date.fromordinal(day + 719_163).weekday() < 5)
