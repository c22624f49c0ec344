"""A scraped body, read with the Prometheus client library's own parser."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "carbonfinops_"


@dataclass(frozen=True, slots=True)
class Series:
    """One sample; ``name`` without the prefix of the exporter."""

    name: str
    labels: Mapping[str, str]
    value: float

    @property
    def key(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Name and labels, to look the series up in another body."""
        return self.name, tuple(sorted(self.labels.items()))


@dataclass(frozen=True, slots=True)
class Exposition:
    """All series of one scrape."""

    text: str
    by_name: Mapping[str, tuple[Series, ...]]
    scraped_at: float
    undocumented: tuple[str, ...] = field(default=())

    @classmethod
    def of(cls, text: str, scraped_at: float) -> "Exposition":
        """Parse a body."""
        by_name: dict[str, list[Series]] = {}
        undocumented = []
        for family in text_string_to_metric_families(text):
            if not family.documentation or family.type in ("unknown", "untyped"):
                undocumented.append(family.name)
            for sample in family.samples:
                name = sample.name.removeprefix(PREFIX)
                by_name.setdefault(name, []).append(Series(name, sample.labels, sample.value))
        frozen = {name: tuple(series) for name, series in by_name.items()}
        return cls(text, frozen, scraped_at, tuple(undocumented))

    def find(self, name: str, **labels: str) -> list[Series]:
        """Series with these labels."""
        return [
            series
            for series in self.by_name.get(name, ())
            if all(series.labels.get(label) == value for label, value in labels.items())
        ]

    def value(self, name: str, **labels: str) -> float | None:
        """The value of the one series with these labels, None if there is none."""
        found = self.find(name, **labels)
        assert len(found) <= 1, f"{name}{labels}: {len(found)} series"
        return found[0].value if found else None

    def by_instance(self, name: str) -> dict[str, float]:
        """Values by instance id."""
        found = self.by_name.get(name, ())
        values = {series.labels["instance_id"]: series.value for series in found}
        assert len(values) == len(found), f"{name}: an instance has more than one series"
        return values

    def by_key(self) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
        """Every value by name and labels."""
        return {s.key: s.value for found in self.by_name.values() for s in found}

    def gaps(self) -> dict[tuple[str, str, str, str], int]:
        """Nonzero gaps by account, region, quantity and reason."""
        return {
            (
                series.labels["account_id"],
                series.labels["region"],
                series.labels["quantity"],
                series.labels["reason"],
            ): int(series.value)
            for series in self.by_name.get("estimate_gaps", ())
            if series.value
        }
