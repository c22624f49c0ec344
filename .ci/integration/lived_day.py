"""A simulated day as one exporter lived it: what it showed every hour, and what was true."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from books_on_disk import BookOnDisk, books
from day_truth import DayTruth
from exposition import Exposition
from simulated_day import HOUR, SETTLED_AT, START_AT, Place
from stepped_exporter import STEP_SECONDS, SteppedExporter

WHOLE_AT = START_AT + 49 * HOUR
"""By then the alignment window begins after the start."""

SLOW_STEP_SECONDS = 900.0
TRUTH_SECONDS = 2 * HOUR


@dataclass(frozen=True)
class Ratios:
    """TAC and its parts."""

    both: float
    cost: float
    carbon: float


@dataclass
class LivedDay:
    """``bodies`` are by instant, ``settled`` is how far the counters were at SETTLED_AT."""

    exporter: SteppedExporter
    truth: DayTruth = field(default_factory=DayTruth)
    bodies: dict[float, Exposition] = field(default_factory=dict)
    settled: Mapping[Place, BookOnDisk] = field(default_factory=dict)

    def live(self) -> None:
        """The day, the hours until it is settled, and a whole alignment window."""
        self.exporter.settle()
        self._live_until(SETTLED_AT, STEP_SECONDS)
        self.settled = books(self.state)
        self._live_until(WHOLE_AT, SLOW_STEP_SECONDS)

    def _live_until(self, end_at: float, step_seconds: float) -> None:
        exporter = self.exporter
        while exporter.now < end_at:
            self.truth.take(exporter.rig, exporter.now)
            next_at = min(exporter.now + TRUTH_SECONDS, end_at)
            while exporter.now < next_at:
                exporter.run_until(min(exporter.now + HOUR, next_at), step_seconds)
                self.bodies[exporter.now] = exporter.body()
        self.truth.take(exporter.rig, exporter.now)

    @property
    def state(self) -> Path:
        """The exporter's state directory."""
        return self.exporter.state

    def counter(self, name: str, place: Place, **labels: str) -> float:
        """A counter of one place when the day was settled."""
        body = self.bodies[SETTLED_AT]
        value = body.value(name, account_id=place[0], region=place[1], **labels)
        assert value is not None
        return value

    def skipped(self, place: Place, quantity: str) -> float:
        """Seconds that one counter lacked then."""
        return self.counter("accrual_skipped_seconds_total", place, quantity=quantity)

    def coverage(self, at: float) -> dict[Place, Ratios]:
        """What was shown of every place at an instant."""
        body = self.bodies[at]
        found = {}
        for series in body.by_name.get("time_alignment_coverage_ratio", ()):
            place = {name: series.labels[name] for name in ("account_id", "region")}
            cost = body.value("cost_coverage_ratio", **place)
            carbon = body.value("carbon_coverage_ratio", **place)
            assert cost is not None
            assert carbon is not None
            found[place["account_id"], place["region"]] = Ratios(series.value, cost, carbon)
        return found
