import pytest

from tests.grafana.boards import Panel
from tests.grafana.cases import DASHBOARDS
from tests.grafana.queries import queries
from tests.grafana.series import PER_INSTANCE
from tests.prometheus.nesting import reads

WALL = [board for board in DASHBOARDS if board.name == "wall"]
PANELS = [panel for board in WALL for panel in board.panels]
each_wall_panel = pytest.mark.parametrize("panel", PANELS, ids=[each.title for each in PANELS])

PANELS_AT_MOST = 10
LINES = 26
"""Of 30 pixels and 8 between them: what is left of 1080 below Grafana's header."""

NUMBERS = {"stat", "gauge", "bargauge", "table", "piechart"}


def test_the_wall_fits_the_screen():
    """Nobody scrolls a wall, and nobody reads an eleventh panel."""
    assert PANELS
    assert len(PANELS) <= PANELS_AT_MOST
    ends = [panel.written["gridPos"]["y"] + panel.written["gridPos"]["h"] for panel in PANELS]
    assert max(ends) <= LINES


def test_the_wall_has_nothing_to_choose():
    """Nobody chooses on a wall: only the data source is there, which links carry over."""
    assert [each.name for board in WALL for each in board.variables] == ["datasource"]


@each_wall_panel
def test_a_number_is_of_this_instant(panel: Panel):
    """Asked for now, and gone when it ends: the last one of a range would pass for a live one."""
    if panel.kind in NUMBERS:
        assert all(target.instant for target in panel.targets), panel.place


@each_wall_panel
def test_a_number_is_the_last_one(panel: Panel):
    """A mean or a highest one would look the same, and be another number."""
    if "reduceOptions" in panel.options:
        reduced = panel.options["reduceOptions"]
        assert reduced["calcs"] in (["last"], ["lastNotNull"]), panel.place
        assert not reduced.get("values"), panel.place
        if reduced["calcs"] == ["lastNotNull"]:
            assert all(target.instant for target in panel.targets), panel.place


def test_the_wall_reads_no_single_instances():
    """So that it is as fast with ten thousand instances as with ten; their places are enough."""
    asked = [query for board in WALL for query in queries(board)]
    read = {(each.metric, query.instant) for query in asked for each in reads(query.expr)}
    assert read
    of_instances = {(metric, instant) for metric, instant in read if metric in PER_INSTANCE}
    assert of_instances <= {("carbonfinops_instance_info", True)}
