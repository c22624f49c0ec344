"""What the business case rests on, in words."""

from exporter.core.scenarios.month import WEEKS
from exporter.core.scenarios.outcome import (
    ASSUMPTIONS_VERSION,
    TOLERATED_WORSE_RATIO,
    WORTHWHILE_RATIO,
)
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.scenarios.schedule import WeeklySchedule
from exporter.core.scenarios.weeks import DAYS_PER_WEEK, FEWEST_KNOWN_RATIO
from exporter.core.uncertainty import COVERAGE_RATIO
from exporter.exposition.figures import percent

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MINUTES_PER_HOUR = 60
_MINUTES_PER_DAY = 1440


def assumptions(plan: ScenarioPlan) -> tuple[str, ...]:
    """Sentences that say what the figures are about and what is not in them."""
    return (*_general(), _office_hours(plan), _rightsizing(plan), *_shifts(plan), _idle(plan))


def _general() -> tuple[str, ...]:
    evidence = (
        f"Evidence: the newest {WEEKS} usable weeks ({WEEKS * DAYS_PER_WEEK} days, UTC), of whose"
        f" hours at least {percent(FEWEST_KNOWN_RATIO)} are known. Unknown hours of such a week"
        " are taken to be like its known ones; nothing else is extrapolated."
    )
    band = (
        "The band beside a value is meant to hold what the next month brings in"
        f" {percent(COVERAGE_RATIO)} of cases: from the spread of the weeks and the drift of grids"
        " with the season; of kg also from the errors of power, PUE and grid, of euros also from"
        " what the bill has shown of prices."
    )
    money = (
        "Money is of compute only; disks, addresses and data transfer are not in it. Dollars"
        " (usd_per_month) are at list or spot prices, without discounts. Euros are those of each"
        " account times what its hours on demand were billed at relative to list price, once they"
        " were compared with Cost Explorer; until then they are at list or spot prices too."
    )
    advised = (
        f"Advised is what saves more than {percent(WORTHWHILE_RATIO)} of cost or emissions without"
        " raising the other by as much, and emits more than doing nothing on fewer than"
        f" {percent(TOLERATED_WORSE_RATIO)} of days."
    )
    return (
        f"Version {ASSUMPTIONS_VERSION} of the assumptions: figures of another do not compare.",
        evidence,
        band,
        "Percentages are shares of what a scenario is about, not of the whole fleet.",
        money,
        "Emissions are operational and location-based; those of manufacturing are not in it.",
        advised,
    )


def _office_hours(plan: ScenarioPlan) -> str:
    names = ", ".join(sorted(plan.office_environments))
    if not names:
        return "Office hours: no environment is named."
    return (
        f"Office hours: instances whose environment is one of {names} run only"
        f" {schedule_in_words(plan.office_hours)} ({plan.time_zone.key});"
        " their disks go on costing."
    )


def _rightsizing(plan: ScenarioPlan) -> str:
    return (
        "Rightsizing: CPU only, memory use is unknown. On-demand instances with CPU points on at"
        " least 14 days; the cheapest type of the same family and architecture with fewer vCPUs on"
        f" which the 95th percentile of CPU would be at most {plan.rightsizing_percent:g} %."
        " Burstable types and accelerators are left out. Local disks and the limits of network and"
        " EBS shrink with the size, and are not looked at."
    )


def _shifts(plan: ScenarioPlan) -> tuple[str, str]:
    region, time = "Region shift: no target region is set.", "Time shift: no job is set."
    if plan.target_regions:
        region = (
            "Region shift: the on-demand instances as if they had run in"
            f" {' or '.join(plan.target_regions)}, with the grid of the same hours, the PUE and"
            " the list prices there; data transfer (egress) and the move itself are not counted."
        )
    load = plan.deferrable
    if load:
        time = (
            f"Time shift: a daily job of {load.watts:g} W and {load.hours} h in {load.region} that"
            f" usually starts at {load.start_hour:02}:00 ({plan.time_zone.key}) and has to end"
            f" within {load.within_hours} h of that. Each day's start is chosen by the same hours"
            " of the 7 days before, by what was known then, and valued by what happened: never"
            " the best hour in hindsight. It costs the same at every hour."
        )
    return region, time


def _idle(plan: ScenarioPlan) -> str:
    return (
        f"Idle: no CPU point of the last {plan.idle_days} complete days above"
        f" {plan.idle_percent:g} %; memory, disk and network use are unknown."
    )


def schedule_in_words(schedule: WeeklySchedule) -> str:
    """The schedule in the notation that it is set in; days alike in a row share an entry."""
    entries: list[tuple[int, int, str]] = []
    for day, times in enumerate(_times_by_day(schedule)):
        if entries and entries[-1][1:] == (day - 1, times):
            entries[-1] = (entries[-1][0], day, times)
        elif times:
            entries.append((day, day, times))
    return ", ".join(f"{_days(first, last)} {times}" for first, last, times in entries) or "never"


def _times_by_day(schedule: WeeklySchedule) -> list[str]:
    days: list[list[str]] = [[] for _ in _DAYS]
    for begin, end in schedule.spans:
        for day, times in enumerate(days):
            midnight = day * _MINUTES_PER_DAY
            since, until = max(begin - midnight, 0), min(end - midnight, _MINUTES_PER_DAY)
            if since < until:
                times.append(f"{_clock(since)}-{_clock(until)}")
    return [" and ".join(times) for times in days]


def _clock(minutes: int) -> str:
    return f"{minutes // _MINUTES_PER_HOUR:02}:{minutes % _MINUTES_PER_HOUR:02}"


def _days(first: int, last: int) -> str:
    return _DAYS[first] if first == last else f"{_DAYS[first]}-{_DAYS[last]}"
