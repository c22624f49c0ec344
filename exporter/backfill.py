"""The history of a simulated fleet, as if it had been scraped all the time.

The real wiring is moved through the past by a clock that stands still in between. The fleet is
looked at every LOOK_SECONDS, and what was seen is repeated at every step until the next look: so
it is shown by an exporter that holds its gauges between two refreshes.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from exporter.app import Application, build
from exporter.core.units import SECONDS_PER_DAY, SECONDS_PER_HOUR
from exporter.exposition.catalogue.health import SOURCE_FAILURES
from exporter.exposition.catalogue.scenarios import GRID_PROFILE
from exporter.exposition.family import Family
from exporter.exposition.openmetrics import own_families
from exporter.exposition.render import Exposition
from exporter.machinery import LANE_THREADS, Machinery
from exporter.settings import Settings
from exporter.spool import Spool
from exporter.upstreams import simulated_past, simulated_upstreams

LOOK_SECONDS = 720
"""How often the fleet is polled and estimated, about as often as a live one at its defaults, and
before half of any answer's age limit has passed: the demo's history has no outages."""

STATEMENT_REST_SECONDS = 0.75 * SECONDS_PER_HOUR
"""The books are stated in the first look of every hour: those between would change little."""

CASE_REST_SECONDS = SECONDS_PER_DAY - SECONDS_PER_HOUR
"""The scenarios rest on whole days: they are studied once a day, and at the end."""

WARM_UP_LOOKS = 4
"""Before the first instant an hour is closed, and what the first answers call for is asked."""

LATE = frozenset({GRID_PROFILE, SOURCE_FAILURES})
"""Written of the last hour only. They would be half of a small fleet's history, and say little:
a profile is of weeks in any case, and nothing fails."""

_MOST_ROUNDS = 20
_NOTHING = Exposition(b"", 0)


@dataclass(frozen=True, slots=True)
class Span:
    """The instants of a history: every ``step_seconds`` from ``from_at`` to ``until_at``."""

    from_at: int
    until_at: int
    step_seconds: int

    @classmethod
    def ending(cls, until_at: float, days: float, step_seconds: float) -> "Span":
        """At least so many days, the last instant at ``until_at``, rounded to a second."""
        end_at, step = int(until_at), int(step_seconds)
        steps = -int(-days * SECONDS_PER_DAY // step)
        return cls(end_at - steps * step, end_at, step)

    @property
    def instants(self) -> int:
        """How many it has."""
        return (self.until_at - self.from_at) // self.step_seconds + 1

    def part(self, number: int, of: int) -> "Span":
        """One of so many pieces of the same length, counted from 1; they share no instant.

        There are no more pieces than instants.
        """
        steps = self.instants - 1
        first = steps * (number - 1) // of + (number > 1)
        from_at, until_at = (
            self.from_at + step * self.step_seconds for step in (first, steps * number // of)
        )
        return Span(from_at, until_at, self.step_seconds)

    def looks(self) -> Iterator[tuple[int, ...]]:
        """The instants, from one look at the fleet to the next; the last has one of its own."""
        instants = range(self.from_at, self.until_at, self.step_seconds)
        held = max(1, LOOK_SECONDS // self.step_seconds)
        begin = 0
        for end in range(len(instants) % held or held, len(instants) + 1, held):
            yield tuple(instants[begin:end])
            begin = end
        yield (self.until_at,)


@dataclass(frozen=True, slots=True)
class Backfill:
    """What is to be written: the history of one simulated fleet, with the labels of a target.

    ``present_at`` (epoch seconds) is where live samples go on, and the last part of a history ends.
    """

    settings: Settings
    seed: int
    instances: int
    span: Span
    present_at: float
    target: tuple[tuple[str, str], ...]

    def write(self, out: BinaryIO, folder: Path | None = None) -> int:
        """Write OpenMetrics; how many samples. Temporary files go to ``folder``. Raises OSError."""
        with (
            TemporaryDirectory(prefix="carbonfinops-backfill-", dir=folder) as name,
            Spool(Path(name), self.target) as spool,
        ):
            for instants, families in self._looks():
                late = instants[0] >= self.present_at - SECONDS_PER_HOUR
                shown = (each for each in families if late or each.spec not in LATE)
                spool.take(shown, instants)
            return spool.join(out)

    def _looks(self) -> Iterator[tuple[tuple[int, ...], tuple[Family, ...]]]:
        clock = _SteppedClock(self.span.from_at - WARM_UP_LOOKS * LOOK_SECONDS)
        camera = _Camera()
        application = self._build(clock, camera)
        application.analyst.recall()
        _discover(application)
        for look in range(1, WARM_UP_LOOKS):
            clock.at = self.span.from_at - (WARM_UP_LOOKS - look) * LOOK_SECONDS
            _look(application)
        for instants in self.span.looks():
            clock.at = instants[0]
            _look(application, at_once=clock.at == self.span.until_at)
            yield instants, camera.families

    def _build(self, clock: "_SteppedClock", camera: "_Camera") -> Application:
        lane = _InlineLane()
        return build(
            self.settings,
            simulated_upstreams(self.seed, self.instances, faults=None),
            store=None,
            simulated=True,
            past=simulated_past(self.seed, self.instances),
            clock=clock,
            machinery=Machinery(
                lanes=dict.fromkeys(LANE_THREADS, lane),
                draw=_Punctual(),
                renderer=camera,
                statement_rest_seconds=STATEMENT_REST_SECONDS,
                case_rest_seconds=CASE_REST_SECONDS,
            ),
        )


class _SteppedClock:
    """Time that passes by being set."""

    def __init__(self, at: float) -> None:
        self.at = at

    def wall(self) -> float:
        """Epoch seconds."""
        return self.at

    def monotonic(self) -> float:
        """The same: nobody sets this clock back."""
        return self.at


class _InlineLane:
    """Runs each job at once."""

    def submit(self, job: Callable[[], None]) -> None:
        """Run it."""
        job()


class _Punctual(random.Random):
    """No jitter: nobody else asks, and the same history must come every time."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002 - random.Random's
        """The lower end."""
        return a


class _Camera:
    """Keeps what a scrape would show, in place of rendering it."""

    def __init__(self) -> None:
        self.families: tuple[Family, ...] = ()

    def render(
        self, fleet: Sequence[Family], sources: Sequence[Family], instrumentation: str
    ) -> Exposition:
        """Keep it."""
        self.families = (*fleet, *sources, *own_families(instrumentation))
        return _NOTHING


def _discover(application: Application) -> None:
    """Ask, and ask what the answers call for, until nothing more is called for."""
    for _ in range(_MOST_ROUNDS):
        before = _refreshes(application)
        application.publisher.publish(at_once=True)
        application.scheduler.step()
        if _refreshes(application) == before:
            return


def _refreshes(application: Application) -> int:
    return sum(tally.refreshes for tally in application.scheduler.tallies.values())


def _look(application: Application, *, at_once: bool = False) -> None:
    """Ask what is due, then what newly listed instances need, and publish once."""
    application.scheduler.step()
    application.roster.reconcile()
    application.scheduler.step()
    application.publisher.publish(at_once=at_once)
