"""Amounts of money in AWS's answers, which are texts."""

import math

_HIGHEST_USD_PER_HOUR = 10_000.0
"""Above any instance: the dearest listed were below 1,000 USD an hour in 2026."""


def usd(text: str) -> float:
    """Read an amount; NaN where the text is no number."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def is_nonsense(usd_per_hour: float) -> bool:
    """Whether no instance can have this price: not a number, negative, or beyond any."""
    return not 0 <= usd_per_hour <= _HIGHEST_USD_PER_HOUR
