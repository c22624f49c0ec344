"""Alarms on what machines really did."""

from collections.abc import Sequence
from itertools import islice
from statistics import fmean

from tests.benchmarks.spike_incidents import HISTORY_DAYS, MONTH_DAYS, Watched
from tests.benchmarks.spike_loads import (
    BITBRAINS,
    BITBRAINS_DAYS,
    CLOUDWATCH,
    PLANETLAB,
    Load,
    shuffled,
    together,
    variation_ratio,
)
from tests.benchmarks.spike_rule import DAY, HOUR, WAITED, alarms, runs_of
from tests.benchmarks.spike_study import (
    INSTANCES,
    QUARTER_SECONDS,
    RULES,
    Study,
    draw_for,
    per_month,
    written,
)
from tests.validation.section import Table

DRAWS = 20
BUDGET_FACTOR, BUDGET_HOLD_MINUTES = 2.0, 15
LONG_FLEETS = 6
BURSTY = "Bitbrains, all machines"

Fleets = Sequence[Watched]


def demands(study: Study) -> dict[str, Fleets]:
    """Fleets with their own demand."""
    whole = [m for m in study.pools[BITBRAINS] if len(m.days) >= BITBRAINS_DAYS]
    machines = list(study.pools[PLANETLAB])
    planetlab = [
        together(machines[begin : begin + INSTANCES])
        for begin in range(0, len(machines), INSTANCES)
    ]
    bitbrains = together(whole)
    draw = draw_for("demands")
    single = {name: [together([m]) for m in study.pools[name]] for name in (BITBRAINS, CLOUDWATCH)}
    return {
        f"PlanetLab, {INSTANCES} machines": _any_order([planetlab] * LONG_FLEETS, "planetlab"),
        BURSTY: _any_order([[bitbrains]] * LONG_FLEETS, "bitbrains"),
        **{
            f"Bitbrains, {DRAWS} draws of {size} machines": _any_order(
                [[together(draw.sample(whole, size))] for _ in range(DRAWS)], size
            )
            for size in (10, 3)
        },
        f"Bitbrains, {len(single[BITBRAINS])} machines, each by itself": _any_order(
            [[load] for load in single[BITBRAINS]], "single"
        ),
        f"EC2 in CloudWatch, {len(single[CLOUDWATCH])} machines, each by itself": _any_order(
            [[load] for load in single[CLOUDWATCH]], "cloudwatch"
        ),
        "the same as they ran, second week": [
            watched(load, WAITED, "ran", number) for number, load in enumerate(single[CLOUDWATCH])
        ],
        "all of Bitbrains as they ran, did the alert wait for a day only": [
            watched(bitbrains, DAY, "ran")
        ],
    }


def _any_order(fleets: Sequence[Sequence[Load]], *names: object) -> Fleets:
    """Four weeks of history and a month that counts, for each."""
    days = HISTORY_DAYS + MONTH_DAYS
    return [
        watched(shuffled(loads, days, draw_for(number, *names)), HISTORY_DAYS * DAY, number, *names)
        for number, loads in enumerate(fleets)
    ]


def demand_table(found: dict[str, Fleets]) -> Table:
    """Alarms a month on recorded demand."""
    rows = []
    for name, fleets in found.items():
        months = sum(fleet.months for fleet in fleets)
        counts = [fleet.alarms(RULES) for fleet in fleets]
        rows.append(
            (
                name,
                f"{months:.1f}",
                f"{fmean(_hourly_variation(fleet) for fleet in fleets):.2f}",
                *(per_month(sum(len(each[rule]) for each in counts), months) for rule in RULES),
                per_month(sum(map(budget_alarms, fleets)), months),
            )
        )
    return Table(
        "Recorded demand: alarms a month, by rule, CPU every 15 min",
        ("fleet", "months", "variation by hour", *map(written, RULES), "budget"),
        tuple(rows),
        "Recorded days of the whole fleet in any order, but for the last two rows. Nobody says"
        " which alarms were worth a look: all count as false. Variation by hour is the standard"
        " deviation of the hourly means of power by their mean. Budget is the alert on a budget"
        " that is just what the fleet uses, of power: 24 and 6 hours at twice that.",
    )


def budget_alarms(fleet: Watched) -> int:
    """How often the mean of 24 hours, and of six, is twice what the fleet draws in the mean."""
    references = fleet.references
    usual = fmean(references.power[fleet.since :])
    means = zip(references.means(DAY), references.means(6 * HOUR), strict=True)
    above = (
        day > BUDGET_FACTOR * usual and six > BUDGET_FACTOR * usual
        for day, six in islice(means, fleet.since, None)
    )
    return len(alarms(list(runs_of(above, fleet.since)), BUDGET_HOLD_MINUTES))


def watched(load: Load, since: int, *names: object) -> Watched:
    """A fleet polled every quarter of an hour."""
    return Watched.of(load, QUARTER_SECONDS, draw_for("demand", *names), since)


def _hourly_variation(fleet: Watched) -> float:
    watts = fleet.load.watts
    hours = (watts[begin : begin + 12] for begin in range(0, len(watts), 12))
    return variation_ratio([sum(hour) / len(hour) for hour in hours])
