import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.grafana.boards import Dashboard, Panel
from tests.grafana.cases import DASHBOARDS, each_dashboard, each_panel, each_query
from tests.grafana.queries import Query, queries, selections, window, written_out
from tests.grafana.series import COUNTERS, EACH_REPLICA, PER_INSTANCE, RAW, SERIES
from tests.prometheus.nesting import reads
from tests.prometheus.promql import usage

LEGEND_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
OF_ALERTS = ("=~", "CarbonFinOps.+")
GROWTH = {"rate", "increase", "irate"}
NOT_CONFIGURED = ("=", "not_configured")
"""The reason that is a state of the settings: it counts whether it ever came up."""


@each_dashboard
def test_every_query_can_be_written_out(dashboard: Dashboard):
    """No variable is unknown, no range or query of another kind than these checks read."""
    try:
        assert queries(dashboard), dashboard.path.name
    except (KeyError, ValueError) as error:
        pytest.fail(f"{dashboard.path.name}: {error}")


@each_dashboard
def test_prometheus_can_read_every_expression(dashboard: Dashboard, tool, tmp_path: Path):
    """Of panels, annotations and variables, with the variables written out."""
    asked = queries(dashboard)
    rules = [{"record": f"query:{at}", "expr": query.expr} for at, query in enumerate(asked)]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": dashboard.name, "rules": rules}]}))
    done = subprocess.run(
        [tool("promtool"), "check", "rules", file], capture_output=True, text=True, check=False
    )
    named = re.findall(r'"query:(\d+)": (.*)', done.stdout + done.stderr)
    assert not [f"{asked[int(at)].place}: {said}" for at, said in named]
    assert done.returncode == 0, done.stdout + done.stderr


@each_query
def test_a_query_reads_the_job_and_what_exists(query: Query):
    """Each selector is of the exporter's job; its metric and labels are exposed or recorded."""
    used = usage(query.expr)
    assert used.selectors
    available: set[str] = set()
    for metric, matchers in used.selectors:
        assert metric in SERIES, f"{query.place}: no series {metric}"
        unknown = set(matchers) - SERIES[metric]
        assert not unknown, f"{query.place}: {metric} has no {', '.join(unknown)}"
        if metric == "ALERTS":
            assert matchers.get("alertname") == OF_ALERTS, query.place
        else:
            assert matchers.get("job") == ("=", "carbonfinops"), f"{query.place}: {metric}"
        available |= SERIES[metric]
    ungrouped = used.grouped - available - used.made_up
    assert not ungrouped, f"{query.place}: groups by {', '.join(ungrouped)}"


@each_query
def test_counters_are_asked_for_their_growth_and_gauges_are_not(query: Query):
    """A counter alone tells of restarts; how fast it grows, of the graph's range or a whole day."""
    fitting = {query.window.built_in["__rate_interval"], query.window.built_in["__range"], "1d"}
    matched = [selector.matchers for selector in usage(query.expr).selectors]
    for read, matchers in zip(reads(query.expr), matched, strict=True):
        grown = bool(read.calls) and read.calls[0].name in GROWTH
        only_whether = read.filters or matchers.get("reason") == NOT_CONFIGURED
        assert grown == (read.metric in COUNTERS) or only_whether, f"{query.place}: {read.metric}"
        if grown:
            assert read.ranges[0] in fitting, f"{query.place}: {read.metric}[{read.ranges[0]}]"


@each_query
def test_nothing_over_time_comes_from_single_instances(query: Query):
    """They end with their instance, and with them a part of what a team has used.

    Only the instance dashboard draws them, and picks what to draw by their last values.
    """
    of_instances = [read for read in reads(query.expr) if read.metric in PER_INSTANCE]
    for read in of_instances:
        added_up = read.ranges and read.calls[0].name != "last_over_time"
        assert not added_up, f"{query.place}: {read.metric} over {read.ranges[0]}"
    if not query.place.startswith("instance.json"):
        assert query.instant or not of_instances, f"{query.place}: a graph of single instances"


@each_query
def test_two_replicas_of_the_exporter_count_once(query: Query):
    """The larger of what both report, before anything is added up; the own work of each counts."""
    for read in reads(query.expr):
        if read.metric not in RAW - EACH_REPLICA or read.filters or query.kind == "variable":
            continue
        first = read.aggregations[0] if read.aggregations else None
        assert first, f"{query.place}: {read.metric} without max without (instance)"
        assert first.drops_replicas, f"{query.place}: {read.metric} inside of {first.name}"


@each_panel
def test_a_legend_names_labels_that_exist(panel: Panel):
    """Others would show as nothing."""
    (board,) = (each for each in DASHBOARDS if panel in each.panels)
    values = next(selections(board)) | window(board, panel).built_in
    for target in panel.targets:
        used = usage(written_out(target.expr, values))
        labels = {label for each in used.selectors for label in SERIES.get(each.metric, ())}
        legend = written_out(target.written.get("legendFormat", ""), values)
        missing = set(LEGEND_LABEL.findall(legend)) - labels - used.made_up
        assert not missing, f"{panel.place} {target.ref_id}: {', '.join(missing)}"
