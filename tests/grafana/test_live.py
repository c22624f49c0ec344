import re

import pytest

from tests.grafana.boards import Panel
from tests.grafana.cases import DASHBOARDS
from tests.grafana.fields import expression
from tests.grafana.tree import Node, tree

UP = "fleet:carbonfinops_up:max"
OUTLIVES = re.compile(r":(forecast|avg\w*|month_to_date)$")
"""Recorded over a time: it goes on for as long as that after the exporter has ended."""

OF_THE_PAST = {"cost.json: The exporter's own API bill": "what was spent on calls stays spent"}

NUMBERS = [
    panel
    for board in DASHBOARDS
    if board.name in {"wall", "carbon", "cost"}
    for panel in board.data_panels
    if any(target.instant for target in panel.targets) and panel.place not in OF_THE_PAST
]


def reads_series(node: Node) -> bool:
    """Whether it asks for anything at all."""
    return node.kind == "selector" or any(reads_series(part) for part in node.parts)


def outlives(node: Node) -> bool:
    """Whether it has values when the exporter has ended: no gate, and nothing live to join."""
    if node.kind != "binary":
        recorded = node.name == UP or node.ranged or bool(OUTLIVES.search(node.name))
        own = node.kind == "selector" and recorded
        return own or any(outlives(part) for part in node.parts)
    left, right = node.parts
    if node.name == "or":
        return outlives(left) or outlives(right)
    if node.name == "unless":
        return outlives(left)
    if node.name == "==" and left.name == UP and right.number == 1:
        return False
    return reads_series(node) and all(outlives(part) for part in node.parts if reads_series(part))


@pytest.mark.parametrize("panel", NUMBERS, ids=[panel.place for panel in NUMBERS])
def test_a_number_ends_with_the_exporter(panel: Panel):
    """What a day or a month records goes on for as long, and would pass for a live number."""
    for target in panel.targets:
        if target.instant:
            found = outlives(tree(expression(panel, target)))
            assert not found, f"{panel.place} {target.ref_id}: without {UP} == 1"


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ('a:x:forecast{job="x"}', True),
        ('a:x:forecast{job="x"} and on (job) fleet:carbonfinops_up:max{job="x"}', True),
        ('a:x:forecast{job="x"} and on (job) fleet:carbonfinops_up:max{job="x"} == 1', False),
        ('1000 * a:x:forecast{job="x"} / on (job) carbonfinops_budget{job="x"}', False),
        ('a:x:forecast{job="x"} or on () vector(NaN)', True),
        ('max(avg_over_time(carbonfinops_x{job="x"}[1d]))', True),
        ('max(carbonfinops_x{job="x"})', False),
    ],
)
def test_a_gate_is_a_comparison_with_one(expr: str, *, expected: bool):
    """Up alone is there when it is 0; a live series ends what it is joined with."""
    assert outlives(tree(expr)) is expected
