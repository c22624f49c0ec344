import json
from pathlib import Path
from typing import Any

import pytest

from tests.grafana import boards
from tests.grafana.queries import Window, options, plain, queries

POWER = 'sum(${tag}:carbonfinops_instance_power_watts:sum{job="x",${tag}=~"$tag_value"})'
VARIABLES = [
    {"name": "tag", "type": "custom", "query": "Team : tag_team, Cost center : tag_cost_center"},
    {
        "name": "tag_value",
        "type": "query",
        "query": {"query": 'label_values(carbonfinops_instance_info{job="x"}, ${tag})'},
    },
]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A dashboard of these parts, in a folder of its own."""
    monkeypatch.setattr(boards, "FOLDER", tmp_path)

    def call(**parts: Any) -> boards.Dashboard:
        whole = {"panels": [], "time": {"from": "now-7d", "to": "now"}} | parts
        (tmp_path / "small.json").write_text(json.dumps(whole))
        (found,) = boards.dashboards()
        return found

    return call


def test_every_choice_of_a_custom_variable_is_a_query_of_its_own(write):
    """Names of series can depend on it, so that one choice says nothing of the others."""
    panel = {"type": "stat", "title": "Power", "targets": [{"refId": "A", "expr": POWER}]}
    found = queries(write(panels=[panel], templating={"list": VARIABLES}))

    assert [each.expr for each in found if "Power" in each.place] == [
        f'sum({tag}:carbonfinops_instance_power_watts:sum{{job="x",{tag}=~".*"}})'
        for tag in ("tag_team", "tag_cost_center")
    ]
    assert {each.place for each in found} == {
        "small.json: Power A",
        "small.json: variable tag_value",
    }


def test_panels_in_collapsed_rows_and_annotations_are_asked_too(write):
    """Nobody sees them until they fail."""
    inner = {"type": "stat", "title": "In", "targets": [{"refId": "A", "expr": "b[$__range]"}]}
    row = {"type": "row", "title": "Row", "collapsed": True, "panels": [inner]}
    annotation = {"name": "Restarts", "expr": "a[$__rate_interval]"}
    found = queries(write(panels=[row], annotations={"list": [annotation]}))

    assert [each.expr for each in found] == ["b[604800s]", "a[660s]"]


@pytest.mark.parametrize(
    ("text", "window", "rate_interval"),
    [("now-7d", Window(604800, 600), "660s"), ("6h", Window(21600, 60), "240s")],
)
def test_a_window_has_the_steps_of_grafana(text: str, window: Window, rate_interval: str):
    """No finer than the scrapes, and a rate sees at least four of them."""
    assert Window.of(text) == window
    assert window.rate_interval == rate_interval


def test_an_unknown_variable_is_an_error(write):
    """Grafana would ask for it as it is written."""
    target = {"refId": "A", "expr": 'up{region=~"$reigon"}'}
    panel = {"type": "stat", "title": "Up", "targets": [target]}
    with pytest.raises(KeyError, match=r"small\.json: Up A: no variable 'reigon'"):
        queries(write(panels=[panel]))


def test_options_are_values_without_their_texts():
    """Text : value, separated by commas."""
    variable = boards.Variable("tag", "custom", "Team : tag_team, b", {})

    assert options(variable) == ["tag_team", "b"]


def test_a_variable_reads_a_series():
    """Values of a label without a series would be those of every job."""
    assert plain('label_values(up{job="x"}, instance)') == 'up{job="x"}'
    with pytest.raises(ValueError, match="neither"):
        plain("label_values(instance)")
