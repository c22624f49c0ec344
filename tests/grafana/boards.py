"""The dashboards as they are written: panels, their queries, variables and annotations."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.prometheus.rulebook import PROJECT

FOLDER = PROJECT / "grafana" / "dashboards"
NAMES = ("wall", "carbon", "cost", "instance", "exporter")

Written = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """A query of a panel; ``written`` is all that the file says of it."""

    ref_id: str
    expr: str
    instant: bool
    written: Written


@dataclass(frozen=True)
class Panel:
    """A panel of a dashboard; ``place`` names both, for whoever has to find it."""

    place: str
    title: str
    kind: str
    targets: tuple[Target, ...]
    written: Written

    @property
    def shows_data(self) -> bool:
        """Whether it asks for anything: rows and texts do not."""
        return self.kind not in {"row", "text"}

    @property
    def description(self) -> str:
        """What a reader finds behind the sign beside its title."""
        return str(self.written.get("description", ""))

    @property
    def defaults(self) -> Written:
        """How its values are shown, unless an override says otherwise."""
        found: Written = self.written.get("fieldConfig", {}).get("defaults", {})
        return found

    @property
    def options(self) -> Written:
        """Options of its kind."""
        found: Written = self.written.get("options", {})
        return found

    @property
    def overrides(self) -> tuple[tuple[str, Any], ...]:
        """Names and values of the properties that overrides set."""
        written = self.written.get("fieldConfig", {}).get("overrides", ())
        return tuple(
            (each["id"], each.get("value")) for one in written for each in one["properties"]
        )

    def settings(self, name: str) -> tuple[Any, ...]:
        """Every value that a property has: by default and by override."""
        default = (self.defaults[name],) if name in self.defaults else ()
        return default + tuple(value for each, value in self.overrides if each == name)


@dataclass(frozen=True)
class Variable:
    """A template variable; its query is the text between the lines of the editor."""

    name: str
    kind: str
    query: str
    written: Written


@dataclass(frozen=True)
class Dashboard:
    """One file."""

    path: Path
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...]
    annotations: tuple[Written, ...]
    written: Written

    @property
    def name(self) -> str:
        """As in the name of its file."""
        return self.path.stem

    @property
    def data_panels(self) -> tuple[Panel, ...]:
        """Those that ask for something."""
        return tuple(panel for panel in self.panels if panel.shows_data)


def dashboards() -> tuple[Dashboard, ...]:
    """All files there are, in the order of their links; others come last."""
    paths = sorted(FOLDER.glob("*.json"), key=lambda path: (_rank(path.stem), path.stem))
    return tuple(_read(path) for path in paths)


def _rank(name: str) -> int:
    return NAMES.index(name) if name in NAMES else len(NAMES)


def _read(path: Path) -> Dashboard:
    written = json.loads(path.read_text(encoding="utf-8"))
    return Dashboard(
        path,
        tuple(_panel(path, each) for each in _flat(written["panels"])),
        tuple(_variable(each) for each in written.get("templating", {}).get("list", ())),
        tuple(written.get("annotations", {}).get("list", ())),
        written,
    )


def _flat(panels: list[Written]) -> Iterator[Written]:
    """Panels of collapsed rows lie inside of them."""
    for panel in panels:
        yield panel
        yield from panel.get("panels", ())


def _panel(path: Path, written: Written) -> Panel:
    title = str(written.get("title", ""))
    targets = tuple(
        Target(each.get("refId", ""), each.get("expr", ""), bool(each.get("instant")), each)
        for each in written.get("targets", ())
    )
    place = f"{path.name}: {title or written.get('id')}"
    return Panel(place, title, written["type"], targets, written)


def _variable(written: Written) -> Variable:
    query = written.get("query", "")
    text = query.get("query", "") if isinstance(query, dict) else str(query)
    return Variable(written["name"], written["type"], text, written)
