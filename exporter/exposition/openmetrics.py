"""Samples of the past as OpenMetrics text, as ``promtool tsdb create-blocks-from`` reads it.

It differs from the text of a scrape: every sample has its instant in whole seconds and the labels
that Prometheus adds to a target, a counter's family is named without ``_total``, and all samples
of a family stand together (https://prometheus.io/docs/specs/om/open_metrics_spec/). Inside a
family they are ordered by time: promtool takes that, readers that want each series in one piece
do not.
"""

import math
from collections.abc import Sequence

from exporter.exposition.catalogue import MetricSpec, health
from exporter.exposition.family import Family
from exporter.exposition.labels import escaped, extended, label_set
from exporter.exposition.render import formatted

END = b"# EOF\n"
_OWN = {spec.name: spec for spec in health.METRICS if spec.kind != "histogram"}


def header(spec: MetricSpec) -> bytes:
    """What precedes the samples of a family."""
    name = spec.name.removesuffix("_total") if spec.kind == "counter" else spec.name
    return f"# HELP {name} {escaped(spec.help)}\n# TYPE {name} {spec.kind}\n".encode()


def stamped(lines: Sequence[bytes], at: int) -> bytes:
    """Samples without their instant, each ended by it (epoch seconds)."""
    end = b" %d\n" % at
    return end.join([*lines, b""])


class FamilyLines:
    """Renders the samples of one family without their instant. Not thread-safe.

    ``target`` are names and values of the labels that Prometheus adds, one at least. Label sets
    are rendered once while they stay the same.
    """

    def __init__(self, target: Sequence[tuple[str, str]]) -> None:
        self._names = tuple([name for name, _ in target])
        self._values = tuple([value for _, value in target])
        self._label_sets: tuple[str, ...] = ()
        self._starts: list[str] = []

    def of(self, family: Family) -> list[bytes]:
        """One line per sample. Raises ValueError for a value that is not finite."""
        name = family.spec.name
        if not math.isfinite(sum(family.values)):
            raise ValueError(f"{name} has a value that is not finite")
        if family.label_sets != self._label_sets:
            self._label_sets = family.label_sets
            self._starts = [f"{name}{self._on_target(labels)} " for labels in family.label_sets]
        pairs = zip(self._starts, formatted(family.values), strict=True)
        return [(start + value).encode() for start, value in pairs]

    def _on_target(self, rendered: str) -> str:
        if not rendered:
            return label_set(self._names, self._values)
        return extended(rendered, self._names, self._values)


def own_families(text: str) -> tuple[Family, ...]:
    """Those of the catalogue in the text of the exporter's own metrics, but for histograms."""
    found: dict[str, list[tuple[str, float]]] = {name: [] for name in _OWN}
    for line in text.splitlines():
        sample, _, value = line.rpartition(" ")
        name, brace, labels = sample.partition("{")
        if name in found:
            found[name].append((brace + labels, float(value)))
    return tuple(
        Family(spec, tuple([labels for labels, _ in rows]), tuple([value for _, value in rows]))
        for spec, rows in zip(_OWN.values(), found.values(), strict=True)
        if rows
    )
