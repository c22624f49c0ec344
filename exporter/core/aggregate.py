"""Totals of a fleet, with bounds that follow how the errors of its instances hang together.

Errors of one instance alone (missing points, CPU age, allocation) average out over many; those
shared within a type, a grid zone or a region do not, and the model's own bias never does. Adding
up per-instance bounds would be too wide, dividing by sqrt(n) too narrow.
"""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from math import sqrt

from exporter.core.snapshot import Bounded
from exporter.core.uncertainty import bounded


class BoundedSum:
    """Accumulates values whose errors are partly shared.

    ``add`` takes the deviation of the instance alone and, by group, the deviation it shares with
    every other member of that group. A value without deviations makes the total unbounded.
    """

    def __init__(self) -> None:
        self._total = 0.0
        self._count = 0
        self._own_squares = 0.0
        self._shared: dict[Hashable, float] = defaultdict(float)
        self._unbounded = False

    def add(self, value: float, own_ln: float, shared_ln: Mapping[Hashable, float]) -> None:
        """One more instance."""
        self._total += value
        self._count += 1
        self._own_squares += (value * own_ln) ** 2
        for group, deviation_ln in shared_ln.items():
            self._shared[group] += value * deviation_ln

    def add_unbounded(self, value: float) -> None:
        """One more instance whose error is unknown: the total has no bounds then."""
        self._total += value
        self._count += 1
        self._unbounded = True

    def result(self) -> Bounded | None:
        """The total; None when nothing was added."""
        if not self._count:
            return None
        if self._unbounded or self._total <= 0:
            return Bounded(self._total)
        squares = self._own_squares + sum(part * part for part in self._shared.values())
        return bounded(self._total, sqrt(squares) / self._total)
