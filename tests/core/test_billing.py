from datetime import UTC, datetime

import pytest

from exporter.core.billing import month_start_at


@pytest.mark.parametrize(
    ("moment", "start"),
    [
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2026, 3, 31, 23, 59, 59, 999000, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)),
        (datetime(2027, 1, 1, 0, 0, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_months_begin_at_midnight_utc(moment, start):
    """Whatever the machine's own time zone."""
    assert month_start_at(moment.timestamp()) == start.timestamp()
