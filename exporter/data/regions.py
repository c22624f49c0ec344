"""What is known of each AWS region: its grid zone, and the PUE that AWS publishes for it."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

AWS_GLOBAL_PUE = 1.14
"""Mean of all AWS data centres in ``AWS_GLOBAL_PUE_YEAR`` (AWS page of
sustainability.aboutamazon.com). For advice to the operator only: it never enters an estimate."""

AWS_GLOBAL_PUE_YEAR = 2025


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """One region. ``grid_zone`` is an Electricity Maps zone.

    ``published_pue`` is AWS's own figure for ``pue_year``; both are None where AWS gives none.
    """

    region: str
    name: str
    grid_zone: str
    published_pue: float | None
    pue_year: int | None


def load_regions() -> Mapping[str, RegionFacts]:
    """All regions of the shipped table (``regions.csv``, sources in ``SOURCES.md``), by name."""
    table = resources.files("exporter.data").joinpath("regions.csv")
    with table.open(encoding="utf-8") as lines:
        return {row["region"]: _facts(row) for row in csv.DictReader(lines)}


def _facts(row: Mapping[str, str]) -> RegionFacts:
    return RegionFacts(
        region=row["region"],
        name=row["name"],
        grid_zone=row["grid_zone"],
        published_pue=float(row["pue"]) if row["pue"] else None,
        pue_year=int(row["pue_year"]) if row["pue_year"] else None,
    )
