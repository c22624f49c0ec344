import json
import re

import yaml

from tests.grafana.boards import NAMES, Dashboard
from tests.grafana.canonical import FIXED
from tests.grafana.cases import each_dashboard
from tests.prometheus.rulebook import RULES

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
BOARDS = {f"carbonfinops-{name}" for name in NAMES}
SPANS = {"wall": "now-7d", "carbon": "now-7d", "cost": "now-7d"} | {
    "instance": "now-24h",
    "exporter": "now-6h",
}
COLUMNS = 24
ALERTS = 'ALERTS{alertname=~"CarbonFinOps.+",alertstate="firing"}'
STARTED = 'process_start_time_seconds{job="carbonfinops"}'
OPENED = re.compile(r"/d/([\w-]+)")


@each_dashboard
def test_a_dashboard_has_the_settings_of_all(dashboard: Dashboard):
    """No number of a server, not editable; it refreshes as often as the exporter is scraped."""
    written = dashboard.written
    assert {key: written[key] for key in FIXED} == FIXED
    assert "version" not in written
    assert written["uid"] == f"carbonfinops-{dashboard.name}"
    assert written["title"] == f"CarbonFinOps / {dashboard.name.capitalize()}"
    assert written["refresh"] == "1m"
    assert written["time"] == {"from": SPANS[dashboard.name], "to": "now"}
    assert written["description"].endswith(".")


@each_dashboard
def test_a_dashboard_links_to_the_others(dashboard: Dashboard):
    """By tag, with time and variables, side by side at its top."""
    (link,) = (each for each in dashboard.written["links"] if each["type"] == "dashboards")
    assert link["tags"] == FIXED["tags"]
    assert link["includeVars"] is True
    assert link["keepTime"] is True
    assert link["asDropdown"] is False


@each_dashboard
def test_alerts_and_restarts_are_marked(dashboard: Dashboard):
    """Who sees a step in a graph sees at once whether anything happened."""
    marks = {each["name"]: each for each in dashboard.annotations}
    assert set(marks) == {"Alerts", "Exporter restarts"}
    assert all(each["datasource"] == SOURCE and each["enable"] for each in marks.values())
    assert marks["Alerts"]["expr"] == ALERTS
    assert marks["Alerts"]["titleFormat"] == "{{alertname}}"
    assert STARTED in marks["Exporter restarts"]["expr"]
    drawn = {each.written["id"] for each in dashboard.panels if each.kind == "timeseries"}
    assert all(set(each.get("filter", {}).get("ids", ())) <= drawn for each in marks.values())


@each_dashboard
def test_every_data_source_is_the_chosen_one(dashboard: Dashboard):
    """Of panels, queries, annotations and variables; no other is hidden anywhere."""
    asking = [each.written for each in dashboard.data_panels]
    asking += [target.written for panel in dashboard.panels for target in panel.targets]
    asking += [each.written for each in dashboard.variables if each.kind == "query"]
    assert all(each.get("datasource") == SOURCE for each in asking)
    named = re.findall(r'"uid": "([^"]*)"', json.dumps(dashboard.written))
    assert set(named) <= {SOURCE["uid"], dashboard.written["uid"]}


@each_dashboard
def test_panels_fill_the_grid_without_overlap(dashboard: Dashboard):
    """Grafana would move what overlaps, and the picture would be another one."""
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard.panels:
        at = panel.written["gridPos"]
        assert at["x"] + at["w"] <= COLUMNS, panel.place
        for y in range(at["y"], at["y"] + at["h"]):
            for x in range(at["x"], at["x"] + at["w"]):
                other = taken.setdefault((x, y), panel.place)
                assert other == panel.place, f"{panel.place} lies on {other}"


@each_dashboard
def test_titles_are_unique(dashboard: Dashboard):
    """A reader says which panel is meant, and so does a report."""
    titles = [panel.title for panel in dashboard.data_panels]
    assert sorted(set(titles)) == sorted(titles)


@each_dashboard
def test_links_lead_to_what_exists(dashboard: Dashboard):
    """Every path of a dashboard in a link or a text is one of the five."""
    assert set(OPENED.findall(json.dumps(dashboard.written))) <= BOARDS


def test_the_alerts_link_to_what_exists():
    """Who is woken up opens a dashboard, not an error."""
    paths = [
        rule["annotations"]["dashboard_url"]
        for file in RULES.glob("*.alerts.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
    ]
    assert paths
    assert {f"/d/{uid}" for uid in BOARDS} >= set(paths)
