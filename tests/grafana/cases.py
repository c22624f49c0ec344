"""What the rules are checked on, one case each: a failure names the file and the panel."""

from collections.abc import Sequence
from typing import TypeVar

import pytest

from tests.grafana.boards import Dashboard, Panel, dashboards
from tests.grafana.queries import Query, queries


def readable(board: Dashboard) -> list[Query]:
    """All queries of a dashboard, or none: what is wrong with them is for a test of its own."""
    try:
        return queries(board)
    except (KeyError, ValueError):
        return []


DASHBOARDS = dashboards()
PANELS = [panel for board in DASHBOARDS for panel in board.panels]
DATA_PANELS = [panel for panel in PANELS if panel.shows_data]
QUERIES = [query for board in DASHBOARDS for query in readable(board)]

T = TypeVar("T", Panel, Query)


def _by_place(name: str, cases: Sequence[T]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(name, cases, ids=[case.place for case in cases])


each_dashboard = pytest.mark.parametrize(
    "dashboard", DASHBOARDS, ids=[board.path.name for board in DASHBOARDS]
)
each_panel = _by_place("panel", PANELS)
each_data_panel = _by_place("panel", DATA_PANELS)
each_query = _by_place("query", QUERIES)
