"""The band of a month computed a second time, without the exporter's scenarios."""

from collections.abc import Sequence
from itertools import combinations_with_replacement
from math import factorial, sqrt
from statistics import fmean
from typing import NamedTuple

from tests.validation.spread import quantile

WEEKS_PER_MONTH = 365.25 / 12 / 7
STUDENT_T = 2.353
"""95 % quantile with three degrees of freedom, from a table."""

CENTRAL_RATIO = 0.90


class Evidence(NamedTuple):
    """What four weeks would have saved, and what was used in them."""

    saved: Sequence[float]
    used: Sequence[float]

    @property
    def ratio(self) -> float:
        """Share saved in all of them."""
        return sum(self.saved) / sum(self.used)

    @property
    def ratio_spread(self) -> float:
        """Half of the textbook's prediction interval of the ratio in a month of such weeks."""
        rests = [
            saved - self.ratio * used for saved, used in zip(self.saved, self.used, strict=True)
        ]
        return _prediction(rests) / fmean(self.used)

    @property
    def amount_spread(self) -> float:
        """The same of the amount saved per month."""
        mean = fmean(self.saved)
        return _prediction([saved - mean for saved in self.saved]) * WEEKS_PER_MONTH

    @property
    def amount(self) -> float:
        """Saved per month."""
        return fmean(self.saved) * WEEKS_PER_MONTH

    def bootstrapped(self) -> tuple[float, float]:
        """5 % and 95 % quantile of the ratio over all draws of as many weeks, with replacement."""
        ratios: list[float] = []
        count = len(self.saved)
        for drawn in combinations_with_replacement(range(count), count):
            ways = factorial(count)
            for week in set(drawn):
                ways //= factorial(drawn.count(week))
            saved = sum(self.saved[week] for week in drawn)
            ratios += [saved / sum(self.used[week] for week in drawn)] * ways
        return quantile(ratios, 0.05), quantile(ratios, 0.95)


def amount_half_width(evidence: Evidence, factor: float, drift: float) -> float:
    """Half of the band of the amount saved per month; its drift is relative to the amount."""
    return half_width(evidence.amount_spread, factor, drift * abs(evidence.amount))


def half_width(spread: float, factor: float, drift: float) -> float:
    """Half of a band: the spread times a factor, and a drift beside it."""
    return sqrt((factor * spread) ** 2 + drift**2)


def _prediction(rests: Sequence[float]) -> float:
    count = len(rests)
    deviation = sqrt(sum(rest * rest for rest in rests) / (count - 1))
    return STUDENT_T * deviation * sqrt(1 / count + 1 / WEEKS_PER_MONTH)
