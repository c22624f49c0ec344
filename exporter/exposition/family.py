"""The samples of one metric, ready to be rendered."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from exporter.core.bounded import Bounded
from exporter.exposition.catalogue import MetricSpec
from exporter.exposition.labels import label_set


@dataclass(frozen=True, slots=True)
class Family:
    """One metric and its samples: the n-th label set, already rendered, has the n-th value.

    No label set may occur twice: Prometheus would refuse the whole scrape.
    """

    spec: MetricSpec
    label_sets: tuple[str, ...]
    values: tuple[float, ...]


# A fleet has few places, sources and grid zones, and shows them at every refresh.
_label_set = lru_cache(maxsize=16_384)(label_set)


def labelled(spec: MetricSpec, samples: Iterable[tuple[Sequence[str], float]]) -> Family:
    """Build a family from label values (in the order of the catalogue) and values."""
    pairs = [(_label_set(spec.labels, tuple(labels)), value) for labels, value in samples]
    return Family(spec, tuple(text for text, _ in pairs), tuple(value for _, value in pairs))


def single(spec: MetricSpec, value: float | None) -> Family:
    """Build a family of one sample without labels, or of none when the value is unknown."""
    return Family(spec, (), ()) if value is None else Family(spec, ("",), (value,))


def known(spec: MetricSpec, label_sets: tuple[str, ...], values: Sequence[float | None]) -> Family:
    """Build a family from label sets that are rendered already, leaving out what is unknown."""
    present = tuple([value for value in values if value is not None])
    if len(present) == len(values):
        # The very same tuple in every such family: kept once, and compared in no time.
        return Family(spec, label_sets, present)
    pairs = zip(label_sets, values, strict=True)
    return Family(spec, tuple([text for text, value in pairs if value is not None]), present)


def known_bounds(
    specs: tuple[MetricSpec, MetricSpec, MetricSpec],
    label_sets: tuple[str, ...],
    values: Sequence[Bounded | None],
) -> tuple[Family, Family, Family]:
    """Build the families of values, lower and upper bounds, leaving out what is unknown."""
    value, lower, upper = specs
    return (
        known(value, label_sets, [None if v is None else v.value for v in values]),
        known(lower, label_sets, [None if v is None else v.lower for v in values]),
        known(upper, label_sets, [None if v is None else v.upper for v in values]),
    )
