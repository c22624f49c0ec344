import json
import re

from tests.grafana.boards import Panel
from tests.grafana.cases import each_data_panel, each_panel
from tests.grafana.test_variables import LABELS
from tests.prometheus.promql import usage

KINDS = {"row", "text", "stat", "timeseries", "bargauge", "table", "gauge", "piechart"} | {
    "state-timeline",
    "status-history",
    "barchart",
    "histogram",
}
"""Grafana's own, of those that can be drawn without its server."""

GRAPHS = {"timeseries", "barchart", "piechart", "histogram"}
STATES = {"state-timeline", "status-history"}
NAMES = {"Boavizta", "ElectricityMaps", "Prometheus", "Explorer", "CloudTrail", "CloudWatch"}
UNITS = {"watt", "watth", "massg", "currencyEUR", "currencyUSD", "percentunit", "s", "short"} | {
    "none",
    "bytes",
    "dateTimeFromNow",
    "dthms",
    "string",
}
FREE_UNITS = ("suffix:", "time:")
GAP_MILLISECONDS = 600_000
ESTIMATED = re.compile(r"power|emissions|saving|energy|kilowatt_hours$")
AMOUNT = re.compile(r"watth?$|massg$|currency|suffix:")
TELLS_OF_NOTHING = re.compile(
    r"\b(empty|gaps?|missing|absent|unknown|nothing|no|ends?|without|lacks?|none|not known)\b",
    re.IGNORECASE,
)
CHOSEN = re.compile(r"\$\{?(account_id|region|instance_type|tag|tag_value|instance_id|grid_zone)\b")


@each_panel
def test_a_panel_is_of_a_kind_that_comes_with_grafana(panel: Panel):
    """No plug-in has to be installed, and no version of one is written down."""
    assert panel.kind in KINDS, panel.place
    assert "pluginVersion" not in panel.written


@each_panel
def test_a_title_is_a_sentence(panel: Panel):
    """A capital at its beginning only, except for names; a row may name its variables."""
    if panel.kind == "text" and not panel.title:
        return
    labels = {word for label in LABELS.values() for word in label.split()}
    names = NAMES | (labels if panel.kind == "row" else set())
    first, *others = re.findall(r"\w[\w']*", panel.title)
    assert first[0].isupper() or first[0].isdigit(), panel.place
    assert not {word for word in others if word.istitle() and len(word) > 1} - names, panel.place


@each_panel
def test_a_panel_is_described(panel: Panel):
    """In sentences: what it is, and what it means when nothing is there."""
    if panel.kind == "row":
        return
    assert re.fullmatch(r"[A-Z0-9].{20,}[.)]", panel.description, re.DOTALL), panel.place
    if panel.shows_data:
        assert TELLS_OF_NOTHING.search(panel.description), f"{panel.place}: empty means?"


@each_data_panel
def test_a_description_tells_which_variables_count(panel: Panel):
    """Who has chosen a region must know whether a number is of it."""
    if any(CHOSEN.search(target.expr) for target in panel.targets):
        assert re.search(r"follow|chosen|selected|selection", panel.description, re.IGNORECASE), (
            f"{panel.place}: follows variables, and does not say so"
        )


@each_data_panel
def test_an_estimate_is_called_one(panel: Panel):
    """In the title or the description of whatever rests on one."""
    names = [re.sub(r"\$\{tag\}", "tag_team", target.expr) for target in panel.targets]
    metrics = {each.metric for name in names for each in usage(_ranges(name)).selectors}
    amounts = {unit for unit in panel.settings("unit") if AMOUNT.match(unit)}
    if amounts and any(ESTIMATED.search(metric) for metric in metrics):
        assert "estimat" in (panel.title + panel.description).lower(), panel.place


def _ranges(expression: str) -> str:
    return re.sub(r"\$__\w+", "1m", expression)


@each_data_panel
def test_a_panel_has_units_and_decimals(panel: Panel):
    """Of a value by default, and of each column that has another one."""
    units = panel.settings("unit")
    assert "unit" in panel.defaults, panel.place
    strange = {unit for unit in units if not unit.startswith(FREE_UNITS)} - UNITS
    assert not strange, f"{panel.place}: {strange}"
    if panel.kind not in STATES:
        assert panel.settings("decimals"), f"{panel.place}: decimals"


@each_data_panel
def test_a_missing_value_is_not_a_number(panel: Panel):
    """It says so in words, or with a dash."""
    for text in panel.settings("noValue") or ("",):
        assert text, f"{panel.place}: noValue"
        assert not re.search(r"\d", text), f"{panel.place}: noValue {text}"


@each_data_panel
def test_thresholds_are_set(panel: Panel):
    """Grafana's own would paint everything above 80 red."""
    assert "thresholds" in panel.defaults, panel.place
    for thresholds in panel.settings("thresholds"):
        first, *others = thresholds["steps"]
        assert first["value"] is None, panel.place
        assert all(step["value"] is not None for step in others), panel.place


@each_data_panel
def test_gaps_stay_gaps(panel: Panel):
    """At most ten minutes are bridged: a line is not drawn where nothing is known."""
    for spanned in (
        panel.defaults.get("custom", {}).get("spanNulls", False),
        *(value for name, value in panel.overrides if name == "custom.spanNulls"),
    ):
        assert spanned is False or (spanned is not True and spanned <= GAP_MILLISECONDS), (
            panel.place
        )


@each_data_panel
def test_a_graph_says_whether_it_has_a_legend(panel: Panel):
    """And has one where there are several lines."""
    if panel.kind in GRAPHS:
        legend = panel.options.get("legend", {})
        assert isinstance(legend.get("showLegend"), bool), panel.place
        assert legend["showLegend"] or len(panel.targets) == 1, panel.place


@each_data_panel
def test_a_table_of_instances_opens_them(panel: Panel):
    """With the time range and the data source of the reader."""
    shown = [
        str(each.get("options", {}).get("renameByName", {}).get("instance_id", ""))
        for each in panel.written.get("transformations", ())
    ]
    if panel.kind == "table" and any(shown):
        text = json.dumps(panel.written)
        for part in ("/d/carbonfinops-instance?", "var-instance_id=", "${__url_time_range}"):
            assert part in text, f"{panel.place}: {part}"
        assert "var-datasource=" in text or "${datasource:queryparam}" in text, panel.place
