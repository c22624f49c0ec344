"""What a benchmark prints: one line per result, the goal beside it."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """Median, least and greatest of repeated measurements, and how many there were."""

    median: float
    low: float
    high: float
    samples: int

    @classmethod
    def of(cls, samples: Sequence[float]) -> "Spread":
        """The spread of at least one sample."""
        return cls(median(samples), min(samples), max(samples), len(samples))

    def milliseconds(self) -> str:
        """The spread of seconds, in milliseconds."""
        return self._written(1e3, "ms")

    def per_second(self) -> str:
        """The spread of a rate."""
        return self._written(1.0, "/s")

    def _written(self, factor: float, unit: str) -> str:
        middle, low, high = (_short(factor * each) for each in self[:3])
        return f"{middle} {unit} ({low}-{high}, n={self.samples})"


def result(what: str, measured: str, goal: str = "") -> None:
    """Print one result."""
    print(f"  {what:64} {measured}{f'   [goal {goal}]' if goal else ''}", flush=True)


def ratio(what: str, times: float, *, at_least: float | None = None) -> None:
    """Print how many times better something is."""
    goal = "" if at_least is None else f">= {at_least:g}x: {_verdict(times >= at_least)}"
    result(what, f"{times:,.1f}x" if times < 100 else f"{times:,.0f}x", goal)


def below(what: str, spread: Spread, limit_seconds: float) -> None:
    """Print a time whose greatest value must stay below a limit."""
    met = _verdict(spread.high < limit_seconds)
    result(what, spread.milliseconds(), f"all < {1e3 * limit_seconds:g} ms: {met}")


def _verdict(met: bool) -> str:  # noqa: FBT001 - the one thing it is about
    return "met" if met else "MISSED"


def _short(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"
