"""The section of the settings about the business case."""

import difflib
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, ValidationInfo, field_validator

from exporter.core.scenarios.plan import DeferrableLoad, ScenarioPlan
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.sections import Amount, CommaList, Frozen, check_regions

Percent = Annotated[float, Field(ge=0, le=100)]


class ScenarioSettings(Frozen):
    """What the scenarios of the business case are about."""

    office_hours: str = Field(
        "Mon-Fri 08:00-18:00", description="when office_environments are needed, local time"
    )
    time_zone: str = Field(
        "Europe/Berlin", description="IANA time zone of office_hours and deferrable_start_hour"
    )
    office_environments: CommaList = Field(
        ("dev", "development", "test", "testing", "stage", "staging", "qa", "sandbox"),
        description="values of the label environment, in any case: what could be off at night",
    )
    target_regions: CommaList = Field(
        (), description="regions the fleet could move to, separated by commas"
    )
    deferrable_watts: Amount | None = Field(
        None, description="IT power of a daily job that may be put off; default: there is none"
    )
    deferrable_region: str = Field(
        "", validate_default=True, description="region of that job; required with deferrable_watts"
    )
    deferrable_start_hour: int = Field(
        2, ge=0, le=23, description="hour (0-23, local time) at which it usually starts"
    )
    deferrable_hours: int = Field(4, ge=1, le=24, description="whole hours it runs")
    deferrable_within_hours: int = Field(
        24,
        ge=1,
        le=48,
        validate_default=True,
        description="hours after its usual start by which it has ended, 48 at most",
    )
    idle_cpu_percent: Percent = Field(5.0, description="CPU that an idle instance never exceeds")
    idle_days: int = Field(7, ge=1, le=28, description="days for which it does not")
    rightsizing_cpu_percent: Annotated[float, Field(gt=0, le=100)] = Field(
        80.0, description="95th percentile of CPU that a smaller type may have"
    )

    _known_targets = field_validator("target_regions")(check_regions)

    @field_validator("office_hours")
    @classmethod
    def _is_schedule(cls, value: str) -> str:
        WeeklySchedule.parse(value)
        return value

    @field_validator("time_zone")
    @classmethod
    def _is_time_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # "Europe" is a directory of the database
            near = difflib.get_close_matches(value, sorted(available_timezones()), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"{value!r} is not an IANA time zone{hint}") from None
        return value

    @field_validator("office_environments")
    @classmethod
    def _lower_case(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(environment.lower() for environment in value)

    @field_validator("target_regions")
    @classmethod
    def _once_each(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value))

    @field_validator("deferrable_region")
    @classmethod
    def _is_somewhere(cls, value: str, info: ValidationInfo) -> str:
        if value:
            check_regions((value,))
        elif info.data.get("deferrable_watts") is not None:
            raise ValueError("required with deferrable_watts: the region whose grid the job is on")
        return value

    @field_validator("deferrable_within_hours")
    @classmethod
    def _long_enough(cls, value: int, info: ValidationInfo) -> int:
        hours = info.data.get("deferrable_hours", 1)
        if value < hours:
            raise ValueError(f"{value} h are too short for a job of {hours} h (deferrable_hours)")
        return value

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions whose grid is watched whether or not there are instances."""
        load = (self.deferrable_region,) if self.deferrable_watts is not None else ()
        return tuple(dict.fromkeys((*self.target_regions, *load)))


def scenario_plan(settings: ScenarioSettings) -> ScenarioPlan:
    """What the operator wants the scenarios to be about."""
    return ScenarioPlan(
        office_hours=WeeklySchedule.parse(settings.office_hours),
        office_environments=frozenset(settings.office_environments),
        time_zone=ZoneInfo(settings.time_zone),
        target_regions=settings.target_regions,
        deferrable=_deferrable(settings),
        idle_percent=settings.idle_cpu_percent,
        idle_days=settings.idle_days,
        rightsizing_percent=settings.rightsizing_cpu_percent,
    )


def _deferrable(settings: ScenarioSettings) -> DeferrableLoad | None:
    if settings.deferrable_watts is None:
        return None
    return DeferrableLoad(
        watts=settings.deferrable_watts,
        region=settings.deferrable_region,
        start_hour=settings.deferrable_start_hour,
        hours=settings.deferrable_hours,
        within_hours=settings.deferrable_within_hours,
    )
