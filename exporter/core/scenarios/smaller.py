"""Smaller types of the same family and architecture."""

from collections.abc import Mapping
from math import floor
from typing import NamedTuple

from exporter.core.fleet import Hardware, family_of


class SmallerType(NamedTuple):
    """A type with fewer vCPUs than another one.

    The other's CPU times ``load_factor`` is what the same work would be on this one; it fits up to
    ``highest_level``, a whole percent of the other's CPU.
    """

    instance_type: str
    vcpus: int
    load_factor: float
    highest_level: int


class SmallerTypes:
    """What each type could be replaced by; ``highest_percent`` is how busy a type may be."""

    def __init__(self, hardware: Mapping[str, Hardware], highest_percent: float) -> None:
        self._highest_percent = highest_percent
        self._found: dict[str, tuple[SmallerType, ...]] = {}
        self._groups: dict[tuple[str, str], list[Hardware]] = {}
        for described in hardware.values():
            if not described.accelerators:
                self._groups.setdefault(_group(described), []).append(described)

    def of(self, own: Hardware) -> tuple[SmallerType, ...]:
        """Types of its family and architecture with fewer vCPUs and without accelerators.

        Types with as many vCPUs differ in memory, whose use is not known: they are left out.
        """
        found = self._found.get(own.instance_type)
        if found is None:
            others = self._groups.get(_group(own), ())
            found = tuple(self._smaller(own, other) for other in others if other.vcpus < own.vcpus)
            self._found[own.instance_type] = found
        return found

    def _smaller(self, own: Hardware, other: Hardware) -> SmallerType:
        return SmallerType(
            other.instance_type,
            other.vcpus,
            own.vcpus / other.vcpus,
            floor(self._highest_percent * other.vcpus / own.vcpus),
        )


def _group(described: Hardware) -> tuple[str, str]:
    return family_of(described.instance_type), described.architecture
