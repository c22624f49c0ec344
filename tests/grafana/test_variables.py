import json

import pytest

from tests.grafana.boards import Dashboard, Variable
from tests.grafana.cases import DASHBOARDS, each_dashboard
from tests.grafana.queries import asked_for, options, plain, references
from tests.prometheus.promql import usage

LABELS = {
    "datasource": "Data source",
    "account_id": "Account",
    "region": "Region",
    "instance_type": "Type",
    "tag": "Group by tag",
    "tag_value": "Tag value",
    "instance_id": "Instance",
    "grid_zone": "Grid zone",
}
"""In their order, and as a reader finds them."""

ONE_AT_A_TIME = {"grid_zone": "carbonfinops_grid_carbon_intensity_grams_per_kilowatt_hour"}
"""Of what cannot be summed, with the series that has it: a typical week is that of one zone."""

PLACE = ("account_id", "region", "instance_type")
TAGS = ["tag_team", "tag_environment", "tag_service", "tag_cost_center"]
ALL = {"multi": True, "includeAll": True, "allValue": ".*", "refresh": 2, "sort": 1}
ASKING = [
    (board, variable)
    for board in DASHBOARDS
    for variable in board.variables
    if variable.kind == "query" and variable.name not in ONE_AT_A_TIME
]
each_asking = pytest.mark.parametrize(
    ("dashboard", "variable"),
    ASKING,
    ids=[f"{board.path.name}: {variable.name}" for board, variable in ASKING],
)


@each_dashboard
def test_variables_are_those_of_all_dashboards(dashboard: Dashboard):
    """The same names, in the same order, mean the same everywhere: links carry them over."""
    names = [variable.name for variable in dashboard.variables]
    assert names == [name for name in LABELS if name in names]
    assert [v.written["label"] for v in dashboard.variables] == [LABELS[name] for name in names]
    (source,) = (v for v in dashboard.variables if v.kind == "datasource")
    assert (source.name, source.query) == ("datasource", "prometheus")


@each_dashboard
def test_every_variable_is_used_and_every_reference_known(dashboard: Dashboard):
    """One that changes nothing misleads; one that does not exist is asked for as it is written."""
    built_in = {"__rate_interval", "__range", "__range_s", "__interval", "__url_time_range"}
    built_in |= {"__all", "__value", "__data", "__field", "__from", "__to", "__all_variables"}
    used = references(json.dumps(dashboard.written))
    assert used - built_in == {variable.name for variable in dashboard.variables}


@each_asking
def test_a_variable_allows_all_and_follows_the_time_range(dashboard: Dashboard, variable: Variable):
    """Several values, All of them as a pattern that takes absent labels too, sorted."""
    assert {key: variable.written.get(key) for key in ALL} == ALL, dashboard.path.name
    current = variable.written.get("current") or {"value": "$__all"}
    assert current["value"] in ("$__all", ["$__all"])


@each_asking
def test_a_variable_cascades(dashboard: Dashboard, variable: Variable):
    """It offers what there is within the choices before it."""
    (selector,) = usage(plain(variable.query.replace("${tag}", "tag_team"))).selectors
    earlier = PLACE[: PLACE.index(variable.name)] if variable.name in PLACE else PLACE
    if variable.name == "tag_value":
        earlier = PLACE[:2]
    present = {each.name for each in dashboard.variables}
    expected = {name: ("=~", f"${name}") for name in earlier if name in present}
    if variable.name == "instance_id" and "tag_value" in present:
        expected["tag_team"] = ("=~", "$tag_value")
    assert selector.metric == "carbonfinops_instance_info"
    assert selector.matchers == expected | {"job": ("=", "carbonfinops")}
    assert asked_for(variable.query) == {"tag_value": "${tag}"}.get(variable.name, variable.name)


@each_dashboard
def test_what_cannot_be_summed_is_chosen_one_at_a_time(dashboard: Dashboard):
    """Neither All nor several, from what is there."""
    for variable in dashboard.variables:
        if variable.name in ONE_AT_A_TIME:
            (selector,) = usage(plain(variable.query)).selectors
            assert selector.metric == ONE_AT_A_TIME[variable.name]
            assert not variable.written.get("multi")
            assert not variable.written.get("includeAll")
            assert variable.written["refresh"] == ALL["refresh"]


@each_dashboard
def test_the_tags_to_group_by_are_those_that_rules_record(dashboard: Dashboard):
    """The canonical four; further tags have no recorded series."""
    for variable in dashboard.variables:
        if variable.kind == "custom":
            assert options(variable) == TAGS
            assert variable.written.get("multi", False) is False
            assert variable.written.get("includeAll", False) is False
