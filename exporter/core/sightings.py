"""What successive inventories have shown of each instance: its runs, as far as they were seen."""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple

from exporter.core.fleet import Instance, InstanceState, SightedRun, Sighting
from exporter.core.units import SECONDS_PER_HOUR

KEPT_SECONDS = 5 * 86400.0
"""A run that ended longer ago is forgotten: by then CloudTrail has told of it."""

_ON = frozenset({InstanceState.PENDING, InstanceState.RUNNING})
_GONE = frozenset({InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED})
# "User initiated (2026-02-08 07:08:49 GMT)"; some emulators write UTC.
_TOLD_TIME = re.compile(r"\((\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}) (?:GMT|UTC)\)")


def sighted(
    previous: Iterable[Sighting], found: Iterable[Instance], began_at: float, ended_at: float
) -> tuple[Sighting, ...]:
    """Bring the sightings up to date with one inventory, asked for in [began_at, ended_at].

    ``found`` holds every instance that AWS returned, terminated ones too. What was running in
    ``previous`` and is not in ``found`` is gone since ``ended_at`` at the latest.
    """
    look = _Look(began_at, ended_at)
    known = {sighting.instance.instance_id: sighting for sighting in previous}
    present = {instance.instance_id: instance for instance in found}
    sightings = [look.at(known.get(each), instance) for each, instance in present.items()]
    sightings += [look.past(known[each]) for each in known if each not in present]
    # A terminated instance stays as long as it is returned: otherwise it would seem new.
    return tuple(
        each
        for each in sightings
        if each.listed or each.runs or each.instance.instance_id in present
    )


class _Look(NamedTuple):
    """One look at all instances."""

    began_at: float
    ended_at: float

    def at(self, known: Sighting | None, instance: Instance) -> Sighting:
        """Tell what is known of an instance that was returned."""
        if known and instance.launched_at < known.instance.launched_at:
            return known  # EC2 is eventually consistent: this answer is an old one
        runs = known.runs if known else ()
        last = runs[-1] if runs else None
        same = last if last and last.launched_at == instance.launched_at else None
        earlier = runs[:-1] if same else self._over(runs, instance.launched_at)
        if instance.state in _ON:
            seen_at = max(instance.launched_at, self.began_at, same.seen_at if same else 0.0)
            run = SightedRun(instance.launched_at, instance.instance_type, seen_at)
        elif same is None and known and known.instance.launched_at == instance.launched_at:
            return self._noted(known, instance, runs)  # it ended long ago
        else:
            run = self._ended(same, instance)
        return self._noted(known, instance, runs if run is same else (*earlier, run))

    def past(self, known: Sighting) -> Sighting:
        """Tell what is known of an instance that was not returned."""
        runs = self._recent(self._over(known.runs, self.ended_at))
        if runs is known.runs and not known.listed:
            return known
        return Sighting(known.instance, runs, known.first_at, listed=False)

    def _noted(
        self, known: Sighting | None, instance: Instance, runs: tuple[SightedRun, ...]
    ) -> Sighting:
        runs = self._recent(runs)
        listed = instance.state not in _GONE
        if known and runs is known.runs and listed == known.listed and instance == known.instance:
            return known
        return Sighting(instance, runs, known.first_at if known else self.began_at, listed)

    def _over(self, runs: tuple[SightedRun, ...], gone_at: float) -> tuple[SightedRun, ...]:
        """End the last run where nothing has told of its end."""
        if not runs or runs[-1].gone_at is not None:
            return runs
        return (*runs[:-1], replace(runs[-1], gone_at=gone_at))

    def _ended(self, known: SightedRun | None, instance: Instance) -> SightedRun:
        """Note the end of a run, and what is told about it; the first to tell counts."""
        run = known or SightedRun(
            instance.launched_at, instance.instance_type, instance.launched_at
        )
        gone_at = self.ended_at if run.gone_at is None else run.gone_at
        ended_at = _told_end(run, instance) if run.ended_at is None else run.ended_at
        stopping = instance.state is InstanceState.STOPPING
        stopping_at = self.began_at if stopping else run.stopping_at
        if (ended_at, gone_at, stopping_at) == (run.ended_at, run.gone_at, run.stopping_at):
            return run
        return replace(run, ended_at=ended_at, gone_at=gone_at, stopping_at=stopping_at)

    def _recent(self, runs: tuple[SightedRun, ...]) -> tuple[SightedRun, ...]:
        """Leave out what ended long ago."""
        limit_at = self.began_at - KEPT_SECONDS
        if not runs or not _ended_before(runs[0], limit_at):
            return runs
        return tuple(run for run in runs if not _ended_before(run, limit_at))


def _ended_before(run: SightedRun, at: float) -> bool:
    end_at = run.gone_at if run.ended_at is None else run.ended_at
    return end_at is not None and end_at < at


def _told_end(run: SightedRun, instance: Instance) -> float | None:
    """Read the end of a run from StateTransitionReason, where it carries one.

    A termination gets its own time there, even that of an instance which had stopped before.
    """
    match = _TOLD_TIME.search(instance.state_transition_reason)
    if match is None:
        return None
    try:
        told_at = datetime.fromisoformat(match[1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    if told_at < run.launched_at or (run.gone_at is not None and told_at > run.gone_at):
        return None
    never_seen = run.seen_at <= run.launched_at
    if instance.state in _GONE and never_seen and told_at - run.launched_at > SECONDS_PER_HOUR:
        return None
    return told_at
