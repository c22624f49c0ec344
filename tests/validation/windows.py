"""Coverage of windows of hours: by the exporter's alignment, and counted beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from exporter.core.alignment import CoveredSeconds, covered_hour
from exporter.core.metering import Rates, instance_hour
from exporter.core.power import PowerCurve
from exporter.core.runtime import Runtime, Segment
from exporter.core.statement import WINDOW_SECONDS, CoverageRatios
from tests.validation.cpu_hours import Machines, Points

HOURS = round(WINDOW_SECONDS / 3600)
STEP_HOURS = 24
WEEK_HOURS = 168
FEWEST_POINTS = 10
"""Of twelve: the smallest number that is at least 80 %."""

LOSSES = {
    "grid": "grid intensity",
    "cpu": "CPU points",
    "price": "prices",
    "runtime": "running time (CloudTrail)",
}

_ANY_RATES = Rates(PowerCurve.through((1.0, 2.0, 3.0, 4.0, 5.0, 6.0)), None, None)
_ALWAYS = Runtime((Segment(0.0, 3600.0, "any", begins=False, ends=False),), ())


@dataclass(frozen=True, slots=True)
class Loss:
    """Hours in the middle of every window of which one input never arrives."""

    lost: str
    hours: int

    def covers(self, number: int) -> bool:
        """Whether the window's hour of that number is lost."""
        begin = (HOURS - self.hours) // 2
        return begin <= number < begin + self.hours


@dataclass(frozen=True, slots=True)
class Window:
    """Coverage of one window by the exporter, and its TAC counted by hand."""

    ratios: CoverageRatios
    counted: float

    @property
    def is_bounded(self) -> bool:
        """max(0, cost + carbon - 1) <= TAC <= min(cost, carbon), but for rounding."""
        ratios = self.ratios
        low = max(0.0, ratios.cost + ratios.carbon - 1)
        return low - 1e-12 <= ratios.both <= min(ratios.cost, ratios.carbon) + 1e-12


class MeasuredFleet:
    """Machines hour by hour: those with enough points, by the exporter and by counting."""

    def __init__(self, machines: Machines) -> None:
        ours = [[_is_measured(points) for points in hours] for hours in machines.hours]
        counted = [[_has_enough(points) for points in hours] for hours in machines.hours]
        self.judged = sum(map(len, counted))
        self.agreeing = sum(
            a == b
            for some, others in zip(ours, counted, strict=True)
            for a, b in zip(some, others, strict=True)
        )
        self.shares = [sum(hours) / len(hours) for hours in counted]
        self.hours = min(map(len, machines.hours))
        self._machines = len(machines.hours)
        self._counts = [sum(hours[number] for hours in counted) for number in range(self.hours)]
        self._sums = [_sums([hours[number] for hours in ours]) for number in range(self.hours)]

    def windows(self, grid: Sequence[bool], loss: Loss | None = None) -> Iterator[Window]:
        """Every window of the machines' hours beside every seventh day of a grid's hours."""
        for offset in range(0, len(grid) - self.hours + 1, WEEK_HOURS):
            for begin in range(0, self.hours - HOURS + 1, STEP_HOURS):
                yield self._window(grid[offset + begin : offset + begin + HOURS], begin, loss)

    def _window(self, grid: Sequence[bool], begin: int, loss: Loss | None) -> Window:
        total, hits = CoveredSeconds(), 0
        for number, has_grid in enumerate(grid):
            lost = loss.lost if loss and loss.covers(number) else ""
            total += self._sums[begin + number][has_grid, lost]
            hits += self._counts[begin + number] if has_grid and not lost else 0
        ratios = total.ratios()
        if ratios is None:
            raise ValueError("nothing ran")
        return Window(ratios, hits / (HOURS * self._machines))


def _is_measured(points: Points) -> bool:
    """Ask the exporter about an hour in which a machine ran all the time."""
    return instance_hour(_ALWAYS, points, lambda _: _ANY_RATES, 0.0).is_measured


def _has_enough(points: Points) -> bool:
    return sum(point is not None for point in points) >= FEWEST_POINTS


def _sums(measured: Sequence[bool]) -> Mapping[tuple[bool, str], CoveredSeconds]:
    """What the exporter says of one hour, with and without each input."""
    return {
        (has_grid, lost): sum(
            (_covered(lost, has_carbon=each and has_grid) for each in measured), CoveredSeconds()
        )
        for has_grid in (False, True)
        for lost in ("", *LOSSES)
    }


def _covered(lost: str, *, has_carbon: bool) -> CoveredSeconds:
    unknown = lost == "runtime"
    return covered_hour(
        0.0 if unknown else 3600.0,
        3600.0 if unknown else 0.0,
        cost_known=lost != "price",
        carbon_known=has_carbon and lost not in {"grid", "cpu"},
    )
