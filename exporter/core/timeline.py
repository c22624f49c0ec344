"""One instance through time: its signs of life, one after the other, made into spans."""

from dataclasses import replace

from exporter.core.fleet import Sighting
from exporter.core.launches import SAME_SECONDS, Launch
from exporter.core.signs import Sign, SignKind
from exporter.core.spans import Coverage, Segment, UnknownReason, UnknownSpan
from exporter.core.units import CPU_SLOT_SECONDS

_EVER = float("-inf")


class Timeline:
    """The state machine: signs go in, oldest first, spans come out.

    The instance is on or off; ``_proof_at`` is the newest instant for which that is proven.
    A sign that does not fit shows that something since then was missed: that time is unknown.
    """

    def __init__(
        self, sighting: Sighting | None, coverage: Coverage, last_point_at: float | None
    ) -> None:
        self._sighting = sighting
        self._coverage = coverage
        self._last_point_at = _EVER if last_point_at is None else last_point_at
        self._segments: list[Segment] = []
        self._unknown: list[UnknownSpan] = []
        self._told = False
        self._on: Segment | None = None
        self._launch: Launch | None = None
        self._since_at = self._proof_at = _EVER
        self._resumable = False
        self._final_at: float | None = None

    def add(self, sign: Sign) -> None:
        """Take in the next sign."""
        if sign.launch and sign.kind is SignKind.START:
            self._start(sign.at, sign.launch)
        elif sign.launch not in {None, self._launch}:
            return  # a later start has overtaken it
        elif sign.kind is SignKind.SEEN:
            self._seen(sign)
        elif sign.kind is SignKind.END:
            self._end(sign)
        else:
            self._unseen(sign)
        self._told = True
        if sign.final:
            self._final_at = sign.at

    def closed(self) -> tuple[list[Segment], tuple[UnknownSpan, ...]]:
        """Bring the state up to the last inventory; give all spans until now."""
        coverage, seen_until_at = self._coverage, self._coverage.seen_until_at
        if not self._told:
            self._forget(_EVER, coverage.trail_since_at, UnknownReason.NO_TRAIL)
        # The last inventory may not show what has started just before it.
        shown_since_at = seen_until_at - SAME_SECONDS
        shown = self._is_shown()
        if self._on and (shown or self._on.start_at > shown_since_at):
            proof_at = self._proven_until(coverage.now)
            known_until_at = max(proof_at, seen_until_at) if shown else proof_at
            self._switch_off(known_until_at, ends=False)
        else:
            if self._on:
                self._lose(max(seen_until_at, self._proof_at))
            known_until_at = max(seen_until_at, coverage.trail_until_at, self._proof_at)
            seen = self._sighting
            gone = not seen.listed if seen else self._since_at <= shown_since_at
            if gone and self._told:
                self._final_at = self._since_at  # what is not listed can not be started again
        if self._final_at is None:
            self._forget(known_until_at, coverage.now, UnknownReason.NO_INVENTORY)
        return self._until(
            coverage.now if coverage.provisional else min(coverage.trail_until_at, coverage.now)
        )

    def _is_shown(self) -> bool:
        """Whether the last inventory shows it running."""
        run = self._launch.run if self._launch else None
        return bool(self._sighting and self._sighting.listed and run and run.gone_at is None)

    def _start(self, at: float, launch: Launch) -> None:
        if self._on:
            self._lose(at, restarted=True)
        elif not launch.first:
            # Where CloudTrail does not reach, another run may have been missed.
            missed = not self._told and self._may_be_restart(at)
            until_at = at if missed else min(at, self._coverage.trail_since_at)
            self._forget(self._proof_at, until_at, UnknownReason.NO_TRAIL)
        self._launch = launch
        at = max(at, self._since_at)
        self._switch_on(Segment(at, at, launch.instance_type, confirmed=launch.proven), at)

    def _may_be_restart(self, at: float) -> bool:
        """Whether it may have run, and stopped just before, when nothing older is known of it."""
        coverage = self._coverage
        first_at = self._sighting.first_at if self._sighting else at
        return coverage.trail_until_at < at <= first_at <= coverage.seen_since_at

    def _seen(self, sign: Sign) -> None:
        if self._on:
            self._proof_at = max(self._proof_at, sign.at)
        elif not self._told:
            self._assume_on(sign.at)
        elif sign.at - self._since_at <= SAME_SECONDS:
            pass  # the inventory was a little behind
        elif sign.launch and self._resumable:
            # Its LaunchTime would have moved had it stopped and started again.
            self._switch_on(replace(self._segments.pop(), confirmed=False), sign.at)
        else:
            self._forget(self._proof_at, sign.at, UnknownReason.TRAIL_GAP)
            known_type = sign.launch.instance_type if sign.launch else ""
            self._switch_on(
                Segment(sign.at, sign.at, known_type, begins=False, confirmed=False), sign.at
            )

    def _end(self, sign: Sign) -> None:
        if not self._told:
            self._assume_on(sign.at)
        if self._on:
            self._switch_off(self._end_at(sign), ends=True)
        elif sign.certain and sign.at - self._since_at > SAME_SECONDS:
            self._forget(self._proof_at, sign.at, UnknownReason.TRAIL_GAP)
            self._rest(sign.at)
        else:
            self._proof_at = max(self._proof_at, sign.at)

    def _end_at(self, sign: Sign) -> float:
        run = self._launch.run if self._launch else None
        if sign.hibernates and run and run.stopping_at is not None:
            return max(sign.at, run.stopping_at)
        return sign.at

    def _unseen(self, sign: Sign) -> None:
        if self._on:
            self._lose(sign.at)
        elif self._told:
            self._proof_at = max(self._proof_at, sign.at)
            self._resumable = False
        else:
            known_since_at = min(sign.at, self._coverage.trail_since_at)
            self._forget(_EVER, known_since_at, UnknownReason.NO_TRAIL)
            self._rest(sign.at)

    def _assume_on(self, at: float) -> None:
        """Say that it was on before the first sign: since CloudTrail reaches back, at least."""
        since_at = min(at, self._coverage.trail_since_at)
        self._forget(_EVER, since_at, UnknownReason.NO_TRAIL)
        self._switch_on(Segment(since_at, since_at, "", begins=False), at)

    def _switch_on(self, segment: Segment, proof_at: float) -> None:
        self._on = segment
        self._since_at, self._proof_at = segment.start_at, proof_at
        self._final_at = None

    def _switch_off(self, at: float, *, ends: bool) -> None:
        on, self._on = self._on, None
        if on is None:
            return
        self._rest(max(at, on.start_at))
        if at > on.start_at:
            self._segments.append(replace(on, end_at=at, ends=ends))
            self._resumable = ends

    def _rest(self, at: float) -> None:
        """Be off since then."""
        self._since_at = self._proof_at = at
        self._resumable = False

    def _lose(self, at: float, *, restarted: bool = False) -> None:
        """It was off at this instant, and nothing tells since when."""
        proof_at = self._proven_until(at, restarted=restarted)
        self._switch_off(proof_at, ends=False)
        covered = self._coverage.is_covered(proof_at, at)
        self._forget(proof_at, at, UnknownReason.OS_SHUTDOWN if covered else UnknownReason.NO_TRAIL)
        self._rest(max(at, self._proof_at))

    def _proven_until(self, at: float, *, restarted: bool = False) -> float:
        """Until when it ran for certain, if it was off ``at`` an instant."""
        point_at = self._last_point_at
        if point_at > at and not restarted:
            point_at -= CPU_SLOT_SECONDS  # it stopped inside the slot
        return max(self._proof_at, point_at) if point_at <= at else self._proof_at

    def _forget(self, start_at: float, end_at: float, reason: UnknownReason) -> None:
        if start_at < end_at:
            self._unknown.append(UnknownSpan(start_at, end_at, reason))

    def _until(self, at: float) -> tuple[list[Segment], tuple[UnknownSpan, ...]]:
        """Leave out what is later; unless the instance has ended by then, it is unknown."""
        segments = [each.before(at) for each in self._segments if each.start_at < at]
        unknown = [each.before(at) for each in self._unknown if each.start_at < at]
        if at < self._coverage.now and (self._final_at is None or self._final_at > at):
            unknown.append(UnknownSpan(at, self._coverage.now, UnknownReason.NO_TRAIL))
        return [self._checked(each) for each in segments], tuple(unknown)

    def _checked(self, segment: Segment) -> Segment:
        """Nothing confirms what CloudTrail does not cover."""
        covered = segment.end_at <= self._coverage.trail_until_at
        return segment if covered else replace(segment, confirmed=False)
