import re

from tests.grafana.boards import Panel
from tests.grafana.cases import each_data_panel
from tests.grafana.fields import (
    all_names,
    columns,
    expression,
    matches,
    organized,
    overrides,
    value_names,
)
from tests.grafana.tree import Node, tree

LOWER = re.compile(r"\b(at least|lower)\b", re.IGNORECASE)
UPPER = re.compile(r"\b(at most|upper)\b", re.IGNORECASE)
CALLED = {"lower": LOWER, "upper": UPPER}
OTHER = {"lower": "upper", "upper": "lower"}
NOT_A_BOUND = {"of at most": "files that a process may have open: a limit, not an estimate"}


def _raw(panel: Panel) -> set[str]:
    found = {name for target in panel.targets for name in columns(panel, target)}
    return found if len(panel.targets) == 1 else found | {"Value"}


@each_data_panel
def test_an_override_is_for_something(panel: Panel):
    """By a name that a value or a column has, or the letter of a query: others do nothing."""
    names, letters = all_names(panel), {target.ref_id for target in panel.targets}
    known = {"byName": names, "byFrameRefID": letters, "byType": {"number", "string"}}
    for override in overrides(panel):
        kind, wanted = override["matcher"]["id"], override["matcher"]["options"]
        if kind == "byRegexp":
            found = any(re.search(wanted.strip("/"), name) for name in names)
            assert found, f"{panel.place}: nothing matches {wanted}"
        else:
            assert wanted in known[kind], f"{panel.place}: {kind} {wanted}"


@each_data_panel
def test_a_band_is_between_two_bounds(panel: Panel):
    """From a line that is called an upper one down to the lower one that is there."""
    lower = {name for name in all_names(panel) if LOWER.search(name)}
    for override in overrides(panel):
        for prop in override["properties"]:
            if prop["id"] == "custom.fillBelowTo":
                assert prop["value"] in lower, f"{panel.place}: filled to {prop['value']}"
                of = {
                    name
                    for target in panel.targets
                    for name in value_names(panel, target)
                    if matches(override, name, target)
                }
                assert of, panel.place
                assert all(UPPER.search(name) for name in of), f"{panel.place}: {of}"


@each_data_panel
def test_columns_are_renamed_ordered_and_left_out_by_names_that_exist(panel: Panel):
    """Labels of the queries, and the values by the letters of these."""
    raw = _raw(panel)
    for option in ("renameByName", "indexByName", "excludeByName"):
        strange = set(organized(panel, option)) - raw
        assert not strange, f"{panel.place}: {option} {strange}"


@each_data_panel
def test_no_value_column_keeps_its_letter(panel: Panel):
    """Value #A tells a reader nothing: it is renamed or left out."""
    if panel.kind in {"table", "barchart"} and organized(panel, "renameByName"):
        kept = {name for name in all_names(panel) if name.startswith("Value #")}
        assert not kept, f"{panel.place}: {kept}"


@each_data_panel
def test_a_table_is_sorted_by_a_column_that_it_has(panel: Panel):
    """By its name at that point: before the renaming, or after it."""
    shown = all_names(panel)
    for each in panel.options.get("sortBy", ()):
        assert each["displayName"] in shown, f"{panel.place}: sorted by {each['displayName']}"
    assert panel.options.get("xField", "Time") in shown | {"Time"}, panel.place
    for done in panel.written.get("transformations", ()):
        fields = [each["field"] for each in done["options"].get("sort", ())]
        if done["id"] == "groupingToMatrix":
            fields += [done["options"][f"{part}Field"] for part in ("row", "column", "value")]
        assert set(fields) <= _raw(panel) | shown, f"{panel.place}: {done['id']} {fields}"


def _bounds(node: Node) -> set[str]:
    """Sides of the series in an expression; whoever divides by an upper one gets a lower one."""
    if node.kind == "selector":
        return {side for side in OTHER if f"_{side}_" in node.name}
    found = [_bounds(part) for part in node.parts]
    if node.name in {"and", "unless"}:
        found = found[:1]
    if node.kind == "binary" and node.name == "/":
        found[1] = {OTHER[side] for side in found[1]}
    return {side for sides in found for side in sides}


@each_data_panel
def test_a_bound_reads_the_series_of_its_side(panel: Panel):
    """At least and lower, at most and upper; and nothing else reads a bound."""
    for target in panel.targets:
        called = value_names(panel, target) - set(NOT_A_BOUND)
        if not called:
            continue
        named = {side for side in OTHER if any(CALLED[side].search(name) for name in called)}
        place = f"{panel.place} {target.ref_id}"
        assert _bounds(tree(expression(panel, target))) == named, f"{place}: {sorted(called)[:3]}"
