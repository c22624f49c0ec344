"""Names that Grafana gives to what a panel shows, and which of its overrides are for them."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from tests.grafana.boards import Panel, Target
from tests.grafana.cases import DASHBOARDS
from tests.grafana.queries import selections, window, written_out
from tests.grafana.series import SERIES
from tests.prometheus.promql import tokenized, usage

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
VALUES = ("", "0", "1")
"""Of labels, besides the words that an expression itself puts into them."""


def variables(panel: Panel) -> dict[str, str]:
    """Values of the variables of its dashboard, Grafana's own among them."""
    (board,) = (each for each in DASHBOARDS if panel in each.panels)
    return next(selections(board)) | window(board, panel).built_in


def expression(panel: Panel, target: Target) -> str:
    """What is asked, with its variables written out."""
    return written_out(target.expr, variables(panel))


def organized(panel: Panel, option: str) -> dict[str, Any]:
    """An option of the transformations that order, rename and exclude columns."""
    found: dict[str, Any] = {}
    for each in panel.written.get("transformations", ()):
        found |= each.get("options", {}).get(option) or {}
    return found


def columns(panel: Panel, target: Target) -> set[str]:
    """What a query gives a table before anything is renamed: its value, and its labels."""
    value = "Value" if len(panel.targets) == 1 else f"Value #{target.ref_id}"
    return {"Time", "Value", value} | labels(panel, target) | _corner(panel)


def labels(panel: Panel, target: Target) -> set[str]:
    """Those that the answer can have."""
    used = usage(expression(panel, target))
    known = {label for each in used.selectors for label in SERIES.get(each.metric, ())}
    return known | used.made_up


def value_names(panel: Panel, target: Target) -> set[str]:
    """How the values of a query can be called; none when they are left out."""
    if target.written.get("format") == "table":
        value = "Value" if len(panel.targets) == 1 else f"Value #{target.ref_id}"
        if organized(panel, "excludeByName").get(value):
            return set()
        return {organized(panel, "renameByName").get(value, value)}
    legends = set(_legends(panel, target))
    return legends | {
        prop["value"]
        for override in overrides(panel)
        if any(matches(override, name, target) for name in legends)
        for prop in override["properties"]
        if prop["id"] == "displayName"
    }


def all_names(panel: Panel) -> set[str]:
    """Of all values and columns of a panel, as a reader sees them."""
    found = {name for target in panel.targets for name in value_names(panel, target)}
    renamed, excluded = organized(panel, "renameByName"), organized(panel, "excludeByName")
    for target in panel.targets:
        if target.written.get("format") == "table":
            shown = {each for each in columns(panel, target) if not excluded.get(each)}
            found |= {renamed.get(each, each) for each in shown}
    return found


def overrides(panel: Panel) -> list[Mapping[str, Any]]:
    """As they are written, in their order: the later one counts."""
    return list(panel.written.get("fieldConfig", {}).get("overrides", ()))


def matches(override: Mapping[str, Any], name: str, target: Target) -> bool:
    """Whether it is for a value of this name and query."""
    kind, wanted = override["matcher"]["id"], override["matcher"]["options"]
    if kind == "byRegexp":
        return bool(re.search(wanted.strip("/"), name))
    found = {"byName": name, "byFrameRefID": target.ref_id, "byType": "number"}
    return bool(found[kind] == wanted)


def unit(panel: Panel, name: str, target: Target) -> str:
    """In which a value of this name and query is shown."""
    found = panel.defaults.get("unit", "")
    for override in overrides(panel):
        if matches(override, name, target):
            for prop in override["properties"]:
                found = prop["value"] if prop["id"] == "unit" else found
    return str(found)


def _corner(panel: Panel) -> set[str]:
    """The column that begins the lines of a matrix."""
    return {
        "{rowField}\\{columnField}".format(**each["options"])
        for each in panel.written.get("transformations", ())
        if each["id"] == "groupingToMatrix"
    }


def _legends(panel: Panel, target: Target) -> Iterator[str]:
    """With every label replaced by each word that the expression has for it."""
    legend = written_out(target.written.get("legendFormat", ""), variables(panel))
    tokens = tokenized(expression(panel, target))
    words = {token.text[1:-1] for token in tokens if token.kind == "string"}
    parts = PLACEHOLDER.split(legend)
    for chosen in product(sorted({*words, *VALUES}), repeat=len(parts) // 2):
        filled = dict(zip(range(1, len(parts), 2), chosen, strict=True))
        yield "".join(filled.get(at, part) for at, part in enumerate(parts)).strip()
