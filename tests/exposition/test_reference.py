from pathlib import Path

from exporter.exposition.catalogue import METRICS
from exporter.exposition.reference import metrics_reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def test_the_reference_page_is_the_catalogue() -> None:
    """The published page says what the exporter serves."""
    assert PAGE.read_text() == metrics_reference(), (
        "regenerate: python -m exporter.exposition.reference > docs/reference/metrics.md"
    )


def test_every_metric_is_a_row() -> None:
    """Each metric has one row, with its kind and its labels."""
    lines = metrics_reference().splitlines()
    for spec in METRICS:
        (row,) = (line for line in lines if line.startswith(f"| `{spec.name}` |"))
        assert f"| {spec.kind} |" in row
        assert all(f"`{label}`" in row for label in spec.labels)
