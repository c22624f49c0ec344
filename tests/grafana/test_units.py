import re

import pytest

from tests.grafana.boards import Panel, Target
from tests.grafana.cases import each_data_panel
from tests.grafana.fields import expression, matches, overrides, unit, value_names
from tests.grafana.measures import UNITS, measures
from tests.grafana.tree import tree

WRITTEN = {"g/kWh": "/kWh", "g/EUR": "g/€", "EUR/kg": "€/kg", "g": "gCO2e"}
"""How a heading says them, where each cell would be too narrow for the unit."""

BOUND = re.compile(r"\b(lower|upper)\b", re.IGNORECASE)


def _is_words(panel: Panel, name: str, target: Target) -> bool:
    """Whether its values are mapped: a flag that reads "up" has no unit."""
    found = [each for each in overrides(panel) if matches(each, name, target)]
    return bool(panel.defaults.get("mappings")) or any(
        prop["id"] == "mappings" and prop["value"] for each in found for prop in each["properties"]
    )


def _is_in_the_heading(panel: Panel, name: str, measure: str) -> bool:
    """Whether the column says it, or is a bound beside one that does, or a cell of a matrix."""
    words = WRITTEN.get(measure)
    if not words:
        return False
    done = {each["id"] for each in panel.written.get("transformations", ())}
    if "groupingToMatrix" in done:
        return words in panel.title.replace(" per ", "/")
    return measure != "g" and (words in name or bool(BOUND.search(name)))


@each_data_panel
def test_a_unit_is_that_of_the_series(panel: Panel):
    """Euros as euros, watts as watts; kilograms and kilowatt hours times 1000, as g and Wh."""
    for target in panel.targets:
        of = measures(tree(expression(panel, target)))
        for name in value_names(panel, target):
            shown = unit(panel, name, target)
            for measure in of:
                if shown == "none" and _is_in_the_heading(panel, name, measure):
                    continue
                if measure == "count" and _is_words(panel, name, target):
                    continue
                assert measure in UNITS, f"{panel.place} {target.ref_id}: {measure} has no unit"
                assert UNITS[measure].fullmatch(shown), (
                    f"{panel.place} {target.ref_id} ({name}): {measure} as {shown!r}"
                )


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ('1000 * fleet:carbonfinops_emissions_kilograms:month_to_date{job="x"}', {"g"}),
        ('fleet:carbonfinops_energy_kilowatt_hours:month_to_date{job="x"}', {"kWh"}),
        ('1 - carbonfinops_a_ratio{job="x"}', {"ratio"}),
        ('time() - max by (job) (carbonfinops_a_timestamp_seconds{job="x"})', {"s"}),
        ('rate(process_cpu_seconds_total{job="x"}[5m])', {"ratio"}),
        ('1000 * (a_eur{job="x"} / on (job) b_grams{job="x"})', {"EUR/kg"}),
        ('-1 + 0 * carbonfinops_b_watts{job="x"} or c_eur{job="x"}', {"EUR"}),
        ('count by (job) (c_eur{job="x"}) ^ 0 * on (job) d_usd{job="x"}', {"USD"}),
        ('c_usd{job="x"} and on (job) b_watts{job="x"} == 1', {"USD"}),
        ('sum(c_usd{job="x"}) / sum(c_usd{job="x"})', {"ratio"}),
        ("vector(NaN)", set()),
    ],
)
def test_arithmetic_changes_what_is_measured(expr: str, expected: set[str]):
    """A share of euros is a share, a thousand kilograms are grams, a filter adds nothing."""
    assert measures(tree(expr)) == expected
