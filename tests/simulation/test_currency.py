from datetime import UTC, datetime
from itertools import pairwise

import pytest

from exporter.simulation import currency


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("asked", "as_of"),
    [
        ("2026-07-08T13:59:59", "2026-07-07"),  # Wednesday 15:59 in Berlin
        ("2026-07-08T14:00:00", "2026-07-08"),
        ("2026-01-14T14:59:59", "2026-01-13"),
        ("2026-01-14T15:00:00", "2026-01-14"),
        ("2026-07-11T20:00:00", "2026-07-10"),  # Saturday
        ("2026-07-13T08:00:00", "2026-07-10"),  # Monday morning
    ],
)
def test_rate_is_of_the_last_working_day_that_was_set(asked: str, as_of: str) -> None:
    """A rate is set at 16:00 in Berlin; weekends carry Friday's."""
    rate = currency.rate(7, utc(asked))

    assert rate.as_of_at == utc(as_of)
    assert rate.basis == "ecb"
    assert rate == currency.rate(7, utc(as_of) + 16 * 3600)


def test_rate_drifts_slowly_inside_its_range() -> None:
    """From 1.08 to 1.12 US dollars, less than a cent a day, not constant."""
    rates = [currency.rate(7, utc("2026-01-01") + day * 86400).usd_per_eur for day in range(365)]

    assert 1.08 <= min(rates) < max(rates) <= 1.12
    assert all(abs(b - a) < 0.01 for a, b in pairwise(rates))
    assert len(set(rates)) > 100
