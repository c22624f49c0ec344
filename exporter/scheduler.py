"""When each cell is refreshed, and on which thread.

One thread decides, and a few daemon threads per source do the waiting: a hanging upstream holds
up only its own lane, and never the end of the program.
"""

import heapq
import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from queue import SimpleQueue
from typing import Any, Protocol

from exporter.core.provenance import FailureReason, Scope, SourceName
from exporter.refresh import (
    Cadence,
    Cell,
    CellKey,
    Clock,
    refresh_delay_seconds,
    retry_delay_seconds,
)

COST_EXPLORER_REST_SECONDS = 3600.0
CLOUDWATCH_REST_SECONDS = 60.0


class Lane(Protocol):
    """Runs jobs some time soon."""

    def submit(self, job: Callable[[], None]) -> None:
        """Take a job; return at once."""


class ThreadLane:
    """A few daemon threads, started as they are needed."""

    def __init__(self, name: str, threads: int) -> None:
        self._name = name
        self._threads = threads
        self._started = 0
        self._busy = 0
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def submit(self, job: Callable[[], None]) -> None:
        """Take a job; return at once."""
        with self._lock:
            self._busy += 1
            if self._busy > self._started and self._started < self._threads:
                self._started += 1
                name = f"{self._name}-{self._started}"
                threading.Thread(target=self._work, name=name, daemon=True).start()
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get()()
            with self._lock:
                self._busy -= 1


@dataclass(slots=True)
class _Task:
    cell: Cell[Any]
    due_at: float
    running: bool = False
    poked: bool = False
    asked: bool = False


@dataclass(slots=True)
class Tally:
    """Attempts of one source in one scope since the start of the process."""

    refreshes: int = 0
    failures: Counter[FailureReason] = field(default_factory=Counter)


class Scheduler:
    """Refreshes cells at their cadence; ``on_change`` hears of every attempt that ended."""

    def __init__(
        self,
        clock: Clock,
        lanes: Mapping[SourceName, Lane],
        on_change: Callable[[], None],
        draw: random.Random,
    ) -> None:
        self._clock = clock
        self._lanes = lanes
        self._on_change = on_change
        self._draw = draw
        self._tasks: dict[CellKey, _Task] = {}
        self._heap: list[tuple[float, int, CellKey]] = []
        self._order = count()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self.tallies: dict[tuple[SourceName, Scope], Tally] = {}

    def add(self, cell: Cell[Any]) -> None:
        """Begin to refresh a cell: at once, or when its restored value is due again."""
        with self._lock:
            self.tallies.setdefault((cell.key.source, cell.key.scope), Tally())
            task = _Task(cell, self._clock.monotonic() + self._first_delay_seconds(cell))
            self._tasks[cell.key] = task
            self._push(task)

    def remove(self, key: CellKey) -> None:
        """Stop refreshing a cell; an attempt under way ends without effect on others."""
        with self._lock:
            self._tasks.pop(key, None)

    def poke(self, key: CellKey) -> None:
        """Refresh a cell now, without moving its regular time."""
        with self._lock:
            task = self._tasks.get(key)
            if task:
                self._poke(task)

    def hasten(self, key: CellKey) -> bool:
        """Make the first attempt at a cell now, if there was none; whether it is yet to end."""
        with self._lock:
            task = self._tasks.get(key)
            if task is None or task.asked:
                return False
            self._poke(task)
            return True

    def step(self) -> float | None:
        """Hand out every task that is due; seconds until the next one, None when there is none."""
        due: list[_Task] = []
        with self._lock:
            now = self._clock.monotonic()
            while self._heap and self._heap[0][0] <= now:
                _, _, key = heapq.heappop(self._heap)
                task = self._tasks.get(key)
                if task and not task.running and (task.poked or task.due_at <= now):
                    task.running = True
                    due.append(task)
            delay = self._heap[0][0] - now if self._heap else None
        for task in due:
            self._lanes[task.cell.key.source].submit(lambda task=task: self._run(task))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        return delay

    def run(self) -> None:
        """Hand out tasks until stopped; blocks."""
        while not self._stopped:
            delay = self.step()
            self._wake.wait(delay)
            self._wake.clear()

    def stop(self) -> None:
        """End ``run``; attempts under way are left to their daemon threads."""
        self._stopped = True
        self._wake.set()

    def _run(self, task: _Task) -> None:
        cell = task.cell
        failure = cell.attempt()
        with self._lock:
            tally = self.tallies[cell.key.source, cell.key.scope]
            tally.refreshes += 1
            if failure:
                tally.failures[failure.reason] += 1
            now = self._clock.monotonic()
            interval = cell.cadence.interval_seconds
            if failure:
                failures = cell.state.consecutive_failures
                task.due_at = now + retry_delay_seconds(failures, failure, interval, self._draw)
            elif not task.poked or task.due_at <= now:
                task.due_at = now + refresh_delay_seconds(cell.cadence, self._draw)
            task.running = task.poked = False
            task.asked = True
            if self._tasks.get(cell.key) is task:
                self._push(task)
        self._on_change()

    def _poke(self, task: _Task) -> None:
        if not task.running and not task.poked:
            task.poked = True
            heapq.heappush(self._heap, (self._clock.monotonic(), next(self._order), task.cell.key))
            self._wake.set()

    def _push(self, task: _Task) -> None:
        heapq.heappush(self._heap, (task.due_at, next(self._order), task.cell.key))
        self._wake.set()

    def _first_delay_seconds(self, cell: Cell[Any]) -> float:
        """A restored cell waits for the rest of its interval: no paid call is repeated."""
        state = cell.state
        if not state.attempted_wall_at:
            return 0.0
        since = max(0.0, self._clock.wall() - state.attempted_wall_at)
        cadence = cell.cadence
        if state.reason is not None:
            rest_seconds = _rest_seconds(cell.key.source, state.reason)
            rest_seconds = min(cadence.interval_seconds, rest_seconds)
            cadence = Cadence(rest_seconds, cadence.max_age_seconds)
        return max(0.0, refresh_delay_seconds(cadence, self._draw) - since)


def _rest_seconds(source: SourceName, reason: FailureReason) -> float:
    """How long what had failed before a restart is left alone.

    It is asked at once, for the operator may have mended it; but a program that is started again
    and again must not buy each time. Whether AWS bills what Cost Explorer refuses is not known.
    """
    match source, reason:
        case _, FailureReason.NOT_CONFIGURED:  # nobody was asked
            return 0.0
        case SourceName.COST_EXPLORER, _:
            return COST_EXPLORER_REST_SECONDS
        case SourceName.CLOUDWATCH_CPU, _ if reason is not FailureReason.DENIED:
            return CLOUDWATCH_REST_SECONDS
    return 0.0
