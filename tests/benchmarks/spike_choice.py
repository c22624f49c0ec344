"""Which factor and which time to wait: everything that speaks for a rule, side by side."""

from collections.abc import Sequence
from itertools import chain

from tests.benchmarks.spike_incidents import Watched
from tests.benchmarks.spike_rule import Rule
from tests.benchmarks.spike_study import (
    INSTANCES,
    LENGTHS_HOURS,
    POSITIONS,
    RULES,
    Study,
    found_by_length,
    found_cells,
    per_month,
    pooled_lengths,
    written_minutes,
)
from tests.validation.section import Table
from tests.validation.spread import percent


def choice_table(study: Study, bursty: Sequence[Watched]) -> Table:
    """Each rule on steady fleets and on a bursty one."""
    steady = _steady_cells(study)
    bursts = _bursty_cells(bursty)
    months = sum(zone.fleet.months for zone in study.zones)
    return Table(
        "Which factor, and how long",
        (
            "factor",
            "for",
            f"steady: alarms in {months:.1f} months",
            *chain.from_iterable((f"{hours} h: found", "median") for hours in LENGTHS_HOURS),
            "bursty: alarms a month",
            *(f"{hours} h: found" for hours in LENGTHS_HOURS),
        ),
        tuple(
            (
                f"{rule.factor:g}",
                written_minutes(rule.hold_minutes),
                *steady[rule],
                *bursts[rule],
            )
            for rule in RULES
        ),
        f"Steady: the {INSTANCES} instances of all three zones,"
        f" {POSITIONS * len(study.zones)} doublings of each length. Bursty: the Bitbrains machines"
        f" with their days in any order, {POSITIONS * len(bursty)} doublings of each length.",
    )


def _steady_cells(study: Study) -> dict[Rule, tuple[str, ...]]:
    found = pooled_lengths([found_by_length(zone.fleet, RULES, zone.name) for zone in study.zones])
    alarms = [zone.fleet.alarms(RULES) for zone in study.zones]
    return {
        rule: (
            str(sum(len(each[rule]) for each in alarms)),
            *chain.from_iterable(found_cells(found[hours][rule]) for hours in LENGTHS_HOURS),
        )
        for rule in RULES
    }


def _bursty_cells(fleets: Sequence[Watched]) -> dict[Rule, tuple[str, ...]]:
    found = pooled_lengths(
        [found_by_length(fleet, RULES, "bursty", number) for number, fleet in enumerate(fleets)]
    )
    alarms = [fleet.alarms(RULES) for fleet in fleets]
    months = sum(fleet.months for fleet in fleets)
    return {
        rule: (
            per_month(sum(len(each[rule]) for each in alarms), months),
            *(percent(found[hours][rule].ratio, 1) for hours in LENGTHS_HOURS),
        )
        for rule in RULES
    }
