"""Which AWS tags become labels."""

from collections.abc import Mapping


class TagLabels:
    """Finds the value of each label among an instance's tags.

    Keys match whatever their case, and with ``-`` and ``_`` alike; the exact key wins where an
    instance carries both. Among several inexact ones the first in the alphabet is used, so that
    the choice does not depend on AWS's order.
    """

    def __init__(self, tag_labels: Mapping[str, str]) -> None:
        self._keys = tuple(sorted(tag_labels.items()))

    def of(self, tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """Give (label, value) of the labels whose tag is there, values as they are."""
        loose = {_loosened(key): tags[key] for key in sorted(tags, reverse=True)}
        found = []
        for label, key in self._keys:
            value = tags.get(key, loose.get(_loosened(key)))
            if value is not None:
                found.append((label, value))
        return tuple(found)


def _loosened(key: str) -> str:
    return key.casefold().replace("-", "_")
