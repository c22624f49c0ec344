import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.grafana.boards import Dashboard, Panel
from tests.grafana.cases import DASHBOARDS, PANELS
from tests.grafana.fields import all_names, organized, overrides

BOARDS = {f"carbonfinops-{board.name}": board for board in DASHBOARDS}
LINK = re.compile(r"/d/([\w-]+)\?([^\s)\"']*)")
PASSED = re.compile(r"var-(\w+)=|\$\{(\w+):queryparam\}")
OF_COLUMN = re.compile(r"\$\{__data\.fields\.(?:(\w+)|\[?\"?([^\"\]}]+)\"?\]?)\}")
CLICKED = re.compile(r"var-(\w+)=\$\{__value\.\w+\}")


def texts(value: Any) -> Iterator[str]:
    """Every text in it, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts(each)


LINKING = [
    (panel, uid, query)
    for panel in PANELS
    for text in texts({key: panel.written[key] for key in panel.written if key != "panels"})
    for uid, query in sorted(set(LINK.findall(text)))
]
each_link = pytest.mark.parametrize(
    ("panel", "uid", "query"), LINKING, ids=[f"{each[0].place} to {each[1]}" for each in LINKING]
)


def names(board: Dashboard) -> set[str]:
    return {variable.name for variable in board.variables}


def passed(query: str) -> list[str]:
    return [given or whole for given, whole in PASSED.findall(query)]


@each_link
def test_a_link_sets_variables_of_its_target(panel: Panel, uid: str, query: str):
    """Each once: Grafana passes over others, and adds up what is given twice."""
    assert uid in BOARDS, f"{panel.place}: {uid}"
    strange = set(passed(query)) - names(BOARDS[uid])
    assert not strange, f"{panel.place}: {uid} has no {strange}"
    assert len(set(passed(query))) == len(passed(query)), f"{panel.place}: {query}"


@each_link
def test_a_link_carries_the_selection_and_the_time(panel: Panel, uid: str, query: str):
    """Whatever both dashboards let a reader choose stays chosen."""
    (board,) = (each for each in DASHBOARDS if panel in each.panels)
    lost = (names(board) & names(BOARDS[uid])) - set(passed(query))
    assert not lost, f"{panel.place}: {uid} without {lost}"
    assert "${__url_time_range}" in query, panel.place


@each_link
def test_a_link_reads_columns_that_exist(panel: Panel, uid: str, query: str):
    """By the name that a reader sees."""
    for word, quoted in OF_COLUMN.findall(query):
        assert (word or quoted) in all_names(panel), f"{panel.place} to {uid}: {word or quoted}"


@pytest.mark.parametrize("panel", PANELS, ids=[panel.place for panel in PANELS])
def test_a_clicked_cell_sets_the_variable_of_its_column(panel: Panel):
    """An account is no region, although both are words."""
    shown = organized(panel, "renameByName")
    for override in overrides(panel):
        for variable in CLICKED.findall(" ".join(texts(override))):
            column = override["matcher"]["options"]
            assert shown.get(variable, variable) == column, f"{panel.place}: {column}: {variable}"
