"""Where in an expression each series is read: inside of which calls, and over which range."""

from dataclasses import dataclass, field
from typing import NamedTuple

from tests.prometheus.promql import WORDS, Token, tokenized

PICKING = {"topk", "bottomk"}
AGGREGATIONS = (
    PICKING
    | {"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"}
    | {
        "count_values",
        "quantile",
    }
)


class Call(NamedTuple):
    """A function or aggregation; ``mode`` is by, without or empty."""

    name: str
    mode: str
    labels: frozenset[str]

    @property
    def drops_replicas(self) -> bool:
        """Whether two exporters that report the same thing count once after it."""
        kept = ("instance" in self.labels) == (self.mode != "without")
        return self.name in {"max", "min", "group"} and not kept


class Read(NamedTuple):
    """One selector: its metric, the calls around it from the inside out, and its ranges.

    ``filters`` is true right of ``and`` and ``unless``: there it only counts whether it is there,
    unless some of it are picked first.
    """

    metric: str
    calls: tuple[Call, ...]
    ranges: tuple[str, ...]
    filters: bool = False

    @property
    def aggregations(self) -> tuple[Call, ...]:
        """Only the aggregations around it, from the inside out."""
        return tuple(call for call in self.calls if call.name in AGGREGATIONS)


@dataclass
class _Open:
    """A bracket that is not yet closed, and the reads inside it."""

    call: Call | None
    filters: bool = False
    reads: list["_Reading"] = field(default_factory=list)


@dataclass
class _Reading:
    metric: str
    calls: list[Call] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    filters: bool = False


def reads(expression: str) -> list[Read]:
    """All selectors of an expression, in its order. ValueError for a grouping after its brackets.

    ``sum by (job) (x)`` is read, ``sum (x) by (job)`` is not: one way to write it is enough.
    """
    tokens = tokenized(expression)
    found: list[_Reading] = []
    stack = [_Open(None)]
    call: Call | None = None
    filters = False
    at = 0
    while at < len(tokens):
        token, follower = tokens[at], tokens[at + 1].text if at + 1 < len(tokens) else ""
        at += 1
        if token.kind == "name" and follower == "{":
            at = _closed(tokens, at) + 1
            reading = _Reading(token.text, [], _range(tokens, at), filters)
            filters = False
            found.append(reading)
            stack[-1].reads.append(reading)
        elif token.kind == "name":
            filters = filters or token.text.lower() in {"and", "unless"}
            call, at = _call(tokens, at - 1)
        elif token.text == "(":
            stack.append(_Open(call, filters))
            call, filters = None, False
        elif token.text == ")":
            _close(stack, _range(tokens, at))
    return [Read(r.metric, tuple(r.calls), tuple(r.ranges), r.filters) for r in found]


def _call(tokens: list[Token], at: int) -> tuple[Call | None, int]:
    """What is called by the name here, and where to go on: at the bracket of its arguments."""
    name, after = tokens[at].text, at + 1
    if name.lower() in WORDS:
        return None, after
    if after < len(tokens) and tokens[after].text in {"by", "without"}:
        end = _closed(tokens, after + 1)
        labels = frozenset(each.text for each in tokens[after + 2 : end] if each.kind == "name")
        return Call(name, tokens[after].text, labels), end + 1
    if name in {"by", "without"}:
        raise ValueError(f"write {name} (...) before what it groups")
    if name in {"on", "ignoring", "group_left", "group_right"}:
        listed = after < len(tokens) and tokens[after].text == "("
        return None, _closed(tokens, after) + 1 if listed else after
    calls = after < len(tokens) and tokens[after].text == "("
    return (Call(name, "", frozenset()) if calls else None), after


def _close(stack: list[_Open], ranges: list[str]) -> None:
    """End the innermost bracket: what it holds is inside of its call, and of its subquery."""
    inner = stack.pop()
    for reading in inner.reads:
        reading.ranges += ranges
        if inner.call:
            reading.calls.append(inner.call)
        reading.filters |= inner.filters and not any(call.name in PICKING for call in reading.calls)
    stack[-1].reads += inner.reads


def _range(tokens: list[Token], at: int) -> list[str]:
    """The text of a range or subquery that begins here."""
    if at >= len(tokens) or tokens[at].text != "[":
        return []
    end = next(i for i in range(at, len(tokens)) if tokens[i].text == "]")
    return ["".join(each.text for each in tokens[at + 1 : end])]


def _closed(tokens: list[Token], at: int) -> int:
    """Where the bracket that opens here is closed; these brackets hold no others."""
    close = {"(": ")", "{": "}"}[tokens[at].text]
    return next(i for i in range(at, len(tokens)) if tokens[i].text == close)
