"""Carbon intensity by zone and hour, as far as any answer has told it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exporter.core.evidence import GridHistory, GridIntensity
from exporter.core.scenarios.usage import Intensities

LATER_METHOD = "recorded"


class GridBook:
    """An estimate is replaced by what comes later; a measurement only by another measurement.

    Not thread-safe: one owner.
    """

    def __init__(self) -> None:
        self._zones: defaultdict[str, dict[float, GridIntensity]] = defaultdict(dict)
        self._taken: dict[str, tuple[object, object]] = {}
        self._news: dict[tuple[str, float], GridIntensity] = {}
        self._editions: Counter[str] = Counter()
        self._told: dict[str, Mapping[float, float]] = {}

    def take(
        self, grid_zone: str, latest: GridIntensity | None, history: GridHistory | None
    ) -> None:
        """Write down what a zone's latest value and its history say."""
        before = self._taken.get(grid_zone, (None, None))
        if before[0] is latest and before[1] is history:
            return
        self._taken[grid_zone] = (latest, history)
        for intensity in (*(history.hours if history else ()), *((latest,) if latest else ())):
            if self._write(intensity):
                self._news[intensity.grid_zone, intensity.valid_at] = intensity

    def _write(self, intensity: GridIntensity) -> bool:
        """Whether it told anything new."""
        hours = self._zones[intensity.grid_zone]
        known = hours.get(intensity.valid_at)
        if known and not _differs(known, intensity):
            return False
        if known and intensity.estimated and not known.estimated:
            return False
        hours[intensity.valid_at] = intensity
        self._editions[intensity.grid_zone] += 1
        self._told.pop(intensity.grid_zone, None)
        return True

    def edition(self, grid_zone: str) -> int:
        """Changes whenever something is written of the zone."""
        return self._editions[grid_zone]

    def editions(self) -> int:
        """Changes whenever something is written."""
        return self._editions.total()

    def at(self, grid_zone: str, hour_at: float) -> GridIntensity | None:
        """What is known of the hour that begins at an instant."""
        return self._zones[grid_zone].get(hour_at) if grid_zone in self._zones else None

    def intensities(self) -> Intensities:
        """Everything that is known, estimates too; what was given does not change any more.

        Only zones of which something was written since the last time are put together again.
        """
        for zone, hours in self._zones.items():
            if zone not in self._told:
                self._told[zone] = {
                    at: known.grams_per_kilowatt_hour for at, known in hours.items()
                }
        return dict(self._told)

    def restore(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take over what an earlier process wrote down; the last record of an hour counts."""
        recorded: dict[tuple[str, float], GridIntensity] = {}
        for record in records:
            zone, hour_at = str(record["grid_zone"]), float(record["hour"])
            grams, estimated = float(record["grams_per_kilowatt_hour"]), bool(record["estimated"])
            recorded[zone, hour_at] = GridIntensity(zone, grams, hour_at, estimated, LATER_METHOD)
        self.recall(recorded.values())

    def recall(self, intensities: Iterable[GridIntensity]) -> None:
        """Take over what is known from elsewhere, one of each hour; it is no news.

        What this process was told stays, unless it is an estimate of what is measured by now.
        """
        for intensity in intensities:
            key = intensity.grid_zone, intensity.valid_at
            known = self.at(*key)
            if known is None or (known.estimated and not intensity.estimated):
                self._write(intensity)
                self._news.pop(key, None)

    def news(self) -> Iterator[GridIntensity]:
        """What was written since ``written`` was called last."""
        yield from self._news.values()

    def written(self) -> None:
        """The news are safe now."""
        self._news.clear()

    def forget_before(self, at: float) -> None:
        """Drop the hours that began earlier."""
        for zone, hours in self._zones.items():
            kept = {hour_at: known for hour_at, known in hours.items() if hour_at >= at}
            if len(kept) < len(hours):
                self._zones[zone] = kept
                self._told.pop(zone, None)


def _differs(known: GridIntensity, new: GridIntensity) -> bool:
    return (known.grams_per_kilowatt_hour, known.estimated) != (
        new.grams_per_kilowatt_hour,
        new.estimated,
    )
