"""Random lives of instances: every way to start and to end, over fourteen days.

The same seed gives the same fleet. Instants are whole seconds, as CloudTrail tells them.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from exporter.core.fleet import Place
from tests.validation.lives import EndedBy, Life, Run

MINUTE, HOUR, DAY = 60, 3600, 86400
START_AT = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
"""A Monday; made up like everything that happens then."""

DAYS = 14
END_AT = START_AT + DAYS * DAY

COUNTS = {
    "always on": 30,
    "office hours": 48,
    "autoscaled": 84,
    "flapping": 24,
    "type changed": 36,
    "spot, evicted": 30,
    "OS shutdown, time told": 18,
    "OS shutdown, not told": 18,
    "OS shutdown, terminated": 12,
    "odd calls": 30,
    "hibernated": 12,
}
"""How many lives of each kind, over all places."""

INEXACT = "hibernated"
"""The kind whose end CloudTrail does not tell: AWS bills until the memory is written."""


class Composer:
    """Makes lives up; ``types`` are the instance types to choose from in each place."""

    def __init__(self, types: Mapping[Place, Sequence[str]], seed: int) -> None:
        self._types = types
        self._random = random.Random(seed)  # noqa: S311  # repeatable, nothing to protect
        self._number = 0

    def fleet(self, counts: Mapping[str, int]) -> list[Life]:
        """So many lives of each kind, dealt to the places in turn."""
        places = sorted(self._types)
        lives: list[Life] = []
        for kind, count in counts.items():
            dealt = 0
            while dealt < count:
                place = places[len(lives) % len(places)]
                made = self._group(kind, place)[: count - dealt]
                lives += made
                dealt += len(made)
        return lives

    def _group(self, kind: str, place: Place) -> list[Life]:
        makers: dict[str, Callable[[str], list[Run]]] = {
            "always on": self._always_on,
            "office hours": self._office_hours,
            "autoscaled": self._autoscaled,
            "flapping": self._flapping,
            "type changed": lambda each: self._cycles(each, EndedBy.STOP, self._types[place]),
            "spot, evicted": self._evicted,
            "OS shutdown, time told": lambda each: self._cycles(each, EndedBy.SHUTDOWN_TOLD),
            "OS shutdown, not told": lambda each: self._cycles(each, EndedBy.SHUTDOWN_SILENT),
            "OS shutdown, terminated": self._gone,
            "odd calls": lambda each: self._cycles(each, EndedBy.STOP),
            "hibernated": lambda each: self._cycles(each, EndedBy.HIBERNATION),
        }
        runs = tuple(makers[kind](self._random.choice(self._types[place])))
        size = self._between(1, 5) if kind == "autoscaled" else 1
        group = f"group-{self._number}"
        return [self._life(kind, place, group, runs) for _ in range(size)]

    def _life(self, kind: str, place: Place, group: str, runs: tuple[Run, ...]) -> Life:
        self._number += 1
        odd = kind == "odd calls"
        last = runs[-1]
        stopped = odd and last.is_over and self._random.random() < 0.5
        return Life(
            instance_id=f"i-{self._number:017x}",
            kind=kind,
            place=place,
            group=group,
            runs=runs,
            spot=kind == "spot, evicted",
            odd=odd,
            terminated_at=last.end_at + self._between(5, 300) * MINUTE if stopped else None,
        )

    def _always_on(self, instance_type: str) -> list[Run]:
        return [self._run(self._before(200), math.inf, instance_type)]

    def _office_hours(self, instance_type: str) -> list[Run]:
        runs = [self._run(self._before(60, 4), START_AT - 53 * HOUR, instance_type)]
        for day in range(DAYS):
            if day % 7 < 5:
                morning, evening = (
                    START_AT + day * DAY + hour * HOUR + self._between(-600, 600)
                    for hour in (7, 19)
                )
                runs.append(self._run(morning, evening, instance_type))
        return runs

    def _autoscaled(self, instance_type: str) -> list[Run]:
        start_at = START_AT + self._between(-DAY, DAYS * DAY - HOUR)
        seconds = round(30 * math.exp(self._random.random() * math.log(12 * HOUR / 30)))
        return [self._run(start_at, start_at + seconds, instance_type, EndedBy.TERMINATION)]

    def _flapping(self, instance_type: str) -> list[Run]:
        at = self._before(20)
        end_at = START_AT + self._between(0, DAY)
        runs = []
        while end_at < END_AT:
            runs.append(self._run(at, end_at, instance_type))
            at = end_at
            for _ in range(self._between(2, 6)):
                at += self._between(20, 90)
                runs.append(self._run(at, at + self._between(15, 60), instance_type))
                at = runs[-1].end_at
            at += self._between(20, 90)
            end_at = at + self._between(10 * MINUTE, 3 * DAY)
        return [*runs, self._run(at, math.inf, instance_type)]

    def _evicted(self, instance_type: str) -> list[Run]:
        start_at = START_AT + self._between(-DAY, (DAYS - 2) * DAY)
        end_at = start_at + self._between(10 * MINUTE, 40 * HOUR)
        return [self._run(start_at, end_at, instance_type, EndedBy.EVICTION)]

    def _gone(self, instance_type: str) -> list[Run]:
        start_at = START_AT + self._between(0, (DAYS - 2) * DAY)
        end_at = start_at + self._between(5 * MINUTE, 30 * HOUR)
        return [self._run(start_at, end_at, instance_type, EndedBy.SHUTDOWN_GONE)]

    def _cycles(self, instance_type: str, by: EndedBy, others: Sequence[str] = ()) -> list[Run]:
        """Run, rest, run again; with ``others`` the type changes in most of the rests."""
        at = self._before(90)
        end_at = START_AT + self._between(0, DAY)
        runs = []
        while end_at < END_AT:
            runs.append(self._run(at, end_at, instance_type, by))
            at = end_at + self._between(2 * MINUTE, 10 * HOUR)
            end_at = at + self._between(20, 3 * DAY)
            if others and self._random.random() < 0.7:
                instance_type = self._random.choice(others)
        if runs and self._random.random() < 0.5:
            return runs
        return [*runs, self._run(at, math.inf, instance_type, by)]

    def _run(
        self, start_at: float, end_at: float, instance_type: str, by: EndedBy = EndedBy.STOP
    ) -> Run:
        called_at = end_at
        if by is EndedBy.HIBERNATION and math.isfinite(end_at):
            called_at = max(start_at + 10, end_at - self._between(30, 240))
            end_at = max(end_at, called_at)
        return Run(start_at, end_at, instance_type, by, called_at, self._between(0, 2))

    def _before(self, most_days: int, least_days: int = 1) -> float:
        return START_AT - self._between(least_days * DAY, most_days * DAY)

    def _between(self, low: int, high: int) -> int:
        return self._random.randint(low, high)
