"""An upstream's answer, and reading single fields of its JSON; what does not fit is malformed."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exporter.core.provenance import FailureReason
from exporter.sources.source import SourceError

LONGEST_TEXT = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``headers`` ignore case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def malformed(detail: str) -> SourceError:
    """The answer came, but cannot be used."""
    return SourceError(FailureReason.MALFORMED, detail)


def read_json(body: bytes) -> Any:
    """The document in a body, or ValueError.

    By the standard: Python's own reading takes NaN, and makes an infinity of 1e999.
    """
    return json.loads(body, parse_constant=_refuse, parse_float=_finite)


def member(document: object, *path: str) -> object:
    """The value at a path of keys. Raises SourceError (malformed) when it is missing."""
    for depth, key in enumerate(path, start=1):
        if not isinstance(document, dict) or key not in document:
            raise malformed(f"the answer has no {'.'.join(path[:depth])}")
        document = document[key]
    return document


def optional(document: object, key: str) -> object:
    """The value of a key, or None when it is missing."""
    return document.get(key) if isinstance(document, dict) else None


def number(document: object, *path: str, above: float, up_to: float) -> float:
    """The number at a path, inside (above, up_to]. Raises SourceError (malformed) otherwise.

    The limits also keep out NaN, which compares false with everything, and integers too large
    for a float.
    """
    value = member(document, *path)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise malformed(f"{'.'.join(path)} is not a number")
    if not above < value <= up_to:
        raise malformed(f"{'.'.join(path)} is outside {above:g} to {up_to:g}")
    return float(value)


def text(document: object, *path: str) -> str:
    """The short printable ASCII text at a path. Raises SourceError (malformed) otherwise.

    Texts end up as label values and in state files, so they must encode everywhere.
    """
    value = member(document, *path)
    where = ".".join(path) or "the answer"
    if not isinstance(value, str):
        raise malformed(f"{where} is not a text")
    if not 0 < len(value) <= LONGEST_TEXT or not value.isascii() or not value.isprintable():
        raise malformed(f"{where} is empty, too long or not printable")
    return value


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number too large for a float")
    return number
