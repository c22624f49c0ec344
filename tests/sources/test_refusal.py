"""Retry-After in all its forms."""

import string
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.sources.refusal import retry_after_seconds

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "wait_seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("5", 5.0),
        (" 120 ", 120.0),
        ("86400", 86400.0),
        ("86401", 86400.0),
        ("9" * 5000, 86400.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("²", None),
        ("nan", None),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 12:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2026 11:59:59 GMT", None),
        ("Sun, 22 Nov 2026 13:00:30 +0100", 30.0),
        ("Sun, 22 Nov 2026 12:00:30 -0000", 30.0),
        ("Wed, 22 Nov 2028 12:00:00 GMT", 86400.0),
        ("Mon, 99 Foo 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after(value, wait_seconds):
    """Seconds and dates count, up to a day; what lies in the past or makes no sense does not."""
    assert retry_after_seconds(value, NOW) == wait_seconds


@given(st.text(alphabet=string.printable + "²éà") | st.datetimes().map(format_datetime))
def test_any_text_gives_a_sane_wait_or_none(value):
    """Whatever an upstream sends, nothing is raised and the wait is bounded."""
    wait_seconds = retry_after_seconds(value, NOW)

    assert wait_seconds is None or 0 <= wait_seconds <= 86400
