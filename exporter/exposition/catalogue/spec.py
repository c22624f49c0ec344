"""What the catalogue says of one metric."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """Name, kind, unit, HELP text and label names of one metric.

    ``unit`` is the suffix of the name in base units, empty where there is none (counts, flags).
    ``help`` says what it is, whether it is estimated or measured, and from which source.
    """

    name: str
    kind: Literal["gauge", "counter", "histogram"]
    unit: str
    help: str
    labels: tuple[str, ...] = ()
