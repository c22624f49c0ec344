"""The series of each instance.

Ten thousand instances have a hundred and eighty thousand samples, and their label sets hardly
ever change: each is rendered once and kept for as long as its instance is there.
"""

from collections.abc import Iterable, Sequence

from exporter.core.fleet import Instance
from exporter.core.snapshot import InstanceEstimate
from exporter.exposition.catalogue import instances
from exporter.exposition.family import Family, known, known_bounds, labelled
from exporter.exposition.labels import label_set
from exporter.exposition.tags import fold, tag_label_names

_TAGLESS_INFO_LABELS = tuple(name for name in instances.INFO.labels if not name.startswith("tag_"))


class _LabelSets:
    """Rendered label sets, kept from one call to the next while they are in use."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._rendered: dict[tuple[str, ...], str] = {}

    def of(self, rows: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
        """Render the label set of each row of label values."""
        known, names = self._rendered, self._names
        self._rendered = {row: known.get(row) or label_set(names, row) for row in rows}
        return tuple(self._rendered.values())


class InstanceFamilies:
    """Maps instance estimates to families. Not thread-safe.

    ``tag_labels`` are the allow-listed tags (without ``tag_``) beside the canonical ones; each
    shows at most ``max_tag_values`` distinct values. Raises ValueError for an invalid label.
    """

    def __init__(self, tag_labels: Sequence[str] = (), max_tag_values: int = 200) -> None:
        self._tags = tag_label_names(tag_labels)
        self._tag_label_names = tuple(f"tag_{label}" for label in self._tags)
        self._max_tag_values = max_tag_values
        self._identities = _LabelSets(instances.IDENTITY)
        self._infos = _LabelSets((*_TAGLESS_INFO_LABELS, *self._tag_label_names))
        self._subjects: list[tuple[Instance, str]] = []
        self._facts = self._facts_of(self._subjects)

    @property
    def identities(self) -> tuple[str, ...]:
        """The rendered identity of each instance last mapped; the very same while none changes."""
        return self._facts[1].label_sets

    def of(self, estimates: Sequence[InstanceEstimate]) -> tuple[Family, ...]:
        """Build every per-instance family; an instance may occur only once."""
        subjects = [(estimate.instance, estimate.grid_zone) for estimate in estimates]
        if subjects != self._subjects:
            # Most refreshes bring new quantities for the very same instances.
            self._facts = self._facts_of(subjects)
            self._subjects = subjects
        info, running, overflowed = self._facts
        ids = self.identities
        return (
            info,
            running,
            known(instances.CPU_UTILIZATION, ids, [e.cpu_utilization_ratio for e in estimates]),
            *known_bounds(_POWER, ids, [e.power_watts for e in estimates]),
            *known_bounds(_EMISSIONS, ids, [e.emissions_grams_per_hour for e in estimates]),
            *known_bounds(_EMBODIED, ids, [e.embodied_grams_per_hour for e in estimates]),
            known(instances.COST_USD, ids, [e.cost_usd_per_hour for e in estimates]),
            known(instances.COST_EUR, ids, [e.cost_eur_per_hour for e in estimates]),
            known(instances.COST_LOWER, ids, [e.cost_lower_eur_per_hour for e in estimates]),
            known(instances.COST_UPPER, ids, [e.cost_upper_eur_per_hour for e in estimates]),
            known(instances.RUNTIME, ids, [e.runtime_seconds for e in estimates]),
            known(instances.BILLED, ids, [e.billed_seconds for e in estimates]),
            overflowed,
        )

    def _facts_of(self, subjects: Sequence[tuple[Instance, str]]) -> tuple[Family, Family, Family]:
        tags = [dict(instance.tags) for instance, _ in subjects]
        columns: list[Sequence[str]] = []
        overflowed: list[float] = []
        for label in self._tags:
            column, count = fold([own.get(label, "") for own in tags], self._max_tag_values)
            columns.append(column)
            overflowed.append(float(count))
        rows = (
            (*_identity(instance), *_place_and_make(instance), grid_zone, *values)
            for (instance, grid_zone), values in zip(
                subjects, zip(*columns, strict=True), strict=True
            )
        )
        identities = self._identities.of(_identity(instance) for instance, _ in subjects)
        running = tuple(float(instance.is_running) for instance, _ in subjects)
        names = ((name,) for name in self._tag_label_names)
        return (
            Family(instances.INFO, self._infos.of(rows), (1.0,) * len(subjects)),
            Family(instances.RUNNING, identities, running),
            labelled(instances.TAG_VALUES_OVERFLOWED, zip(names, overflowed, strict=True)),
        )


_POWER = (instances.POWER, instances.POWER_LOWER, instances.POWER_UPPER)
_EMISSIONS = (instances.EMISSIONS, instances.EMISSIONS_LOWER, instances.EMISSIONS_UPPER)
_EMBODIED = (instances.EMBODIED, instances.EMBODIED_LOWER, instances.EMBODIED_UPPER)


def _identity(instance: Instance) -> tuple[str, str, str, str]:
    return instance.account_id, instance.region, instance.instance_id, instance.instance_type


def _place_and_make(instance: Instance) -> tuple[str, ...]:
    return (
        instance.availability_zone,
        instance.name,
        instance.architecture,
        instance.platform,
        instance.purchase_option,
    )
