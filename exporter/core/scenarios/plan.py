"""What the operator wants the scenarios to be about."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from exporter.core.scenarios.schedule import WeeklySchedule


@dataclass(frozen=True, slots=True)
class DeferrableLoad:
    """A job that runs once a day and may be put off.

    It draws ``watts`` (IT power) for ``hours`` whole hours in ``region``, usually from
    ``start_hour`` o'clock local time on; it must have ended ``within_hours`` after that.
    """

    watts: float
    region: str
    start_hour: int
    hours: int
    within_hours: int


@dataclass(frozen=True, slots=True)
class ScenarioPlan:
    """The scenarios' own settings.

    ``office_environments`` are values of the environment tag, lower case: instances that could be
    switched off outside ``office_hours``. ``target_regions`` are regions the fleet could move to.
    An instance is idle when every CPU point of ``idle_days`` days is at most ``idle_percent``.
    It fits another type when its 95th percentile of CPU, scaled to the other's vCPUs, is at most
    ``rightsizing_percent``.
    """

    office_hours: WeeklySchedule
    office_environments: frozenset[str]
    time_zone: ZoneInfo
    target_regions: tuple[str, ...] = ()
    deferrable: DeferrableLoad | None = None
    idle_percent: float = 5.0
    idle_days: int = 7
    rightsizing_percent: float = 80.0
