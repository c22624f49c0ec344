"""The info alert on an unusually dirty grid, on recorded hours."""

from bisect import bisect_left, insort

from tests.benchmarks.spike_rule import DAY, HOUR, alarms, runs_of
from tests.benchmarks.spike_study import Study, per_month
from tests.validation.section import Table
from tests.validation.spread import percent

FACTOR = 1.3
QUANTILE = 0.95
WINDOW_HOURS = 28 * DAY // HOUR
HOLD_MINUTES = 60


def grid_table(study: Study) -> Table:
    """How often it comes, in each zone."""
    rows = []
    for zone in study.zones:
        usual = hourly_quantiles(list(zone.grams[::HOUR]))
        since = zone.fleet.since
        above = (
            zone.grams[minute] > FACTOR * usual[minute // HOUR]
            for minute in range(since, len(zone.grams))
        )
        count = len(alarms(list(runs_of(above, since)), HOLD_MINUTES))
        months = zone.fleet.months
        rows.append((zone.name, f"{months:.1f}", str(count), per_month(count, months)))
    return Table(
        f"The grid by itself: {FACTOR:g} times the {percent(QUANTILE, 0)} quantile of 28 days, 1h",
        ("zone", "months", "alerts (info)", "a month"),
        tuple(rows),
        "Nobody is paged. One value an hour stands for those of its minutes.",
    )


def hourly_quantiles(grams: list[float]) -> list[float]:
    """The quantile of the last 28 days, or of those there are, as PromQL interpolates it."""
    ordered: list[float] = []
    found = []
    for hour, value in enumerate(grams):
        insort(ordered, value)
        if hour >= WINDOW_HOURS:
            del ordered[bisect_left(ordered, grams[hour - WINDOW_HOURS])]
        position = QUANTILE * (len(ordered) - 1)
        below = int(position)
        above = min(below + 1, len(ordered) - 1)
        found.append(ordered[below] + (position - below) * (ordered[above] - ordered[below]))
    return found
