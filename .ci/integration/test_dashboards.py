"""Every query of every dashboard has data, and every panel shows them."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.grafana.boards import NAMES, Panel
from tests.grafana.cases import PANELS, each_query
from tests.grafana.queries import Query

from lived_demo import LivedDemo
from panel_pictures import LARGE_SCREEN, PROGRAM, Pictures

MAY_BE_EMPTY = {
    "ALERTS{": "no alert fires on a good day",
    "process_start_time_seconds{": "nothing restarts",
    ") unless on (tag_": "of few values none is left beside the largest",
}
"""Parts of queries that may have no data, and why."""

Draw = Callable[..., Pictures]


def samples(demo: LivedDemo, query: Query) -> list[float]:
    """All values that a query has, as Grafana asks for it."""
    now = demo.settled()
    if query.instant:
        return [float(s["value"][1]) for s in demo.ask("query", query=query.expr, time=now)]
    step = query.window.step_seconds
    end = now // step * step
    start = end - query.window.seconds
    found = demo.ask("query_range", query=query.expr, start=start, end=end, step=step)
    return [float(value) for series in found for _, value in series["values"]]


def shows_alerts(panel: Panel) -> bool:
    return any("ALERTS{" in target.expr for target in panel.targets)


@each_query
def test_a_query_has_data(demo: LivedDemo, query: Query) -> None:
    """With All chosen, at every choice of a tag; none fails, and few may be empty."""
    found = samples(demo, query)

    if not any(part in query.expr for part in MAY_BE_EMPTY):
        assert any(math.isfinite(value) for value in found), f"{query.place}: {query.expr}"


@pytest.fixture(scope="module")
def draw(demo: LivedDemo, tmp_path_factory: pytest.TempPathFactory) -> Draw:
    """Draw dashboards; where they are all alerts, they may be empty."""
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM.name} is not here")
    alerts = [panel.title for panel in PANELS if shows_alerts(panel)]

    def call(*names: str, **options: str) -> Pictures:
        demo.settled()
        folder: Path = tmp_path_factory.mktemp("pictures")
        return Pictures(demo.address, folder, names, may_be_empty=alerts, **options)

    return call


@pytest.fixture(scope="module")
def drawn(draw: Draw) -> Pictures:
    """All five on a usual screen."""
    return draw(*NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_shows_data_and_all_of_its_text(drawn: Pictures, name: str) -> None:
    """None is empty, none fails, no text is cut off, and no unset threshold paints anything red."""
    assert drawn.faults(name) == []


def test_the_program_that_draws_is_content(drawn: Pictures) -> None:
    """It finds nothing beyond what is listed above."""
    assert drawn.content, drawn.said[-3000:]


def test_the_wall_fits_the_first_screen(drawn: Pictures) -> None:
    """Nobody scrolls a wall."""
    assert drawn.below("wall") == []


@pytest.mark.parametrize(
    "options", [{"size": LARGE_SCREEN}, {"theme": "light"}], ids=["large", "light"]
)
def test_the_wall_is_complete_on_other_screens(draw: Draw, options: dict[str, str]) -> None:
    """On a large one, and in the light theme."""
    drawn = draw("wall", **options)

    assert drawn.faults("wall") == []
    assert drawn.below("wall") == []
    assert drawn.content, drawn.said[-3000:]
