"""Keeping the number of distinct tag values bounded: tags are free text that users write."""

import re
from collections import Counter
from collections.abc import Sequence

from exporter.exposition.catalogue.instances import CANONICAL_TAGS

OVERFLOW = "__overflow__"
"""Shown instead of a tag value beyond the limit."""

_VALID_LABEL = re.compile(r"[a-zA-Z0-9_]+", re.ASCII)


def tag_label_names(allowed: Sequence[str]) -> tuple[str, ...]:
    """Return the canonical tag labels, then the further allowed ones, without ``tag_``.

    Raises ValueError for a label that Prometheus would not take.
    """
    for label in allowed:
        if not _VALID_LABEL.fullmatch(label):
            raise ValueError(f"tag label {label!r} may hold letters, digits and underscores only")
    return tuple(dict.fromkeys((*CANONICAL_TAGS, *allowed)))


def fold(values: Sequence[str], limit: int) -> tuple[Sequence[str], int]:
    """Replace the values beyond ``limit`` distinct ones; also return how many were replaced.

    The most frequent values stay, ties by name, so that the choice is the same at each refresh.
    The empty value (no such tag) always stays and does not count.
    """
    counts = Counter(values)
    counts.pop("", None)
    if len(counts) <= limit:
        return values, 0
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    kept = {"", *ranked[:limit]}
    overflowed = sum(counts[value] for value in ranked[limit:])
    return [value if value in kept else OVERFLOW for value in values], overflowed
