"""Recorded grid carbon intensity: which hours of each zone have a value, and an estimated one."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.validation.recorded_events import instant
from tests.validation.recordings import DataError, names_in, rows_in

PATTERNS = (
    "carbon-intensity/electricitymaps/*.csv",
    "carbon-intensity/ensembleci/*.csv",
    "carbon-intensity/eirgrid/*.csv",
)

_COLUMNS = (("datetime_utc", "ci_lifecycle_g_per_kwh"), ("datetime_local", "ci_g_per_kwh"))


@dataclass(frozen=True, slots=True)
class GridHours:
    """The hours of one file in a row, gaps included.

    ``known`` tells whether an hour has a value in each of its rows. ``estimated`` is empty where
    the file does not mark estimates.
    """

    name: str
    known: Sequence[bool]
    estimated: Sequence[bool]

    @property
    def measured(self) -> Sequence[bool]:
        """Hours with a value that is not marked as an estimate."""
        if not self.estimated:
            return self.known
        return [known and not e for known, e in zip(self.known, self.estimated, strict=True)]


def recorded_grid_hours(data: Path) -> list[GridHours]:
    """Every file, by publisher and zone."""
    return [_grid_hours(data, name) for pattern in PATTERNS for name in names_in(data, pattern)]


def _grid_hours(data: Path, name: str) -> GridHours:
    rows = rows_in(data, name)
    columns = next((pair for pair in _COLUMNS if set(pair) <= rows[0].keys()), None)
    if columns is None:
        raise DataError(f"{name} has no column of {_COLUMNS[0][1]} or {_COLUMNS[1][1]}")
    by_hour: dict[int, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        by_hour[int(instant(row[columns[0]]) // 3600)].append(row)
    fullest = max(map(len, by_hour.values()))
    span = range(min(by_hour), max(by_hour) + 1)
    known = [
        len(by_hour[hour]) == fullest and all(_is_number(row[columns[1]]) for row in by_hour[hour])
        for hour in span
    ]
    flagged = "estimated" in rows[0]
    estimated = [any(row.get("estimated") == "True" for row in by_hour[h]) for h in span]
    title = f"{Path(name).stem.split('_')[0]} ({Path(name).parent.name})"
    return GridHours(title, known, estimated if flagged else ())


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
