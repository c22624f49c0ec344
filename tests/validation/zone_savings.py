"""What one recorded zone would have saved: back-tests, months, and the exporter beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.validation.exported_savings import (
    band_differences,
    day_differences,
    office_difference,
    shift_difference,
)
from tests.validation.load_weeks import CONSTANT, LoadWeek
from tests.validation.months_ahead import MonthAhead, office_months, shift_months
from tests.validation.plain_office import SwitchedHour, switched_hours
from tests.validation.plain_shift import Job, ShiftedDay, shifted_days
from tests.validation.zone_hours import ZoneHours

JOBS = tuple(Job(start_hour) for start_hour in (2, 6, 10, 14, 18, 22))
EVERY_MONTHS = 7
"""The exporter's whole evaluation is asked for at every seventh of the midnights."""


@dataclass(frozen=True, slots=True)
class Differences:
    """Relative, the exporter against the second implementation."""

    days: Sequence[float]
    bands: Sequence[float]
    outcomes: Sequence[float]


@dataclass(frozen=True, slots=True)
class ZoneSavings:
    """One zone: judged days and months of each job, hours and months of each load."""

    name: str
    is_fitted: bool
    days: Mapping[Job, Sequence[ShiftedDay]]
    shift: Mapping[Job, Sequence[MonthAhead]]
    hours: Mapping[str, Sequence[SwitchedHour]]
    office: Mapping[str, Sequence[MonthAhead]]
    differences: Differences

    @property
    def has_months(self) -> bool:
        """Whether there is a month to judge, of every job and load."""
        return all((*self.shift.values(), *self.office.values()))

    @property
    def shift_months(self) -> list[MonthAhead]:
        """The months of all jobs."""
        return [month for months in self.shift.values() for month in months]

    @property
    def constant_months(self) -> Sequence[MonthAhead]:
        """The months of office hours of a constant load."""
        return self.office[CONSTANT.name]


def zone_savings(zone: ZoneHours, loads: Sequence[LoadWeek]) -> ZoneSavings:
    """Everything about one zone; each load is laid on its local clock, the constant one too."""
    days = {job: shifted_days(zone.grams, zone.time_zone, job) for job in JOBS}
    shift = {job: shift_months(each, job) for job, each in days.items()}
    hours = {
        load.name: switched_hours(zone.grams, zone.time_zone, load.watts)
        for load in (CONSTANT, *loads)
    }
    office = {name: office_months(each) for name, each in hours.items()}
    return ZoneSavings(
        zone.name,
        zone.is_fitted,
        {job: [day for day in each.values() if day] for job, each in days.items()},
        shift,
        hours,
        office,
        Differences(
            [far for job in JOBS for far in day_differences(zone, job, days[job])],
            [
                band_differences(month.evidence)
                for months in (*shift.values(), *office.values())
                for month in months
            ],
            [*_shift_differences(zone, shift), *_office_differences(zone, hours, office)],
        ),
    )


def _shift_differences(zone: ZoneHours, months: Mapping[Job, Sequence[MonthAhead]]) -> list[float]:
    return [
        shift_difference(zone, job, month)
        for job, each in months.items()
        for month in each[::EVERY_MONTHS]
    ]


def _office_differences(
    zone: ZoneHours,
    hours: Mapping[str, Sequence[SwitchedHour]],
    months: Mapping[str, Sequence[MonthAhead]],
) -> list[float]:
    """Costs are those of a grid that is the same in every hour."""
    flat = office_months(
        switched_hours(dict.fromkeys(zone.grams, 1.0), zone.time_zone, CONSTANT.watts)
    )
    return [
        office_difference(zone, {hour.hour_at: hour for hour in hours[name]}, month, off)
        for name, each in months.items()
        for month, off in list(zip(each, flat, strict=True))[::EVERY_MONTHS]
    ]
