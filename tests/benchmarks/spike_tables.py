"""Tables of the carbon-spike alert on steady fleets."""

from collections.abc import Iterator
from itertools import chain
from statistics import median

from tests.benchmarks.spike_incidents import HISTORY_DAYS, MONTH_DAYS, Watched
from tests.benchmarks.spike_loads import variation_ratio
from tests.benchmarks.spike_rule import Kind, Rule
from tests.benchmarks.spike_study import (
    CHOSEN,
    HOLDS_MINUTES,
    INSTANCES,
    LENGTHS_HOURS,
    QUARTER_SECONDS,
    Lengths,
    Study,
    draw_for,
    found_by_length,
    found_cells,
    per_month,
    pooled_lengths,
    written_minutes,
)
from tests.validation.section import Table, Verdict
from tests.validation.spread import percent

INTERVALS_SECONDS = {"15 min": QUARTER_SECONDS, "1 h": 3600.0, "3 h": 3 * 3600.0}
SIZES = {1: 30, 3: 20, 10: 10, 30: 5, 100: 3, 300: 1}
"""Instances of a fleet, and how many fleets."""

MIXED_SCALES = (1.0, 2.0, 4.0, 8.0, 16.0)
FEWEST_FOUND_RATIO = 0.95
LONGEST_MEDIAN_HOURS = 1.5

_FOUND = tuple(chain.from_iterable((f"{h} h: found", "median") for h in LENGTHS_HOURS))


def zones_table(study: Study) -> Table:
    """Power against emissions, with the real grid of each zone."""
    rows: list[tuple[str, ...]] = []
    for zone in study.zones:
        rules = {
            "power, largest of the three": zone.fleet,
            "emissions, largest of the three": zone.fleet.on_emissions(zone.grams, tuple(Kind)),
            **{
                f"emissions, {kind.value}": zone.fleet.on_emissions(zone.grams, [kind])
                for kind in Kind
            },
        }
        for name, fleet in rules.items():
            alarms = len(fleet.alarms([CHOSEN])[CHOSEN])
            found = found_by_length(fleet, [CHOSEN], zone.name)
            rows.append(
                (
                    zone.name,
                    name,
                    f"{fleet.months:.1f}",
                    str(alarms),
                    per_month(alarms, fleet.months),
                    f"{fleet.peak_ratio:.2f}",
                    *_cells(found, CHOSEN),
                )
            )
    return Table(
        f"The rule on power and on emissions: {INSTANCES} steady instances, CPU every 15 min",
        ("zone", "compared with", "months", "alarms", "a month", "peak", *_FOUND),
        tuple(rows),
        "Peak is the most that power (emissions) ever was, as a multiple of the reference.",
    )


def verdicts(study: Study) -> Iterator[Verdict]:
    """What the chosen rule has to reach."""
    for zone in study.zones:
        alarms = len(zone.fleet.alarms([CHOSEN])[CHOSEN])
        found = found_by_length(zone.fleet, [CHOSEN], zone.name)[LENGTHS_HOURS[0]][CHOSEN]
        hours = found.median_hours
        yield Verdict(
            f"{zone.name}, steady fleet: no carbon-spike page",
            f"{alarms} in {zone.fleet.months:.1f} months",
            alarms == 0,
        )
        yield Verdict(
            f"{zone.name}: doublings for {LENGTHS_HOURS[0]} h found, at least"
            f" {percent(FEWEST_FOUND_RATIO, 0)}, in the median within {LONGEST_MEDIAN_HOURS} h",
            f"{', '.join(found_cells(found))} (n = {found.incidents})",
            found.ratio >= FEWEST_FOUND_RATIO
            and hours is not None
            and hours <= LONGEST_MEDIAN_HOURS,
        )


def intervals_table(study: Study) -> Table:
    """What a longer refresh interval costs."""
    rules = [Rule(CHOSEN.factor, hold) for hold in HOLDS_MINUTES]
    rows = []
    for name, interval_seconds in INTERVALS_SECONDS.items():
        fleets = [
            Watched.of(zone.fleet.load, interval_seconds, draw_for("polls", name, zone.name))
            for zone in study.zones
        ]
        alarms = [fleet.alarms(rules) for fleet in fleets]
        found = pooled_lengths(
            [
                found_by_length(fleet, rules, zone.name)
                for fleet, zone in zip(fleets, study.zones, strict=True)
            ]
        )
        rows += [
            (
                name,
                written_minutes(rule.hold_minutes),
                str(sum(len(each[rule]) for each in alarms)),
                *_cells(found, rule),
            )
            for rule in rules
        ]
    return Table(
        f"CPU interval, {CHOSEN.factor:g} times the reference",
        ("CPU interval", "for", "alarms", *_FOUND),
        tuple(rows),
        f"The {INSTANCES} steady instances of all three zones.",
    )


def sizes_table(study: Study) -> Table:
    """How noisy steady fleets are, by size."""
    days = HISTORY_DAYS + MONTH_DAYS
    fleets = {f"{size}": ([1.0] * size, count) for size, count in SIZES.items()}
    mixed = [MIXED_SCALES[number % len(MIXED_SCALES)] for number in range(INSTANCES)]
    fleets[f"{INSTANCES}, of five sizes"] = (mixed, SIZES[INSTANCES])
    rows = []
    for name, (scales, count) in fleets.items():
        watched = [
            Watched.of(
                study.steady(scales, days, name, number),
                QUARTER_SECONDS,
                draw_for("polls", name, number),
            )
            for number in range(count)
        ]
        alarms = sum(len(fleet.alarms([CHOSEN])[CHOSEN]) for fleet in watched)
        found = [
            found_by_length(fleet, [CHOSEN], name, number) for number, fleet in enumerate(watched)
        ]
        rows.append(
            (
                name,
                str(count),
                percent(median(variation_ratio(each.references.power) for each in watched), 1),
                f"{median(each.peak_ratio for each in watched):.2f}",
                f"{max(each.peak_ratio for each in watched):.2f}",
                per_month(alarms, sum(each.months for each in watched)),
                *_cells(pooled_lengths(found), CHOSEN),
            )
        )
    return Table(
        "Steady fleets by size",
        (
            "instances",
            "fleets",
            "variation",
            "peak, median fleet",
            "peak, worst fleet",
            "alarms a month",
            *_FOUND,
        ),
        tuple(rows),
        "Variation is the standard deviation of the power shown by its mean, in the median fleet.",
    )


def _cells(found: Lengths, rule: Rule) -> Iterator[str]:
    return chain.from_iterable(found_cells(found[hours][rule]) for hours in LENGTHS_HOURS)
