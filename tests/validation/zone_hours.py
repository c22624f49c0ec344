"""Recorded grid carbon intensity by hour, of the zones whose clocks are known."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.validation.grid_hours import PATTERNS
from tests.validation.recorded_events import instant
from tests.validation.recordings import DataError, names_in, rows_in

HOUR_SECONDS = 3600.0
DAY_SECONDS = 86400.0

CLOCKS = {
    "DE": "Europe/Berlin",
    "GB": "Europe/London",
    "US-MIDA-PJM": "America/New_York",
    "US-CAL-CISO": "America/Los_Angeles",
    "FR": "Europe/Paris",
    "SG": "Asia/Singapore",
    "PL": "Europe/Warsaw",
    "SE": "Europe/Stockholm",
    "IE": "Europe/Dublin",
}
FITTED = ("DE", "GB", "US-MIDA-PJM", "US-CAL-CISO")
"""The zones that the published bands were fitted on."""


@dataclass(frozen=True, slots=True)
class ZoneHours:
    """gCO2e/kWh by hour (epoch seconds of its begin); hours without a value are not in it."""

    name: str
    time_zone: ZoneInfo
    grams: Mapping[float, float]

    @property
    def is_fitted(self) -> bool:
        """Whether the published bands were fitted on it."""
        return self.name in FITTED

    @property
    def since_at(self) -> float:
        """The first midnight UTC."""
        return -(-min(self.grams) // DAY_SECONDS) * DAY_SECONDS

    @property
    def until_at(self) -> float:
        """The end of the last hour."""
        return max(self.grams) + HOUR_SECONDS


def zone_hours(data: Path) -> tuple[list[ZoneHours], list[str]]:
    """Every zone that is in the folder, and why others are left out."""
    found: dict[str, ZoneHours] = {}
    left_out = []
    for name in (name for pattern in PATTERNS for name in names_in(data, pattern)):
        zone = Path(name).stem.split("_")[0]
        if zone in CLOCKS:
            time_zone = ZoneInfo(CLOCKS[zone])
            found[zone] = ZoneHours(zone, time_zone, _grams(data, name, time_zone))
        else:
            left_out.append(f"{zone} (its clock is not known)")
    left_out += [f"{zone} (no file)" for zone in CLOCKS if zone not in found]
    return [found[zone] for zone in CLOCKS if zone in found], left_out


def _grams(data: Path, name: str, time_zone: ZoneInfo) -> dict[float, float]:
    """Means of hours with all of their values: one, or four quarters in local time."""
    rows = rows_in(data, name)
    if "ci_lifecycle_g_per_kwh" in rows[0]:
        stamped = ((instant(r["datetime_utc"]), r["ci_lifecycle_g_per_kwh"]) for r in rows)
        return _means(stamped, 1)
    if "datetime_local" in rows[0]:
        return _means(_from_local(rows, time_zone), 4)
    raise DataError(f"{name} has no column of carbon intensity by hour")


def _from_local(rows: Iterable[Mapping[str, str]], clock: ZoneInfo) -> Iterable[tuple[float, str]]:
    """Hours that the clock skips are no hours; of one that it repeats only the first is there."""
    for row in rows:
        local = datetime.fromisoformat(row["datetime_local"]).replace(tzinfo=clock)
        at = local.timestamp()
        if datetime.fromtimestamp(at, clock).hour == local.hour:
            yield at, row["ci_g_per_kwh"]


def _means(stamped: Iterable[tuple[float, str]], per_hour: int) -> dict[float, float]:
    by_hour: dict[float, list[float]] = defaultdict(list)
    for at, text in stamped:
        if text and isfinite(value := float(text)):
            by_hour[at // HOUR_SECONDS * HOUR_SECONDS].append(value)
    return {at: sum(own) / per_hour for at, own in by_hour.items() if len(own) == per_hour}
