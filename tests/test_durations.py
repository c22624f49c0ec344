"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.durations import format_duration, parse_duration_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("3h", 10_800),
        ("7d", 604_800),
        ("1.5h", 5_400),
        ("0.5s", 0.5),
        (" 15m ", 900),
        (900, 900),
        (0.25, 0.25),
    ],
)
def test_what_is_a_duration(text, seconds):
    """A number and one of four units; a bare number, as TOML can hold one, is seconds."""
    assert parse_duration_seconds(text) == seconds


NO_DURATIONS: tuple[object, ...] = (
    *("", "m", "15", "15M", "15 m", "1h30m", "-5m", "+5m", "1e3s", "5w", "٣m x", "15min"),
    *("0s", "0.0h", "nan", "inf", "infs", None, True, False, [], {}),
    *(0, 0.0, -1, -0.5, float("nan"), float("inf")),
)


@pytest.mark.parametrize("text", NO_DURATIONS)
def test_what_is_no_duration(text):
    """Neither nonsense nor anything that is not positive: an interval of 0 would ask for ever."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration_seconds(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (900, "15m"),
        (3600, "1h"),
        (5400, "90m"),
        (86_400, "1d"),
        (604_800, "7d"),
        (45, "45s"),
        (86_401, "86401s"),
        (0, "0s"),
        (59.6, "1m"),
    ],
)
def test_shortest_form(seconds, text):
    """The largest unit that fits without a remainder."""
    assert format_duration(seconds) == text


@given(st.integers(1, 10**9))
def test_formatting_loses_nothing(seconds):
    """What was written is read back as the same number of seconds."""
    assert parse_duration_seconds(format_duration(seconds)) == seconds
