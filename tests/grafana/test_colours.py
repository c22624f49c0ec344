import re

import pytest

from tests.grafana.boards import Panel
from tests.grafana.cases import each_data_panel, each_panel
from tests.grafana.colours import COLOURS, colours, is_shade

STATES = {"state-timeline", "status-history"}
SHADED = re.compile(r"colou?r|shade|dark|pale|light|strong")


@each_data_panel
def test_colours_of_thresholds_are_explained(panel: Panel):
    """In the description, or by the word that stands in that colour; green is always good."""
    words = panel.description.lower().replace("gray", "grey")
    for thresholds in panel.settings("thresholds"):
        first, *others = thresholds["steps"]
        steps = {step["color"] for step in (first, *others)} if others else set()
        for colour in steps - {"green", "dark-green"} - colours(panel.settings("mappings")):
            told = COLOURS[colour] in words if colour in COLOURS else SHADED.search(words)
            assert told, f"{panel.place}: what does {colour} mean?"


@each_panel
def test_colours_mean_the_same_everywhere(panel: Panel):
    """Cost is blue, operational carbon orange, a failure red; others come from the palette."""
    for colour in colours(panel.written.get("fieldConfig")):
        assert colour in COLOURS or is_shade(colour), f"{panel.place}: {colour}"


@each_data_panel
def test_nothing_is_told_by_colour_alone(panel: Panel):
    """A value, a name or a word stands in it."""
    assert panel.options.get("textMode") != "none", panel.place
    if panel.kind in STATES:
        assert panel.options.get("showValue") != "never", panel.place


def test_colours_are_found_wherever_they_are_named():
    """Fixed, in thresholds and in mappings; a translucent one counts as what it is made of."""
    written = {
        "color": {"mode": "fixed", "fixedColor": "rgba(255, 152, 48, 0.4)"},
        "mappings": [{"options": {"0": {"color": "red", "text": "down"}}}],
    }

    assert colours(written) == {"#FF9830", "red"}


@pytest.mark.parametrize(
    ("colour", "ours"), [("#8F3A00", True), ("#BFEAE3", True), ("#00FF00", False), ("blue", False)]
)
def test_a_shade_has_the_hue_of_one_of_ours(colour: str, *, ours: bool):
    """Paler or darker, for tables that are read like a map."""
    assert is_shade(colour) is ours
