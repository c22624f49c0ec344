"""What an expression would have to compute if no rule had recorded anything."""

import re

from tests.prometheus.rulebook import recording_files

RULES = {rule.record: rule.expr for file in recording_files() for rule in file.rules}
RESOLUTION = "1m"
"""At which the rules are evaluated."""

_SELECTOR = re.compile(
    r"(?P<name>[a-z_]+(?::[a-z0-9_]+)+)\{(?P<matchers>[^}]*)\}"
    r"(?:\[(?P<range>[^\]]+)\]|\s*(?P<at>@ end\(\)))?"
)
_OWN = 'job="carbonfinops"'


def unrecorded(expression: str) -> str | None:
    """The expression with the rules written out, down to what the exporter exposes.

    None where it has none to begin with, or chooses among recorded series: a rule's own expression
    cannot be narrowed that easily. None, too, where it needs what only the user can record.
    """
    found = list(_SELECTOR.finditer(expression))
    if not found or not all(_whole(each) for each in found):
        return None
    return _SELECTOR.sub(_written_out, expression)


def _whole(found: re.Match[str]) -> bool:
    """Whether a selector, and all that its rule reads, takes every series of a rule."""
    rule = RULES.get(found["name"])
    return (
        rule is not None
        and found["matchers"] == _OWN
        and all(_whole(each) for each in _SELECTOR.finditer(rule))
    )


def _written_out(found: re.Match[str]) -> str:
    inner = _SELECTOR.sub(_written_out, RULES[found["name"]])
    span = found["range"]
    if found["at"]:
        return f"last_over_time((\n{inner}\n)[{RESOLUTION}:{RESOLUTION}] @ end())"
    if span:
        return f"(\n{inner}\n)[{span if ':' in span else f'{span}:{RESOLUTION}'}]"
    return f"(\n{inner}\n)"
