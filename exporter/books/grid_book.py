"""Carbon intensity by zone and hour, as far as any answer has told it."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from exporter.core.evidence import GridHistory, GridIntensity

LATER_METHOD = "recorded"


class GridBook:
    """An estimate is replaced by what comes later; a measurement only by another measurement."""

    def __init__(self) -> None:
        self._hours: dict[tuple[str, float], GridIntensity] = {}
        self._taken: dict[str, tuple[object, object]] = {}
        self._news: dict[tuple[str, float], GridIntensity] = {}
        self._editions: Counter[str] = Counter()

    def take(
        self, grid_zone: str, latest: GridIntensity | None, history: GridHistory | None
    ) -> None:
        """Write down what a zone's latest value and its history say."""
        before = self._taken.get(grid_zone, (None, None))
        if before[0] is latest and before[1] is history:
            return
        self._taken[grid_zone] = (latest, history)
        for intensity in (*(history.hours if history else ()), *((latest,) if latest else ())):
            self._write(intensity)

    def _write(self, intensity: GridIntensity) -> None:
        key = (intensity.grid_zone, intensity.valid_at)
        known = self._hours.get(key)
        if known and intensity.estimated and not known.estimated:
            return
        if known is None or _differs(known, intensity):
            self._hours[key] = self._news[key] = intensity
            self._editions[intensity.grid_zone] += 1

    def edition(self, grid_zone: str) -> int:
        """Changes whenever something is written of the zone."""
        return self._editions[grid_zone]

    def editions(self) -> int:
        """Changes whenever something is written."""
        return self._editions.total()

    def at(self, grid_zone: str, hour_at: float) -> GridIntensity | None:
        """What is known of the hour that begins at an instant."""
        return self._hours.get((grid_zone, hour_at))

    def restore(self, records: Iterable[dict[str, Any]]) -> None:
        """Take over what an earlier process wrote down; the last record of an hour counts."""
        for record in records:
            zone, hour_at = str(record["grid_zone"]), float(record["hour"])
            grams, estimated = float(record["grams_per_kilowatt_hour"]), bool(record["estimated"])
            self._hours[zone, hour_at] = GridIntensity(
                zone, grams, hour_at, estimated, LATER_METHOD
            )

    def news(self) -> Iterator[GridIntensity]:
        """What was written since ``written`` was called last."""
        yield from self._news.values()

    def written(self) -> None:
        """The news are safe now."""
        self._news.clear()

    def forget_before(self, at: float) -> None:
        """Drop the hours that began earlier."""
        self._hours = {key: known for key, known in self._hours.items() if key[1] >= at}


def _differs(known: GridIntensity, new: GridIntensity) -> bool:
    return (known.grams_per_kilowatt_hour, known.estimated) != (
        new.grams_per_kilowatt_hour,
        new.estimated,
    )
