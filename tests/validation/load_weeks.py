"""Recorded CPU as the typical week of a load: power by weekday and hour."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

from exporter.core.power import PowerCurve
from tests.validation.cpu_hours import SLOT_SECONDS, Recording, recordings

WATTS = (2.69, 5.43, 8.21, 11.30, 13.47, 15.16)
"""m5.large at 0, 10, 25, 50, 75 and 100 % load, by Boavizta 2.5.0."""

_HOURS = [(weekday, hour) for weekday in range(7) for hour in range(24)]


@dataclass(frozen=True, slots=True)
class LoadWeek:
    """Watts by (weekday, hour), Monday is 0."""

    name: str
    watts: Mapping[tuple[int, int], float]


CONSTANT = LoadWeek("constant load", dict.fromkeys(_HOURS, 10.0))


def load_weeks(data: Path) -> list[LoadWeek]:
    """Each kind of recorded machines; of Bitbrains the samples that were spread."""
    return [load_week(each) for each in recordings(data) if "a point per sample" not in each.name]


def load_week(recording: Recording) -> LoadWeek:
    """Mean power of all points of an hour of the week.

    An hour of the week that was not recorded is taken to be like the same hour of other days.
    """
    curve = PowerCurve.through(WATTS)
    by_week: dict[tuple[int, int], list[float]] = defaultdict(list)
    by_day: dict[int, list[float]] = defaultdict(list)
    for slots in recording.machines:
        for slot, percent in slots.items():
            moment = datetime.fromtimestamp(slot * SLOT_SECONDS, UTC)
            watts = curve.at(percent)
            by_week[moment.weekday(), moment.hour].append(watts)
            by_day[moment.hour].append(watts)
    found = {key: fmean(by_week.get(key) or by_day[key[1]]) for key in _HOURS}
    return LoadWeek(recording.name.split(",")[0], found)
