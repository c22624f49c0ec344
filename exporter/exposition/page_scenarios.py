"""The business case on the status page: what each change would save, or why that is unknown."""

from collections.abc import Sequence
from html import escape

from exporter.core.bounded import Bounded
from exporter.core.scenarios.advice import Advice, advice_of
from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.outcome import Outcome, Scenario, ScenarioGap
from exporter.core.snapshot import FleetSnapshot
from exporter.core.uncertainty import COVERAGE_RATIO
from exporter.core.units import GRAMS_PER_KILOGRAM
from exporter.exposition.figures import MISSING, bounds, figure, percent
from exporter.exposition.scenario_words import TITLES, gap_in_words, plural

_BAND = f"{percent(COVERAGE_RATIO)} band"
_COLUMNS = (
    ("Cost saved", f"EUR/month, {_BAND}"),
    ("Emissions saved", f"kgCO2e/month, {_BAND}"),
    ("Worse days", "more emitted than without"),
)


def scenarios_section(snapshot: FleetSnapshot) -> str:
    """Render the section; nothing before the first evaluation."""
    case = snapshot.case
    if not (case.outcomes or case.gaps):
        return ""
    headings = "".join(
        f'<th class="number">{heading}<small>{detail}</small></th>' for heading, detail in _COLUMNS
    )
    rows = "\n".join(row for scenario in Scenario for row in _rows(case, scenario))
    return (
        "<section><h2>Business case</h2>"
        '<div class="table" tabindex="0"><table><thead><tr><th>Scenario<small>Target</small></th>'
        f"{headings}<th>Advised</th></tr></thead><tbody>{rows}</tbody></table></div>"
        f"{_advice_note(advice_of(snapshot))}</section>\n"
    )


def _rows(case: BusinessCase, scenario: Scenario) -> list[str]:
    outcomes = sorted(
        (each for each in case.outcomes if each.scenario is scenario),
        key=lambda outcome: outcome.target_region,
    )
    gaps = [(gap, case.gaps[scenario, gap]) for gap in ScenarioGap if (scenario, gap) in case.gaps]
    return [
        *(_outcome_row(outcome, case) for outcome in outcomes),
        *(_gap_row(scenario, gap, count) for gap, count in gaps),
    ]


def _outcome_row(outcome: Outcome, case: BusinessCase) -> str:
    eur = case.eur_per_month.get((outcome.scenario, outcome.target_region))
    grams = outcome.emissions.per_month
    advised = '<span class="good">yes</span>' if outcome.feasible else "no"
    days = f"of {plural(outcome.samples, 'day')}"
    return (
        f"<tr><td>{TITLES[outcome.scenario]}{_small(escape(outcome.target_region))}</td>"
        f"{_amount(eur)}{_amount(grams.in_units_of(GRAMS_PER_KILOGRAM))}"
        f'<td class="number">{percent(outcome.worse_ratio)}<small>{days}</small></td>'
        f"<td>{advised}</td></tr>"
    )


def _gap_row(scenario: Scenario, gap: ScenarioGap, count: int) -> str:
    return (
        f"<tr><td>{TITLES[scenario]}<small>{gap}</small></td>"
        f'<td class="text dim" colspan="{len(_COLUMNS) + 1}">'
        f"{gap_in_words(scenario, gap, count)}</td></tr>"
    )


def _amount(amount: Bounded | None) -> str:
    if amount is None:
        return f'<td class="number">{MISSING}</td>'
    return f'<td class="number">{figure(amount.value)}{_small(bounds(amount))}</td>'


def _small(text: str) -> str:
    return f"<small>{text}</small>" if text else ""


def _advice_note(advice: Sequence[Advice]) -> str:
    idle = sum(bool(each.idle) for each in advice)
    resizes = sum(each.resize is not None for each in advice)
    if not advice:
        return ""
    return (
        '<p class="dim">By CPU alone, memory use being unknown:'
        f" {plural(idle, 'running instance')} idle,"
        f" {plural(resizes, 'instance')} that a smaller type would fit."
        " <code>carbonfinops scenarios</code> lists them, with the assumptions.</p>"
    )
