"""The palette of all dashboards, and the colours that a panel names."""

import re
from colorsys import rgb_to_hsv
from typing import Any

COLOURS = {
    "#5794F2": "blue",  # cost
    "#FF9830": "orange",  # operational carbon
    "#B5835A": "brown",  # embodied carbon
    "#B877D9": "purple",  # power and usage
    "#2DB6A3": "teal",  # the grid
    "#808080": "grey",  # unknown
    "green": "green",
    "orange": "orange",
    "red": "red",
    "dark-green": "green",  # behind white letters
    "dark-orange": "orange",
    "dark-red": "red",
    "text": "",
    "transparent": "",
}
"""As a reader would call them."""

HEX = re.compile(r"#[0-9A-Fa-f]{6}")
TRANSLUCENT = re.compile(r"rgba\((\d+), (\d+), (\d+), [\d.]+\)")


def colours(value: Any) -> set[str]:
    """Every colour that is named in it."""
    if isinstance(value, (list, tuple)):
        return {found for each in value for found in colours(each)}
    if not isinstance(value, dict):
        return set()
    named = {value[key] for key in ("color", "fixedColor") if isinstance(value.get(key), str)}
    named = {TRANSLUCENT.sub(_opaque, name) for name in named}
    return named | {found for each in value.values() for found in colours(each)}


def _opaque(found: re.Match[str]) -> str:
    return "#" + "".join(f"{int(part):02X}" for part in found.groups())


def is_shade(colour: str) -> bool:
    """Whether it is a paler or darker one of ours."""
    hues = [_hue(ours) for ours in COLOURS if HEX.fullmatch(ours) and ours != "#808080"]
    return bool(HEX.fullmatch(colour)) and any(abs(_hue(colour) - hue) < 10 for hue in hues)


def _hue(colour: str) -> float:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return 360 * rgb_to_hsv(red, green, blue)[0]
