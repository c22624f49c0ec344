"""What Grafana asks Prometheus: expressions with their variables written out."""

import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from tests.grafana.boards import Dashboard, Panel, Variable

SCRAPE_SECONDS = 60
"""The smallest step, as the provisioned data source has it."""

POINTS = 1000
"""Of a graph, about; Grafana takes the width of the panel in pixels."""

STEPS = (60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
EVERYTHING = ".*"
CHOSEN = {"grid_zone": "DE"}
"""Of variables that know no All: what the demo has."""

_SPAN = re.compile(r"(?:now-)?(\d+)([smhdw])")
_REFERENCE = re.compile(r"\$([a-z_]\w*)|\$\{([a-z_]\w*)(?:\.\w+)*(?::\w+)?\}")
_LABEL_VALUES = re.compile(r"\s*label_values\((.*),\s*([\w${}]+)\s*\)\s*", re.DOTALL)
_QUERY_RESULT = re.compile(r"\s*query_result\((.*)\)\s*", re.DOTALL)


class Window(NamedTuple):
    """A time range, and the distance of its points."""

    seconds: int
    step_seconds: int

    @classmethod
    def of(cls, text: str) -> "Window":
        """Of a range such as now-7d or 24h. ValueError for any other."""
        found = _SPAN.fullmatch(text)
        if not found:
            raise ValueError(f"a range that these checks cannot read: {text}")
        seconds = int(found[1]) * UNITS[found[2]]
        fitting = (step for step in STEPS if step <= seconds / POINTS)
        return cls(seconds, max(fitting, default=STEPS[0]))

    @property
    def rate_interval(self) -> str:
        """The range that a rate needs to have enough samples at every step."""
        return f"{max(self.step_seconds + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS)}s"

    @property
    def built_in(self) -> dict[str, str]:
        """Grafana's own variables."""
        return {
            "__interval": f"{self.step_seconds}s",
            "__interval_ms": f"{1000 * self.step_seconds}",
            "__rate_interval": self.rate_interval,
            "__range": f"{self.seconds}s",
            "__range_s": f"{self.seconds}",
            "__range_ms": f"{1000 * self.seconds}",
        }


class Query(NamedTuple):
    """An expression ready to be asked, and whose it is: a panel, an annotation or a variable."""

    kind: str
    place: str
    expr: str
    instant: bool
    window: Window


def written_out(text: str, values: Mapping[str, str]) -> str:
    """A text with its variables replaced. KeyError for an unknown one."""
    return _REFERENCE.sub(lambda found: values[found[1] or found[2]], text)


def references(text: str) -> set[str]:
    """Names of the variables in a text."""
    return {found[1] or found[2] for found in _REFERENCE.finditer(text)}


def options(variable: Variable) -> list[str]:
    """Values of a custom variable, of which each gives other expressions."""
    return [each.rpartition(" : ")[2].strip() for each in variable.query.split(",")]


def selections(dashboard: Dashboard) -> Iterator[dict[str, str]]:
    """Values of the variables, with All where it can be had; one for each custom choice."""
    choices = [
        [(each.name, choice) for choice in options(each)] if each.kind == "custom" else []
        for each in dashboard.variables
    ]
    everything = {each.name: CHOSEN.get(each.name, EVERYTHING) for each in dashboard.variables}
    for chosen in product(*filter(None, choices)):
        yield everything | dict(chosen)


def window(dashboard: Dashboard, panel: Panel | None = None) -> Window:
    """The range of a dashboard, or of a panel that has its own."""
    own = panel.written.get("timeFrom") if panel else None
    return Window.of(own or dashboard.written["time"]["from"])


def plain(query: str) -> str:
    """The expression that a variable's query reads. ValueError for a kind that names none."""
    found = _LABEL_VALUES.fullmatch(query) or _QUERY_RESULT.fullmatch(query)
    if not found:
        raise ValueError(f"neither label_values(series, label) nor query_result: {query}")
    return found[1]


def asked_for(query: str) -> str | None:
    """The label whose values a variable has."""
    found = _LABEL_VALUES.fullmatch(query)
    return found[2] if found else None


def queries(dashboard: Dashboard) -> list[Query]:
    """Everything a dashboard asks, each expression once. KeyError names who asks for what."""
    found: dict[tuple[str, str], Query] = {}
    for values in selections(dashboard):
        for query in _written(dashboard):
            try:
                expr = written_out(query.expr, values | query.window.built_in)
            except KeyError as error:
                raise KeyError(f"{query.place}: no variable {error}") from None
            found[query.place, expr] = query._replace(expr=expr)
    return list(found.values())


def _written(dashboard: Dashboard) -> Iterator[Query]:
    """Of panels, annotations and variables, as they are written."""
    file, whole = dashboard.path.name, window(dashboard)
    for panel in dashboard.panels:
        for target in panel.targets:
            place, own = f"{panel.place} {target.ref_id}", window(dashboard, panel)
            yield Query("panel", place, target.expr, target.instant, own)
    for annotation in dashboard.annotations:
        place = f"{file}: annotation {annotation['name']}"
        yield Query("annotation", place, annotation.get("expr", ""), instant=False, window=whole)
    for variable in dashboard.variables:
        if variable.kind == "query":
            place = f"{file}: variable {variable.name}"
            yield Query("variable", place, plain(variable.query), instant=True, window=whole)
