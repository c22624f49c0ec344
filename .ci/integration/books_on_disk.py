"""The exporter's state directory, read as any other program would read it."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from simulated_day import HOUR, Place


@dataclass(frozen=True)
class BookOnDisk:
    """Counters of one place: since when, until when, and which hours still lack emissions."""

    since_at: float
    closed_until_at: float
    pending: frozenset[float]

    @property
    def hours(self) -> list[float]:
        """Hours that are in all counters but that of emissions."""
        first = int(self.since_at // HOUR)
        return [float(n * HOUR) for n in range(first, round(self.closed_until_at / HOUR))]

    @property
    def emitted_hours(self) -> list[float]:
        """Hours that are in the counter of emissions."""
        return [hour_at for hour_at in self.hours if hour_at not in self.pending]


def books(state: Path) -> dict[Place, BookOnDisk]:
    """The counters' reach by place."""
    content = json.loads((state / "accrual.json").read_text())["content"]
    found = {}
    for entry in content:
        accrual = entry["accrual"]
        pending = frozenset(each["hour_at"] for each in accrual["pending"])
        account, region = entry["place"]
        found[account, region] = BookOnDisk(
            accrual["since_at"], accrual["closed_until_at"], pending
        )
    return found


def recorded_hours(state: Path, day: str) -> list[float]:
    """Which hours of a day (ISO) the history has."""
    files = (state / "history" / "instance_hours").glob(f"{day}T*.jsonl.gz")
    stamps = sorted(file.name.removesuffix(".jsonl.gz") for file in files)
    return [datetime.fromisoformat(stamp).replace(tzinfo=UTC).timestamp() for stamp in stamps]


def recorded_rows(state: Path, place: Place, hour_at: float) -> dict[str, dict[str, Any]]:
    """Instances of one place in one hour, as recorded last."""
    rows: dict[str, dict[str, Any]] = {}
    for record in _records(state, hour_at):
        if record.get("kind") == "place" and (record["account_id"], record["region"]) == place:
            names = list(record["columns"])
            columns = zip(*record["columns"].values(), strict=True)
            found = [dict(zip(names, column, strict=True)) for column in columns]
            rows = {row["instance_id"]: row for row in found}
    return rows


def recorded_intensities(state: Path, hour_at: float) -> dict[str, float]:
    """What the emissions of one hour were accrued with, by grid zone."""
    return {
        record["grid_zone"]: record["grams_per_kilowatt_hour"]
        for record in _records(state, hour_at)
        if record.get("kind") == "intensity"
    }


def _records(state: Path, hour_at: float) -> Iterator[dict[str, Any]]:
    stamp = datetime.fromtimestamp(hour_at, UTC).isoformat()[:13]
    with gzip.open(state / "history" / "instance_hours" / f"{stamp}.jsonl.gz", "rt") as file:
        for line in file:
            yield json.loads(line)
