"""Until when time has passed for certain.

This host's wall clock may be days ahead when the program starts: no hour is closed before an
upstream has told of a time after it, or this process has lived through it.
"""

from collections.abc import Callable, Mapping

from exporter.books.facts import Facts
from exporter.core.fleet import Place


class Horizon:
    """Of each place. ``anchors`` are instants that have passed.

    ``steady`` gives monotonic seconds.
    """

    def __init__(self, anchors: Mapping[Place, float], steady: Callable[[], float]) -> None:
        self._anchors = dict(anchors)
        self._steady = steady
        self._started_at = steady()

    def begin(self, place: Place, now: float) -> None:
        """Take a new place's time from the wall clock."""
        self._anchors[place] = now

    def until_at(self, place: Place, facts: Facts, newest_point_at: float) -> float:
        """By CPU points, grid hours, or this process, whatever is latest."""
        told = (latest.valid_at for latest, _ in facts.grid.values() if latest)
        lived_seconds = self._steady() - self._started_at
        return max(newest_point_at, *told, self._anchors[place] + lived_seconds)
