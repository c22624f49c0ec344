"""Numbers as people read them: three significant digits, no locale, UTC."""

from datetime import UTC, datetime
from math import floor, log10

from exporter.core.snapshot import Bounded
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR

MISSING = "\N{EM DASH}"
_THOUSANDS = "\N{NARROW NO-BREAK SPACE}"
_SIGNIFICANT_DIGITS = 3
_MOST_DECIMALS = 6
_SECONDS_PER_MINUTE = 60.0


def figure(value: float) -> str:
    """Write a value with three significant digits, but never fewer than its whole part has."""
    if value == 0:
        return "0"
    decimals = _SIGNIFICANT_DIGITS - 1 - floor(log10(abs(value)))
    return f"{value:,.{max(0, min(decimals, _MOST_DECIMALS))}f}".replace(",", _THOUSANDS)


def percent(ratio: float) -> str:
    """Write a ratio in percent; only what is complete is 100 %."""
    return "100 %" if ratio >= 1 else f"{min(100 * ratio, 99.9):.3g} %"


def signed_percent(ratio: float) -> str:
    """Write a deviation in percent with its sign and two decimals; what rounds to zero has none."""
    rounded = round(100 * ratio, 2)
    return f"{rounded:+,.2f} %".replace(",", _THOUSANDS) if rounded else "0 %"


def bounds(quantity: Bounded) -> str:
    """Write the lower and the upper bound; empty while they are unknown."""
    if quantity.lower is None or quantity.upper is None:
        return ""
    return f"{figure(quantity.lower)} to {figure(quantity.upper)}"


def duration(seconds: float) -> str:
    """Write a duration in its largest fitting unit."""
    for unit, length in (
        ("d", SECONDS_PER_DAY),
        ("h", SECONDS_PER_HOUR),
        ("min", _SECONDS_PER_MINUTE),
    ):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.0f} s"


def instant(at: float) -> str:
    """Write an instant (epoch seconds) in UTC, to the second."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"
