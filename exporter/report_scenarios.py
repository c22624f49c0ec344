"""The business case as text, for people and for scripts."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from exporter.core.bounded import Bounded
from exporter.core.scenarios.advice import RESIZE_BASIS, Advice, advice_of
from exporter.core.scenarios.case import BusinessCase
from exporter.core.scenarios.outcome import ASSUMPTIONS_VERSION, Outcome
from exporter.core.scenarios.plan import ScenarioPlan
from exporter.core.snapshot import FleetSnapshot
from exporter.report_assumptions import assumptions
from exporter.report_case import as_table

COLUMNS = (
    "scenario",
    "target_region",
    "quantity",
    "ratio",
    "ratio_lower",
    "ratio_upper",
    "per_month",
    "per_month_lower",
    "per_month_upper",
    "unit",
    "samples",
    "worse_ratio",
    "covered_ratio",
    "feasible",
    "reason",
    "count",
    "account_id",
    "region",
    "instance_id",
    "instance_type",
    "idle",
    "target_type",
    "p95_cpu_ratio",
)
"""Those from ``account_id`` on are of a line about an instance, which has no scenario."""

_Line = dict[str, object]


def as_csv(snapshot: FleetSnapshot, plan: ScenarioPlan) -> str:
    """A line per scenario and quantity, per gap, and per instance's advice and quantity.

    An unknown value is an empty field. The assumptions are in the other formats only.
    """
    del plan
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_lines(snapshot))
    return text.getvalue()


def _lines(snapshot: FleetSnapshot) -> Iterator[_Line]:
    case = snapshot.case
    for outcome in case.outcomes:
        yield from _outcome_lines(outcome, case)
    for (scenario, gap), count in sorted(case.gaps.items()):
        yield {"scenario": scenario, "reason": gap, "count": count}
    for advice in advice_of(snapshot):
        yield from _advice_lines(advice, case)


def _outcome_lines(outcome: Outcome, case: BusinessCase) -> Iterator[_Line]:
    shared: _Line = {
        "scenario": outcome.scenario,
        "target_region": outcome.target_region,
        "samples": outcome.samples,
        "worse_ratio": outcome.worse_ratio,
        "covered_ratio": outcome.covered_ratio,
        "feasible": json.dumps(outcome.feasible),
    }
    for quantity, saving, amount, unit in (
        ("cost", outcome.cost, _eur(outcome, case), "EUR"),
        ("emissions", outcome.emissions, outcome.emissions.per_month, "gCO2e"),
    ):
        ratios = zip(COLUMNS[3:6], _three(saving.ratio), strict=True)
        amounts = zip(COLUMNS[6:9], _three(amount), strict=True)
        yield {**shared, "quantity": quantity, **dict(ratios), **dict(amounts), "unit": unit}


def _advice_lines(advice: Advice, case: BusinessCase) -> Iterator[_Line]:
    instance, resize = advice.estimate.instance, advice.resize
    shared: _Line = {
        "account_id": instance.account_id,
        "region": instance.region,
        "instance_id": instance.instance_id,
        "instance_type": instance.instance_type,
        "idle": "" if advice.idle is None else json.dumps(advice.idle),
    }
    if resize is None:
        yield shared
        return
    shared |= {"target_type": resize.target_type, "p95_cpu_ratio": resize.p95_percent / 100}
    eur = advice.saved_eur_per_month(case)
    yield {**shared, "quantity": "cost", "per_month": eur, "unit": "EUR"}
    grams = resize.saved_grams_per_month
    yield {**shared, "quantity": "emissions", "per_month": grams, "unit": "gCO2e"}


def as_json(snapshot: FleetSnapshot, plan: ScenarioPlan) -> str:
    """Scenarios, gaps, advice and assumptions; bounds follow their value; unknown is null."""
    case = snapshot.case
    document = {
        "estimated_at": snapshot.estimated_at,
        "assumptions_version": ASSUMPTIONS_VERSION,
        "assumptions": assumptions(plan),
        "usd_per_eur": case.usd_per_eur,
        "scenarios": [_outcome_document(outcome, case) for outcome in case.outcomes],
        "gaps": [
            {"scenario": scenario, "reason": gap, "count": count}
            for (scenario, gap), count in sorted(case.gaps.items())
        ],
        "instances": [_advice_document(advice, case) for advice in advice_of(snapshot)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _outcome_document(outcome: Outcome, case: BusinessCase) -> Mapping[str, object]:
    return {
        "scenario": outcome.scenario,
        "target_region": outcome.target_region,
        "cost": {
            "ratio": _three(outcome.cost.ratio),
            "usd_per_month": _three(outcome.cost.per_month),
            "eur_per_month": _three(_eur(outcome, case)),
            "usd_per_month_by_account": dict(sorted(outcome.saved_usd_by_account.items())),
        },
        "emissions": {
            "ratio": _three(outcome.emissions.ratio),
            "grams_per_month": _three(outcome.emissions.per_month),
        },
        "samples": outcome.samples,
        "worse_ratio": outcome.worse_ratio,
        "covered_ratio": outcome.covered_ratio,
        "feasible": outcome.feasible,
    }


def _advice_document(advice: Advice, case: BusinessCase) -> Mapping[str, object]:
    instance, resize = advice.estimate.instance, advice.resize
    return {
        "account_id": instance.account_id,
        "region": instance.region,
        "instance_id": instance.instance_id,
        "name": instance.name,
        "instance_type": instance.instance_type,
        "idle": advice.idle,
        "resize": resize
        and {
            "target_type": resize.target_type,
            "basis": RESIZE_BASIS,
            "p95_cpu_ratio": resize.p95_percent / 100,
            "saved_usd_per_month": resize.saved_usd_per_month,
            "saved_eur_per_month": advice.saved_eur_per_month(case),
            "saved_grams_per_month": resize.saved_grams_per_month,
        },
    }


def _eur(outcome: Outcome, case: BusinessCase) -> Bounded | None:
    return case.eur_per_month.get((outcome.scenario, outcome.target_region))


def _three(value: Bounded | None) -> Sequence[float | None]:
    return (value.value, value.lower, value.upper) if value else (None, None, None)


FORMATS: Mapping[str, Callable[[FleetSnapshot, ScenarioPlan], str]] = {
    "table": as_table,
    "json": as_json,
    "csv": as_csv,
}
