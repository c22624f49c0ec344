"""An expression as a tree of its operators: which side of a division or an ``and`` is which."""

from typing import NamedTuple

from tests.prometheus.promql import Token, tokenized

PRECEDENCE = (
    {"or": 1, "and": 2, "unless": 2, "^": 6}
    | dict.fromkeys(("==", "!=", "<", ">", "<=", ">="), 3)
    | dict.fromkeys(("+", "-"), 4)
    | dict.fromkeys(("*", "/", "%", "atan2"), 5)
)
COMPARISONS = {operator for operator, rank in PRECEDENCE.items() if rank == 3}


class Node(NamedTuple):
    """A selector, number, string, call or binary operation.

    ``ranged`` is true for what has a range or is a subquery, ``flag`` for a comparison with bool.
    """

    kind: str
    name: str
    parts: tuple["Node", ...] = ()
    ranged: bool = False
    flag: bool = False

    @property
    def number(self) -> float | None:
        """Its value, when it is a literal one."""
        return float(self.name) if self.kind == "number" else None


def tree(expression: str) -> Node:
    """The tree of an expression without variables. ValueError for what follows its end."""
    reader = _Reader(tokenized(expression))
    found = reader.binary(1)
    if reader.next:
        raise ValueError(f"cannot read {reader.next!r}")
    return found


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def next(self) -> str:
        return self._tokens[self._at].text if self._at < len(self._tokens) else ""

    def binary(self, least: int) -> Node:
        left = self._unary()
        while PRECEDENCE.get(self.next, 0) >= least:
            operator = self._take().text
            flag = self.next == "bool"
            if flag:
                self._take()
            self._matching()
            right = self.binary(PRECEDENCE[operator] + (operator != "^"))
            left = Node("binary", operator, (left, right), flag=flag)
        return left

    def _unary(self) -> Node:
        if self.next not in {"-", "+"}:
            return self._postfix(self._primary())
        sign = self._take().text
        inner = self.binary(PRECEDENCE["^"])
        if inner.kind == "number":
            return Node("number", f"{sign}{inner.name}")
        return Node("binary", "*", (Node("number", f"{sign}1"), inner))

    def _primary(self) -> Node:
        token = self._take()
        if token.text == "(":
            inner = self.binary(1)
            self._take()
            return inner
        if token.kind in {"number", "string"}:
            text = token.text[1:-1] if token.kind == "string" else token.text
            return Node(token.kind, text)
        if token.text.lower() in {"nan", "inf"}:
            return Node("number", token.text)
        if self.next == "{":
            self._skip("}")
            return Node("selector", token.text)
        if self.next in {"by", "without"}:
            self._skip(")")
        return Node("call", token.text, self._arguments())

    def _arguments(self) -> tuple[Node, ...]:
        found: list[Node] = []
        self._take()
        while self.next != ")":
            found.append(self.binary(1))
            if self.next == ",":
                self._take()
        self._take()
        return tuple(found)

    def _postfix(self, node: Node) -> Node:
        while self.next in {"[", "@", "offset"}:
            sign = self._take().text
            if sign == "[":
                self._skip("]")
                node = node._replace(ranged=True)
            elif sign == "@":
                self._primary()
            else:
                self._take()
        return node

    def _matching(self) -> None:
        """Pass over on (...) and group_left (...)."""
        while self.next in {"on", "ignoring", "group_left", "group_right"}:
            self._take()
            if self.next == "(":
                self._skip(")")

    def _skip(self, end: str) -> None:
        while self._take().text != end:
            pass

    def _take(self) -> Token:
        if not self.next:
            raise ValueError("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]
