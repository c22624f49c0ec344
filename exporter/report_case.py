"""The business case as tables for a terminal."""

from collections.abc import Sequence
from textwrap import fill

from exporter.core.bounded import Bounded
from exporter.core.scenarios.advice import Advice, advice_of
from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.outcome import Outcome
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.snapshot import FleetSnapshot
from exporter.core.units import GRAMS_PER_KILOGRAM
from exporter.exposition.figures import bounds, figure, percent
from exporter.exposition.scenario_words import TITLES, gap_in_words, plural
from exporter.report_assumptions import assumptions

MOST_INSTANCES = 20

_UNKNOWN = "-"
_THOUSANDS = "\N{NARROW NO-BREAK SPACE}"
_LINE_WIDTH = 100
_SCENARIO_HEADINGS = (
    "scenario",
    "target",
    "EUR/month",
    "kgCO2e/month",
    "cost share",
    "emissions share",
    "covered",
    "worse days",
    "advised",
)
_ADVICE_HEADINGS = (
    "account",
    "region",
    "instance",
    "type",
    "idle",
    "smaller type",
    "p95 CPU",
    "EUR/month",
    "kgCO2e/month",
    "name",
)


def as_table(snapshot: FleetSnapshot, plan: ScenarioPlan) -> str:
    """Scenarios, what they lack, the instances worth most, and the assumptions in words."""
    case, advice = snapshot.case, advice_of(snapshot)
    lines = _scenario_lines(case)
    if advice:
        lines += ["", *_advice_lines(advice, case)]
    lines += ["", "Assumptions"]
    for sentence in assumptions(plan):
        lines.append(fill(sentence, _LINE_WIDTH, initial_indent="- ", subsequent_indent="  "))
    # Plain digits, as in the other tables: a special space between thousands is none to a script.
    return ("\n".join(lines) + "\n").replace(_THOUSANDS, "")


def _scenario_lines(case: BusinessCase) -> list[str]:
    lines = ["Savings per month"]
    if case.outcomes:
        lines += _aligned([_SCENARIO_HEADINGS, *(_cells(each, case) for each in case.outcomes)])
    elif not case.gaps:
        lines.append("Nothing was evaluated yet.")
    lines += [
        f"{TITLES[scenario]}: {gap_in_words(scenario, gap, count)} ({gap})"
        for (scenario, gap), count in sorted(case.gaps.items())
    ]
    return lines


def _cells(outcome: Outcome, case: BusinessCase) -> tuple[str, ...]:
    eur = case.eur_per_month.get((outcome.scenario, outcome.target_region))
    return (
        TITLES[outcome.scenario],
        outcome.target_region,
        _amount(eur),
        _amount(outcome.emissions.per_month.in_units_of(GRAMS_PER_KILOGRAM)),
        _share(outcome.cost.ratio),
        _share(outcome.emissions.ratio),
        percent(outcome.covered_ratio),
        f"{percent(outcome.worse_ratio)} of {outcome.samples}",
        "yes" if outcome.feasible else "no",
    )


def _advice_lines(advice: Sequence[Advice], case: BusinessCase) -> list[str]:
    shown = advice[:MOST_INSTANCES]
    lines = ["Instances, by CPU only (memory use is unknown)"]
    lines += _aligned([_ADVICE_HEADINGS, *(_advice_cells(each, case) for each in shown)])
    if len(advice) > len(shown):
        hidden = plural(len(advice) - len(shown), "more instance")
        lines.append(f"and {hidden}: --format json and --format csv list all")
    return lines


def _advice_cells(advice: Advice, case: BusinessCase) -> tuple[str, ...]:
    instance, resize = advice.estimate.instance, advice.resize
    eur = advice.saved_eur_per_month(case)
    saved = (_UNKNOWN, _UNKNOWN, _UNKNOWN, _UNKNOWN)
    if resize:
        saved = (
            resize.target_type,
            percent(resize.p95_percent / 100),
            _UNKNOWN if eur is None else figure(eur),
            figure(resize.saved_grams_per_month / GRAMS_PER_KILOGRAM),
        )
    return (
        instance.account_id,
        instance.region,
        instance.instance_id,
        instance.instance_type,
        {True: "yes", False: "no", None: _UNKNOWN}[advice.idle],
        *saved,
        "".join(c if c.isprintable() else " " for c in instance.name),
    )


def _amount(amount: Bounded | None) -> str:
    if amount is None:
        return _UNKNOWN
    band = bounds(amount)
    return f"{figure(amount.value)} ({band})" if band else figure(amount.value)


def _share(ratio: Bounded) -> str:
    if ratio.lower is None or ratio.upper is None:
        return percent(ratio.value)
    return f"{percent(ratio.value)} ({percent(ratio.lower)} to {percent(ratio.upper)})"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
