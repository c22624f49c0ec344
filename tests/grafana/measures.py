"""What a number is an amount of: read off the names of its series, through all arithmetic.

Time in a denominator does not count: Grafana shows grams per hour as grams.
"""

import re

from tests.grafana.tree import COMPARISONS, Node

OF_NAMES = (
    (re.compile(r"grams_per_kilowatt_hour"), "g/kWh"),
    (re.compile(r"usd_per_eur"), "USD/EUR"),
    (re.compile(r"timestamp_seconds|start_time_seconds"), "moment"),
    (re.compile(r"[_:]ratio(:|$)"), "ratio"),
    (re.compile(r"kilowatt_hours"), "kWh"),
    (re.compile(r"kilograms"), "kg"),
    (re.compile(r"grams"), "g"),
    (re.compile(r"_eur(_|:|$)"), "EUR"),
    (re.compile(r"_usd(_|:|$)"), "USD"),
    (re.compile(r"watts"), "W"),
    (re.compile(r"seconds"), "s"),
    (re.compile(r"bytes"), "B"),
    (re.compile(r"_up:avg"), "share"),
)
"""The first that fits; a series without any of them is a count or a flag."""

NAMED_OTHERWISE = {
    "fleet:carbonfinops_covered:min": "ratio",
    "fleet:carbonfinops_estimate_gaps_per_instances:avg7d": "ratio",
    "carbonfinops_region_pue_ratio": "count",
}
"""Recorded shares that do not end with it, and a ratio that is no share: PUE is 1.2, not 120 %."""

UNITS = {
    "g/kWh": re.compile(r"suffix: ?g/kWh"),
    "moment": re.compile(r"dateTimeFromNow|time:.+"),
    "ratio": re.compile(r"percentunit"),
    "share": re.compile(r"percentunit"),
    "Wh": re.compile(r"watth"),
    "g": re.compile(r"massg|suffix: ?g"),
    "EUR": re.compile(r"currencyEUR"),
    "USD": re.compile(r"currencyUSD"),
    "W": re.compile(r"watt"),
    "s": re.compile(r"s|dthms"),
    "B": re.compile(r"bytes"),
    "USD/EUR": re.compile(r"none"),
    "g/EUR": re.compile(r"suffix: ?g/€"),
    "EUR/kg": re.compile(r"suffix: ?€/kg"),
    "count": re.compile(r"none|short"),
}
"""Units of Grafana for each. Kilograms and kilowatt hours have none: it scales g and Wh itself."""

_COUNTING = {"count", "group", "count_values", "absent", "exp", "ln", "sgn"}
_OF_THOUSAND = {"kg": "g", "kWh": "Wh", "EUR/g": "EUR/kg"} | {
    what: what for what in ("count", "ratio", "share", "moment")
}
_QUOTIENTS = {"1000 EUR/g": "EUR/kg"}

Measures = frozenset[str]


def measure(metric: str) -> str:
    """Of one series, by its name."""
    found = (what for pattern, what in OF_NAMES if pattern.search(metric))
    return NAMED_OTHERWISE.get(metric) or next(found, "count")


def measures(node: Node) -> Measures:
    """Of an expression: one for each side of an ``or``; none for plain numbers.

    A count or flag beside an amount is a sign, such as -1 for what is unknown.
    """
    if node.kind == "selector":
        return frozenset({measure(node.name)})
    if node.kind == "call":
        return _of_call(node)
    return _of_operation(node) if node.kind == "binary" else frozenset()


def _of_call(node: Node) -> Measures:
    if node.name in _COUNTING:
        return frozenset({"count"})
    if node.name in {"time", "timestamp"}:
        return frozenset({"moment"})
    inner = frozenset(what for part in node.parts for what in measures(part))
    if node.name in {"avg", "avg_over_time"} and inner == {"count"}:
        return frozenset({"share"})
    per_second = node.name == "rate" and node.parts[0].name.endswith("_seconds_total")
    return frozenset({"ratio"}) if per_second else inner


def _of_operation(node: Node) -> Measures:
    left, right = map(measures, node.parts)
    both = left | right
    if node.name == "or":
        return both - {"count"} or both
    if node.name in COMPARISONS:
        return frozenset({"count"}) if node.flag else left or right
    if node.name in {"+", "-"}:
        return frozenset({"s"}) if node.name == "-" and left == right == {"moment"} else both
    return _of_product(node, left, right)


def _of_product(node: Node, left: Measures, right: Measures) -> Measures:
    """Of what is multiplied or divided; a filter or a power has the measure of its left side."""
    if node.name != "/" and any(part.number == 0 or part.name == "NaN" for part in node.parts):
        return frozenset()
    if node.name == "*":
        return _product(node, left, right)
    return _quotient(left, right) if node.name == "/" else left


def _product(node: Node, left: Measures, right: Measures) -> Measures:
    factors = {part.number for part in node.parts}
    both = left | right
    if 1000 in factors:
        return frozenset(_OF_THOUSAND.get(what, f"1000 {what}") for what in both)
    if 100 in factors and both == {"ratio"}:
        return frozenset({"count"})
    amounts = both - {"count", "ratio", "share"}
    return amounts or both - {"count"} or both


def _quotient(left: Measures, right: Measures) -> Measures:
    if left and left == right:
        return frozenset({"ratio"})
    below = right - {"count", "ratio"}
    found = frozenset(f"{a}/{b}" for a in left for b in below) if below else left
    return frozenset(_QUOTIENTS.get(what, what) for what in found)
