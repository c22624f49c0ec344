"""What a PromQL expression uses: its grammar as far as metrics and labels are concerned."""

import re
from collections.abc import Iterator
from typing import NamedTuple

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<duration>\d+(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][\w]*(?::[\w]+)*)
    | (?P<sign>=~|!~|!=|==|<=|>=|[-+*/%^=<>(){}\[\],:@])
    """,
    re.VERBOSE,
)
WORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan", "atan2", "start", "end"}
"""Names that are no metrics, whatever follows them."""

_LISTS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_NAMING = {"label_replace": 1, "label_join": 1, "count_values": 0}
"""Functions that name a new label, and after how many commas."""


class Selector(NamedTuple):
    """A metric as it is selected: its name, and the matchers by label (operator and value)."""

    metric: str
    matchers: dict[str, tuple[str, str]]


class Usage(NamedTuple):
    """What an expression reads, the labels it groups and joins by, and those it makes up."""

    selectors: tuple[Selector, ...]
    grouped: frozenset[str]
    made_up: frozenset[str]


class Token(NamedTuple):
    """A word, a number, a string or a sign."""

    kind: str
    text: str


def usage(expression: str) -> Usage:
    """Everything an expression uses. ValueError for what cannot be read, or has no matchers."""
    tokens = tokenized(expression)
    selectors: list[Selector] = []
    grouped: set[str] = set()
    made_up: set[str] = set()
    at = 0
    while at < len(tokens):
        token, follower = tokens[at], tokens[at + 1].text if at + 1 < len(tokens) else ""
        at += 1
        if token.kind != "name" or token.text.lower() in WORDS:
            continue
        if follower == "{":
            end = _closing(tokens, at)
            selectors.append(Selector(token.text, _matchers(tokens[at + 1 : end])))
            at = end
        elif token.text in _LISTS and follower == "(":
            end = _closing(tokens, at)
            grouped.update(item.text for item in tokens[at + 1 : end] if item.kind == "name")
            at = end
        elif token.text in _NAMING:
            made_up.add(_new_label(tokens[at:], _NAMING[token.text]))
        elif not _calls(tokens, at):
            raise ValueError(f"{token.text} is selected without matchers")
    return Usage(tuple(selectors), frozenset(grouped), frozenset(made_up))


def tokenized(expression: str) -> list[Token]:
    """All tokens of an expression, without space and comments. ValueError for what is none."""
    return list(_tokens(expression))


def _tokens(expression: str) -> Iterator[Token]:
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        if match is None or match.lastgroup is None:
            raise ValueError(f"cannot read {expression[at : at + 20]!r}")
        if match.lastgroup != "space":
            yield Token(match.lastgroup, match.group())
        at = match.end()


def _calls(tokens: list[Token], at: int) -> bool:
    """Whether a call or an aggregation follows: sum (...), or sum by (...) (...)."""
    return at < len(tokens) and tokens[at].text in {"(", "by", "without"}


def _closing(tokens: list[Token], at: int) -> int:
    """Where the bracket that opens here is closed; these brackets hold no others."""
    close = {"(": ")", "{": "}"}[tokens[at].text]
    return next(i for i in range(at, len(tokens)) if tokens[i].text == close)


def _matchers(tokens: list[Token]) -> dict[str, tuple[str, str]]:
    inner = [token for token in tokens if token.text != ","]
    return {
        label.text: (operator.text, value.text[1:-1])
        for label, operator, value in zip(inner[::3], inner[1::3], inner[2::3], strict=True)
    }


def _new_label(tokens: list[Token], commas: int) -> str:
    """The first string after so many commas of the call itself."""
    depth = 0
    for token in tokens:
        depth += (token.text in "([{") - (token.text in ")]}")
        if depth == 1 and token.text == ",":
            commas -= 1
        if depth == 1 and commas <= 0 and token.kind == "string":
            return token.text[1:-1]
    raise ValueError("no label is named")
