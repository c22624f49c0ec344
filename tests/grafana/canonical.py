"""The one way to write a dashboard, so that a difference in a file is a difference in Grafana.

``python -m tests.grafana.canonical`` rewrites the files, also ones that Grafana has exported: what
belongs to a server goes, panels are numbered as they are read, keys are sorted.
"""

import json
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from tests.grafana.boards import FOLDER

OF_A_SERVER = {"version", "iteration", "gnetId", "__inputs", "__elements", "__requires"}
FIXED = {
    "editable": False,
    "fiscalYearStartMonth": 0,
    "graphTooltip": 1,
    "id": None,
    "schemaVersion": 39,
    "tags": ["carbonfinops"],
    "timezone": "browser",
    "weekStart": "monday",
}
"""The same in every dashboard."""


def identity(path: Path) -> dict[str, str]:
    """Identifier and title of the dashboard in a file."""
    name = path.stem
    return {"uid": f"carbonfinops-{name}", "title": f"CarbonFinOps / {name.capitalize()}"}


def canonical(path: Path, text: str) -> str:
    """How the file should be written. ValueError when a key stands twice."""
    written = json.loads(text, object_pairs_hook=_once)
    written = {key: value for key, value in written.items() if key not in OF_A_SERVER}
    written |= FIXED | identity(path)
    written["panels"], numbers = _numbered(written["panels"])
    for variable in written.get("templating", {}).get("list", ()):
        if variable["type"] in {"query", "datasource"}:
            variable.pop("options", None)
    annotations = written.get("annotations", {}).get("list", [])
    annotations[:] = [each for each in annotations if not each.get("builtIn")]
    for annotation in annotations:
        if "filter" in annotation:
            ids = annotation["filter"]["ids"]
            annotation["filter"]["ids"] = sorted(numbers[old] for old in ids if old in numbers)
    return json.dumps(written, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"stands twice: {', '.join({k for k in keys if keys.count(k) > 1})}")
    return found


def _numbered(panels: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[int, int]]:
    """Panels in reading order: by line, then by column; those of a closed row after it.

    Also their new numbers by the old ones.
    """
    numbers: dict[int, int] = {}
    ordered = sorted(panels, key=_position)
    following = count(1)
    for panel in ordered:
        inner = sorted(panel.get("panels", ()), key=_position)
        if inner:
            panel["panels"] = inner
        for each in (panel, *inner):
            number = next(following)
            numbers[each.get("id", 0)] = number
            each["id"] = number
            each.pop("pluginVersion", None)
    return ordered, numbers


def _position(panel: Mapping[str, Any]) -> tuple[int, int]:
    return panel["gridPos"]["y"], panel["gridPos"]["x"]


def main() -> None:
    """Rewrite what is not canonical, and say which files these were."""
    for path in sorted(FOLDER.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        better = canonical(path, text)
        if better != text:
            path.write_text(better, encoding="utf-8")
            sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
