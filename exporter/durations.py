"""Durations as people write them in settings: 90s, 10m, 3h, 7d."""

import re
from math import inf

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def parse_duration_seconds(text: object) -> float:
    """Seconds of a duration such as ``15m``; ValueError when it is not one, or not positive.

    A bare number, as a TOML file may hold it, is a number of seconds.
    """
    match = _PATTERN.fullmatch(str(text).strip())
    seconds = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if isinstance(text, int | float) and not isinstance(text, bool):
        seconds = float(text)
    if not 0 < seconds < inf:
        raise ValueError(f"{text!r} is not a duration: write a number and s, m, h or d (15m, 3h)")
    return seconds


def format_duration(seconds: float) -> str:
    """The shortest exact form: 900 becomes ``15m``; fractions of a second are rounded."""
    whole = round(seconds)
    for unit in "dhm":
        size = int(_SECONDS[unit])
        if whole and whole % size == 0:
            return f"{whole // size}{unit}"
    return f"{whole}s"
