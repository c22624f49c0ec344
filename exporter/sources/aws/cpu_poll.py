"""One poll of CPU points: who is asked about, since when, and what is kept of the answer."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from exporter.core.evidence import CpuPoint, InstanceCpu, MeteredRun, PlaceCpu
from exporter.core.units import CPU_SLOT_SECONDS

RunKey = tuple[str, float]
"""An instance id and the launch: an instance may have ended one run and be in the next."""

_FEWEST_SLOTS = 3
# A page holds 100,800 points, and a further one is billed like a further call: 500 instances with
# 16 hours each stay on one.
_MOST_SLOTS = 191
YOUNG_SECONDS = _FEWEST_SLOTS * CPU_SLOT_SECONDS
"""Until this age an instance need not have a window of points."""

# Refreshes begin at 80-90 % of the interval: an entry polled then must count as due again.
_DUE_SHARE = 0.75
# CloudWatch publishes a point some time after its slot ended.
_LATE_SECONDS = 600.0


def run_key(run: MeteredRun) -> RunKey:
    """What the entries of a run are known by."""
    return run.instance.instance_id, run.instance.launched_at


@dataclass(frozen=True, slots=True)
class CpuPoll:
    """A poll at ``now`` (epoch seconds) by what the poll before it has left in ``known``.

    ``known_since_at`` is until when every run was asked about by then; None when none ever was.
    """

    now: float
    interval_seconds: float
    known: Mapping[RunKey, InstanceCpu]
    known_since_at: float | None

    @classmethod
    def after(cls, previous: PlaceCpu | None, now: float, interval_seconds: float) -> "CpuPoll":
        """Make the poll that follows one, None being the first."""
        entries = previous.instances if previous else ()
        known = {(entry.instance_id, entry.launched_at): entry for entry in entries}
        ends = (entry.window_end_at for entry in entries)
        since_at = min(ends, default=-math.inf) if previous is not None else None
        return cls(now, interval_seconds, known, since_at)

    @property
    def end_at(self) -> float:
        """End of the newest complete slot."""
        return _slot_start(self.now)

    def is_due(self, run: MeteredRun) -> bool:
        """Whether the last poll of a run is no longer good enough: each metric costs money."""
        entry = self.known.get(run_key(run))
        if run.ended_at is not None:
            return self._is_unfinished(run.ended_at, entry)
        if entry is None:
            return True
        age_seconds = self.now - entry.polled_at
        if not 0 <= age_seconds <= _DUE_SHARE * self.interval_seconds:  # negative: clock set back
            return True
        was_young = entry.polled_at - entry.launched_at < YOUNG_SECONDS
        return was_young and self.now - entry.launched_at >= YOUNG_SECONDS

    def start_at(self, due: Iterable[MeteredRun]) -> float:
        """Since when to ask: everything new, and the window; any span costs the same."""
        # One slot more than the window: see _window_end.
        window_at = self.end_at - (self._slots + 1) * CPU_SLOT_SECONDS
        return max(self._earliest_at, min([window_at, *map(self._since_at, due)]))

    def entry(self, run: MeteredRun, percent_at: Mapping[float, float]) -> InstanceCpu:
        """Keep what is new, and the window."""
        end_at = self._window_end(run, percent_at)
        start_at = min(end_at - self._slots * CPU_SLOT_SECONDS, self._since_at(run))
        instance_id, launched_at = run_key(run)
        points = tuple(
            CpuPoint(at, percent)
            for at, percent in sorted(percent_at.items())
            # A slot that was over before the launch belongs to an earlier run.
            if start_at <= at < end_at and at + CPU_SLOT_SECONDS > launched_at
        )
        return InstanceCpu(instance_id, launched_at, self.now, end_at, self._slots, points)

    @property
    def _slots(self) -> int:
        wanted = math.ceil(self.interval_seconds / CPU_SLOT_SECONDS)
        return min(max(wanted, _FEWEST_SLOTS), _MOST_SLOTS)

    @property
    def _earliest_at(self) -> float:
        return self.end_at - (_MOST_SLOTS + 1) * CPU_SLOT_SECONDS

    def _is_unfinished(self, ended_at: float, entry: InstanceCpu | None) -> bool:
        """Tell whether a run that is over lacks its last points and can still get them."""
        last_at = _slot_end(ended_at)
        if self.now < ended_at + _LATE_SECONDS or last_at <= self._earliest_at:
            return False
        if entry is None:
            return True
        was_late = entry.polled_at < ended_at + _LATE_SECONDS and _settled_until(entry) < last_at
        return was_late or entry.window_end_at < last_at

    def _since_at(self, run: MeteredRun) -> float:
        """Until when the points of a run are known already."""
        entry = self.known.get(run_key(run))
        if entry:
            return _settled_until(entry)
        if run.ended_at is not None:
            return _slot_start(run.instance.launched_at)
        if self.known_since_at is None:
            return math.inf
        return _slot_start(run.instance.launched_at)

    def _window_end(self, run: MeteredRun, percent_at: Mapping[float, float]) -> float:
        """End one slot earlier where the newest is missing: a late point is no gap in the data."""
        if run.ended_at is not None:
            return _slot_end(run.ended_at)
        newest_at = self.end_at - CPU_SLOT_SECONDS
        if newest_at not in percent_at and newest_at - CPU_SLOT_SECONDS in percent_at:
            return newest_at
        return self.end_at


def _settled_until(entry: InstanceCpu) -> float:
    """Until when no point can be on its way any more: a late one is found by the next poll."""
    if not entry.points:
        return entry.window_start_at
    return min(entry.window_end_at, entry.points[-1].start_at + CPU_SLOT_SECONDS)


def _slot_start(at: float) -> float:
    return math.floor(at / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS


def _slot_end(at: float) -> float:
    return math.ceil(at / CPU_SLOT_SECONDS) * CPU_SLOT_SECONDS
