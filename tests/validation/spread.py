"""How values are spread: no figure of the page stands without it."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


def quantile(values: Iterable[float], share: float) -> float:
    """The value below which ``share`` (0..1) of at least one value lies, interpolated linearly."""
    ordered = sorted(values)
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


class Spread(NamedTuple):
    """Number, 5 % quantile, median, 90 % quantile and greatest of some values."""

    samples: int
    p5: float
    median: float
    p90: float
    greatest: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        """The spread of at least one value."""
        found: Sequence[float] = sorted(values)
        low, middle, high = (quantile(found, share) for share in (0.05, 0.5, 0.9))
        return cls(len(found), low, middle, high, found[-1])

    def seconds(self) -> str:
        """Median and p90 as text, of seconds."""
        return f"median {self.median:,.0f} s, p90 {self.p90:,.0f} s (n = {self.samples:,})"

    def percent(self, digits: int = 2) -> str:
        """Median and p90 as text, of ratios."""
        middle, high = (percent(each, digits) for each in (self.median, self.p90))
        return f"median {middle}, p90 {high} (n = {self.samples:,})"

    def low_percent(self) -> str:
        """5 % quantile and median as text, of ratios that should be 1."""
        return f"p5 {percent(self.p5)}, median {percent(self.median)} (n = {self.samples:,})"


def percent(ratio: float, digits: int = 2) -> str:
    """A ratio as text; what is below 1 is never rounded up to 100 %."""
    text = f"{100 * ratio:.{digits}f}"
    if ratio < 1 <= float(text) / 100:
        return f"> {100 - 0.1**digits:.{digits}f} %"
    return f"{text} %"


def share(part: int, whole: int) -> str:
    """A count of all, and the share that it is."""
    return f"{part:,} of {whole:,} ({percent(part / whole)})" if whole else "none"
