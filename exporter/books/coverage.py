"""Runtime and coverage of one place inside a window of hours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from exporter.books.chronicle import Chronicle
from exporter.books.place_book import PlaceBook
from exporter.books.tariff import Tariff
from exporter.core.alignment import CoveredSeconds, covered_hour
from exporter.core.fleet import Instance
from exporter.core.metering import billed_seconds_by_type, cost_usd
from exporter.core.runtime import Runtime
from exporter.core.statement import RuntimeInWindow
from exporter.core.units import SECONDS_PER_HOUR

HasIntensity = Callable[[str, float], bool]
"""Whether the intensity of a zone is known in the hour that begins at an instant."""


class Window(NamedTuple):
    """Whole UTC hours [start_at, end_at)."""

    start_at: float
    end_at: float

    def hours(self) -> tuple[float, ...]:
        """Begin of each hour."""
        count = round((self.end_at - self.start_at) / SECONDS_PER_HOUR)
        return tuple(self.start_at + number * SECONDS_PER_HOUR for number in range(count))


@dataclass(frozen=True, slots=True)
class PlaceCoverage:
    """What one place has in the window, and the grid zones that this rests on.

    ``unknown`` lists the instances of unknown runtime.
    """

    covered: CoveredSeconds
    runtime: Mapping[str, RuntimeInWindow]
    unknown: frozenset[str]
    grid_zones: frozenset[str]


def place_coverage(
    chronicle: Chronicle,
    book: PlaceBook,
    tariff: Tariff,
    window: Window,
    has_intensity: HasIntensity,
    is_billed: Callable[[float], bool] | None = None,
) -> PlaceCoverage:
    """Add up all instances of the place.

    The cost of an hour is known where its price is now, or was when the hour was closed; or, given
    ``is_billed``, where that says so of the hour that begins at an instant.
    """
    covered = CoveredSeconds()
    runtimes: dict[str, RuntimeInWindow] = {}
    unknown = set()
    measuring = _Measuring(book, has_intensity, window)
    for instance_id in chronicle.ids(window.start_at):
        instance = chronicle.instance(instance_id)
        runtime = chronicle.runtime(instance_id)
        if runtime.unknown_seconds(*window):
            unknown.add(instance_id)
        else:
            running = runtime.running_seconds(*window)
            runtimes[instance_id] = RuntimeInWindow(running, runtime.billed_seconds(*window))
        if instance is None:
            zone, priced = "", is_billed or _never
        else:
            facility = tariff.facility(instance)
            sighted = chronicle.is_sighted(instance_id)
            zone = facility.grid_zone if sighted and facility.pue_ratio is not None else ""
            priced = is_billed or measuring.pricing(
                _pricing(instance, runtime, tariff), instance_id, sighted=sighted
            )
        hours_with_carbon = measuring.hours(instance_id, zone)
        covered += _instance_coverage(runtime, window, priced, hours_with_carbon)
    return PlaceCoverage(covered, runtimes, frozenset(unknown), measuring.grid_zones())


def _instance_coverage(
    runtime: Runtime,
    window: Window,
    priced: Callable[[float], bool],
    hours_with_carbon: frozenset[float],
) -> CoveredSeconds:
    covered = CoveredSeconds()
    for hour_at in window.hours():
        end_at = hour_at + SECONDS_PER_HOUR
        running = runtime.running_seconds(hour_at, end_at)
        unknown = runtime.unknown_seconds(hour_at, end_at)
        if running or unknown:
            covered += covered_hour(
                running,
                unknown,
                cost_known=priced(hour_at),
                carbon_known=hour_at in hours_with_carbon,
            )
    return covered


class _Measuring:
    """Which hours of the window have a power and an intensity."""

    def __init__(self, book: PlaceBook, has_intensity: HasIntensity, window: Window) -> None:
        inside = [h for h in book.closed if window.start_at <= h.hour_at < window.end_at]
        self._closed = {hour.hour_at: hour.unmeasured for hour in inside}
        self._unpriced = {hour.hour_at: hour.unpriced for hour in inside}
        self._exceptions = frozenset[str]().union(*self._closed.values())
        self._has_intensity = has_intensity
        self._of_zone: dict[str, frozenset[float]] = {"": frozenset()}

    def pricing(
        self, is_priced_now: Callable[[float], bool], instance_id: str, *, sighted: bool
    ) -> Callable[[float], bool]:
        """Whether an hour has a price: that of then does not go when a source fails later."""

        def is_priced(hour_at: float) -> bool:
            unpriced = self._unpriced.get(hour_at)
            then = sighted and unpriced is not None and instance_id not in unpriced
            return then or is_priced_now(hour_at)

        return is_priced

    def grid_zones(self) -> frozenset[str]:
        """Every zone that was asked for."""
        return frozenset(zone for zone in self._of_zone if zone)

    def hours(self, instance_id: str, grid_zone: str) -> frozenset[float]:
        """Those of one instance in one zone; none without a zone."""
        if grid_zone not in self._of_zone:
            known = (hour_at for hour_at in self._closed if self._has_intensity(grid_zone, hour_at))
            self._of_zone[grid_zone] = frozenset(known)
        hours = self._of_zone[grid_zone]
        if instance_id not in self._exceptions:
            return hours
        return frozenset(hour for hour in hours if instance_id not in self._closed[hour])


def _pricing(instance: Instance, runtime: Runtime, tariff: Tariff) -> Callable[[float], bool]:
    """Whether every second billed in an hour has a price."""

    def is_priced(hour_at: float) -> bool:
        billed = billed_seconds_by_type(runtime, hour_at, hour_at + SECONDS_PER_HOUR)
        return cost_usd(billed, tariff.rates(instance, hour_at)) is not None

    return is_priced


def _never(_: float) -> bool:
    return False
